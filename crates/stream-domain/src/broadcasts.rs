//! The use cases of media servers: who may go on air, who is on air, and who is to be taken off it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use time::Duration;

use crate::admission::{
    AddressForm, Admitted, Attempt, Phase, Proof, PublishRequest, Refusal, Takeover, Terms, Verdict,
};
use crate::media_server::{Family, MediaServers, ServerName};
use crate::ports::{
    Clock, EndOf, Listed, MediaServer, MediaServerError, Roll, SessionRepository, StoreError,
};
use crate::session::{EndReason, PublishName, Publisher, Session};
use crate::{StreamId, Timestamp, UserId};

/// How long a publisher may be on air before its server must list it.
const LISTED_WITHIN: Duration = Duration::seconds(5);

/// How many publishers are cut in one step.
const CUT_BATCH: u32 = 100;

/// How many media servers are remembered at most.
const MANY_SERVERS: usize = 1_000;

/// How many rows a sweep changes in one step.
const SWEEP_BATCH: u32 = 500;

/// How long ended sessions and refused attempts are kept.
const MEMORY: Duration = Duration::days(30);

/// How many sessions and attempts their owner is shown.
const SHOWN: u32 = 100;

/// How publishers are admitted, by the settings.
#[derive(Debug, Clone)]
pub struct BroadcastOptions {
    /// Where the key stands in addresses.
    pub form: AddressForm,
    /// The application that publishers go to, such as `live`.
    pub application: String,
    /// Who may take over from a publisher that is still alive.
    pub takeover: Takeover,
    /// How soon a reconnect counts as the same broadcast.
    pub reconnect_window: Duration,
}

/// What a media server says of a publisher.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whether it asks, or goes on.
    pub phase: Phase,
    /// The server's id of the publisher's stay.
    pub session: String,
    /// The run of the server, where it says.
    pub run: Option<String>,
    /// The number of the connection, where the server counts them from 1 at each start.
    pub ordinal: Option<i64>,
    /// The application that it publishes to.
    pub application: String,
    /// The name that it publishes, without what stands behind its `?`.
    pub name: PublishName,
    /// What stands as `key` behind the name's `?`.
    pub key: Option<String>,
    /// `rtmp`, `srt` and so on.
    pub protocol: String,
    /// Where it comes from, if the server says.
    pub address: Option<IpAddr>,
    /// The kind of the server.
    pub family: Family,
}

/// Everything that the service does with publishers.
#[derive(Clone)]
pub struct Broadcasts {
    sessions: Arc<dyn SessionRepository>,
    clock: Arc<dyn Clock>,
    servers: Arc<MediaServers>,
    options: BroadcastOptions,
    /// The run that each media server was last seen in, so that a new one is noticed.
    runs: Arc<Mutex<HashMap<ServerName, String>>>,
}

