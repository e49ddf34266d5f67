//! Looking at media servers: who is live there and should not be, and the other way round.

use std::collections::HashSet;

use time::Duration;

use super::{AdmitError, Broadcasts, Claim, publisher_of};
use crate::admission::Phase;
use crate::media_server::{Family, ServerName};
use crate::ports::{Absent, Listed, MediaServerError, PublisherList, StoreError};
use crate::session::EndReason;

/// How long a publisher may be on air before its server must list it.
const LISTED_WITHIN: Duration = Duration::seconds(5);

/// How many publishers are cut in one step.
const CUT_BATCH: u32 = 100;

impl Broadcasts {
    /// Compares what is written down with what the server lists: ends what is not there, writes down what was missed,
    /// and cuts what may not be there.
    pub async fn reconcile(&self, server: &ServerName) -> Result<Reconciled, ReconcileError> {
        let (Some(profile), Some(control)) = (self.servers.get(server), self.control_of(server)) else {
            return Ok(Reconciled::default());
        };
        let phase = if profile.family.has_gate() { Phase::Vouched } else { Phase::Listed };
        let asked_at = self.clock.now();
        let mut listed = control.publishers().await?;
        listed.retain(|publisher| self.is_application(profile.family, &publisher.application));
        let names = listed.iter().filter(|one| one.session.is_none());
        let list = PublisherList {
            server: server.clone(),
            sessions: listed.iter().filter_map(|one| one.session.clone()).collect(),
            names: names.map(|one| one.name.expose().to_owned()).collect(),
            stalled: Vec::new(),
            asked_at,
            settled_before: asked_at.plus(-LISTED_WITHIN),
            absent: Absent::Ended(EndReason::Left),
        };
        let lease = profile.lease;
        let synced = self.sessions.sync_publishers(&list, lease, self.clock.now()).await?;
        let mut done = Reconciled { ended: synced.ended, ..Reconciled::default() };
        let known: HashSet<String> = synced.known.into_iter().collect();
        let mut failure = None;
        for one in listed {
            let known_as = one.session.as_deref().unwrap_or(one.name.expose());
            if known.contains(known_as) {
                continue;
            }
            let claim = claim_of(one, phase, profile.family);
            match self.admit_seen(server, &claim, asked_at).await {
                Ok(_) => done.found += 1,
                Err(AdmitError::Store(error)) => return Err(error.into()),
                Err(AdmitError::Refused(_)) => match control.cut(&publisher_of(server, &claim)).await {
                    Ok(()) => done.cut += 1,
                    // One that cannot be cut keeps nobody from being looked at.
                    Err(error) => failure = Some(error),
                },
            }
        }
        failure.map_or(Ok(done), |error| Err(error.into()))
    }

    /// Ends the publishers of a server whose streams were stopped, expired or deleted, or who had to give way.
    ///
    /// What fails is tried again, by whichever instance comes first, until the publisher is seen to be gone.
    pub async fn cut_due(&self, server: &ServerName) -> Result<u32, ReconcileError> {
        let (Some(profile), Some(control)) = (self.servers.get(server), self.control_of(server)) else {
            return Ok(0);
        };
        let (mut count, mut failure) = (0, None);
        for cut in self.sessions.take_cuts(server, self.clock.now(), CUT_BATCH).await? {
            // Where only the name can be ended, whoever took over would be.
            let is_anothers = profile.family.ends_by_name() && cut.why == EndReason::Superseded;
            let done = if is_anothers { Ok(()) } else { control.cut(&cut.publisher).await };
            match done {
                Ok(()) => {
                    self.sessions.confirm_cut(cut.session, self.clock.now()).await?;
                    count += 1;
                }
                // Nobody else could be cut either.
                Err(error @ MediaServerError::Unreachable(_)) => return Err(error.into()),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(count), |error| Err(error.into()))
    }
}

fn claim_of(listed: Listed, phase: Phase, family: Family) -> Claim {
    Claim {
        phase,
        session: listed.session.unwrap_or_default(),
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
