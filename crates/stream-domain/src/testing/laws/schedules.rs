//! What users plan.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use time::Duration;

use super::events::told;
use super::streams::{RACERS, named, now, started, stopped, user};
use crate::details::Visibility;
use crate::ports::{
    ChangeStoredError, DetailsStore as _, EventLog as _, KeyStore as _, PlanStoredError, ScheduleStore as _,
    StreamStore,
};
use crate::schedules::{
    Change, MAX_SCHEDULES, NotChanged, NotPlanned, Plan, ScheduleFilter, SchedulePage, ScheduleQuery,
    ScheduleState, Slot, TimeZoneName,
};
use crate::testing::{MemoryStore, SeededEntropy};
use crate::{Details, NewStream, Schedule, ScheduleId, Stream, Timestamp};

/// The instant so many minutes from a law's now.
pub(super) fn minute(number: i64) -> Timestamp {
    now().plus(Duration::minutes(number))
}

pub(super) fn titled(title: &str) -> Details {
    Details { title: Some(title.to_owned()), ..Details::default() }
}

pub(super) fn plan(title: &str, from: i64, to: i64) -> Plan {
    let slot = Slot { starts_at: minute(from), ends_at: minute(to) };
    Plan { slot, time_zone: None, details: titled(title) }
}

pub(super) async fn planned(store: &dyn StreamStore, user_number: i64, plan: &Plan) -> Schedule {
    store.plan(user(user_number), plan, now()).await.expect("there is a place")
}

pub(super) async fn own(store: &dyn StreamStore, user_number: i64, id: ScheduleId) -> Schedule {
    store.find_schedule(user(user_number), id).await.expect("the store is there").expect("it is the user's")
}

pub(super) async fn conflict(
    store: &dyn StreamStore,
    user_number: i64,
    plan: &Plan,
    at: Timestamp,
) -> Option<ScheduleId> {
    match store.plan(user(user_number), plan, at).await {
        Ok(_) => None,
        Err(PlanStoredError::NotPlanned(NotPlanned::Conflict(id, _))) => Some(id),
        Err(other) => panic!("{other:?}"),
    }
}

pub(super) fn query(filter: ScheduleFilter, limit: u32) -> ScheduleQuery {
    ScheduleQuery { filter, limit: NonZeroU32::new(limit).expect("a page has rows"), after: None }
}

pub(super) async fn page(store: &dyn StreamStore, query: &ScheduleQuery) -> SchedulePage {
    store.list_schedules(query).await.expect("the store is there")
}

pub(super) async fn titles(store: &dyn StreamStore, filter: ScheduleFilter) -> Vec<String> {
    let listed = page(store, &query(filter, 1_000)).await.schedules.into_iter();
    listed.map(|schedule| schedule.plan.details.title.unwrap_or_default()).collect()
}

pub(super) async fn details_of(store: &dyn StreamStore, stream: &Stream) -> Details {
    store.details_of(stream.id).await.expect("the store is there")
}

/// A plan is kept as it is, for its owner.
pub async fn a_plan_is_kept_as_it_is(store: &dyn StreamStore) {
    let details = Details {
        title: Some("One & all".to_owned()),
        description: Some("Two lines,\nand 'quotes' %_\\ in the second.".to_owned()),
        tags: vec!["Speed-Run".to_owned(), "日本語".to_owned()],
        category: Some("gaming".to_owned()),
        language: Some("en-GB".to_owned()),
        content_labels: Vec::new(),
        visibility: Visibility::Unlisted,
    };
    let whole = Plan { time_zone: TimeZoneName::parse("Europe/Berlin"), details, ..plan("", 60, 120) };
    let bare = Plan { details: Details::default(), ..plan("", 120, 121) };
    for plan in [whole, bare] {
        let kept = planned(store, 1, &plan).await;
        assert_eq!((kept.user, kept.revision, kept.stream.as_ref()), (user(1), 0, None));
        assert_eq!((kept.created_at, kept.updated_at, kept.canceled_at), (now(), now(), None));
        assert_eq!((&kept.plan, &own(store, 1, kept.id).await), (&plan, &kept));
        for (other, id) in [(2, kept.id), (1, ScheduleId(77))] {
            assert_eq!(store.find_schedule(user(other), id).await.expect("the store is there"), None);
            let change = store.change_schedule(user(other), id, &Change::Cancel, now()).await;
            assert!(matches!(change, Err(ChangeStoredError::NoSuchSchedule)), "{change:?}");
        }
    }
}

