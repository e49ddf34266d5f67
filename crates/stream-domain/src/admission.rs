//! The one decision that media servers ask for: may this key publish now, from this session?
//!
//! [`decide`] is the rule, pure; the in-memory store and SQLite call it, PostgreSQL says it in one statement, and the
//! laws in `testing::laws` hold the three to each other.

mod alternating;
mod terms;

use time::Duration;

use crate::lifecycle::NotPublishable;
use crate::media_server::ServerName;
use crate::session::{EndReason, Publisher, Session, SessionId};
use crate::{PlaybackId, Stream, StreamId, StreamKey, Timestamp};

pub use alternating::{ALTERNATION_WINDOW, gave_way_at};
pub use terms::{Takeover, Terms};

/// Where the key stands in the addresses that the service hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressForm {
    /// `…/live/{stream_key}` for publishers and viewers alike, as documented of old: every viewer knows the key.
    Key,
    /// `…/live/{playback_id}?key={stream_key}` for publishers, `…/live/{playback_id}/…` for viewers.
    Playback,
    /// `…/live/{stream_key}` for publishers, renamed by the media server to `{playback_id}` for viewers.
    Rename,
}

impl AddressForm {
    /// Whether the name is the key itself.
    ///
    /// A list shows the new name of one that was renamed; one that asks shows the old one, unless it came by both parts.
    pub(crate) fn shows_key_alone(self, trigger: Trigger, can_rename: bool, key: Option<&str>) -> bool {
        match self {
            Self::Key => true,
            Self::Playback => false,
            Self::Rename => {
                can_rename && key.is_none() && !matches!(trigger, Trigger::Poll | Trigger::GatedPoll)
            }
        }
    }
}

/// Why a publisher is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// It wants to begin, and waits for the answer.
    PublishRequest,
    /// Its server says by a hook that it goes on.
    Heartbeat,
    /// Its server lists it as live.
    Poll,
    /// Its server lists it as live, and a gate there has seen its key: the public name is proof enough.
    GatedPoll,
}

/// What a publisher shows for its right to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The key.
    Key(StreamKey),
    /// The key, together with the public name that it must belong to.
    KeyOf(PlaybackId, StreamKey),
    /// The public name alone: good only for a session that has shown its key before, here or at a gate.
    Name(PlaybackId),
}

impl Proof {
    /// Reads the proof from the name that is published and the `key` that stood behind its `?`.
    ///
    /// `can_rename` is whether this server can rename a publisher, which hides the key.
    pub fn read(
        form: AddressForm,
        trigger: Trigger,
        can_rename: bool,
        name: &str,
        key: Option<&str>,
    ) -> Result<Self, Refusal> {
        let parse_key = |text: &str| StreamKey::parse(text).map_err(|_| Refusal::MalformedKey);
        if form.shows_key_alone(trigger, can_rename, key) {
            return Ok(Self::Key(parse_key(name)?));
        }
        let playback_id = PlaybackId::parse(name).map_err(|_| Refusal::MalformedKey)?;
        match key {
            Some(key) => Ok(Self::KeyOf(playback_id, parse_key(key)?)),
            None if trigger == Trigger::PublishRequest => Err(Refusal::NoKey),
            None => Ok(Self::Name(playback_id)),
        }
    }

    /// The key that it shows, if it shows one.
    pub fn key(&self) -> Option<&StreamKey> {
        match self {
            Self::Key(key) | Self::KeyOf(_, key) => Some(key),
            Self::Name(_) => None,
        }
    }
}

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
    /// Whether its publisher counts as live: see [`Self::confirmed`].
    pub fn confirms(&self) -> bool {
        self.confirmed
    }

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
    fn may_resume(&self, ended_at: Timestamp, how: EndReason) -> bool {
        let is_listed = matches!(self.trigger, Trigger::Poll | Trigger::GatedPoll);
        let listed_since = is_listed && self.seen_at > ended_at.plus(RESUME_MARGIN);
        how.may_resume() || (how == EndReason::Left && listed_since)
    }
}

