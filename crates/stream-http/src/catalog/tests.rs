//! What is rendered, and how often.

use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::future::join_all;
use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::ports::{Clock as _, KeyStore as _};
use stream_domain::testing::{ManualClock, MemoryStore, new_stream};
use stream_domain::{Catalog, PageRequest, Position, StreamId, StreamKey, UserId};

use super::pages::Pages;
use super::popular::Popular;
use super::rendered::Rendered;
use crate::Addresses;
use stream_domain::catalog::CatalogQuery;

async fn pages_of(streams: u32) -> (Pages, Arc<MemoryStore>, Arc<ManualClock>) {
    let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
    for number in 1..=streams {
        let key = StreamKey::parse(&format!("key-{number}")).unwrap();
        let user = UserId::new(i64::from(number)).unwrap();
        store.start(&new_stream(user, key, clock.now())).await.unwrap();
    }
    let use_cases = Catalog::new(&stream_domain::ports::StreamPorts::of(store.clone()), clock.clone());
    let addresses = Addresses::new("rtmp://localhost/live", "http://localhost/live", AddressForm::Key);
    (Pages::new(use_cases, addresses, Arc::default()), store, clock)
}

async fn show(pages: &Pages, page: PageRequest) -> Arc<Rendered> {
    pages.show(CatalogQuery::active(page)).await.unwrap().rendered
}

fn page(limit: u32) -> PageRequest {
    PageRequest { limit: NonZeroU32::new(limit), after: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_list_is_not_rendered_again_at_any_length() {
    let (pages, store, clock) = pages_of(1_500).await;
    for page in [PageRequest::default(), page(1_000), page(50)] {
        let first = show(&pages, page).await;
        assert!(Arc::ptr_eq(&first, &show(&pages, page).await), "{page:?}");
    }
    let before = show(&pages, PageRequest::default()).await;
    store.stop_active(UserId::new(7).unwrap(), clock.now()).await.unwrap();
    let after = show(&pages, PageRequest::default()).await;
    assert_ne!(before.etag, after.etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_for_the_whole_list_share_one_rendering() {
    let (pages, ..) = pages_of(1_500).await;
    let shown = join_all((0..64).map(|_| show(&pages, PageRequest::default()))).await;
    assert!(shown.iter().all(|rendered| Arc::ptr_eq(rendered, &shown[0])));
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_pages_are_all_answered_and_none_is_kept() {
    let (pages, _, clock) = pages_of(300).await;
    let viewers = show(&pages, page(50)).await;
    show(&pages, page(50)).await;
    let after = |id| Some(Position { created_at: clock.now(), id: StreamId(id) });
    let strangers =
        (1..400).map(|number| PageRequest { after: after(number), ..page(1 + number.unsigned_abs() % 300) });
    for rendered in join_all(strangers.map(|page| show(&pages, page))).await {
        assert!(!Arc::ptr_eq(&rendered, &viewers));
    }
    assert!(Arc::ptr_eq(&viewers, &show(&pages, page(50)).await), "a page of viewers is kept");
}

#[test]
fn a_popular_thing_keeps_its_place_among_always_different_ones() {
    let mut popular = Popular::default();
    let mut made = 0;
    for turn in 0..100_000_u32 {
        if turn.is_multiple_of(64) {
            assert!(popular.get(&0, || made += 1).is_some() || turn == 0);
        }
        popular.get(&(1 + turn), || ());
    }
    assert_eq!(made, 1);
    // A thing that becomes popular gets a place.
    let is_popular = (0..10_000).any(|_| popular.get(&u32::MAX, || ()).is_some());
    assert!(is_popular);
    assert!(popular.counts.len() < 10_000, "{} are counted", popular.counts.len());
}
