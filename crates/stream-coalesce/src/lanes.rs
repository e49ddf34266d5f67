//! A lane for each thread that asks, as far as there are lanes.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Lane, Source, Unanswered};

/// Several lanes; callers on one thread share one.
///
/// A server's worker threads then wait for no other thread on the way to an answer: what they ask is read on their own
/// runtimes.
#[derive(Debug)]
pub struct Lanes<S: Source>(Arc<[Lane<S>]>);

impl<S: Source> Clone for Lanes<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Source> Lanes<S> {
    /// Takes at least one lane.
    pub fn new(lanes: Vec<Lane<S>>) -> Self {
        assert!(!lanes.is_empty(), "there must be a lane to ask on");
        Self(lanes.into())
    }

    /// Asks on this thread's lane, see [`Lane::ask`].
    pub async fn ask(&self, question: S::Question) -> Result<S::Answer, Unanswered<S::Error>> {
        let lane = &self.0[place_of_thread() % self.0.len()];
        lane.ask(question).await
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Lane<S>> {
        self.0.iter()
    }
}

/// The thread's number among those that have ever asked.
fn place_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PLACE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    PLACE.with(|place| {
        place.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            place.set(Some(next));
            next
        })
    })
}