/// How much later than its end a publisher must be listed for the end to have been a mistake.
pub const RESUME_MARGIN: Duration = Duration::SECOND;

/// What is known when the decision is made.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The stream that the proof names.
    pub stream: Option<&'a Stream>,
    /// The stream's open session, overdue or not.
    pub current: Option<&'a Session>,
    /// The last session of this stream by this very publisher (server and session id); where the server lists names
    /// only, the last one at that server.
    pub own: Option<&'a Session>,
    /// The stream's last session of any publisher, but for those that were answered too late: they were never part of a
    /// broadcast, and one that gave way to them may have gone on.
    pub previous: Option<&'a Session>,
    /// When the first of the two sessions before the open one gave way to the next, if both did.
    pub gave_way_at: Option<Timestamp>,
    /// When a publisher of this server and address was last refused as [`Refusal::AlreadyLive`].
    pub refused_at: Option<Timestamp>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is that session, which goes on.
    Renew(SessionId),
    /// A session begins.
    Start {
        /// The number of its broadcast.
        epoch: i32,
        /// When the broadcast began.
        live_since: Timestamp,
    },
    /// It may not publish.
    Refuse(Refusal),
}

/// Decides. A store that carries out a `Start` ends the session that is in its way in the same step.
pub fn decide(facts: &Facts<'_>, request: &PublishRequest, terms: &Terms, now: Timestamp) -> Decision {
    match decide_start(facts, request, terms, now) {
        Err(refusal) => Decision::Refuse(refusal),
        Ok(Some(own)) => Decision::Renew(own),
        Ok(None) => {
            let same = facts.previous.filter(|last| {
                // A publisher that never brought media has begun no broadcast.
                let was_on_air = last.confirmed_at.is_some() || last.live_since < last.started_at;
                was_on_air && last.last_sign().plus(terms.reconnect_window) >= now
            });
            let last_epoch = facts.previous.map_or(0, |last| last.epoch);
            match same {
                Some(last) => Decision::Start { epoch: last.epoch, live_since: last.live_since },
                None => Decision::Start { epoch: last_epoch + 1, live_since: now },
            }
        }
    }
}

/// The session to renew, or `None` to start one.
fn decide_start(
    facts: &Facts<'_>,
    request: &PublishRequest,
    terms: &Terms,
    now: Timestamp,
) -> Result<Option<SessionId>, Refusal> {
    let stream = facts.stream.ok_or(Refusal::UnknownKey)?;
    stream.publishable_at(now)?;
    if matches!(&request.proof, Proof::KeyOf(id, _) if *id != stream.playback_id) {
        return Err(Refusal::WrongPlaybackId);
    }
    if let Some(own) = facts.own {
        match own.ended {
            // One that asks again after its lease ran out may be another connection that was given the same number.
            None if request.trigger != Trigger::PublishRequest || own.is_alive_at(now) => {
                return Ok(Some(own.id));
            }
            Some((at, how)) if request.trigger != Trigger::PublishRequest && !request.may_resume(at, how) => {
                return Err(Refusal::SessionEnded);
            }
            _ => {}
        }
    } else if matches!(request.proof, Proof::Name(_)) && request.trigger != Trigger::GatedPoll {
        return Err(Refusal::NoKey);
    }
    let Some(current) = facts.current.filter(|current| current.is_alive_at(now)) else {
        return Ok(None);
    };
    let same_address =
        request.publisher.address.is_some() && request.publisher.address == current.publisher.address;
    let gives_way = match terms.takeover {
        Takeover::Overdue => false,
        Takeover::SameAddress => same_address && !facts.are_alternating(current, now),
        Takeover::Newest => true,
    };
    // Only a publish request takes over; otherwise two live publishers would do so in turn.
    if gives_way && request.trigger == Trigger::PublishRequest { Ok(None) } else { Err(Refusal::AlreadyLive) }
}