impl std::fmt::Debug for Broadcasts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broadcasts").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Broadcasts {
    /// Wires the use cases to their ports.
    pub fn new(
        sessions: Arc<dyn SessionRepository>,
        clock: Arc<dyn Clock>,
        servers: Arc<MediaServers>,
        options: BroadcastOptions,
    ) -> Self {
        Self { sessions, clock, servers, options, runs: Arc::default() }
    }

    /// The media servers that the settings name.
    pub fn servers(&self) -> &MediaServers {
        &self.servers
    }

    /// Decides whether a publisher may go on air, or stay there.
    ///
    /// A publisher that has to give way is ended at its server before the answer, where that has a control interface:
    /// most servers refuse a second publisher themselves while the first is there.
    pub async fn admit(&self, server: &ServerName, claim: &Claim) -> Result<Admitted, AdmitError> {
        let now = self.clock.now();
        let request = match self.request(server, claim) {
            Ok(request) => request,
            Err(refusal) => {
                // A connection that goes on to publish what cannot be a key is closed, and has ended what it published.
                if claim.phase == Phase::Asks {
                    let connection = EndOf::Session(server.clone(), claim.session.clone());
                    self.sessions.end(&connection, EndReason::Republished, now).await?;
                }
                return Err(refusal.into());
            }
        };
        if let Some(run) = &request.run {
            self.notice_run(server, claim.family, run, now).await?;
        }
        let terms = Terms {
            takeover: self.options.takeover,
            reconnect_window: self.options.reconnect_window,
            lease: self.servers.lease_of(server, claim.family),
        };
        match self.sessions.admit(&request, &terms, now).await? {
            Verdict::Refused(refusal) => Err(refusal.into()),
            Verdict::Admitted(mut admitted) => {
                if let Some((session, publisher)) = &admitted.superseded
                    && let Some(control) = self.control_before_answer(&publisher.server)
                    && control.cut(publisher).await.is_ok()
                {
                    self.sessions.confirm_cut(*session, self.clock.now()).await?;
                }
                let renames =
                    self.options.form == AddressForm::Rename && matches!(request.proof, Proof::Key(_));
                admitted.rename = renames && claim.phase == Phase::Asks;
                Ok(admitted)
            }
        }
    }

    /// A publisher has left, as its media server says.
    pub async fn end(&self, which: &EndOf, reason: EndReason) -> Result<bool, StoreError> {
        self.sessions.end(which, reason, self.clock.now()).await
    }

    /// A media server says that it is well; what it had live before it was started anew has ended.
    pub async fn keep_alive(
        &self,
        server: &ServerName,
        family: Family,
        run: Option<String>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let lease = self.servers.lease_of(server, family);
        self.sessions.keep_alive(server, run.clone(), lease, now).await?;
        if let Some(run) = run {
            self.remember_run(server, &run);
        }
        Ok(())
    }

    /// A media server was started anew: nothing that it had live is there any more.
    pub async fn restarted(&self, server: &ServerName) -> Result<(), StoreError> {
        let now = self.clock.now();
        let nobody = Roll {
            server: server.clone(),
            sessions: Vec::new(),
            names: Vec::new(),
            asked_at: now,
            settled_before: now,
        };
        self.sessions.call_roll(&nobody, Duration::ZERO, now).await.map(drop)
    }

    /// Compares what is written down with what the server lists: ends what is not there, writes down what was missed,
    /// and cuts what may not be there.
    pub async fn reconcile(&self, server: &ServerName) -> Result<Reconciled, ReconcileError> {
        let (Some(profile), Some(control)) = (self.servers.get(server), self.control_of(server)) else {
            return Ok(Reconciled::default());
        };
        let phase = if profile.family.has_gate() { Phase::Vouched } else { Phase::Listed };
        let asked_at = self.clock.now();
        let mut listed = control.publishers().await?;
        listed.retain(|publisher| publisher.application == self.options.application);
        let names = listed.iter().filter(|one| one.session.is_none());
        let roll = Roll {
            server: server.clone(),
            sessions: listed.iter().filter_map(|one| one.session.clone()).collect(),
            names: names.map(|one| one.name.expose().to_owned()).collect(),
            asked_at,
            settled_before: asked_at.plus(-LISTED_WITHIN),
        };
        let lease = profile.lease;
        let answered = self.sessions.call_roll(&roll, lease, self.clock.now()).await?;
        let mut done = Reconciled { ended: answered.ended, ..Reconciled::default() };
        for one in listed {
            let known_as = one.session.as_deref().unwrap_or(one.name.expose());
            if answered.known.iter().any(|known| known == known_as) {
                continue;
            }
            let claim = claim_of(one, phase, profile.family);
            match self.admit(server, &claim).await {
                Ok(_) => done.found += 1,
                Err(AdmitError::Store(error)) => return Err(error.into()),
                Err(AdmitError::Refused(_)) => {
                    control.cut(&publisher_of(server, &claim)).await?;
                    done.cut += 1;
                }
            }
        }
        Ok(done)
    }

    /// Ends the publishers of a server whose streams were stopped, expired or deleted, or who had to give way.
    ///
    /// What fails is tried again, by whichever instance comes first, until the publisher is seen to be gone.
    pub async fn cut_due(&self, server: &ServerName) -> Result<u32, ReconcileError> {
        let (Some(profile), Some(control)) = (self.servers.get(server), self.control_of(server)) else {
            return Ok(0);
        };
        let mut count = 0;
        for cut in self.sessions.take_cuts(server, self.clock.now(), CUT_BATCH).await? {
            // Where only the name can be ended, whoever took over would be.
            if !(profile.family.ends_by_name() && cut.why == EndReason::Superseded) {
                control.cut(&cut.publisher).await?;
            }
            self.sessions.confirm_cut(cut.session, self.clock.now()).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Writes down the end of sessions whose lease has run out, and forgets what is older than 30 days.
    pub async fn sweep(&self) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut total: u32 = 0;
        loop {
            let ended = self.sessions.end_overdue(now, SWEEP_BATCH).await?;
            total = total.saturating_add(ended);
            if ended < SWEEP_BATCH {
                break;
            }
        }
        while self.sessions.forget(now.plus(-MEMORY), SWEEP_BATCH).await? >= SWEEP_BATCH {}
        Ok(total)
    }

    /// The sessions of one of the user's streams, newest first; `None` if the user has no such stream.
    pub async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        self.sessions.list_sessions(user, stream, SHOWN).await
    }

    /// The last refused attempts on the user's keys, newest first.
    pub async fn list_attempts(&self, user: UserId) -> Result<Vec<Attempt>, StoreError> {
        self.sessions.list_attempts(user, SHOWN).await
    }

    fn control_of(&self, server: &ServerName) -> Option<Arc<dyn MediaServer>> {
        self.servers.get(server)?.control.clone()
    }

    /// The control interface of a server that can be told to end a publisher while it waits for an answer.
    fn control_before_answer(&self, server: &ServerName) -> Option<Arc<dyn MediaServer>> {
        let profile = self.servers.get(server)?;
        profile.control.clone().filter(|_| !profile.family.replaces_publishers())
    }

    fn request(&self, server: &ServerName, claim: &Claim) -> Result<PublishRequest, Refusal> {
        if claim.application != self.options.application {
            return Err(Refusal::ForeignApplication);
        }
        let (name, key) = (claim.name.expose(), claim.key.as_deref());
        let proof = Proof::read(self.options.form, claim.phase, claim.family.can_rename(), name, key)?;
        Ok(PublishRequest {
            phase: claim.phase,
            publisher: publisher_of(server, claim),
            proof,
            run: claim.run.clone(),
            ordinal: claim.ordinal,
        })
    }

    /// Ends the sessions of earlier runs of a server, the first time that a run is seen.
    async fn notice_run(
        &self,
        server: &ServerName,
        family: Family,
        run: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_known = {
            let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.get(server).is_some_and(|known| known == run)
        };
        if !is_known {
            let lease = self.servers.lease_of(server, family);
            self.sessions.keep_alive(server, Some(run.to_owned()), lease, now).await?;
            self.remember_run(server, run);
        }
        Ok(())
    }

    fn remember_run(&self, server: &ServerName, run: &str) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // Names come from whoever is let in; a map that grows without end is worse than a run that is looked up twice.
        if runs.len() >= MANY_SERVERS {
            runs.clear();
        }
        runs.insert(server.clone(), run.to_owned());
    }
}

