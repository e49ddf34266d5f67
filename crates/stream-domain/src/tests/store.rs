//! The in-memory store is held to the laws of the real ones, and to random histories.

use std::sync::Arc;

use futures_executor::block_on;
use proptest::prelude::*;

use crate::ports::KeyStore as _;
use crate::testing::{MemoryStore, Step, check_history, new_stream};
use crate::{StreamKey, Timestamp, UserId};

crate::store_laws! {
    store: async { ((), Arc::new(MemoryStore::default())) },
    away: async { ((), Arc::new(MemoryStore::away())) },
    block_on: block_on
}

proptest! {
    #[test]
    fn any_history_matches_the_model(numbers in prop::collection::vec(any::<u64>(), 0..120)) {
        let steps: Vec<Step> = numbers.into_iter().map(Step::from_number).collect();
        block_on(check_history(&MemoryStore::default(), &steps));
    }
}

#[test]
fn one_of_many_threads_wins() {
    let store = MemoryStore::default();
    let wins = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..32)
            .map(|number| {
                let key = StreamKey::parse(&format!("key-{number}")).unwrap();
                let at = Timestamp::from_unix_micros(1).unwrap();
                let new = new_stream(UserId::new(1).unwrap(), key, at);
                let store = &store;
                scope.spawn(move || block_on(store.start(&new)).is_ok())
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(wins, 1);
}