/// No two plans of a user that are to come overlap; they may touch, and other users have their own.
pub async fn plans_of_one_user_do_not_overlap(store: &dyn StreamStore) {
    let first = planned(store, 1, &plan("first", 60, 120)).await;
    for (from, to) in [(60, 120), (0, 61), (119, 130), (61, 119), (0, 500)] {
        assert_eq!(conflict(store, 1, &plan("no", from, to), now()).await, Some(first.id), "{from} to {to}");
    }
    planned(store, 1, &plan("before", 0, 60)).await;
    let after = planned(store, 1, &plan("after", 120, 130)).await;
    planned(store, 2, &plan("theirs", 60, 120)).await;
    // One that is changed makes room for itself, and for nobody else.
    let moved = Change::replace(plan("moved", 80, 120));
    store.change_schedule(user(1), first.id, &moved, now()).await.expect("there is a place");
    planned(store, 1, &plan("into the gap", 60, 80)).await;
    let too_long = Change::replace(plan("moved", 80, 121));
    match store.change_schedule(user(1), first.id, &too_long, now()).await {
        Err(ChangeStoredError::NotChanged(NotChanged::NotPlanned(NotPlanned::Conflict(id, slot)))) => {
            assert_eq!((id, slot), (after.id, after.plan.slot));
        }
        other => panic!("{other:?}"),
    }
    // What is over is in nobody's way: what was canceled, and what has ended early.
    store.change_schedule(user(1), first.id, &Change::Cancel, now()).await.expect("it is to come");
    planned(store, 1, &plan("instead", 85, 100)).await;
    let stream = started(store, &named(2, "theirs", minute(60))).await;
    assert!(conflict(store, 2, &plan("again", 100, 110), minute(61)).await.is_some());
    stopped(store, 2, minute(70)).await.expect("it is active");
    assert_eq!(conflict(store, 2, &plan("again", 100, 110), minute(71)).await, None);
    assert!(stream.publishable_at(minute(61)).is_ok());
}

