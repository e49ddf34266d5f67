//! Random histories of publishers, which no order of events may bring out of what always holds.

use std::collections::HashSet;

use futures_executor::block_on;
use proptest::prelude::*;
use proptest::sample::select;
use time::Duration;

use crate::broadcasts::admission::{Proof, PublishRequest, Takeover, Terms, Trigger, Verdict};
use crate::broadcasts::session::{EndReason, Session, SessionId};
use crate::broadcasts::{Absent, PublisherList};
use crate::lifecycle::LIFETIME;
use crate::media_server::{LEASE, ServerName};
use crate::ports::{
    Admissions as _, Clock as _, History as _, KeyLookup as _, KeyStore as _, Kicks as _, Presence as _,
    SessionSelector,
};
use crate::testing::{ManualClock, MemoryStore, asking, new_stream, playback_id_of, terms};
use crate::{Stream, StreamKey, UserId};

/// How many users there are, each with one stream after another.
const USERS: usize = 3;

const SERVERS: [&str; 2] = ["edge", "other"];

/// One step of a history; numbers pick a user, a server and a session of few.
#[derive(Debug, Clone)]
enum Step {
    /// The user asks for a key.
    Start(usize),
    /// The user stops.
    Stop(usize),
    /// The platform deletes the user's newest stream.
    Delete(usize),
    /// A media server asks about a publisher or says that it is there.
    Admit {
        user: usize,
        server: usize,
        session: u8,
        trigger: Trigger,
        by: Shown,
        counted: bool,
        takeover: Takeover,
    },
    /// A media server says that a session has ended.
    End(usize, u8),
    /// A media server says that the user's newest name has ended.
    EndName(usize, usize),
    /// A media server lists these sessions.
    Roll(usize, Vec<u8>),
    /// The admission before was answered too late.
    Withdraw,
    /// A media server lists these sessions as bringing no media.
    Stall(usize, Vec<u8>),
    /// A media server says that it is well, in this run.
    Alive(usize, u8),
    /// Pending kicks are claimed, and some publishers are seen to be gone.
    Cut(usize, bool),
    /// What is overdue is marked.
    Sweep,
    /// Time passes.
    Wait(Duration),
}

/// What a publisher shows.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Key,
    Both,
    Name,
    ForeignName,
}

fn step() -> impl Strategy<Value = Step> {
    let (user, server, session) = (0..USERS, 0..SERVERS.len(), 1..5_u8);
    let trigger = select(vec![
        Trigger::PublishRequest,
        Trigger::PublishRequest,
        Trigger::PublishRequest,
        Trigger::Heartbeat,
        Trigger::Poll,
        Trigger::GatedPoll,
    ]);
    let by = select(vec![Shown::Key, Shown::Key, Shown::Both, Shown::Name, Shown::ForeignName]);
    let takeover = select(vec![Takeover::Overdue, Takeover::SameAddress, Takeover::Newest]);
    let pauses = [
        Duration::MICROSECOND,
        Duration::SECOND,
        Duration::seconds(6),
        LEASE - Duration::MICROSECOND,
        LEASE,
        Duration::seconds(61),
        Duration::hours(11),
        LIFETIME,
    ];
    let admit = (user.clone(), server.clone(), session.clone(), trigger, by, any::<bool>(), takeover)
        .prop_map(|(user, server, session, trigger, by, counted, takeover)| Step::Admit {
            user,
            server,
            session,
            trigger,
            by,
            counted,
            takeover,
        });
    prop_oneof![
        3 => user.clone().prop_map(Step::Start),
        1 => user.clone().prop_map(Step::Stop),
        1 => user.clone().prop_map(Step::Delete),
        12 => admit,
        2 => (server.clone(), session.clone()).prop_map(|(server, session)| Step::End(server, session)),
        1 => (server.clone(), user).prop_map(|(server, user)| Step::EndName(server, user)),
        2 => (server.clone(), prop::collection::vec(session, 0..4)).prop_map(|(server, of)| Step::Roll(server, of)),
        1 => Just(Step::Withdraw),
        1 => (server.clone(), prop::collection::vec(1..5_u8, 0..3)).prop_map(|(server, of)| Step::Stall(server, of)),
        1 => (server.clone(), 0..3_u8).prop_map(|(server, boot_id)| Step::Alive(server, boot_id)),
        1 => (server, any::<bool>()).prop_map(|(server, gone)| Step::Cut(server, gone)),
        1 => Just(Step::Sweep),
        4 => select(pauses.to_vec()).prop_map(Step::Wait),
    ]
}

fn user(number: usize) -> UserId {
    UserId::new(i64::try_from(number).unwrap() + 1).unwrap()
}

fn server(number: usize) -> ServerName {
    ServerName::parse(SERVERS[number]).unwrap()
}

