//! Looking at media servers: who is live there and should not be, and the other way round.
//!
//! A list proves less than it seems: it may be cut, or come from another process than the one that has the publisher.
//! What it may prove stands in its [`Listing`]; what follows from it, given the lists before, in [`Watches`].
//!
//! [`Watches`]: super::watch::Watches

use std::collections::HashSet;

use futures_util::future::join_all;
use time::Duration;

use super::admission::{Refusal, Trigger};
use super::error::AdmitError;
use super::publisher_list::{PublisherList, SyncOutcome};
use super::report::PublisherReport;
use super::session::{EndReason, PendingKick};
use super::use_cases::Broadcasts;
use super::watch::Look;
use crate::Timestamp;
use crate::media_server::{Family, ServerName};
use crate::ports::{Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError, StoreError};

/// How long a publisher may be live before its server must list it.
const LISTED_WITHIN: Duration = Duration::seconds(5);

/// How many publishers are kicked in one step.
const KICK_BATCH: u32 = 100;

/// How long a server that replaces publishers by itself is given for it, before the one that gave way is ended there.
const REPLACED_WITHIN: Duration = Duration::seconds(9);

impl Broadcasts {
    /// Whether it is time to look at the server's list: every two seconds, and more often while something is in doubt.
    pub fn is_look_due(&self, server: &ServerName) -> bool {
        self.watches.is_due(server, self.clock.now())
    }