fn publisher_of(server: &ServerName, claim: &Claim) -> Publisher {
    Publisher {
        server: server.clone(),
        session: claim.session.clone(),
        application: claim.application.clone(),
        name: claim.name.clone(),
        protocol: claim.protocol.clone(),
        address: claim.address,
    }
}

fn claim_of(listed: Listed, phase: Phase, family: Family) -> Claim {
    Claim {
        phase,
        session: listed.session.unwrap_or_else(|| listed.name.expose().to_owned()),
        run: None,
        ordinal: listed.ordinal,
        application: listed.application,
        name: listed.name,
        key: listed.key,
        protocol: listed.protocol,
        address: listed.address,
        family,
    }
}

/// What a look at a server's list led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Sessions that were written down as live and are not listed.
    pub ended: u32,
    /// Publishers that are listed and were not written down.
    pub found: u32,
    /// Publishers that are listed and may not be there.
    pub cut: u32,
}

/// Why a publisher is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// It may not publish.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed, so nobody knows; the publisher is refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdmitError {
    /// What the publisher's owner and the media server are told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Store(_) => Refusal::StoreUnavailable,
        }
    }
}

/// Why a server could not be compared with what is written down.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The media server failed.
    #[error(transparent)]
    MediaServer(#[from] MediaServerError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
