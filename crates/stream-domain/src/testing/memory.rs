//! The store that forgets: a reference for the real ones, and fast enough for every handler test.

mod admissions;
mod begin;
mod blocks;
mod catalog;
mod deliveries;
mod details;
mod endpoints;
mod events;
mod history;
mod keys;
mod kicks;
mod operations;
mod planned;
mod presence;
mod schedules;
mod sessions;
mod statistics;
mod tell;
mod told;
mod webhooks;

use std::collections::{BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::blocks::Block;
use crate::broadcasts::boots::Boots;
use crate::ports::{StoreError, StoreHealth, UsersTable};
use crate::{
    Details, ListRow, PageRequest, Position, ServerName, Stream, StreamId, StreamPage, Timestamp, UserId,
};

use super::gate::Gate;
use endpoints::Endpoints;
use planned::Planned;
use sessions::{Attempts, Sessions};
use told::Told;

/// A store in memory; one lock makes each step atomic.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    away: AtomicBool,
    admissions: Gate,
}

#[derive(Debug, Default)]
struct State {
    streams: Vec<Stream>,
    /// What is said of streams, with the terms that they are found by.
    details: HashMap<StreamId, (Details, BTreeSet<String>)>,
    channels: HashMap<UserId, Details>,
    schedules: Planned,
    /// The highest number that was ever given, since a deleted stream's may still have a session.
    last_stream: i32,
    sessions: Sessions,
    attempts: Attempts,
    boots: HashMap<ServerName, Boots>,
    told: Told,
    endpoints: Endpoints,
    blocks: HashMap<UserId, Block>,
}

/// The state, for one step; what the step has changed is told at its end.
struct Held<'s> {
    state: MutexGuard<'s, State>,
    is_changed: bool,
}

impl Deref for Held<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.is_changed = true;
        &mut self.state
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.is_changed {
            self.state.tell();
        }
    }
}

impl MemoryStore {
    /// A store that fails as a database does that cannot be reached.
    pub fn away() -> Self {
        Self { away: AtomicBool::new(true), ..Self::default() }
    }

    /// Makes the store fail from now on.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// Makes the store answer again.
    pub fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// Makes admissions wait from now on.
    pub fn hold_admissions(&self) {
        self.admissions.close();
    }

    /// Lets those that wait go on, and all that come.
    pub fn release_admissions(&self) {
        self.admissions.open();
    }

    /// Deletes a stream, as the platform does that deletes its user.
    pub fn delete(&self, stream: StreamId) {
        let mut state = self.held();
        state.streams.retain(|kept| kept.id != stream);
        state.sessions.mark(stream, crate::broadcasts::session::EndReason::Deleted);
    }

    fn held(&self) -> Held<'_> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Held { state, is_changed: false }
    }

    fn state(&self) -> Result<Held<'_>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store was told to be away"));
        }
        Ok(self.held())
    }

    fn page(
        &self,
        request: &PageRequest,
        belongs: impl Fn(&Stream, &Details, &BTreeSet<String>) -> bool,
    ) -> Result<StreamPage, StoreError> {
        let state = self.state()?;
        let read = |stream| state.sessions.seen_from(stream);
        let mut found: Vec<Stream> = state.streams.iter().map(read).collect();
        let nothing = Default::default();
        found.retain(|stream| {
            let (details, terms) = state.details.get(&stream.id).unwrap_or(&nothing);
            belongs(stream, details, terms)
        });
        found.sort_by_key(|stream| std::cmp::Reverse(Position::from(stream)));
        if let Some(after) = request.after {
            found.retain(|stream| Position::from(stream) < after);
        }
        let row = |stream: Stream| {
            let details = state.details.get(&stream.id).map(|(said, _)| said.clone().without_description());
            ListRow { position: Position::from(&stream), stream: Some(stream), details }
        };
        Ok(request.page_of(found.into_iter().map(row).collect()))
    }
}

impl State {
    /// What is said of a stream.
    fn details(&self, stream: StreamId) -> Details {
        self.details.get(&stream).map(|(details, _)| details.clone()).unwrap_or_default()
    }

    fn describe(&mut self, stream: StreamId, details: Details) {
        let terms = details.terms();
        self.details.insert(stream, (details, terms));
    }

    /// Writes a stream, and marks its session when the stream is no longer active.
    fn put(&mut self, stream: &Stream) {
        if let Some(place) = self.streams.iter_mut().find(|kept| kept.id == stream.id) {
            *place = stream.clone();
        }
        if let Err(ended) = stream.publishable_at(Timestamp::MIN) {
            self.sessions.mark(stream.id, ended.into());
        }
    }
}

#[async_trait]
impl StoreHealth for MemoryStore {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        self.state().map(|_| UsersTable::NotUsed)
    }
}