/// Why a publisher is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The name cannot be a key, or a playback id where one is wanted.
    #[error(
        "what was published is not the name of a stream key alone: take away blanks, quotes, slashes and parts of \
         an address before and behind it"
    )]
    MalformedKey,
    /// The name is a public one, and no key stands behind it.
    #[error(
        "the stream key is missing: publish to the whole address, with what stands behind the question mark"
    )]
    NoKey,
    /// A good key is in a part of the address where it is refused, since viewers would see it or miss the stream.
    #[error(
        "the stream key is in the wrong place, such as where the playback id belongs: enter the server and the stream \
         key that `ingest` of the stream gives"
    )]
    KeyInWrongField,
    /// No stream has the key.
    #[error("no stream has this key")]
    UnknownKey,
    /// The owner stopped the stream.
    #[error("the stream was stopped; ask for a new key")]
    Stopped,
    /// The key expired.
    #[error("the stream key has expired; ask for a new key")]
    Expired,
    /// The key belongs to another playback id.
    #[error("the stream key belongs to another playback id")]
    WrongPlaybackId,
    /// Another publisher is live with the key.
    #[error("another encoder is live with this key")]
    AlreadyLive,
    /// The session has ended, by a takeover or a stop, and goes on all the same.
    #[error("this session has ended")]
    SessionEnded,
    /// The media server's request is not as its family sends it, or fields were injected into it.
    #[error(
        "the media server's request is malformed, or a field was put into it again with another value, such as `key`"
    )]
    MalformedRequest,
    /// The application is not the one of our addresses.
    #[error(
        "the application is not the one that streams are published to: correct the part of the server address behind \
         the host"
    )]
    ForeignApplication,
    /// The virtual host is not the one of our addresses.
    #[error(
        "the virtual host is not the one that streams are published to: correct the host, or take `vhost` away"
    )]
    ForeignHost,
    /// The answer was not ready in time.
    #[error("the stream service could not answer in time")]
    TooLate,
    /// The store is away.
    #[error("the stream service cannot reach its database")]
    StoreUnavailable,
}

impl Refusal {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::MalformedKey,
        Self::NoKey,
        Self::KeyInWrongField,
        Self::UnknownKey,
        Self::Stopped,
        Self::Expired,
        Self::WrongPlaybackId,
        Self::AlreadyLive,
        Self::SessionEnded,
        Self::MalformedRequest,
        Self::ForeignApplication,
        Self::ForeignHost,
        Self::TooLate,
        Self::StoreUnavailable,
    ];

    /// The word that the database and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedKey => "malformed_key",
            Self::NoKey => "no_key",
            Self::KeyInWrongField => "key_in_wrong_field",
            Self::UnknownKey => "unknown_key",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
            Self::WrongPlaybackId => "wrong_playback_id",
            Self::AlreadyLive => "already_live",
            Self::SessionEnded => "session_ended",
            Self::MalformedRequest => "malformed_request",
            Self::ForeignApplication => "foreign_application",
            Self::ForeignHost => "foreign_host",
            Self::TooLate => "too_late",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// Reads the database's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == word)
    }
}

impl From<NotPublishable> for Refusal {
    fn from(ended: NotPublishable) -> Self {
        match ended {
            NotPublishable::Stopped => Self::Stopped,
            NotPublishable::Expired => Self::Expired,
        }
    }
}

/// What a store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may publish, and its session is written down.
    Admitted(Admitted),
    /// It may not; where the stream is known, the attempt is written down for its owner.
    Refused(Refusal),
}

/// An admitted publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its session.
    pub session: SessionId,
    /// Its stream.
    pub stream_id: StreamId,
    /// Whether the session is new.
    pub is_new: bool,
    /// The public name of its stream.
    pub playback_id: PlaybackId,
    /// Whether the server is to go on under the public name.
    pub rename: bool,
    /// The publisher that had to give way, if it is to be ended at its server.
    pub superseded: Option<(SessionId, Publisher)>,
}

/// A refused attempt, as the owner of the key sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The stream whose key was used.
    pub stream_id: StreamId,
    /// The media server.
    pub server: ServerName,
    /// Where the publisher came from, if the server said.
    pub address: Option<std::net::IpAddr>,
    /// Why it was refused.
    pub refusal: Refusal,
    /// When this was first seen, from there.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
}