/// A store, and what a test must remember of its streams.
struct History {
    store: MemoryStore,
    clock: ManualClock,
    /// Every stream that ever was, by user; the newest last.
    streams: [Vec<Stream>; USERS],
    runs: [u8; SERVERS.len()],
    /// The session that was admitted last.
    admitted: Option<SessionId>,
}

impl History {
    fn begin() -> Self {
        let clock = ManualClock::default();
        Self {
            store: MemoryStore::default(),
            clock,
            streams: Default::default(),
            runs: [0; SERVERS.len()],
            admitted: None,
        }
    }

    async fn play(&mut self, step: &Step) {
        let now = self.clock.now();
        match step {
            Step::Wait(duration) => self.clock.advance(*duration),
            Step::Start(number) => {
                let key = StreamKey::parse(&format!("key-{number}-{}", self.streams[*number].len())).unwrap();
                if let Ok(stream) = self.store.start(&new_stream(user(*number), key, now)).await {
                    self.streams[*number].push(stream);
                }
            }
            Step::Stop(number) => drop(self.store.stop_active(user(*number), now).await.unwrap()),
            Step::Delete(number) => {
                if let Some(stream) = self.streams[*number].last() {
                    self.store.delete(stream.id);
                }
            }
            Step::Admit { .. } => self.admit(step).await,
            Step::End(at, session) => {
                let which = SessionSelector::Session {
                    server: server(*at),
                    session: session.to_string(),
                    name: None,
                };
                self.store.end(&which, EndReason::Left, now).await.unwrap();
            }
            Step::EndName(at, number) => {
                if let Some(stream) = self.streams[*number].last() {
                    let which =
                        SessionSelector::Name { server: server(*at), name: stream.key.expose().to_owned() };
                    self.store.end(&which, EndReason::Left, now).await.unwrap();
                }
            }
            Step::Roll(at, sessions) => {
                let sessions = sessions.iter().map(u8::to_string).collect();
                let settled_before = now.plus(-Duration::seconds(5));
                let list = PublisherList {
                    server: server(*at),
                    sessions,
                    names: Vec::new(),
                    stalled: Vec::new(),
                    asked_at: now,
                    settled_before,
                    absent: Absent::Ended(EndReason::Left),
                };
                self.store.sync_publishers(&list, LEASE, now).await.unwrap();
            }
            Step::Withdraw => {
                if let Some(session) = self.admitted {
                    self.store.withdraw(session, now).await.unwrap();
                }
            }
            Step::Stall(at, sessions) => {
                let list = PublisherList {
                    server: server(*at),
                    sessions: Vec::new(),
                    names: Vec::new(),
                    stalled: sessions.iter().map(u8::to_string).collect(),
                    asked_at: now,
                    settled_before: now,
                    absent: Absent::Kept,
                };
                self.store.sync_publishers(&list, LEASE, now).await.unwrap();
            }
            Step::Alive(at, boot_id) => {
                self.runs[*at] = *boot_id;
                self.store.heartbeat(&server(*at), Some(boot_id.to_string()), LEASE, now).await.unwrap();
            }
            Step::Cut(at, are_gone) => {
                for kick in self.store.claim_pending_kicks(&server(*at), now, now, 10).await.unwrap() {
                    if *are_gone {
                        self.store.mark_kicked(kick.session, now).await.unwrap();
                    }
                }
            }
            Step::Sweep => {
                self.store.expire_overdue(now, 100).await.unwrap();
                self.store.expire_leases(now, 100).await.unwrap();
            }
        }
    }

    /// Whatever is admitted may publish, and goes on with a session of its own.
    async fn admit(&mut self, step: &Step) {
        let Step::Admit { user, server: at, session, trigger, by, counted, takeover } = step else { return };
        let key = match self.streams[*user].last() {
            Some(stream) => stream.key.clone(),
            None => StreamKey::parse("nobody").unwrap(),
        };
        let (id, foreign) = (playback_id_of(&key), playback_id_of(&StreamKey::parse("foreign").unwrap()));
        let base = asking(&session.to_string(), key.expose(), session % 2);
        let mut request = PublishRequest {
            trigger: *trigger,
            proof: match by {
                Shown::Key => base.proof.clone(),
                Shown::Both => Proof::KeyOf(id, key.clone()),
                Shown::Name => Proof::Name(id),
                Shown::ForeignName => Proof::KeyOf(foreign, key.clone()),
            },
            boot_id: Some(self.runs[*at].to_string()),
            connection_number: counted.then(|| i64::from(*session)),
            confirmed: session % 2 == 0,
            ..base
        };
        request.publisher.server = server(*at);
        let (now, terms) = (self.clock.now(), Terms { takeover: *takeover, ..terms() });
        let may_publish = match self.store.find_by_key(&key).await.unwrap() {
            Some(stream) => stream.publishable_at(now).is_ok(),
            None => false,
        };
        let before = self.all_sessions().await;
        let stalled = before.iter().filter(|one| one.is_stalled_at(now)).map(|one| one.id);
        let stalled: HashSet<SessionId> = stalled.collect();
        let before: HashSet<SessionId> = before.into_iter().map(|one| one.id).collect();
        let Verdict::Admitted(admitted) = self.store.admit(&request, &terms, now).await.unwrap() else {
            return;
        };
        self.admitted = Some(admitted.session);
        assert!(may_publish, "{step:?} was admitted and may not publish");
        assert!(!matches!(by, Shown::ForeignName), "{step:?} was admitted by another's name");
        // A publisher without media is replaced by one that is live.
        let is_free = admitted.superseded.as_ref().is_none_or(|(superseded, _)| stalled.contains(superseded));
        let is_known = before.contains(&admitted.session);
        assert_eq!(admitted.is_new, !is_known, "{step:?}");
        let after = self.all_sessions().await;
        let own = after.iter().find(|one| one.id == admitted.session).expect("its session is kept");
        assert!(own.is_alive_at(now), "{step:?}");
        assert_eq!(
            (&own.publisher.server, &own.publisher.session),
            (&request.publisher.server, &request.publisher.session)
        );
        assert!(!admitted.is_new || matches!(trigger, Trigger::PublishRequest) || is_free, "{step:?}");
    }