    /// Compares what is written down with what the server lists: ends what is not there, writes down what was missed,
    /// and kicks what may not be there.
    pub async fn reconcile(&self, server: &ServerName) -> Result<Reconciled, ReconcileError> {
        let (Some(profile), Some(control)) = (self.servers.get(server), self.control_of(server)) else {
            return Ok(Reconciled::default());
        };
        let asked_at = self.clock.now();
        let mut listing = match control.publishers().await {
            Ok(listing) => listing,
            Err(error) => {
                self.watches.failed(server, asked_at);
                return Err(error.into());
            }
        };
        listing.publishers.retain(|publisher| self.is_application(profile.family, &publisher.application));
        let look = self.watches.look(server, &listing, asked_at);
        if let Some(boot_id) = &look.new_boot_id {
            self.note_boot(server, profile.family, boot_id, self.clock.now()).await?;
        }
        self.undo_idle_takeovers(server, &listing, asked_at).await?;
        let list = list_of(server, &listing, &look, asked_at);
        let synced = self.ports.presence.sync_publishers(&list, profile.lease, self.clock.now()).await?;
        let SyncOutcome { known, missing, ended } = synced;
        // Where no hook tells who comes, one that is back so soon is met here first.
        let is_somebody_missed = profile.family.capabilities().has_gate && !missing.is_empty();
        // Two lists in a row must miss a publisher, and both must be complete.
        self.watches.missed(server, if listing.is_whole { missing } else { Vec::new() });
        let mut done = Reconciled { ended, ..Reconciled::default() };
        let known: HashSet<String> = known.into_iter().collect();
        let mut to_kick = Vec::new();
        for one in listing.publishers {
            let known_as = one.known_as();
            // One that sends no media is not live, and is looked at again soon.
            if known.contains(known_as) || one.may_wait || look.stalled.contains(known_as) {
                continue;
            }
            let trigger =
                if profile.family.capabilities().has_gate { Trigger::GatedPoll } else { Trigger::Poll };
            let report = report_of(one, trigger, profile.family);
            match self.admit_seen(server, &report, asked_at).await {
                Ok(_) => done.found += 1,
                Err(AdmitError::Store(error)) => return Err(error.into()),
                // The one before may hold the stream until the next list misses it as well.
                Err(AdmitError::Refused(Refusal::AlreadyLive)) if is_somebody_missed => {}
                // The publisher that took over may not send media yet; `kick_pending` ends the one before.
                Err(AdmitError::Refused(Refusal::SessionEnded))
                    if profile.family.capabilities().replaces_publishers => {}
                Err(AdmitError::Refused(_)) => to_kick.push(report.publisher_at(server)),
            }
        }
        let kicks = to_kick.iter().map(|publisher| control.kick(publisher, KickPatience::Unhurried));
        let mut failure = None;
        for kicked in join_all(kicks).await {
            match kicked {
                // One that was not found is listed again, if it is there.
                Ok(_) => done.kicked += 1,
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(done), |error| Err(error.into()))
    }

    /// Withdraws takeovers whose publishers send no media, where the former publisher is still live.
    ///
    /// Only a server that replaces publishers by itself keeps the one before until then.
    async fn undo_idle_takeovers(
        &self,
        server: &ServerName,
        listing: &Listing,
        asked_at: Timestamp,
    ) -> Result<(), StoreError> {
        for newcomer in self.watches.idle_takeovers(server, listing, asked_at) {
            self.ports.admissions.withdraw(newcomer, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Ends the publishers of a server whose streams were stopped, expired or deleted, or who had to give way.
    ///
    /// What fails is tried again, by whichever instance comes first, until the publisher is seen to be gone.
    pub async fn kick_pending(&self, server: &ServerName) -> Result<u32, ReconcileError> {
        let (Some(profile), Some(control)) = (self.servers.get(server), self.control_of(server)) else {
            return Ok(0);
        };
        let now = self.clock.now();
        // A server that replaces publishers by itself does so when the media of the next one come.
        let patience =
            if profile.family.capabilities().replaces_publishers { REPLACED_WITHIN } else { Duration::ZERO };
        let due = self.ports.kicks.claim_pending_kicks(server, now.plus(-patience), now, KICK_BATCH).await?;
        let kicks = due.iter().map(|pending| kick_one(profile.family, &*control, pending));
        let (mut count, mut unfound, mut failure) = (0, Vec::new(), None);
        for (pending, kicked) in due.iter().zip(join_all(kicks).await) {
            match kicked {
                Ok(Kick::Gone) => {
                    self.ports.kicks.mark_kicked(pending.session, self.clock.now()).await?;
                    count += 1;
                }
                Ok(Kick::NotFound) => unfound.push(pending),
                Err(error) => failure = Some(error),
            }
        }
        count += self.confirm_gone(server, &*control, &unfound).await?;
        failure.map_or(Ok(count), |error| Err(error.into()))
    }

    /// Confirms the kicks of those that were not found, where a list of the same process shows that they are gone.
    async fn confirm_gone(
        &self,
        server: &ServerName,
        control: &dyn MediaServer,
        unfound: &[&PendingKick],
    ) -> Result<u32, ReconcileError> {
        if unfound.is_empty() {
            return Ok(0);
        }
        let (mut count, listing) = (0, control.publishers().await?);
        for kick in unfound {
            if self.watches.proves_gone(server, &listing, &kick.publisher.session) {
                self.ports.kicks.mark_kicked(kick.session, self.clock.now()).await?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Kicks one publisher, unless its server kicks by name alone: that would hit the one that took over.
async fn kick_one(
    family: Family,
    control: &dyn MediaServer,
    pending: &PendingKick,
) -> Result<Kick, MediaServerError> {
    if family.capabilities().kicks_by_name && pending.why == EndReason::Superseded {
        return Ok(Kick::Gone);
    }
    control.kick(&pending.publisher, KickPatience::Unhurried).await
}

/// The list as the store takes it.
fn list_of(server: &ServerName, listing: &Listing, look: &Look, asked_at: Timestamp) -> PublisherList {
    let is_stalled = |one: &&ListedPublisher| look.stalled.contains(one.known_as());
    let moving: Vec<&ListedPublisher> = listing.publishers.iter().filter(|one| !is_stalled(one)).collect();
    let names = moving.iter().filter(|one| one.session.is_none());
    PublisherList {
        server: server.clone(),
        sessions: moving.iter().filter_map(|one| one.session.clone()).collect(),
        names: names.map(|one| one.name.expose().to_owned()).collect(),
        stalled: look.stalled.iter().cloned().collect(),
        asked_at,
        // After a restart no session is judged that may have begun since.
        settled_before: look.restarted_at.unwrap_or(asked_at).min(asked_at.plus(-LISTED_WITHIN)),
        absent: look.absent.clone(),
    }
}

fn report_of(listed: ListedPublisher, trigger: Trigger, family: Family) -> PublisherReport {
    PublisherReport {
        trigger,
        session: listed.session.unwrap_or_default(),
        boot_id: None,
        connection_number: listed.connection_number,
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
    pub kicked: u32,
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
