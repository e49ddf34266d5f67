//! Whether the service takes work.

use std::sync::{Arc, PoisonError, RwLock};

/// The service's state, shared by those who change it and those who ask.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<RwLock<State>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Starting(String),
    Ready,
    Draining { was_started: bool },
}

impl Readiness {
    /// Not ready yet, and why.
    pub fn starting(why: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(State::Starting(why.into()))))
    }

    /// Still not ready, for another reason.
    pub fn still_starting(&self, why: impl Into<String>) {
        self.change(|state| matches!(state, State::Starting(_)), State::Starting(why.into()));
    }

    /// Ready from now on.
    pub fn ready(&self) {
        self.change(|state| matches!(state, State::Starting(_)), State::Ready);
    }

    /// About to stop: what comes is answered still, and nobody should send more.
    pub fn draining(&self) {
        let was_started = self.is_started();
        self.change(|_| true, State::Draining { was_started });
    }

    /// Why the service should get no work; `None` if it should.
    pub(crate) fn objection(&self) -> Option<String> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready => None,
            State::Starting(why) => Some(why.clone()),
            State::Draining { .. } => Some("the service is stopping".to_owned()),
        }
    }

    /// Whether requests can be carried out at all.
    pub(crate) fn is_started(&self) -> bool {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Starting(_) => false,
            State::Ready => true,
            State::Draining { was_started } => *was_started,
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        matches!(&*self.0.read().unwrap_or_else(PoisonError::into_inner), State::Draining { .. })
    }

    fn change(&self, from: impl FnOnce(&State) -> bool, to: State) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if from(&state) {
            *state = to;
        }
    }
}
