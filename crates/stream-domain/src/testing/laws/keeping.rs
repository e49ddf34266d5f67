//! What a store keeps, over time and through failure.

use super::{found, key, named, now, started, user};
use crate::catalog::CatalogQuery;
use crate::lifecycle::LIFETIME;
use crate::ports::{StartError, StoreError, UserStreamsError};
use crate::testing::StreamStore;
use crate::testing::{SeededEntropy, Step, check_history};
use crate::{PageRequest, Timestamp};

/// A microsecond is neither lost nor gained, before and after a leap day and with a zero fraction.
pub async fn times_survive_a_round_trip(store: &dyn StreamStore) {
    let micros = [1, 999_999, 1_000_000, 1_709_164_800_000_000, 1_767_323_045_678_901, 1_767_323_045_000_010];
    for (number, micros) in (1..).zip(micros) {
        let at = Timestamp::from_unix_micros(micros).expect("it is in the calendar");
        let name = format!("key-{number}");
        started(store, &named(number, &name, at)).await;
        let stream = found(store, &name).await.expect("it was started");
        assert_eq!((stream.created_at, stream.updated_at), (at, at));
        assert_eq!(stream.expires_at, at.plus(LIFETIME));
    }
}

/// Generate, stop, wait, sweep and look, in 300 random steps, agree with a model at each.
pub async fn random_histories_match_the_model(store: &dyn StreamStore) {
    let numbers = SeededEntropy::new(7);
    let steps: Vec<Step> = (0..300).map(|_| Step::from_number(numbers.next())).collect();
    check_history(store, &steps).await;
}

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
    let error = store.list(&CatalogQuery::active(page), now()).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
    let error = store.expire_overdue(now(), 1).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
}
