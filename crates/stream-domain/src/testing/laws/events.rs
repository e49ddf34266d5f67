//! The log: what is told, in which order, and to whom.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use time::Duration;

use super::asked::{SECOND, admitted, list, refused, session, verdict};
use super::streams::{RACERS, named, now, started, stopped, user};
use crate::broadcasts::session::EndReason;
use crate::details::Visibility;
use crate::events::{Event, EventKind, EventQuery, Extent, Forgotten, LogPosition};
use crate::lifecycle::LIFETIME;
use crate::media_server::LEASE;
use crate::ports::{EventLog, StreamStore};
use crate::schedules::{Change, Plan, Slot};
use crate::testing::{Store, asking, terms};
use crate::{Details, Timestamp, UserId};

/// All events of a user so far, in order: their kinds, and their facts without the numbers that a store gives.
pub(crate) async fn told<S: EventLog + ?Sized>(store: &S, user: UserId) -> Vec<(String, String)> {
    let events = all(store, Some(user)).await;
    events.into_iter().map(|event| (event.kind, facts(&event.data))).collect()
}

pub(super) async fn all<S: EventLog + ?Sized>(store: &S, user: Option<UserId>) -> Vec<Event> {
    while sequenced(store).await.last != sequenced(store).await.last {}
    let query = EventQuery { user, after: LogPosition(0), kinds: Vec::new(), limit: 100_000 };
    store.read_events(&query).await.expect("the store is there").1
}

async fn sequenced<S: EventLog + ?Sized>(store: &S) -> Extent {
    store.sequence(7).await.expect("the store is there")
}

/// The facts but for the first, which is the number of a stream or a schedule; without the blanks that a database likes.
fn facts(data: &str) -> String {
    let compact = data.replace(" : ", ":").replace(": ", ":").replace(", ", ",");
    let (number, rest) = compact.split_once(',').expect("there is more than a number");
    let is_known = ["stream_id", "schedule_id", "webhook_id"]
        .iter()
        .any(|name| number.strip_prefix("{\"").is_some_and(|rest| rest.starts_with(&format!("{name}\":"))));
    assert!(is_known, "{data}");
    rest.to_owned()
}

async fn kinds<S: EventLog + ?Sized>(store: &S) -> Vec<String> {
    told(store, user(1)).await.into_iter().map(|(kind, _)| kind).collect()
}

async fn last_facts<S: EventLog + ?Sized>(store: &S) -> String {
    told(store, user(1)).await.pop().expect("something was told").1
}

/// Notes who has not come back by `at`.
async fn noted(store: &impl Store, at: Timestamp) -> u32 {
    let left_before = at.plus(-terms().reconnect_window);
    store.note_offline(left_before, at, 100).await.expect("the store is there")
}

