//! The use cases of publishers: who may go live, who remains live, and who has left.

use std::sync::Arc;

use time::Duration;

use super::admission::{
    AddressForm, Admitted, Attempt, Proof, PublishRequest, Refusal, Takeover, Terms, Trigger, Verdict,
};
use super::boot_ids::BootIds;
use super::error::AdmitError;
use super::publisher_list::{Absent, PublisherList};
use super::report::PublisherReport;
use super::session::{EndReason, Session, SessionId};
use super::silent::Silent;
use super::watch::Watches;
use crate::media_server::{Family, MediaServers, ServerName};
use crate::ports::{Clock, MediaServer, SessionPorts, SessionSelector, StoreError};
use crate::{StreamId, Timestamp, UserId};

/// How many rows a sweep changes in one step.
const SWEEP_BATCH: u32 = 500;

/// How long ended sessions and refused attempts are kept.
const RETENTION: Duration = Duration::days(30);

/// How many sessions and attempts their owner is shown.
const HISTORY_LIMIT: u32 = 100;

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

/// Everything that the service does with publishers.
#[derive(Clone)]
pub struct Broadcasts {
    pub(super) ports: SessionPorts,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) servers: Arc<MediaServers>,
    pub(super) options: BroadcastOptions,
    /// The runs of media servers that this instance has noted in the store.
    pub(super) boot_ids: Arc<BootIds>,
    /// What the lists of media servers have shown to this instance.
    pub(super) watches: Arc<Watches>,
    /// Media servers that cannot be asked, and that have reported nothing yet.
    pub(super) silent: Arc<Silent>,
}

