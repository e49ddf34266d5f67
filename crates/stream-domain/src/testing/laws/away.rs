//! A store that cannot be reached.

use std::num::NonZeroU32;

use super::asked::{edge, list, session};
use super::streams::{key, named, now, user};
use crate::broadcasts::admission::Refusal;
use crate::broadcasts::session::{EndReason, SessionId};
use crate::catalog::CatalogQuery;
use crate::events::{EventQuery, LogPosition};
use crate::media_server::LEASE;
use crate::ports::{
    ChangeStoredError, Clues, DescribeStreamError, PlanStoredError, StartError, StoreError, StreamStore,
    UserStreamsError,
};
use crate::schedules::{Change, Plan, ScheduleFilter, ScheduleQuery, Slot};
use crate::testing::{Store, asking, terms};
use crate::{Details, PageRequest, ScheduleId, StreamId};

/// Every method of a store that cannot be reached says that, so that clients are told to come again.
pub async fn a_store_that_is_away_says_so(store: &dyn StreamStore) {
    let is_away = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
    let page = PageRequest::default();
    match store.start(&named(1, "mine", now())).await {
        Err(StartError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("start: {other:?}"),
    }
    match store.stop_active(user(1), now()).await {
        Err(UserStreamsError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("stop_active: {other:?}"),
    }
    match store.list_by_user(user(1), &page).await {
        Err(UserStreamsError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("list_by_user: {other:?}"),
    }
    let error = store.find_by_key(&key("mine")).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
    let id = crate::testing::playback_id_of(&key("mine"));
    let error = store.find_by_playback_id(&id).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
    let error = store.list(&CatalogQuery::active(page), now()).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
    match store.describe(user(1), StreamId(1), &Details::default(), now()).await {
        Err(DescribeStreamError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("describe: {other:?}"),
    }
    let errors = [
        ("details_of", store.details_of(StreamId(1)).await.map(drop)),
        ("own_details", store.own_details(user(1), StreamId(1)).await.map(drop)),
        ("channel", store.channel(user(1)).await.map(drop)),
        ("set_channel", store.set_channel(user(1), &Details::default(), now()).await),
        ("count_live", store.count_live(now()).await.map(drop)),
    ];
    for (method, answer) in errors {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{method}: {answer:?}");
    }
    let (starts_at, ends_at) = (now(), now().plus(time::Duration::HOUR));
    let plan = Plan { slot: Slot { starts_at, ends_at }, time_zone: None, details: Details::default() };
    match store.plan(user(1), &plan, now()).await {
        Err(PlanStoredError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("plan: {other:?}"),
    }
    match store.change_schedule(user(1), ScheduleId(1), &Change::Cancel, now()).await {
        Err(ChangeStoredError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("change_schedule: {other:?}"),
    }
    let query = ScheduleQuery { filter: ScheduleFilter::default(), limit: NonZeroU32::MIN, after: None };
    let events = EventQuery { user: None, after: LogPosition(0), kinds: Vec::new(), limit: 1 };
    let errors = [
        ("find_schedule", store.find_schedule(user(1), ScheduleId(1)).await.map(drop)),
        ("current_schedule", store.current_schedule(user(1), now()).await.map(drop)),
        ("list_schedules", store.list_schedules(&query).await.map(drop)),
        ("forget_schedules", store.forget_schedules(now(), 1).await.map(drop)),
        ("sequence", store.sequence(1).await.map(drop)),
        ("extent", store.extent().await.map(drop)),
        ("read_events", store.read_events(&events).await.map(drop)),
        ("note_offline", store.note_offline(now(), now(), 1).await.map(drop)),
        ("settle_schedules", store.settle_schedules(now(), 1).await.map(drop)),
        ("forget_events", store.forget_events(now(), now(), 1).await.map(drop)),
    ];
    for (method, answer) in errors {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{method}: {answer:?}");
    }
    let error = store.expire_overdue(now(), 1).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
}

/// No method about sessions passes off an outage as an answer.
pub async fn a_store_that_is_away_says_nothing_of_sessions(store: &impl Store) {
    let (id, at) = (SessionId(1), now());
    let clues = Clues {
        keys: vec![key("one")],
        as_key: Refusal::UnknownKey,
        playback_id: None,
        as_name: Refusal::NoKey,
        server: edge(),
        address: None,
    };
    let answers = [
        ("admit", store.admit(&asking("s1", "one", 1), &terms(), at).await.map(drop)),
        ("withdraw", store.withdraw(id, at).await),
        ("end", store.end(&session("s1"), EndReason::Left, at).await.map(drop)),
        ("note_attempt", store.note_attempt(&clues, at).await.map(drop)),
        ("sync_publishers", store.sync_publishers(&list(&["s1"], at), LEASE, at).await.map(drop)),
        ("heartbeat", store.heartbeat(&edge(), Some("boot".to_owned()), LEASE, at).await.map(drop)),
        ("expire_leases", store.expire_leases(at, 1).await.map(drop)),
        ("claim_pending_kicks", store.claim_pending_kicks(&edge(), at, at, 1).await.map(drop)),
        ("mark_kicked", store.mark_kicked(id, at).await),
        ("list_sessions", store.list_sessions(user(1), StreamId(1), 1).await.map(drop)),
        ("list_attempts", store.list_attempts(user(1), 1).await.map(drop)),
        ("forget", store.forget(at, 1).await.map(drop)),
        ("count", store.count(at).await.map(drop)),
        ("list_ended", store.list_ended(at).await.map(drop)),
    ];
    for (method, answer) in answers {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{method}: {answer:?}");
    }
}