/// Of many who plan one time at once, one has it.
pub async fn one_of_many_planners_wins(store: &dyn StreamStore) {
    let plans: Vec<Plan> = (0..RACERS as i64).map(|number| plan("raced", 60 + number, 120)).collect();
    let outcomes = join_all(plans.iter().map(|plan| store.plan(user(1), plan, now()))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let of_others = (1..=RACERS as i64).map(|number| (user(100 + number), plan("raced", 60, 120)));
    let of_others: Vec<_> = of_others.collect();
    for outcome in join_all(of_others.iter().map(|(user, plan)| store.plan(*user, plan, now()))).await {
        outcome.expect("nobody is in the way");
    }
}

/// A user has so many plans to come; what has passed or was canceled does not count.
pub async fn a_user_plans_only_so_much(store: &dyn StreamStore) {
    let most = i64::try_from(MAX_SCHEDULES).unwrap_or(i64::MAX);
    let mut last = None;
    for number in 0..most {
        last = Some(planned(store, 1, &plan("one", number * 10, number * 10 + 10)).await);
    }
    let one_more = plan("one more", most * 10, most * 10 + 10);
    let refused = store.plan(user(1), &one_more, now()).await;
    assert!(matches!(refused, Err(PlanStoredError::NotPlanned(NotPlanned::TooMany))), "{refused:?}");
    let last = last.expect("there are some");
    let change = Change::replace(plan("another", most * 10, most * 10 + 5));
    store.change_schedule(user(1), last.id, &change, now()).await.expect("there are no more than before");
    assert!(store.plan(user(1), &one_more, now()).await.is_err());
    planned(store, 2, &one_more).await;
    let other = plan("other", most * 10 + 10, most * 10 + 20);
    store.plan(user(1), &other, minute(10)).await.expect("the first has passed");
    // One that is canceled makes room for another.
    assert!(store.plan(user(1), &one_more, minute(10)).await.is_err());
    store.change_schedule(user(1), last.id, &Change::Cancel, minute(10)).await.expect("it is to come");
    store.plan(user(1), &one_more, minute(10)).await.expect("there is a place");
}

/// Each change is counted, and what is over stays as it is.
pub async fn a_change_of_a_schedule_is_counted(store: &dyn StreamStore) {
    let first = planned(store, 1, &plan("first", 60, 120)).await;
    let later = plan("later", 90, 150);
    let change = Change::replace(later.clone());
    let changed = store.change_schedule(user(1), first.id, &change, minute(1)).await.expect("it is to come");
    let expected = Schedule { plan: later, updated_at: minute(1), revision: 1, ..first };
    assert_eq!((&changed, &own(store, 1, expected.id).await), (&expected, &expected));
    let canceled = store.change_schedule(user(1), expected.id, &Change::Cancel, minute(2)).await;
    let canceled = canceled.expect("it is to come");
    assert_eq!((canceled.canceled_at, canceled.revision), (Some(minute(2)), 2));
    let again = store.change_schedule(user(1), expected.id, &Change::Cancel, minute(3)).await;
    assert_eq!(again.expect("canceling twice is canceling once"), canceled);
    assert_eq!(own(store, 1, expected.id).await, canceled);
    let missed = planned(store, 1, &plan("missed", 0, 30)).await;
    for (id, change, state) in [
        (canceled.id, change.clone(), ScheduleState::Canceled),
        (missed.id, change, ScheduleState::Missed),
        (missed.id, Change::Cancel, ScheduleState::Missed),
    ] {
        match store.change_schedule(user(1), id, &change, minute(30)).await {
            Err(ChangeStoredError::NotChanged(NotChanged::Over(found))) => assert_eq!(found, state),
            other => panic!("{other:?}"),
        }
    }
}

/// Lists are soonest first; pages join to the whole list, and are undisturbed by what comes and goes.
pub async fn schedules_come_soonest_first(store: &dyn StreamStore) {
    for number in [5, 3, 9, 1, 7, 2, 8, 4, 6] {
        // Pairs of one instant, so that page borders fall between equals too.
        planned(store, number, &plan(&number.to_string(), number / 2 * 10, 200)).await;
    }
    let all = ScheduleFilter::default();
    assert_eq!(titles(store, all.clone()).await, ["1", "3", "2", "5", "4", "7", "6", "9", "8"]);
    for limit in [1, 2, 4, 9] {
        let (mut joined, mut query) = (Vec::new(), query(all.clone(), limit));
        loop {
            let page = page(store, &query).await;
            joined.extend(page.schedules);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        let joined: Vec<_> = joined.iter().filter_map(|one| one.plan.details.title.as_deref()).collect();
        assert_eq!(joined, ["1", "3", "2", "5", "4", "7", "6", "9", "8"], "pages of {limit}");
    }
    let first = page(store, &query(all.clone(), 4)).await;
    planned(store, 20, &plan("soonest", 0, 10)).await;
    let gone = first.schedules[3].clone();
    store
        .change_schedule(gone.user, gone.id, &Change::replace(plan("moved", 150, 160)), now())
        .await
        .expect("ok");
    let rest = ScheduleQuery { after: first.next, ..query(all, 2) };
    let rest: Vec<_> = page(store, &rest).await.schedules;
    assert_eq!(
        rest.iter().filter_map(|one| one.plan.details.title.as_deref()).collect::<Vec<_>>(),
        ["4", "7"]
    );
}

/// A filter finds what it names.
pub async fn filters_of_schedules_find_what_they_name(store: &dyn StreamStore) {
    let music = Details { category: Some("music".to_owned()), ..titled("music") };
    planned(store, 1, &Plan { details: music, ..plan("", 0, 10) }).await;
    planned(store, 2, &plan("plain", 10, 20)).await;
    let hidden = Details { visibility: Visibility::Unlisted, ..titled("hidden") };
    planned(store, 3, &Plan { details: hidden, ..plan("", 20, 30) }).await;
    let canceled = planned(store, 1, &plan("canceled", 30, 40)).await;
    store.change_schedule(user(1), canceled.id, &Change::Cancel, now()).await.expect("it is to come");
    planned(store, 1, &plan("long", 40, 40 + 24 * 60)).await;

    let all = ScheduleFilter::default();
    let of = |filter| titles(store, filter);
    assert_eq!(of(all.clone()).await, ["music", "plain", "hidden", "canceled", "long"]);
    assert_eq!(
        of(ScheduleFilter { user: Some(user(1)), ..all.clone() }).await,
        ["music", "canceled", "long"]
    );
    assert_eq!(
        of(ScheduleFilter { is_public: true, ..all.clone() }).await,
        ["music", "plain", "canceled", "long"]
    );
    let without = ScheduleFilter { without_canceled: true, ..all.clone() };
    assert_eq!(of(without).await, ["music", "plain", "hidden", "long"]);
    let category = ScheduleFilter { category: Some("music".to_owned()), ..all.clone() };
    assert_eq!(of(category).await, ["music"]);
    for (from, titles) in [(9, 5), (10, 4), (39, 2), (40, 1), (40 + 24 * 60 - 1, 1), (40 + 24 * 60, 0)] {
        assert_eq!(
            of(ScheduleFilter { from: Some(minute(from)), ..all.clone() }).await.len(),
            titles,
            "{from}"
        );
    }
    for (to, titles) in [(0, 0), (1, 1), (40, 4), (41, 5)] {
        assert_eq!(of(ScheduleFilter { to: Some(minute(to)), ..all.clone() }).await.len(), titles, "{to}");
    }
}

/// What an owner hides is in no public list: the schedule, or the stream that began for it.
pub async fn an_unlisted_schedule_is_in_no_public_list(store: &dyn StreamStore) {
    let shown = plan("shown", 0, 60);
    let schedule = planned(store, 1, &shown).await;
    let public = || titles(store, ScheduleFilter { is_public: true, ..ScheduleFilter::default() });
    let hidden = Details { visibility: Visibility::Unlisted, ..titled("shown") };
    assert_eq!(public().await, ["shown"]);
    let hide = Change::replace(Plan { details: hidden.clone(), ..shown.clone() });
    store.change_schedule(user(1), schedule.id, &hide, now()).await.expect("it is to come");
    assert_eq!(public().await, [""; 0]);
    store.change_schedule(user(1), schedule.id, &Change::replace(shown), now()).await.expect("it is to come");
    let stream = started(store, &named(1, "one", now())).await;
    assert_eq!(public().await, ["shown"]);
    store.describe(user(1), stream.id, &hidden, now()).await.expect("it is active");
    assert_eq!(public().await, [""; 0]);
    assert_eq!(
        titles(store, ScheduleFilter { user: Some(user(1)), ..ScheduleFilter::default() }).await.len(),
        1
    );
    store.describe(user(1), stream.id, &titled("shown"), now()).await.expect("it is active");
    assert_eq!(public().await, ["shown"]);

    // A rehearsal that nobody was to see leaves no trace.
    stopped(store, 1, minute(1)).await.expect("it is active");
    planned(store, 1, &plan("later", 100, 160)).await;
    let secret = NewStream { details: Some(hidden.clone()), ..named(1, "rehearsal", minute(80)) };
    started(store, &secret).await;
    assert_eq!(public().await, ["shown"]);
    stopped(store, 1, minute(90)).await.expect("it is active");
    assert_eq!(public().await, ["shown", "later"]);
    started(store, &named(1, "show", minute(95))).await;
    assert_eq!(public().await, ["shown", "later"]);
}

/// What ended long ago is forgotten, in batches.
pub async fn old_schedules_are_forgotten(store: &dyn StreamStore) {
    for number in 1..=3 {
        planned(store, number, &plan(&number.to_string(), 0, 10 * number)).await;
    }
    assert_eq!(store.forget_schedules(minute(10), 10).await.ok(), Some(0));
    assert_eq!(store.forget_schedules(minute(25), 1).await.ok(), Some(1));
    assert_eq!(store.forget_schedules(minute(25), 10).await.ok(), Some(1));
    assert_eq!(titles(store, ScheduleFilter::default()).await, ["3"]);
    assert_eq!(store.forget_schedules(minute(25), 10).await.ok(), Some(0));
}

/// Random histories go as in memory: plans, changes, keys, stops and lists.
pub async fn random_histories_of_schedules_match_memory(store: &dyn StreamStore) {
    let (reference, dice) = (MemoryStore::default(), SeededEntropy::new(7));
    let roll = |sides: u64| i64::try_from(dice.next() % sides).unwrap_or_default();
    let mut ids: Vec<(i64, ScheduleId, ScheduleId)> = Vec::new();
    let (mut streams, mut hidden_of_all) = (Vec::new(), 0);
    let (mut made, mut states) = (0, std::collections::BTreeSet::new());
    for step in 0..400 {
        let (at, number) = (minute(step * 2), 1 + roll(3));
        let from = step * 2 + roll(90) - 10;
        let random = plan(&format!("step {step}"), from, (from + 1 + roll(60)).max(step * 2 + 1));
        match roll(5) {
            0 | 1 => {
                let (one, other) = (
                    reference.plan(user(number), &random, at).await,
                    store.plan(user(number), &random, at).await,
                );
                assert_eq!(one.is_ok(), other.is_ok(), "step {step}: {one:?} {other:?}");
                if let (Ok(one), Ok(other)) = (one, other) {
                    ids.push((number, one.id, other.id));
                    made += 1;
                }
            }
            2 if !ids.is_empty() => {
                let place = ids.len() - 1 - usize::try_from(roll(4)).unwrap_or_default().min(ids.len() - 1);
                let (number, one, other) = ids[place];
                let change = if roll(3) == 0 { Change::Cancel } else { Change::replace(random) };
                let one = reference.change_schedule(user(number), one, &change, at).await;
                let other = store.change_schedule(user(number), other, &change, at).await;
                assert_eq!(one.is_ok(), other.is_ok(), "step {step}: {one:?} {other:?}");
            }
            3 => {
                let new = named(number, &format!("key-{step}"), at);
                let named =
                    (roll(4) == 0).then(|| ids.last().filter(|(owner, ..)| *owner == number)).flatten();
                let naming =
                    |id| NewStream { details: Some(titled("Named")), schedule: Some(id), ..new.clone() };
                let (one, other) = named
                    .map_or((new.clone(), new.clone()), |(_, one, other)| (naming(*one), naming(*other)));
                let (one, other) = (reference.start(&one).await, store.start(&other).await);
                assert_eq!(one.is_ok(), other.is_ok(), "step {step}: {one:?} {other:?}");
                streams.extend(one.ok().zip(other.ok()).map(|(one, other)| (number, one.id, other.id)));
            }
            _ => {
                reference.stop_active(user(number), at).await.expect("it is there");
                store.stop_active(user(number), at).await.expect("the store is there");
            }
        }
        let hidden = titled(if step % 3 == 0 { "open" } else { "secret" });
        let visibility = if step % 3 == 0 { Visibility::Public } else { Visibility::Unlisted };
        if let Some((number, one, other)) = streams.last().filter(|_| step % 4 == 0) {
            let said = Details { visibility, ..hidden };
            let one = reference.describe(user(*number), *one, &said, at).await;
            let other = store.describe(user(*number), *other, &said, at).await;
            assert_eq!(one.is_ok(), other.is_ok(), "step {step}: {one:?} {other:?}");
        }
        assert_eq!(
            reference.settle_schedules(at, 100).await.ok(),
            store.settle_schedules(at, 100).await.ok(),
            "step {step}"
        );
        for number in 1..=3 {
            let (one, other) = (told(&reference, user(number)).await, told(store, user(number)).await);
            assert_eq!(one, other, "step {step}");
        }
        let public = ScheduleFilter { is_public: true, ..ScheduleFilter::default() };
        let shown = titles(store, public.clone()).await;
        hidden_of_all += titles(store, ScheduleFilter::default()).await.len() - shown.len();
        assert_eq!(titles(&reference, public).await, shown, "step {step}");
        let query = query(ScheduleFilter { from: Some(minute(step * 2 - 60)), ..Default::default() }, 1_000);
        let seen = |page: SchedulePage| -> Vec<_> {
            let seen = page.schedules.into_iter().map(|one| {
                let key = one.stream.as_ref().map(|stream| stream.key.expose().to_owned());
                (
                    one.plan.details.title.clone(),
                    one.user,
                    key,
                    one.state_at(at).as_str(),
                    one.revision,
                    one.updated_at,
                )
            });
            seen.collect()
        };
        let (one, other) = (page(&reference, &query).await, page(store, &query).await);
        states.extend(one.schedules.iter().map(|one| one.state_at(at).as_str()));
        assert_eq!(seen(one), seen(other), "step {step}");
    }
    // The numbers made a history worth the name.
    assert!(made > 50 && states.len() == 4, "{made} plans, {states:?}");
    assert!(streams.len() > 30 && hidden_of_all > 100, "{} streams, {hidden_of_all} hidden", streams.len());
}
