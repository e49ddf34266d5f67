//! The use cases, over the in-memory store where behaviour counts and over mocks where failure does.

use std::sync::Arc;

use futures_executor::block_on;
use futures_util::FutureExt as _;
use time::Duration;

use crate::keys::{GenerateKeyError, LookupError, StopError};
use crate::lifecycle::{KeyLifetime, LIFETIME, NotPublishable};
use crate::ports::{
    EntropyError, KeyStore as _, MockEntropy, MockKeyStore, StartError, StoreError, StreamPorts,
    UserStreamsError,
};
use crate::testing::{FakeTokens, ManualClock, MemoryStore, SeededEntropy, unused_stream_ports};
use crate::token::TokenError;
use crate::{Authenticator, BearerToken, Catalog, Keys, PageRequest, StreamKey, StreamStatus, UserId};

struct World {
    clock: Arc<ManualClock>,
    keys: Keys,
    catalog: Catalog,
}

fn world_over(ports: &StreamPorts) -> World {
    let clock = Arc::new(ManualClock::default());
    let keys = Keys::new(ports, clock.clone(), Arc::new(SeededEntropy::default()));
    let catalog = Catalog::new(ports, clock.clone());
    World { clock, keys, catalog }
}

fn world() -> World {
    world_over(&StreamPorts::of(Arc::new(MemoryStore::default())))
}

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

#[test]
fn a_fresh_key_may_publish() {
    let World { keys, clock, .. } = world();
    let stream = block_on(keys.generate(user(1))).unwrap();
    assert_eq!(
        block_on(keys.find_publishable(&stream.key)).unwrap(),
        (stream.clone(), crate::ports::Clock::now(&*clock))
    );
}

#[test]
fn a_key_may_not_publish_once_it_is_stopped() {
    let World { keys, .. } = world();
    let stream = block_on(keys.generate(user(1))).unwrap();
    let stopped = block_on(keys.stop(user(1))).unwrap();
    assert_eq!(stopped.key, stream.key);
    let refusal = block_on(keys.find_publishable(&stream.key)).unwrap_err();
    assert!(matches!(refusal, LookupError::NotPublishable(NotPublishable::Stopped)), "{refusal:?}");
}

#[test]
fn a_key_may_not_publish_once_it_has_expired_swept_or_not() {
    let World { clock, keys, .. } = world();
    let stream = block_on(keys.generate(user(1))).unwrap();
    clock.advance(LIFETIME);
    for swept in [0, 1] {
        let refusal = block_on(keys.find_publishable(&stream.key)).unwrap_err();
        assert!(matches!(refusal, LookupError::NotPublishable(NotPublishable::Expired)), "{refusal:?}");
        assert_eq!(block_on(keys.sweep()).unwrap(), 1 - swept);
    }
}

#[test]
fn a_key_lives_as_long_as_the_installation_says_and_an_earlier_one_as_long_as_it_was_given() {
    let World { clock, keys, .. } = world();
    let earlier = block_on(keys.generate(user(1))).unwrap();
    let keys = keys.with_lifetime(KeyLifetime::from_hours(1).unwrap());
    let stream = block_on(keys.generate(user(2))).unwrap();
    assert_eq!(stream.expires_at, stream.created_at.plus(Duration::HOUR));
    clock.advance(Duration::HOUR - Duration::MICROSECOND);
    assert!(block_on(keys.find_publishable(&stream.key)).is_ok());
    clock.advance(Duration::MICROSECOND);
    let refusal = block_on(keys.find_publishable(&stream.key)).unwrap_err();
    assert!(matches!(refusal, LookupError::NotPublishable(NotPublishable::Expired)), "{refusal:?}");
    assert!(block_on(keys.find_publishable(&earlier.key)).is_ok());
}

#[test]
fn an_unknown_key_may_not_publish() {
    let World { keys, .. } = world();
    let refusal = block_on(keys.find_publishable(&StreamKey::parse("nobody").unwrap())).unwrap_err();
    assert!(matches!(refusal, LookupError::Unknown), "{refusal:?}");
}

#[test]
fn a_second_key_is_refused_and_the_first_is_named() {
    let World { keys, .. } = world();
    let first = block_on(keys.generate(user(1))).unwrap();
    match block_on(keys.generate(user(1))) {
        Err(GenerateKeyError::AlreadyActive(active)) => assert_eq!(*active, first),
        other => panic!("{other:?}"),
    }
}

#[test]
fn stopping_without_an_active_stream_is_refused() {
    let World { keys, .. } = world();
    assert!(matches!(block_on(keys.stop(user(1))), Err(StopError::NoneActive)));
}

