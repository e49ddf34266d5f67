//! Takeovers on a server that keeps the publisher that is live until the media of the next one arrive.

use std::collections::HashSet;

use time::Duration;

use super::session::SessionId;
use crate::Timestamp;

/// How long a publisher that takes over may bring no media before the takeover is taken back.
const MEDIA_WITHIN: Duration = Duration::seconds(5);

/// The takeovers of one server that wait for media.
#[derive(Debug, Default)]
pub(super) struct Takeovers(Vec<Takeover>);

/// Publishers that were let in one after the other where the server keeps the one that is live until the media of the
/// next one arrive, and that have not sent media so far.
#[derive(Debug, Clone)]
struct Takeover {
    /// Those that wait, the last one first.
    pub(super) newcomers: Vec<Newcomer>,
    /// What the publisher that is live goes by in lists.
    pub(super) former: String,
    /// When the first of them was let in.
    pub(super) since: Timestamp,
}

/// A publisher that was let in and may send no media.
#[derive(Debug, Clone)]
pub(super) struct Newcomer {
    /// The session that it was given.
    pub(super) session: SessionId,
    /// What it goes by in lists.
    pub(super) known_as: String,
}

impl Takeovers {
    /// A publisher was let in while another one is live.
    ///
    /// One that takes over from another that still waits joins it: the one that is live is the same for both.
    pub(super) fn add(&mut self, newcomer: Newcomer, former: &str, now: Timestamp) {
        let waiting =
            self.0.iter_mut().find(|one| one.newcomers.first().is_some_and(|last| last.known_as == former));
        match waiting {
            Some(waiting) => waiting.newcomers.insert(0, newcomer),
            None => {
                self.0.push(Takeover { newcomers: vec![newcomer], former: former.to_owned(), since: now });
            }
        }
    }

    /// Takes the sessions that were let in some time ago and are not listed, while one before them still is; the last
    /// one first.
    pub(super) fn take_idle(&mut self, listed: &HashSet<&str>, asked_at: Timestamp) -> Vec<SessionId> {
        let has_media = |one: &Newcomer| listed.contains(one.known_as.as_str());
        self.0.retain(|one| !one.newcomers.first().is_some_and(has_media));
        let is_over = |one: &mut Takeover| one.since.plus(MEDIA_WITHIN) <= asked_at;
        let over = self.0.extract_if(.., is_over);
        let idle = over.flat_map(|one| {
            // One of those that waited may be live by now; then only those after it are idle.
            let is_former_live = listed.contains(one.former.as_str());
            match one.newcomers.iter().position(has_media) {
                None if !is_former_live => Vec::new(),
                live => one.newcomers.into_iter().take(live.unwrap_or(usize::MAX)).collect(),
            }
        });
        idle.map(|one| one.session).collect()
    }
}
