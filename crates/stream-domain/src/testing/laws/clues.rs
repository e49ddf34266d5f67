//! Attempts that were refused before their stream was known.

use super::asked::{SECOND, edge};
use super::streams::{key, named, now, started, user};
use crate::Timestamp;
use crate::broadcasts::admission::{Attempt, Refusal};
use crate::ports::Clues;
use crate::testing::{Store, playback_id_of};

/// A publisher at 192.0.2.`host` that showed these texts and, as its name, this playback id.
fn clues(keys: &[&str], playback_id_of_key: Option<&str>, host: u8) -> Clues {
    Clues {
        keys: keys.iter().map(|text| key(text)).collect(),
        as_key: Refusal::KeyInWrongField,
        playback_id: playback_id_of_key.map(|text| playback_id_of(&key(text))),
        as_name: Refusal::NoKey,
        server: edge(),
        address: Some([192, 0, 2, host].into()),
    }
}

async fn noted(store: &impl Store, clues: &Clues, at: Timestamp) -> Option<i32> {
    let stream = store.note_attempt(clues, at).await.expect("the store is there");
    stream.map(|stream| stream.0)
}

async fn attempts(store: &impl Store, user_number: i64) -> Vec<Attempt> {
    store.list_attempts(user(user_number), 10).await.expect("the store is there")
}

/// The first key that is known counts, then the playback id, and a publisher without any key leaves nothing behind.
pub async fn an_attempt_is_noted_for_the_owner_that_its_clues_name(store: &impl Store) {
    let one = started(store, &named(1, "one", now())).await.id.0;
    let two = started(store, &named(2, "two", now())).await.id.0;

    assert_eq!(noted(store, &clues(&["none", "ONE"], Some("nobodys"), 1), now()).await, None);
    assert_eq!(noted(store, &clues(&[], None, 1), now()).await, None);
    assert_eq!(attempts(store, 1).await, []);

    assert_eq!(noted(store, &clues(&["none", "two", "one"], Some("one"), 1), now()).await, Some(two));
    let later = now().plus(3 * SECOND);
    assert_eq!(noted(store, &clues(&["two"], None, 1), later).await, Some(two));
    let [kept] = &attempts(store, 2).await[..] else { panic!("one attempt") };
    assert_eq!((kept.stream_id.0, kept.refusal), (two, Refusal::KeyInWrongField));
    assert_eq!((kept.server.clone(), kept.address), (edge(), Some([192, 0, 2, 1].into())));
    assert_eq!((kept.first_at, kept.last_at), (now(), later));
    assert_eq!(attempts(store, 1).await, []);

    // Anybody knows a playback id, and may come from anywhere.
    for host in 1..9 {
        assert_eq!(noted(store, &clues(&["none"], Some("one"), host), now()).await, Some(one));
    }
    let [kept] = &attempts(store, 1).await[..] else { panic!("one attempt") };
    assert_eq!((kept.refusal, kept.address), (Refusal::NoKey, None));

    // What a key's holder shows is told in whatever state its stream is.
    super::streams::stopped(store, 1, later).await;
    assert_eq!(noted(store, &clues(&["one"], None, 7), later).await, Some(one));
    assert_eq!(attempts(store, 1).await.len(), 2);
}
