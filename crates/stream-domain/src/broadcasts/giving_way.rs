//! How one publisher gives way to another, and when one that was let in counts as live.

use std::sync::Arc;

use super::watch::Takeover;
use super::{Broadcasts, Claim};
use crate::admission::Phase;
use crate::media_server::ServerName;
use crate::ports::{Absent, Kick, KickPatience, MediaServer, PublisherList};
use crate::session::{Publisher, SessionId};

impl Broadcasts {
    /// Sees to it that a publisher gives way to the one that took over from it, as far as that can be done before the
    /// answer; what fails here is done later by [`Self::cut_due`].
    pub(super) async fn make_way(
        &self,
        server: &ServerName,
        claim: &Claim,
        newcomer: SessionId,
        (session, former): (SessionId, &Publisher),
    ) {
        let now = self.clock.now();
        if claim.family.replaces_publishers() && former.server == *server {
            // Viewers go on with the one before until the media of the next one come, so the stream stays live.
            let takeover = Takeover {
                newcomer,
                known_as: claim.session.clone(),
                former: former.session.clone(),
                since: now,
            };
            let was_on_air = self.watches.was_shown(server, &former.session);
            self.watches.await_takeover(server, takeover);
            if !was_on_air {
                return;
            }
            let shown = PublisherList {
                server: server.clone(),
                sessions: vec![claim.session.clone()],
                names: Vec::new(),
                stalled: Vec::new(),
                asked_at: now,
                settled_before: now,
                absent: Absent::Kept,
            };
            let lease = self.servers.lease_of(server, claim.family);
            let _ = self.sessions.sync_publishers(&shown, lease, now).await;
            self.watches.note_shown(server, &claim.session);
            return;
        }
        // Only the server that waits for this answer may have to be left in peace meanwhile.
        let control = match former.server == *server {
            true => self.control_before_answer(server),
            false => self.control_of(&former.server),
        };
        if let Some(control) = control
            && matches!(control.cut(former, KickPatience::BeforeAnswer).await, Ok(Kick::Gone))
        {
            let _ = self.sessions.confirm_cut(session, self.clock.now()).await;
        }
    }

    /// Whether one that asks counts as live from its admission on, since its server shows nobody by a list.
    pub(super) fn counts_at_once(&self, server: &ServerName, phase: Phase) -> bool {
        phase != Phase::Asks || self.control_of(server).is_none() || !self.watches.answers(server)
    }

    /// Whether the server's list shows that this publisher, of which the server speaks, brings no media.
    pub(super) fn is_stalled(&self, server: &ServerName, claim: &Claim) -> bool {
        claim.phase == Phase::Updates && self.watches.is_stalled(server, &claim.session)
    }

    /// The control interface of a server that can be told to end a publisher while it waits for an answer.
    fn control_before_answer(&self, server: &ServerName) -> Option<Arc<dyn MediaServer>> {
        let profile = self.servers.get(server)?;
        profile.control.clone().filter(|_| !profile.family.replaces_publishers())
    }
}