impl std::fmt::Debug for Broadcasts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broadcasts").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Broadcasts {
    /// Wires the use cases to their ports.
    pub fn new(
        ports: SessionPorts,
        clock: Arc<dyn Clock>,
        servers: Arc<MediaServers>,
        options: BroadcastOptions,
    ) -> Self {
        Self {
            ports,
            clock,
            servers,
            options,
            boot_ids: Arc::default(),
            watches: Arc::default(),
            silent: Arc::default(),
        }
    }

    /// The media servers that the settings name.
    pub fn servers(&self) -> &MediaServers {
        &self.servers
    }

    /// Decides whether a publisher may go live, or remain live.
    ///
    /// A publisher that has to give way is ended at its server before the answer, where that has a control interface:
    /// most servers refuse a second publisher themselves while the first is there.
    pub async fn admit(&self, server: &ServerName, report: &PublisherReport) -> Result<Admitted, AdmitError> {
        self.admit_seen(server, report, self.clock.now()).await
    }

    /// The same, of a publisher whose server spoke of it at `seen_at`.
    pub(super) async fn admit_seen(
        &self,
        server: &ServerName,
        report: &PublisherReport,
        seen_at: Timestamp,
    ) -> Result<Admitted, AdmitError> {
        let now = self.clock.now();
        let request = match self.request(server, report, seen_at) {
            Ok(request) => request,
            Err(refusal) => {
                // A connection that goes on to publish what cannot be a key is closed, and has ended what it published.
                if report.trigger == Trigger::PublishRequest {
                    let (at, session) = (server.clone(), report.session.clone());
                    let connection = SessionSelector::Session { server: at, session, name: None };
                    self.ports.admissions.end(&connection, EndReason::Republished, now).await?;
                    self.tell_owner(server, report, refusal, now).await;
                }
                return Err(refusal.into());
            }
        };
        if let (Some(boot_id), Trigger::PublishRequest) = (&request.boot_id, report.trigger) {
            self.note_boot(server, report.family, boot_id, now).await?;
        }
        let lease = self.servers.lease_of(server, report.family);
        let is_stalled = self.is_stalled(server, report);
        let terms = Terms {
            takeover: self.takeover_at(server, report.family),
            reconnect_window: self.options.reconnect_window,
            // A server that still reports a publisher says nothing of its media, which its list shows to stand still.
            lease: if is_stalled { Duration::ZERO } else { lease },
        };
        let confirmed = !is_stalled && self.counts_at_once(server, report.trigger);
        let request = PublishRequest { confirmed, ..request };
        match self.ports.admissions.admit(&request, &terms, now).await? {
            Verdict::Refused(refusal) => {
                if refusal == Refusal::UnknownKey && report.trigger == Trigger::PublishRequest {
                    self.tell_owner(server, report, refusal, now).await;
                }
                Err(refusal.into())
            }
            Verdict::Admitted(mut admitted) => {
                if self.control_of(server).is_none() {
                    match report.trigger {
                        // No setting makes it report.
                        Trigger::PublishRequest
                            if report.family.capabilities().liveness_settings.is_none() => {}
                        Trigger::PublishRequest => self.silent.let_in(server, report.family, now),
                        _ => self.silent.spoke(server),
                    }
                }
                if report.trigger == Trigger::PublishRequest && !request.confirmed {
                    self.watches.await_publisher(server, &report.session, &report.name, now);
                }
                if request.confirmed && self.control_of(server).is_some() {
                    self.watches.note_shown(server, &report.session);
                }
                if let Some((session, publisher)) = &admitted.superseded {
                    self.make_way(server, report, admitted.session, (*session, publisher)).await;
                }
                let renames =
                    self.options.form == AddressForm::Rename && matches!(request.proof, Proof::Key(_));
                admitted.rename = renames && report.trigger == Trigger::PublishRequest;
                Ok(admitted)
            }
        }
    }

    /// A publisher has left, as its media server says.
    pub async fn end(&self, which: &SessionSelector, reason: EndReason) -> Result<bool, StoreError> {
        self.ports.admissions.end(which, reason, self.clock.now()).await
    }

    /// Undoes an admission whose answer came too late: the publisher was refused, and the one that gave way to it stays
    /// if it has not been ended at its server yet.
    pub async fn withdraw(&self, session: SessionId) -> Result<(), StoreError> {
        self.ports.admissions.withdraw(session, self.clock.now()).await
    }

    /// A media server sends a heartbeat; the sessions of its earlier boots have ended.
    pub async fn heartbeat(
        &self,
        server: &ServerName,
        family: Family,
        boot_id: Option<String>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let lease = self.servers.lease_of(server, family);
        self.silent.spoke(server);
        self.ports.presence.heartbeat(server, boot_id.clone(), lease, now).await?;
        if let Some(boot_id) = boot_id {
            self.boot_ids.remember(server, &boot_id);
        }
        Ok(())
    }

    /// A media server has restarted: all its sessions have ended.
    pub async fn restarted(&self, server: &ServerName) -> Result<(), StoreError> {
        let now = self.clock.now();
        let nobody = PublisherList {
            server: server.clone(),
            sessions: Vec::new(),
            names: Vec::new(),
            stalled: Vec::new(),
            asked_at: now,
            settled_before: now,
            absent: Absent::Ended(EndReason::ServerRestarted),
        };
        self.ports.presence.sync_publishers(&nobody, Duration::ZERO, now).await.map(drop)
    }

    /// Writes down the end of sessions whose lease has run out, and forgets what is older than 30 days.
    pub async fn sweep(&self) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut total: u32 = 0;
        loop {
            let ended = self.ports.presence.expire_leases(now, SWEEP_BATCH).await?;
            total = total.saturating_add(ended);
            if ended < SWEEP_BATCH {
                break;
            }
        }
        while self.ports.history.forget(now.plus(-RETENTION), SWEEP_BATCH).await? >= SWEEP_BATCH {}
        Ok(total)
    }

    /// The sessions of one of the user's streams, newest first; `None` if the user has no such stream.
    pub async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        self.ports.history.list_sessions(user, stream, HISTORY_LIMIT).await
    }

    /// The last refused attempts on the user's keys, newest first.
    pub async fn list_attempts(&self, user: UserId) -> Result<Vec<Attempt>, StoreError> {
        self.ports.history.list_attempts(user, HISTORY_LIMIT).await
    }

    /// Media servers that let a publisher in, have reported nothing since, and cannot be asked: the publisher is live only
    /// as long as its lease, and a stop does not kick it. Each server is returned once.
    pub fn take_silent_servers(&self) -> Vec<(ServerName, Family)> {
        self.silent.take(self.clock.now())
    }

    pub(super) fn control_of(&self, server: &ServerName) -> Option<Arc<dyn MediaServer>> {
        self.servers.get(server)?.control.clone()
    }

    /// Who may take over at this server: no one from a live publisher that can neither be kicked nor gives way by itself.
    pub(super) fn takeover_at(&self, server: &ServerName, family: Family) -> Takeover {
        let gives_way = family.capabilities().replaces_publishers || family.capabilities().asks_again;
        if gives_way || self.control_of(server).is_some() { self.options.takeover } else { Takeover::Overdue }
    }

    fn request(
        &self,
        server: &ServerName,
        report: &PublisherReport,
        seen_at: Timestamp,
    ) -> Result<PublishRequest, Refusal> {
        let proof = self.proof_of(report)?;
        Ok(PublishRequest {
            trigger: report.trigger,
            publisher: report.publisher_at(server),
            proof,
            seen_at,
            boot_id: report.boot_id.clone(),
            connection_number: report.connection_number,
            confirmed: true,
        })
    }

    /// Has the store note a boot the first time that this instance sees it, which ends the sessions of earlier ones.
    pub(super) async fn note_boot(
        &self,
        server: &ServerName,
        family: Family,
        boot_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.boot_ids.has_seen(server, boot_id) {
            let lease = self.servers.lease_of(server, family);
            self.ports.presence.heartbeat(server, Some(boot_id.to_owned()), lease, now).await?;
            self.boot_ids.remember(server, boot_id);
        }
        Ok(())
    }
}
