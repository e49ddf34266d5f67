//! Random histories of publishers, played on a store and on the in-memory one, which must agree after each step.
//!
//! The in-memory store says by the domain's own functions how sessions begin, go on and end; a store that says it in SQL
//! is held to them here, by whatever order of events the numbers make.

use std::fmt::Write as _;

use time::Duration;

use super::Store;
use super::laws::told;
use super::{ManualClock, MemoryStore, SeededEntropy, asking, new_stream, playback_id_of, terms};
use crate::broadcasts::admission::{Attempt, Proof, PublishRequest, Takeover, Terms, Trigger, Verdict};
use crate::broadcasts::session::{EndReason, Session, SessionId};
use crate::broadcasts::{Absent, PublisherList};
use crate::catalog::CatalogQuery;
use crate::lifecycle::LIFETIME;
use crate::media_server::LEASE;
use crate::ports::{
    Admissions as _, CatalogStore as _, Clock as _, EventLog as _, History as _, KeyLookup as _,
    KeyStore as _, Kicks as _, Presence as _, SessionSelector,
};
use crate::{PageRequest, PlaybackId, ServerName, Stream, StreamId, StreamKey, Timestamp, UserId};

/// How many users there are, each with one stream after another.
const USERS: usize = 3;

/// How many media servers.
const SERVERS: u64 = 2;

/// How many session ids there are at each server.
const CONNECTIONS: u64 = 4;

/// Draws small numbers from a large one.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        let rolled = self.0 % sides;
        self.0 /= sides;
        rolled
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let place = usize::try_from(self.roll(of.len() as u64)).unwrap_or_default();
        of[place]
    }

    /// Some of the session ids of a server.
    fn connections(&mut self) -> Vec<String> {
        let chosen = self.roll(1 << CONNECTIONS);
        (0..CONNECTIONS).filter(|bit| chosen >> bit & 1 == 1).map(|bit| bit.to_string()).collect()
    }
}

/// A store beside the reference.
struct Pair<'s, S> {
    reference: MemoryStore,
    store: &'s S,
    clock: ManualClock,
    /// Sets this history's keys, users and servers apart from those of others in the same store.
    history: u64,
    /// The streams of each user as both know them, the newest last.
    streams: [Vec<(Stream, Stream)>; USERS],
    /// The sessions as both number them.
    sessions: Vec<(SessionId, SessionId)>,
    /// What the last list missed.
    missing: Vec<String>,
    /// What was played so far, in words.
    played: String,
}

/// Plays a history that follows from its number; panics where the store and the reference part.
pub(super) async fn compare_with_memory(store: &impl Store, history: u64, steps: usize) {
    let numbers = SeededEntropy::new(history);
    let mut pair = Pair {
        reference: MemoryStore::default(),
        store,
        clock: ManualClock::default(),
        history,
        streams: Default::default(),
        sessions: Vec::new(),
        missing: Vec::new(),
        played: String::new(),
    };
    for user in 0..USERS {
        pair.start(user).await;
    }
    for _ in 0..steps {
        pair.play(Dice(numbers.next())).await;
        pair.compare().await;
    }
}

macro_rules! same {
    ($pair:expr, $left:expr, $right:expr) => {
        let (left, right) = ($left, $right);
        assert!(
            left == right,
            "history {}: the reference says\n  {left:?}\nand the store\n  {right:?}\nafter{}",
            $pair.history,
            $pair.played
        );
    };
}

