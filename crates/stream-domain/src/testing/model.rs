//! Random histories, checked step by step against a model that is too simple to be wrong.

use std::collections::HashMap;

use time::Duration;

use crate::catalog::CatalogQuery;
use crate::lifecycle::LIFETIME;
use crate::ports::StreamStore;
use crate::ports::{Clock as _, StartError};
use crate::testing::{ManualClock, SeededEntropy, new_stream};
use crate::{PageRequest, StreamKey, StreamStatus, Timestamp, UserId};

/// One step of a history; the number picks one of a few users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The user asks for a key.
    Generate(u8),
    /// The user stops.
    Stop(u8),
    /// Time passes.
    Wait(Duration),
    /// Overdue streams are marked.
    Sweep,
    /// Every key that was ever made is looked up, and both lists are read.
    Look,
}

impl Step {
    /// Some step, the same for the same number.
    pub fn from_number(number: u64) -> Self {
        let user = u8::try_from(number / 16 % 3).unwrap_or_default();
        match number % 16 {
            0..=4 => Self::Generate(user),
            5..=7 => Self::Stop(user),
            8 => Self::Wait(LIFETIME - Duration::microseconds(1)),
            9 => Self::Wait(LIFETIME),
            10 | 11 => Self::Wait(Duration::microseconds(1)),
            12 => Self::Wait(Duration::hours(11)),
            13 => Self::Sweep,
            _ => Self::Look,
        }
    }
}

/// What the model knows of a stream: whose it is, when it ends by itself, whether it was stopped.
struct Fact {
    user: UserId,
    expires_at: Timestamp,
    stopped: bool,
}

impl Fact {
    fn status_at(&self, now: Timestamp) -> StreamStatus {
        match self {
            Self { stopped: true, .. } => StreamStatus::Stopped,
            Self { expires_at, .. } if now >= *expires_at => StreamStatus::Expired,
            _ => StreamStatus::Active,
        }
    }
}

/// Plays the steps on the store, which must be empty, and panics where it departs from the model.
pub async fn check_history(store: &dyn StreamStore, steps: &[Step]) {
    let (clock, entropy) = (ManualClock::default(), SeededEntropy::default());
    let mut facts: HashMap<StreamKey, Fact> = HashMap::new();
    for step in steps {
        let now = clock.now();
        let active_key = |facts: &HashMap<StreamKey, Fact>, user: UserId| {
            let mut active = facts
                .iter()
                .filter(|(_, fact)| fact.user == user && fact.status_at(now) == StreamStatus::Active);
            active.next().map(|(key, _)| key.clone())
        };
        match *step {
            Step::Wait(duration) => clock.advance(duration),
            Step::Generate(user) => {
                let user = UserId::new(i64::from(user) + 1).expect("a small number is an id");
                let new = new_stream(user, StreamKey::generate(&entropy).expect("it cannot fail"), now);
                match (store.start(&new).await, active_key(&facts, user)) {
                    (Ok(stream), None) => {
                        assert_eq!(stream.status, StreamStatus::Active);
                        facts.insert(stream.key, Fact { user, expires_at: new.expires_at, stopped: false });
                    }
                    (Err(StartError::AlreadyActive(stream)), Some(key)) => assert_eq!(stream.key, key),
                    (answer, model) => panic!("{step:?}: the store says {answer:?}, the model {model:?}"),
                }
            }
            Step::Stop(user) => {
                let user = UserId::new(i64::from(user) + 1).expect("a small number is an id");
                let stopped = store.stop_active(user, now).await.expect("the store is there");
                let expected = active_key(&facts, user);
                assert_eq!(stopped.map(|stream| stream.key), expected, "{step:?}");
                if let Some(fact) = expected.and_then(|key| facts.get_mut(&key)) {
                    fact.stopped = true;
                }
            }
            Step::Sweep => {
                store.expire_overdue(now, 100).await.expect("the store is there");
            }
            Step::Look => look(store, &facts, now).await,
        }
    }
    look(store, &facts, clock.now()).await;
}

async fn look(store: &dyn StreamStore, facts: &HashMap<StreamKey, Fact>, now: Timestamp) {
    for (key, fact) in facts {
        let stream = store.find_by_key(key).await.expect("the store is there").expect("no stream is lost");
        assert_eq!(stream.status_at(now), fact.status_at(now));
        assert_eq!(stream.user_id, Some(fact.user));
    }
    let listed = store
        .list(&CatalogQuery::active(PageRequest::default()), now)
        .await
        .expect("the store is there")
        .streams
        .clone();
    let mut listed: Vec<&str> = listed.iter().map(|stream| stream.key.expose()).collect();
    let active = facts.iter().filter(|(_, fact)| fact.status_at(now) == StreamStatus::Active);
    let mut active: Vec<&str> = active.map(|(key, _)| key.expose()).collect();
    listed.sort_unstable();
    active.sort_unstable();
    assert_eq!(listed, active);
}