    async fn sessions_of(&self, number: usize) -> Vec<Vec<Session>> {
        let mut of_streams = Vec::new();
        for stream in &self.streams[number] {
            let listed = self.store.list_sessions(user(number), stream.id, 1_000).await.unwrap();
            let mut sessions = listed.unwrap_or_default();
            sessions.reverse();
            of_streams.push(sessions);
        }
        of_streams
    }

    async fn all_sessions(&self) -> Vec<Session> {
        let mut all = Vec::new();
        for number in 0..USERS {
            all.extend(self.sessions_of(number).await.into_iter().flatten());
        }
        all
    }

    /// What holds whatever has happened.
    async fn check(&self) {
        let now = self.clock.now();
        let mut open_at_servers = HashSet::new();
        for number in 0..USERS {
            for (stream, sessions) in self.streams[number].iter().zip(self.sessions_of(number).await) {
                let open: Vec<&Session> = sessions.iter().filter(|session| session.ended.is_none()).collect();
                assert!(open.len() <= 1, "two open sessions of one stream: {open:?}");
                for session in &open {
                    let publisher = &session.publisher;
                    let is_alone =
                        open_at_servers.insert((publisher.server.clone(), publisher.session.clone()));
                    assert!(is_alone, "two open sessions of one stay: {session:?}");
                }
                for session in &sessions {
                    assert!(session.live_since <= session.started_at, "{session:?}");
                    assert!(
                        session.started_at <= session.last_seen_at && session.last_seen_at <= now,
                        "{session:?}"
                    );
                    let was_cut_short = session.stalled_until.is_some();
                    assert!(was_cut_short || session.last_seen_at < session.lease_until, "{session:?}");
                    let ended_at = session.ended.map(|(at, _)| at);
                    assert!(ended_at.is_none_or(|at| session.started_at <= at && at <= now), "{session:?}");
                }
                assert!(sessions.first().is_none_or(|first| first.epoch == 1));
                let in_a_broadcast = |session: &Session| {
                    session.ended.is_none_or(|(_, how)| how != EndReason::AnsweredTooLate)
                };
                let broadcast: Vec<Session> =
                    sessions.iter().filter(|one| in_a_broadcast(one)).cloned().collect();
                for pair in broadcast.windows(2) {
                    let [earlier, later] = pair else { unreachable!("windows of two") };
                    assert!(earlier.id < later.id && earlier.started_at <= later.started_at);
                    assert!((0..=1).contains(&(later.epoch - earlier.epoch)), "{pair:?}");
                    // One that was never seen begins no broadcast, so the next may begin one at the same instant.
                    let is_same = later.epoch == earlier.epoch;
                    let began_together = later.live_since == earlier.live_since;
                    let was_unseen = earlier.confirmed_at.is_none_or(|at| at > later.started_at);
                    assert!(is_same == began_together || (!is_same && was_unseen), "{pair:?}");
                }
                let Some(kept) = self.store.find_by_key(&stream.key).await.unwrap() else { continue };
                let on_air = open.first().filter(|session| session.is_alive_at(now));
                let on_air = on_air.filter(|session| session.confirmed_at.is_some());
                let since =
                    on_air.filter(|_| kept.publishable_at(now).is_ok()).map(|session| session.live_since);
                assert_eq!(kept.live_since_at(now), since);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_what_always_holds(steps in prop::collection::vec(step(), 0..120)) {
        block_on(async {
            let mut history = History::begin();
            for step in &steps {
                history.play(step).await;
                history.check().await;
            }
        });
    }
}