/// A stream is created, goes live, is stopped and so goes offline; a second one expires.
pub async fn the_life_of_a_stream_is_told_in_order(store: &impl Store) {
    let stream = started(store, &named(1, "secret", now())).await;
    admitted(store, &asking("s1", "secret", 1), now()).await;
    stopped(store, 1, now().plus(SECOND)).await;
    started(store, &named(1, "another", now().plus(2 * SECOND))).await;
    assert_eq!(store.expire_overdue(now().plus(2 * SECOND).plus(LIFETIME), 10).await.ok(), Some(1));
    started(store, &named(2, "of-another-user", now())).await;
    let expected = [
        "stream.created",
        "stream.live",
        "stream.stopped",
        "stream.offline",
        "stream.created",
        "stream.expired",
    ];
    assert_eq!(kinds(store).await, expected);
    let events = all(store, Some(user(1))).await;
    for event in &events {
        assert_eq!(event.user, Some(user(1)));
        assert!(!event.data.contains("secret") && !event.data.contains("another"), "{event:?}");
    }
    for event in &events[..4] {
        assert_eq!(event.stream, Some(stream.id));
        assert!(event.data.contains(stream.playback_id.as_str()), "{event:?}");
    }
    assert!(facts(&events[1].data).contains(r#""server":"edge","protocol":"rtmp""#), "{events:?}");
    assert!(facts(&events[3].data).ends_with(r#""reason":"stopped"}"#), "{events:?}");
    let positions: Vec<i64> = all(store, None).await.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=7).collect::<Vec<_>>());
}

/// A drop is told when the reconnect window has passed, and not at all if somebody came back.
pub async fn a_publisher_that_comes_back_in_time_is_no_end(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    store.end(&session("s1"), EndReason::Left, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(noted(store, now().plus(SECOND).plus(terms().reconnect_window)).await, 0);
    admitted(store, &asking("s2", "one", 1), now().plus(5 * SECOND)).await;
    let later = now().plus(6 * SECOND).plus(terms().reconnect_window);
    assert_eq!(noted(store, later).await, 0);
    assert_eq!(kinds(store).await, ["stream.created", "stream.live", "stream.publisher_changed"]);
    let live_since = last_facts(store).await;
    store.end(&session("s2"), EndReason::Left, now().plus(7 * SECOND)).await.expect("the store is there");
    assert_eq!(noted(store, later.plus(2 * SECOND)).await, 1);
    assert_eq!(noted(store, later.plus(2 * SECOND)).await, 0);
    assert_eq!(kinds(store).await.last().map(String::as_str), Some("stream.offline"));
    let offline = last_facts(store).await;
    assert!(offline.ends_with(r#""reason":"left"}"#), "{offline}");
    // Both say when the broadcast began.
    let since = |facts: &str| facts.split("\"live_since\":").nth(1).map(|rest| rest[..20].to_owned());
    assert_eq!(since(&offline), since(&live_since));
}

/// Who comes back after the window is live anew, whether or not the end was noted in between.
pub async fn a_publisher_that_comes_back_too_late_is_live_anew(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    store.end(&session("s1"), EndReason::Left, now().plus(SECOND)).await.expect("the store is there");
    let later = now().plus(2 * SECOND).plus(terms().reconnect_window);
    admitted(store, &asking("s2", "one", 1), later).await;
    assert_eq!(kinds(store).await, ["stream.created", "stream.live", "stream.offline", "stream.live"]);
}

/// A publisher that is admitted and brings no media yet may go on with the broadcast, and one that never does ends it.
pub async fn an_admitted_publisher_keeps_its_stream_from_going_offline(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    store.end(&session("s1"), EndReason::Left, now()).await.expect("the store is there");
    let later = now().plus(terms().reconnect_window);
    let newcomer =
        crate::broadcasts::admission::PublishRequest { confirmed: false, ..asking("s2", "one", 1) };
    admitted(store, &newcomer, later).await;
    assert_eq!(noted(store, later.plus(SECOND)).await, 0);
    store.end(&session("s2"), EndReason::Left, later.plus(SECOND)).await.expect("the store is there");
    assert_eq!(noted(store, later.plus(SECOND)).await, 1);
    assert_eq!(kinds(store).await, ["stream.created", "stream.live", "stream.offline"]);
}

/// A publisher that is connected and brings no media is as good as gone.
pub async fn a_stalled_publisher_goes_offline(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let (stalled_at, later) = (now().plus(SECOND), now().plus(2 * SECOND).plus(terms().reconnect_window));
    for at in [stalled_at, later] {
        let stalled = crate::broadcasts::PublisherList { stalled: vec!["s1".to_owned()], ..list(&[], at) };
        store.sync_publishers(&stalled, LEASE, at).await.expect("the store is there");
    }
    assert_eq!(noted(store, later).await, 1);
    assert_eq!(kinds(store).await, ["stream.created", "stream.live", "stream.offline"]);
    store.sync_publishers(&list(&["s1"], later), LEASE, later).await.expect("the store is there");
    assert_eq!(kinds(store).await.last().map(String::as_str), Some("stream.live"));
}

/// Who has to give way and comes back since the newcomer's answer came too late goes on.
pub async fn a_takeover_that_is_undone_is_told(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let newcomer = admitted(store, &asking("s2", "one", 1), now().plus(SECOND)).await;
    store.withdraw(newcomer.session, now().plus(SECOND)).await.expect("the store is there");
    let expected = ["stream.created", "stream.live", "stream.publisher_changed", "stream.publisher_changed"];
    assert_eq!(kinds(store).await, expected);
    assert_eq!(noted(store, now().plus(2 * SECOND)).await, 0);
    stopped(store, 1, now().plus(2 * SECOND)).await;
    assert_eq!(kinds(store).await[4..], ["stream.stopped", "stream.offline"]);
}

/// An encoder that tries again and again is told of once, and again after a minute of silence; by address and reason.
pub async fn refused_publishers_are_told_once_a_minute(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    for second in [1, 4, 7] {
        refused(store, &asking("s2", "one", 2), now().plus(second * SECOND)).await;
    }
    refused(store, &asking("s3", "one", 3), now().plus(8 * SECOND)).await;
    let expected = ["stream.created", "stream.live", "stream.publish_refused", "stream.publish_refused"];
    assert_eq!(kinds(store).await, expected);
    let refusal = last_facts(store).await;
    let expected = r#""server":"edge","reason":"already_live","address":"192.0.2.3"}"#;
    assert!(refusal.ends_with(expected), "{refusal}");
    stopped(store, 1, now().plus(9 * SECOND)).await;
    refused(store, &asking("s2", "one", 2), now().plus(10 * SECOND)).await;
    assert!(last_facts(store).await.contains(r#""reason":"stopped""#));
    let before = kinds(store).await.len();
    refused(store, &asking("s2", "one", 2), now().plus(69 * SECOND)).await;
    assert_eq!(kinds(store).await.len(), before);
    refused(store, &asking("s2", "one", 2), now().plus(129 * SECOND)).await;
    assert_eq!(kinds(store).await.len(), before + 1);
}

/// A plan is made, changed and canceled, or its time passes.
pub async fn a_plan_is_told_of_from_its_making_to_its_end(store: &impl Store) {
    let hour = |number: i32| now().plus(number * Duration::HOUR);
    let plan = |from, to| Plan {
        slot: Slot { starts_at: hour(from), ends_at: hour(to) },
        time_zone: None,
        details: Details::default(),
    };
    let one = store.plan(user(1), &plan(1, 2), now()).await.expect("there is place");
    let change = |change| store.change_schedule(user(1), one.id, change, now());
    let later = Change::replace(plan(2, 3));
    change(&later).await.expect("it is to come");
    change(&Change::Cancel).await.expect("it is to come");
    let kept = store.plan(user(1), &plan(4, 5), now()).await.expect("there is place");
    store.plan(user(1), &plan(6, 7), now()).await.expect("there is place");
    started(store, &named(1, "one", hour(4))).await;
    assert_eq!(store.settle_schedules(hour(5).plus(-SECOND), 10).await.ok(), Some(0));
    assert_eq!(store.settle_schedules(hour(7), 1).await.ok(), Some(1));
    assert_eq!(store.settle_schedules(hour(7), 10).await.ok(), Some(1));
    assert_eq!(store.settle_schedules(hour(7), 10).await.ok(), Some(0));
    let expected = [
        "schedule.created",
        "schedule.updated",
        "schedule.canceled",
        "schedule.created",
        "schedule.created",
        "stream.created",
        "schedule.missed",
    ];
    assert_eq!(kinds(store).await, expected);
    assert_eq!(
        last_facts(store).await,
        told(store, user(1)).await[4].1,
        "the third one was missed, not {kept:?}"
    );
}

/// What is refused, or says again what was said, is no event.
pub async fn what_changes_nothing_is_no_event(store: &impl Store) {
    let stream = started(store, &named(1, "one", now())).await;
    store.start(&named(1, "two", now())).await.expect_err("one is active");
    let said =
        Details { title: Some("Hello".to_owned()), visibility: Visibility::Public, ..Details::default() };
    for _ in 0..2 {
        store.describe(user(1), stream.id, &said, now()).await.expect("it is active");
    }
    store.describe(user(2), stream.id, &Details::default(), now()).await.expect_err("it is another's");
    stopped(store, 1, now()).await;
    stopped(store, 1, now()).await;
    store.describe(user(1), stream.id, &Details::default(), now()).await.expect_err("it has ended");
    assert_eq!(kinds(store).await, ["stream.created", "stream.updated", "stream.stopped"]);
}

/// A reader that goes on after the last position it saw gets what comes next, of its own and of the kinds it wants.
pub async fn the_log_is_read_by_positions(store: &dyn StreamStore) {
    for number in 1..=3 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
        stopped(store, number, now()).await;
    }
    let everything = all(store, None).await;
    let read = async |user: Option<UserId>, after: i64, kinds: &[EventKind], limit: u32| {
        let query = EventQuery { user, after: LogPosition(after), kinds: kinds.to_vec(), limit };
        let (extent, events) = store.read_events(&query).await.expect("the store is there");
        assert_eq!(extent, Extent { forgotten: LogPosition(0), last: LogPosition(6) });
        events
    };
    assert_eq!(read(None, 0, &[], 100).await, everything);
    assert_eq!(read(None, 2, &[], 3).await, everything[2..5]);
    assert_eq!(read(Some(user(2)), 0, &[], 100).await, everything[2..4]);
    assert_eq!(read(Some(user(2)), 3, &[], 100).await, everything[3..4]);
    let stops = read(None, 0, &[EventKind::StreamStopped], 2).await;
    assert_eq!(stops, [everything[1].clone(), everything[3].clone()]);
    assert_eq!(read(Some(user(9)), 0, &[], 100).await, []);
    assert_eq!(read(None, 6, &[], 100).await, []);
}

/// What is forgotten is a beginning of the log, and never the last event, so that positions go on from there.
pub async fn old_events_are_forgotten_from_the_beginning(store: &dyn StreamStore) {
    let far = Timestamp::from_unix_micros(10_000_000_000_000_000).expect("it is in range");
    assert_eq!(store.forget_events(far, Timestamp::MIN, 10).await.ok(), Some(0));
    for number in 1..=4 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
    }
    let everything = all(store, None).await;
    assert_eq!(store.forget_events(Timestamp::MIN, Timestamp::MIN, 10).await.ok(), Some(0));
    assert_eq!(store.forget_events(far, Timestamp::MIN, 1).await.ok(), Some(1));
    assert_eq!(all(store, None).await, everything[1..]);
    let extent = store.extent().await.expect("the store is there");
    assert_eq!(extent, Extent { forgotten: LogPosition(1), last: LogPosition(4) });
    assert_eq!(extent.check(LogPosition(0)), Err(Forgotten(extent)));
    assert_eq!(extent.check(LogPosition(1)), Ok(()));
    assert_eq!(extent.check(LogPosition(4)), Ok(()));
    assert_eq!(extent.check(LogPosition(5)), Err(Forgotten(extent)));
    assert_eq!(store.forget_events(far, Timestamp::MIN, 10).await.ok(), Some(2));
    assert_eq!(all(store, None).await, everything[3..]);
    stopped(store, 1, now()).await;
    assert_eq!(all(store, None).await.last().map(|event| event.position), Some(LogPosition(5)));
}

/// Positions are 1, 2, 3 and so on however many write at once, and a reader sees a beginning of the log at any moment.
pub async fn positions_have_no_gaps_whoever_writes(store: &impl Store) {
    let is_done = AtomicBool::new(false);
    let racers = (1..).take(RACERS).map(async |number: i64| {
        for round in 0..4 {
            let key = format!("key-{number}-{round}");
            started(store, &named(number, &key, now())).await;
            verdict(store, &asking(&key, &key, 1), now()).await;
            stopped(store, number, now()).await;
        }
    });
    let write = async {
        join_all(racers).await;
        is_done.store(true, Ordering::SeqCst);
    };
    let read = async {
        let mut seen = Vec::new();
        while !is_done.load(Ordering::SeqCst) {
            sequenced(store).await;
            let query = EventQuery { user: None, after: LogPosition(0), kinds: Vec::new(), limit: 100_000 };
            let (extent, events) = store.read_events(&query).await.expect("the store is there");
            assert_eq!(i64::try_from(events.len()).ok(), Some(extent.last.0));
            assert!(events.starts_with(&seen), "what was read has changed");
            seen = events;
        }
    };
    join(write, read).await;
    let events = all(store, None).await;
    let positions: Vec<i64> = events.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..).take(RACERS * 16).collect::<Vec<_>>());
    for number in (1..).take(RACERS) {
        let of_user = events.iter().filter(|event| event.user == Some(user(number)));
        let of_user: Vec<&str> = of_user.map(|event| event.kind.as_str()).collect();
        let life = ["stream.created", "stream.live", "stream.stopped", "stream.offline"];
        assert_eq!(of_user, life.repeat(4));
    }
}
