//! What laws say of streams in few words.

use time::Duration;

use crate::catalog::CatalogQuery;
use crate::ports::Clock as _;
use crate::ports::StreamStore;
use crate::testing::{ManualClock, new_stream};
use crate::{NewStream, PageRequest, Stream, StreamKey, Timestamp, UserId};

/// How many run at once where a law has a race.
pub(super) const RACERS: usize = 32;

pub(super) const MICROSECOND: Duration = Duration::MICROSECOND;

pub(super) fn user(number: i64) -> UserId {
    UserId::new(number).expect("a law's user has an id in range")
}

pub(super) fn key(name: &str) -> StreamKey {
    StreamKey::parse(name).expect("a law's key is of the alphabet")
}

pub(super) fn now() -> Timestamp {
    ManualClock::default().now()
}

pub(super) fn named(user_number: i64, name: &str, at: Timestamp) -> NewStream {
    new_stream(user(user_number), key(name), at)
}

pub(super) async fn started(store: &dyn StreamStore, new: &NewStream) -> Stream {
    store.start(new).await.expect("nothing is in the way")
}

pub(super) async fn stopped(store: &dyn StreamStore, user_number: i64, at: Timestamp) -> Option<Stream> {
    store.stop_active(user(user_number), at).await.expect("the store is there")
}

pub(super) async fn found(store: &dyn StreamStore, name: &str) -> Option<Stream> {
    store.find_by_key(&key(name)).await.expect("the store is there")
}

pub(super) async fn own(store: &dyn StreamStore, user_number: i64) -> Vec<Stream> {
    let page = store.list_by_user(user(user_number), &PageRequest::default()).await;
    page.expect("the store is there").streams
}

pub(super) async fn active(store: &dyn StreamStore, at: Timestamp) -> Vec<Stream> {
    store
        .list(&CatalogQuery::active(PageRequest::default()), at)
        .await
        .expect("the store is there")
        .streams
        .clone()
}

pub(super) fn names(streams: &[Stream]) -> Vec<&str> {
    streams.iter().map(|stream| stream.key.expose()).collect()
}
