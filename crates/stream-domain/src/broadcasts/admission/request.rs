//! What a media server asks about a publisher.

use time::Duration;

use super::{Proof, Trigger};
use crate::Timestamp;
use crate::broadcasts::session::{EndReason, Publisher, Session};

/// A publisher, and what is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// Why it is asked about.
    pub trigger: Trigger,
    /// Who it is; its session is empty where the server lists names only.
    pub publisher: Publisher,
    /// What it shows.
    pub proof: Proof,
    /// When its server was asked, or spoke up.
    pub seen_at: Timestamp,
    /// The boot id of its media server, where the server says: another value means that the server has restarted.
    pub boot_id: Option<String>,
    /// The number of its connection, where the server counts them from 1 at each start.
    pub connection_number: Option<i64>,
    /// Whether its publisher counts as live: its server shows that it sends media, or has no way to show it.
    pub confirmed: bool,
}

impl PublishRequest {
    /// The request as it is written down, where `own` is the last session of this very publisher.
    ///
    /// A list does not have everything that a hook had: what it leaves out is taken from the earlier session.
    /// A list of names has no ids; who was never seen before goes by the name.
    #[must_use]
    pub fn completed_from(&self, own: Option<&Session>) -> Self {
        let mut request = self.clone();
        if request.publisher.session.is_empty() {
            let name = request.publisher.name.expose();
            let known = own.map_or(name, |own| &own.publisher.session);
            request.publisher.session = known.to_owned();
        }
        if let Some(own) = own.filter(|_| self.trigger != Trigger::PublishRequest) {
            request.publisher.protocol.clone_from(&own.publisher.protocol);
            request.publisher.address = request.publisher.address.or(own.publisher.address);
            request.boot_id = request.boot_id.or_else(|| own.boot_id.clone());
        }
        request
    }

    /// Whether a session that ended so goes on after all, since its server says so.
    ///
    /// It does where we merely lost sight of it; what is heard of one that was sent away is late.
    /// That one has left may have been a mistake, if the server listed it well after.
    pub(super) fn may_resume(&self, ended_at: Timestamp, how: EndReason) -> bool {
        let is_listed = matches!(self.trigger, Trigger::Poll | Trigger::GatedPoll);
        let listed_since = is_listed && self.seen_at > ended_at.plus(RESUME_MARGIN);
        how.may_resume() || (how == EndReason::Left && listed_since)
    }
}

/// How much later than its end a publisher must be listed for the end to have been a mistake.
pub const RESUME_MARGIN: Duration = Duration::SECOND;