impl<S: Store> Pair<'_, S> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn user(&self, number: usize) -> UserId {
        let number =
            i64::try_from(self.history).unwrap_or_default() * 10 + i64::try_from(number).unwrap_or_default();
        UserId::new(number + 1).expect("a small number above zero")
    }

    fn server(&self, number: u64) -> ServerName {
        ServerName::parse(&format!("edge-{}-{number}", self.history)).expect("a plain name")
    }

    /// The user's newest key; one that nobody has, if there is none.
    fn key(&self, user: usize) -> StreamKey {
        let nobody = || StreamKey::parse("nobody").expect("a plain key");
        self.streams[user].last().map_or_else(nobody, |(stream, _)| stream.key.clone())
    }

    fn tell(&mut self, what: std::fmt::Arguments<'_>) {
        let at = self.now();
        let _ = write!(self.played, "\n  {} {what}", at.to_utc());
    }

    async fn start(&mut self, user: usize) {
        let name = format!("h{}-u{user}-{}", self.history, self.streams[user].len());
        self.tell(format_args!("start {name}"));
        let key = StreamKey::parse(&name).expect("a plain key");
        let new = new_stream(self.user(user), key, self.now());
        let (reference, stored) = (self.reference.start(&new).await, self.store.start(&new).await);
        same!(self, reference.is_ok(), stored.is_ok());
        if let (Ok(reference), Ok(stored)) = (reference, stored) {
            self.streams[user].push((reference, stored));
        }
    }

    async fn play(&mut self, mut dice: Dice) {
        let (user, server) = (usize::try_from(dice.roll(3)).unwrap_or_default(), dice.roll(SERVERS));
        match dice.roll(32) {
            0 => self.start(user).await,
            1 => self.stop(user).await,
            2..=13 => self.admit(user, server, dice).await,
            14 | 15 => self.end(user, server, dice).await,
            16..=20 => self.sync(user, server, dice).await,
            21..=23 => self.heartbeat(server, dice).await,
            24 | 25 => self.kick(server, dice).await,
            26 => self.withdraw(dice).await,
            27 => self.sweep(dice).await,
            _ => self.wait(dice),
        }
    }

    async fn stop(&mut self, user: usize) {
        self.tell(format_args!("stop {user}"));
        let (owner, now) = (self.user(user), self.now());
        let reference = self.reference.stop_active(owner, now).await.expect("it is there");
        let stored = self.store.stop_active(owner, now).await.expect("it is there");
        same!(self, reference.map(nameless), stored.map(nameless));
    }

    async fn admit(&mut self, user: usize, server: u64, mut dice: Dice) {
        let trigger = dice.pick(&[
            Trigger::PublishRequest,
            Trigger::PublishRequest,
            Trigger::PublishRequest,
            Trigger::Heartbeat,
            Trigger::Poll,
            Trigger::GatedPoll,
        ]);
        let takeover =
            dice.pick(&[Takeover::Overdue, Takeover::SameAddress, Takeover::SameAddress, Takeover::Newest]);
        let key = self.key(user);
        let id = playback_id_of(&key);
        let session = dice.roll(CONNECTIONS).to_string();
        let host = dice.pick(&[1, 1, 2]);
        let mut request = PublishRequest {
            trigger,
            proof: proof(dice.pick(&[0, 0, 1, 2]), &key, &id),
            seen_at: self.now(),
            boot_id: dice.pick(&[None, Some("a"), Some("b")]).map(str::to_owned),
            connection_number: dice.pick(&[None, Some(1), Some(2), Some(3)]),
            confirmed: dice.pick(&[true, false]),
            ..asking(&session, key.expose(), host)
        };
        request.publisher.server = self.server(server);
        if trigger != Trigger::PublishRequest {
            let (with_address, by_name) = (dice.pick(&[true, false]), dice.pick(&[true, false]));
            request.publisher.address = request.publisher.address.filter(|_| with_address);
            if by_name {
                request.publisher.session.clear();
            }
        }
        self.tell(format_args!(
            "{trigger:?} of {}/{session:?} for {}, {request:?}, {takeover:?}",
            server,
            key.expose()
        ));
        let terms = Terms { takeover, ..terms() };
        let now = self.now();
        let reference = self.reference.admit(&request, &terms, now).await.expect("it is there");
        let stored = self.store.admit(&request, &terms, now).await.expect("it is there");
        match (reference, stored) {
            (Verdict::Admitted(reference), Verdict::Admitted(stored)) => {
                let pair = (reference.session, stored.session);
                same!(self, reference.is_new, !self.sessions.contains(&pair));
                same!(self, reference.is_new, stored.is_new);
                if reference.is_new {
                    self.sessions.push(pair);
                }
                same!(self, reference.playback_id, stored.playback_id);
                let gave_way =
                    |pair: Option<(SessionId, crate::Publisher)>| pair.map(|(_, publisher)| publisher);
                same!(self, gave_way(reference.superseded), gave_way(stored.superseded));
            }
            (reference, stored) => {
                same!(self, reference, stored);
            }
        }
    }

    async fn end(&mut self, user: usize, server: u64, mut dice: Dice) {
        let name = self.key(user).expose().to_owned();
        let session = dice.roll(CONNECTIONS).to_string();
        let server = self.server(server);
        let which = match dice.roll(3) {
            0 => SessionSelector::Name { server, name },
            1 => SessionSelector::Session { server, session, name: Some(name) },
            _ => SessionSelector::Session { server, session, name: None },
        };
        let reason = dice.pick(&[EndReason::Left, EndReason::AnsweredTooLate]);
        self.tell(format_args!("end of {which:?} as {reason:?}"));
        let now = self.now();
        let reference = self.reference.end(&which, reason, now).await.expect("it is there");
        same!(self, reference, self.store.end(&which, reason, now).await.expect("it is there"));
    }

    async fn sync(&mut self, user: usize, server: u64, mut dice: Dice) {
        let now = self.now();
        let asked_at = now.plus(dice.pick(&[Duration::ZERO, -Duration::SECOND]));
        let by_names = dice.roll(4) == 0;
        let moving = dice.connections();
        let stalled = if dice.roll(3) == 0 { dice.connections() } else { Vec::new() };
        let reason = dice.pick(&[EndReason::Left, EndReason::ServerRestarted]);
        let list = PublisherList {
            server: self.server(server),
            names: if by_names { vec![self.key(user).expose().to_owned()] } else { Vec::new() },
            sessions: if by_names { Vec::new() } else { moving },
            stalled,
            asked_at,
            settled_before: asked_at.plus(dice.pick(&[Duration::ZERO, -Duration::seconds(5)])),
            absent: match dice.roll(4) {
                0 => Absent::Kept,
                1 => Absent::Ended(reason),
                _ => Absent::EndedIfMissingBefore { reason, missing_before: self.missing.clone() },
            },
        };
        self.tell(format_args!("{list:?}"));
        let mut reference = self.reference.sync_publishers(&list, LEASE, now).await.expect("it is there");
        let mut stored = self.store.sync_publishers(&list, LEASE, now).await.expect("it is there");
        for outcome in [&mut reference, &mut stored] {
            outcome.known.sort();
            outcome.missing.sort();
        }
        self.missing.clone_from(&reference.missing);
        same!(self, reference, stored);
    }

    async fn heartbeat(&mut self, server: u64, mut dice: Dice) {
        let (name, boot_id) =
            (self.server(server), dice.pick(&[None, Some("a"), Some("a"), Some("b"), Some("c")]));
        self.tell(format_args!("heartbeat of {server}, {boot_id:?}"));
        let (boot_id, now) = (boot_id.map(str::to_owned), self.now());
        let reference = self.reference.heartbeat(&name, boot_id.clone(), LEASE, now).await;
        let stored = self.store.heartbeat(&name, boot_id, LEASE, now).await;
        same!(self, reference.expect("it is there"), stored.expect("it is there"));
    }

    async fn kick(&mut self, server: u64, mut dice: Dice) {
        let (name, now) = (self.server(server), self.now());
        let is_gone = dice.roll(2) == 0;
        self.tell(format_args!("cut at {server}, gone: {is_gone}"));
        let superseded_before = now.plus(-Duration::seconds(dice.pick(&[0, 0, 2, 9])));
        let taken = self.reference.claim_pending_kicks(&name, superseded_before, now, 100).await;
        let mut reference = taken.expect("it is there");
        let taken = self.store.claim_pending_kicks(&name, superseded_before, now, 100).await;
        let mut stored = taken.expect("it is there");
        reference.sort_by_key(|kick| kick.session);
        stored.sort_by_key(|kick| kick.session);
        same!(self, reference.len(), stored.len());
        for (reference, stored) in reference.into_iter().zip(stored) {
            same!(self, (reference.publisher, reference.why), (stored.publisher, stored.why));
            if is_gone {
                self.reference.mark_kicked(reference.session, now).await.expect("it is there");
                self.store.mark_kicked(stored.session, now).await.expect("it is there");
            }
        }
    }

    async fn withdraw(&mut self, mut dice: Dice) {
        // Mostly the last, which may have superseded another.
        let back = usize::try_from(dice.pick(&[1, 1, 1, 2, 3])).unwrap_or(1);
        let Some(&(reference, stored)) =
            self.sessions.len().checked_sub(back).and_then(|at| self.sessions.get(at))
        else {
            return;
        };
        self.tell(format_args!("withdraw {reference:?}"));
        self.reference.withdraw(reference, self.now()).await.expect("it is there");
        self.store.withdraw(stored, self.now()).await.expect("it is there");
    }

    async fn sweep(&mut self, mut dice: Dice) {
        let now = self.now();
        self.tell(format_args!("sweep"));
        // Other histories have rows in the store that are counted as well.
        let _ = self.reference.expire_leases(now, 10_000).await.expect("it is there");
        let _ = self.store.expire_leases(now, 10_000).await.expect("it is there");
        let left_before = now.plus(-terms().reconnect_window);
        let _ = self.reference.note_offline(left_before, now, 10_000).await.expect("it is there");
        let _ = self.store.note_offline(left_before, now, 10_000).await.expect("it is there");
        if dice.roll(2) == 0 {
            let _ = self.reference.expire_overdue(now, 10_000).await.expect("it is there");
            let _ = self.store.expire_overdue(now, 10_000).await.expect("it is there");
        }
    }

    fn wait(&mut self, mut dice: Dice) {
        let by = dice.pick(&[
            Duration::MICROSECOND,
            Duration::SECOND,
            Duration::SECOND,
            Duration::seconds(3),
            Duration::seconds(6),
            LEASE - Duration::MICROSECOND,
            LEASE,
            Duration::seconds(31),
            Duration::seconds(61),
            LIFETIME - LEASE,
            LIFETIME,
            // The clock is set back.
            -Duration::SECOND,
            -Duration::seconds(90),
            -Duration::HOUR,
        ]);
        self.clock.advance(by);
        self.tell(format_args!("after {by}"));
    }

    /// Everything that can be read is the same in both.
    async fn compare(&self) {
        let now = self.now();
        for number in 0..USERS {
            let user = self.user(number);
            let Some((reference, stored)) = self.streams[number].last() else { continue };
            let of_reference = self.reference.find_by_key(&reference.key).await.expect("it is there");
            let of_store = self.store.find_by_key(&stored.key).await.expect("it is there");
            same!(self, of_reference.map(nameless), of_store.map(nameless));
            let of_reference =
                self.reference.list_sessions(user, reference.id, 20).await.expect("it is there");
            let of_store = self.store.list_sessions(user, stored.id, 20).await.expect("it is there");
            same!(self, of_reference.map(unnumbered), of_store.map(unnumbered));
            same!(self, told(&self.reference, user).await, told(self.store, user).await);
            let of_reference = self.reference.list_attempts(user, 100).await.expect("it is there");
            let of_store = self.store.list_attempts(user, 100).await.expect("it is there");
            same!(self, ordered(of_reference), ordered(of_store));
        }
        let of_reference =
            self.reference.list(&CatalogQuery::live(PageRequest::default()), now).await.expect("it is there");
        let of_store =
            self.store.list(&CatalogQuery::live(PageRequest::default()), now).await.expect("it is there");
        let prefix = format!("h{}-", self.history);
        let own = |streams: Vec<Stream>| -> Vec<Stream> {
            let own = streams.into_iter().filter(|stream| stream.key.expose().starts_with(&prefix));
            own.map(nameless).collect()
        };
        same!(self, own(of_reference.streams.clone()), own(of_store.streams.clone()));
    }
}

/// What a publisher shows, by a small number.
fn proof(number: u64, key: &StreamKey, id: &PlaybackId) -> Proof {
    match number {
        0 => Proof::Key(key.clone()),
        1 => Proof::KeyOf(id.clone(), key.clone()),
        _ => Proof::Name(id.clone()),
    }
}

/// A stream without the number that its store gave it.
fn nameless(stream: Stream) -> Stream {
    Stream { id: StreamId(0), ..stream }
}

fn unnumbered(sessions: Vec<Session>) -> Vec<Session> {
    sessions.into_iter().map(|one| Session { id: SessionId(0), stream_id: StreamId(0), ..one }).collect()
}

/// Attempts in an order that does not depend on how equal times are ordered.
fn ordered(attempts: Vec<Attempt>) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> =
        attempts.into_iter().map(|attempt| Attempt { stream_id: StreamId(0), ..attempt }).collect();
    attempts.sort_by_key(|attempt| {
        (attempt.first_at, attempt.refusal.as_str(), attempt.server.clone(), attempt.address)
    });
    attempts
}
