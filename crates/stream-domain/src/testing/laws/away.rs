//! A store that cannot be reached.

use super::{key, named, now, user};
use crate::PageRequest;
use crate::catalog::CatalogQuery;
use crate::ports::StreamStore;
use crate::ports::{StartError, StoreError, UserStreamsError};
use crate::testing::{Store, asking, terms};

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

/// A store that cannot be reached says so.
pub async fn a_store_that_is_away_admits_nobody(store: &impl Store) {
    let answer = store.admit(&asking("s1", "one", 1), &terms(), now()).await;
    assert!(matches!(answer, Err(crate::ports::StoreError::Unavailable(_))), "{answer:?}");
}
