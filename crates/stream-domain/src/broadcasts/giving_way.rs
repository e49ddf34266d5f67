//! How one publisher gives way to another, and when one that was let in counts as live.

use std::sync::Arc;

use super::admission::Trigger;
use super::publisher_list::{Absent, PublisherList};
use super::report::PublisherReport;
use super::session::{Publisher, SessionId};
use super::takeovers::Newcomer;
use super::use_cases::Broadcasts;
use crate::media_server::ServerName;
use crate::ports::{Kick, KickPatience, MediaServer};

impl Broadcasts {
    /// Sees to it that a publisher gives way to the one that took over from it, as far as that can be done before the
    /// answer; what fails here is done later by [`Self::kick_pending`].
    pub(super) async fn make_way(
        &self,
        server: &ServerName,
        report: &PublisherReport,
        newcomer: SessionId,
        (session, former): (SessionId, &Publisher),
    ) {
        let now = self.clock.now();
        if report.family.capabilities().replaces_publishers && former.server == *server {
            // Viewers go on with the one before until the media of the next one come, so the stream stays live.
            let newcomer = Newcomer { session: newcomer, known_as: report.session.clone() };
            let was_on_air = self.watches.was_shown(server, &former.session);
            self.watches.await_takeover(server, newcomer, &former.session, now);
            if !was_on_air {
                return;
            }
            let shown = PublisherList {
                server: server.clone(),
                sessions: vec![report.session.clone()],
                names: Vec::new(),
                stalled: Vec::new(),
                asked_at: now,
                settled_before: now,
                absent: Absent::Kept,
            };
            let lease = self.servers.lease_of(server, report.family);
            let _ = self.ports.presence.sync_publishers(&shown, lease, now).await;
            self.watches.note_shown(server, &report.session);
            return;
        }
        // Only the server that waits for this answer may have to be left in peace meanwhile.
        let control = match former.server == *server {
            true => self.control_before_answer(server),
            false => self.control_of(&former.server),
        };
        if let Some(control) = control
            && matches!(control.kick(former, KickPatience::BeforeAnswer).await, Ok(Kick::Gone))
        {
            let _ = self.ports.kicks.mark_kicked(session, self.clock.now()).await;
        }
    }

    /// Whether one that asks counts as live from its admission on, since its server has no list.
    pub(super) fn counts_at_once(&self, server: &ServerName, trigger: Trigger) -> bool {
        trigger != Trigger::PublishRequest
            || self.control_of(server).is_none()
            || !self.watches.answers(server)
    }

    /// Whether the server's list shows that this publisher, which the server reports, sends no media.
    pub(super) fn is_stalled(&self, server: &ServerName, report: &PublisherReport) -> bool {
        report.trigger == Trigger::Heartbeat && self.watches.is_stalled(server, &report.session)
    }

    /// The control interface of a server that can kick a publisher while it waits for an answer.
    fn control_before_answer(&self, server: &ServerName) -> Option<Arc<dyn MediaServer>> {
        let profile = self.servers.get(server)?;
        profile.control.clone().filter(|_| !profile.family.capabilities().replaces_publishers)
    }
}