#[test]
fn the_public_list_shows_what_may_publish_now() {
    let World { clock, keys, catalog } = world();
    block_on(keys.generate(user(1))).unwrap();
    clock.advance(Duration::HOUR);
    let second = block_on(keys.generate(user(2))).unwrap();
    clock.advance(Duration::hours(23));
    let (page, _) =
        block_on(catalog.list(&crate::catalog::CatalogQuery::active(PageRequest::default()))).unwrap();
    assert_eq!(page.streams, [second]);
    assert_eq!(page.next, None);
}

#[test]
fn the_own_list_shows_what_has_ended_too() {
    let World { keys, .. } = world();
    block_on(keys.generate(user(1))).unwrap();
    block_on(keys.stop(user(1))).unwrap();
    block_on(keys.generate(user(1))).unwrap();
    let page = block_on(keys.list_own(user(1), &PageRequest::default())).unwrap();
    let statuses: Vec<StreamStatus> = page.streams.iter().map(|stream| stream.status).collect();
    assert_eq!(statuses, [StreamStatus::Active, StreamStatus::Stopped]);
}

#[test]
fn a_sweep_goes_on_until_nothing_is_overdue() {
    let World { clock, keys, .. } = world();
    for number in 1..=1_201 {
        block_on(keys.generate(user(number))).unwrap();
    }
    clock.advance(LIFETIME);
    assert_eq!(block_on(keys.sweep()).unwrap(), 1_201);
    assert_eq!(block_on(keys.sweep()).unwrap(), 0);
}

#[test]
fn a_token_is_checked_without_the_store() {
    let authenticator = Authenticator::new(Arc::new(FakeTokens), Arc::new(ManualClock::default()));
    assert_eq!(authenticator.authenticate(&BearerToken::new("user-7")), Ok(user(7)));
    assert_eq!(authenticator.authenticate(&BearerToken::new("expired")), Err(TokenError::Expired));
}

#[test]
fn a_taken_key_is_drawn_anew() {
    let mut store = MockKeyStore::new();
    let real = MemoryStore::default();
    let mut refusals = 2;
    store.expect_start().times(3).returning(move |new| {
        if refusals > 0 {
            refusals -= 1;
            return Err(StartError::KeyTaken);
        }
        real.start(new).now_or_never().expect("memory never waits")
    });
    let World { keys, .. } = world_over(&StreamPorts { keys: Arc::new(store), ..unused_stream_ports() });
    assert!(block_on(keys.generate(user(1))).is_ok());
}

#[test]
fn a_store_that_calls_every_key_taken_is_not_asked_for_ever() {
    let mut store = MockKeyStore::new();
    store.expect_start().times(3).returning(|_| Err(StartError::KeyTaken));
    let World { keys, .. } = world_over(&StreamPorts { keys: Arc::new(store), ..unused_stream_ports() });
    assert!(matches!(block_on(keys.generate(user(1))), Err(GenerateKeyError::EveryKeyTaken)));
}

#[test]
fn no_key_is_made_without_randomness() {
    let mut entropy = MockEntropy::new();
    entropy.expect_fill().returning(|_| Err(EntropyError("the device is gone".into())));
    let keys = Keys::new(&unused_stream_ports(), Arc::new(ManualClock::default()), Arc::new(entropy));
    assert!(matches!(block_on(keys.generate(user(1))), Err(GenerateKeyError::Entropy(_))));
}

#[test]
fn an_unknown_user_is_told_so_by_every_use_case() {
    let mut store = MockKeyStore::new();
    store.expect_start().returning(|_| Err(StartError::UnknownUser));
    store.expect_stop_active().returning(|_, _| Err(UserStreamsError::UnknownUser));
    store.expect_list_by_user().returning(|_, _| Err(UserStreamsError::UnknownUser));
    let World { keys, .. } = world_over(&StreamPorts { keys: Arc::new(store), ..unused_stream_ports() });
    assert!(matches!(block_on(keys.generate(user(1))), Err(GenerateKeyError::UnknownUser)));
    assert!(matches!(block_on(keys.stop(user(1))), Err(StopError::UnknownUser)));
    let own = block_on(keys.list_own(user(1), &PageRequest::default()));
    assert!(matches!(own, Err(UserStreamsError::UnknownUser)));
}

#[test]
fn a_store_that_is_away_is_no_refusal() {
    let World { keys, .. } = world_over(&StreamPorts::of(Arc::new(MemoryStore::away())));
    let away = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
    assert!(matches!(block_on(keys.generate(user(1))), Err(GenerateKeyError::Store(e)) if away(&e)));
    assert!(matches!(block_on(keys.stop(user(1))), Err(StopError::Store(e)) if away(&e)));
    let looked = block_on(keys.find_publishable(&StreamKey::parse("k").unwrap()));
    assert!(matches!(looked, Err(LookupError::Store(e)) if away(&e)));
    assert!(block_on(keys.sweep()).is_err());
}
