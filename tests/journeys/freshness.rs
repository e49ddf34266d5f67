//! Freshness: no lookup that is sent after a stop was acknowledged finds the key publishable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures_util::future::join_all;
use stream_tests::{Service, StoreKind, TestStore};

/// Users who start and stop at the same time, and how often each does.
const USERS: u32 = 16;
const TURNS: u32 = 64;

/// Clients that look keys up during the whole test.
const READERS: usize = 8;

/// One user's turns: the key may publish until the stop is acknowledged, and on no instance after that.
async fn take_turns(
    user: u32,
    instances: &[Service],
    key_of: &std::sync::Mutex<Vec<String>>,
    turns: &AtomicU32,
) {
    for turn in 0..TURNS {
        let at = |offset: u32| &instances[(turn + offset) as usize % instances.len()];
        let key = at(0).key_of(user).await;
        key_of.lock().expect("the lock is not poisoned")[user as usize - 1].clone_from(&key);
        assert_eq!(at(1).lookup(&key).await, 200, "a new key may publish immediately");
        let (stopped, asked_meanwhile) =
            tokio::join!(at(0).post_as(user, "/api/streams/stop"), at(1).lookup(&key));
        assert_eq!(stopped.status, 200);
        assert!(matches!(asked_meanwhile, 200 | 410), "{asked_meanwhile}");
        // Several at once on each instance, so that they share reads with the other clients.
        let lookups = join_all((0..4).map(|offset| at(offset).lookup(&key))).await;
        assert_eq!(lookups, [410; 4], "a stopped key was accepted");
        turns.fetch_add(1, Ordering::Relaxed);
    }
}

async fn race(instances: Vec<Service>) {
    let instances = Arc::new(instances);
    let keys = Arc::new(std::sync::Mutex::new(vec!["none".to_owned(); USERS as usize]));
    let is_over = Arc::new(AtomicBool::new(false));
    let readers = (0..READERS).map(|number| {
        let (instances, keys, is_over) = (instances.clone(), keys.clone(), is_over.clone());
        tokio::spawn(async move {
            let mut asked: usize = number;
            while !is_over.load(Ordering::Relaxed) {
                let key = keys.lock().expect("the lock is not poisoned")[asked % USERS as usize].clone();
                let status = instances[asked % instances.len()].lookup(&key).await;
                assert!(matches!(status, 200 | 404 | 410), "{status}");
                asked += 1;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    let turns = AtomicU32::new(0);
    join_all((1..=USERS).map(|user| take_turns(user, &instances, &keys, &turns))).await;
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("every lookup gets a response");
    }
    assert_eq!(turns.into_inner(), USERS * TURNS, "more than a thousand interleavings");
}

async fn under_load_a_stopped_key_is_refused_in_1024_interleavings(kind: StoreKind) {
    let store = TestStore::new(kind);
    race(vec![store.setup().with("GENERATE_KEY_PER_MINUTE", "0").with("LOG_LEVEL", "info").start().await])
        .await;
}

async fn on_two_instances_a_stopped_key_is_refused_in_1024_interleavings(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("GENERATE_KEY_PER_MINUTE", "0").with("LOG_LEVEL", "info");
    let (first, second) = tokio::join!(setup.start(), setup.start());
    race(vec![first, second]).await;
}

/// A page that is requested after a stop neither contains the stream nor gets 304 for the earlier page.
async fn a_page_requested_after_a_stop_does_not_contain_the_stream(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let (first, second) = tokio::join!(setup.start(), setup.start());
    for turn in 0..50 {
        let key = first.key_of(1).await;
        let path = "/api/streams/public?limit=50";
        let page = second.get(path).await;
        let etag = page.header("etag").expect("a list has an ETag").to_owned();
        assert_eq!(page.json["streams"][0]["stream_key"], key.as_str());
        let again = || second.request(reqwest::Method::GET, path).header("If-None-Match", &etag);
        assert_eq!(second.send(again()).await.status, 304, "turn {turn}");
        assert_eq!(first.post_as(1, "/api/streams/stop").await.status, 200);
        let after = second.send(again()).await;
        assert_eq!(
            (after.status, after.json["streams"].as_array().map(Vec::len)),
            (200, Some(0)),
            "turn {turn}"
        );
    }
}

super::on_both_stores! {
    under_load_a_stopped_key_is_refused_in_1024_interleavings
    on_two_instances_a_stopped_key_is_refused_in_1024_interleavings
    a_page_requested_after_a_stop_does_not_contain_the_stream
}
