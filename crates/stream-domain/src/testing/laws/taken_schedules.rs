//! How streams take schedules.

use super::schedules::{details_of, minute, own, page, plan, planned, query, titled};
use super::streams::{MICROSECOND, named, now, started, stopped, user};
use crate::ports::StreamStore;
use crate::schedules::{Change, ScheduleFilter, ScheduleState, TAKEN_AHEAD};
use crate::testing::{Store, asking, terms};
use crate::{NewStream, Timestamp};

/// A key from half an hour before to the end takes the schedule, with what it says; any other has the channel's.
pub async fn a_new_key_takes_the_current_schedule(store: &dyn StreamStore) {
    store.set_channel(user(1), &titled("Channel"), now()).await.expect("the store is there");
    let schedule = planned(store, 1, &plan("Scheduled", 60, 120)).await;
    planned(store, 1, &plan("Next", 155, 200)).await;
    planned(store, 2, &plan("Of another", 60, 120)).await;
    let canceled = planned(store, 1, &plan("Canceled", 0, 60)).await;
    store.change_schedule(user(1), canceled.id, &Change::Cancel, now()).await.expect("it is to come");
    let from = schedule.plan.slot.starts_at.plus(-TAKEN_AHEAD);
    for (number, (at, title)) in [
        (from.plus(-MICROSECOND), "Channel"),
        (from, "Scheduled"),
        (minute(110), "Scheduled"),
        (minute(120).plus(-MICROSECOND), "Scheduled"),
        (minute(120), "Channel"),
        (minute(180), "Next"),
    ]
    .into_iter()
    .enumerate()
    {
        let current = store.current_schedule(user(1), at).await.expect("the store is there");
        assert_eq!(
            current.map_or("Channel".to_owned(), |own| own.plan.details.title.unwrap_or_default()),
            title
        );
        let stream = started(store, &named(1, &format!("key-{number}"), at)).await;
        assert_eq!(details_of(store, &stream).await, titled(title), "{at:?}");
        let taken = own(store, 1, schedule.id).await.stream.map(|taken| taken.id);
        assert_eq!(taken == Some(stream.id), title == "Scheduled", "{at:?}");
        let state = own(store, 1, schedule.id).await.state_at(at);
        assert!(state == ScheduleState::Scheduled || number >= 4, "{state:?} {at:?}");
        stopped(store, 1, at).await.expect("it is active");
    }
    // Details of its own go before those of the schedule, which it takes all the same.
    let said = NewStream { details: Some(titled("Said")), ..named(1, "said", minute(119)) };
    let stream = started(store, &said).await;
    assert_eq!(details_of(store, &stream).await, titled("Said"));
    assert_eq!(own(store, 1, schedule.id).await.stream, Some(stream));
    // A start that is refused takes nothing.
    let refused = NewStream { details: Some(titled("Never")), ..named(1, "refused", minute(119)) };
    store.start(&refused).await.expect_err("one is active");
    let taken = own(store, 1, schedule.id).await.stream.expect("it was taken");
    assert_eq!(taken.key.expose(), "said");
}

/// A key that names a schedule takes that one alone.
pub async fn a_key_may_name_its_schedule(store: &dyn StreamStore) {
    let current = planned(store, 1, &plan("Current", 0, 60)).await;
    let next = planned(store, 1, &plan("Next", 300, 360)).await;
    let new = NewStream { details: Some(titled("Next")), schedule: Some(next.id), ..named(1, "one", now()) };
    let stream = started(store, &new).await;
    assert_eq!(details_of(store, &stream).await, titled("Next"));
    assert_eq!(own(store, 1, next.id).await.stream, Some(stream));
    assert_eq!(own(store, 1, current.id).await.stream, None);
    // Refused, it leaves all as it was.
    let refused = NewStream { schedule: Some(current.id), ..new.clone() };
    store.start(&NewStream { key: named(1, "two", now()).key, ..refused }).await.expect_err("one is active");
    assert_eq!(own(store, 1, current.id).await.stream, None);
}

/// What has ended in its time gives way to what is to come; alone, it is taken again, unless it is canceled.
pub async fn a_key_takes_what_is_to_come_before_what_has_ended(store: &dyn StreamStore) {
    let first = planned(store, 1, &plan("First", 0, 60)).await;
    let second = planned(store, 1, &plan("Second", 60, 120)).await;
    let taken = async |id| own(store, 1, id).await.stream.map(|stream| stream.key.expose().to_owned());
    started(store, &named(1, "one", now())).await;
    stopped(store, 1, minute(20)).await.expect("it is active");
    // Too early for the second.
    started(store, &named(1, "two", minute(25))).await;
    assert_eq!((taken(first.id).await, taken(second.id).await), (Some("two".to_owned()), None));
    stopped(store, 1, minute(30)).await.expect("it is active");
    let current = store.current_schedule(user(1), minute(31)).await.expect("the store is there");
    assert_eq!(current.map(|current| current.id), Some(second.id));
    started(store, &named(1, "three", minute(31))).await;
    assert_eq!(
        (taken(first.id).await, taken(second.id).await),
        (Some("two".to_owned()), Some("three".to_owned()))
    );
    // A rehearsal has not ended it.
    stopped(store, 1, minute(40)).await.expect("it is active");
    started(store, &named(1, "four", minute(41))).await;
    assert_eq!(taken(second.id).await, Some("four".to_owned()));
    assert_eq!(own(store, 1, first.id).await.state_at(minute(45)), ScheduleState::Ended);
    let canceled = store.change_schedule(user(1), first.id, &Change::Cancel, minute(45)).await;
    assert_eq!(canceled.expect("its time has not passed").state_at(minute(45)), ScheduleState::Canceled);
}

/// The state follows from the clock, and from the last stream that began.
pub async fn a_schedule_is_as_its_stream_is(store: &impl Store) {
    let schedule = planned(store, 1, &plan("Show", 60, 120)).await;
    let state = async |at: Timestamp| own(store, 1, schedule.id).await.state_at(at);
    assert_eq!(state(minute(119)).await, ScheduleState::Scheduled);
    assert_eq!(state(minute(120)).await, ScheduleState::Missed);
    // A rehearsal that ends before its time counts for nothing.
    started(store, &named(1, "rehearsal", minute(40))).await;
    stopped(store, 1, minute(50)).await.expect("it is active");
    assert_eq!(state(minute(119)).await, ScheduleState::Scheduled);
    assert_eq!(state(minute(120)).await, ScheduleState::Missed);

    started(store, &named(1, "show", minute(55))).await;
    assert_eq!(state(minute(61)).await, ScheduleState::Scheduled);
    store.admit(&asking("s1", "show", 1), &terms(), minute(61)).await.expect("the store is there");
    assert_eq!(state(minute(61)).await, ScheduleState::Live);
    let page = page(store, &query(ScheduleFilter::default(), 10)).await;
    assert_eq!(page.schedules[0].state_at(minute(61)), ScheduleState::Live);
    // Its lease runs out: nobody is live.
    assert_eq!(state(minute(63)).await, ScheduleState::Scheduled);
    assert_eq!(state(minute(120)).await, ScheduleState::Ended);
    stopped(store, 1, minute(70)).await.expect("it is active");
    assert_eq!(state(minute(71)).await, ScheduleState::Ended);
    // Another key before its end takes it again.
    started(store, &named(1, "again", minute(80))).await;
    assert_eq!(state(minute(81)).await, ScheduleState::Scheduled);
    store.change_schedule(user(1), schedule.id, &Change::Cancel, minute(82)).await.expect("it is to come");
    assert_eq!(state(minute(82)).await, ScheduleState::Canceled);
}
