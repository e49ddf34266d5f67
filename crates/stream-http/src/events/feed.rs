//! The feed: the newest events, read once for all who wait for them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stream_domain::events::{EventQuery, Extent, LogPosition, ReadEventsError};
use stream_domain::ports::StoreError;
use stream_domain::{Event, Events, UserId};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How many events are held for readers that are a little behind; who is further behind reads the log.
const MAX_RECENT: usize = 4_096;

/// How many events are read at once.
const PAGE: u32 = 1_000;

/// The most readers of one user at one instance.
const MAX_PER_USER: usize = 10;

/// Shared by the task that moves the log on and by all readers.
#[derive(Clone)]
pub struct EventFeed(Arc<Shared>);

struct Shared {
    events: Events,
    /// The position that the log has reached.
    reached: watch::Sender<LogPosition>,
    /// `None` while there is nothing to go on from, so that readers read the log.
    recent: Mutex<Option<Recent>>,
    readers: Mutex<HashMap<UserId, usize>>,
    closed: CancellationToken,
}

/// The events behind `after`, without a gap.
struct Recent {
    after: LogPosition,
    events: VecDeque<Arc<Event>>,
}

impl fmt::Debug for EventFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFeed").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventFeed {
    /// A feed of this log.
    pub fn new(events: Events) -> Self {
        Self(Arc::new(Shared {
            events,
            reached: watch::Sender::new(LogPosition(0)),
            recent: Mutex::default(),
            readers: Mutex::default(),
            closed: CancellationToken::new(),
        }))
    }

    /// The log.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Gives new events their positions and wakes readers; to be called again and again.
    pub async fn advance(&self) -> Result<Extent, StoreError> {
        let advanced = self.try_advance().await;
        if advanced.is_err() {
            // The database may come back with another log, such as that of a standby.
            *locked(&self.0.recent) = None;
        }
        advanced
    }

    async fn try_advance(&self) -> Result<Extent, StoreError> {
        let extent = self.0.events.sequence().await?;
        if self.readers() == 0 {
            *locked(&self.0.recent) = None;
        } else {
            self.catch_up(extent.last).await?;
        }
        self.0.reached.send_if_modified(|reached| {
            let is_new = *reached != extent.last;
            *reached = extent.last;
            is_new
        });
        Ok(extent)
    }

    /// How many read the stream of events at the moment.
    pub fn readers(&self) -> usize {
        self.0.reached.receiver_count()
    }

    /// Ends all readers, for good.
    pub(crate) fn close(&self) {
        self.0.closed.cancel();
    }

    /// A place among the readers; `None` if the user has all that one may have.
    pub(super) fn sit_down(&self, user: UserId) -> Option<Seat> {
        let mut readers = locked(&self.0.readers);
        let of_user = readers.entry(user).or_default();
        if *of_user >= MAX_PER_USER {
            return None;
        }
        *of_user += 1;
        drop(readers);
        Some(Seat { feed: self.clone(), user, reached: self.0.reached.subscribe() })
    }

    /// Reads what is new, up to this position.
    async fn catch_up(&self, last: LogPosition) -> Result<(), StoreError> {
        locked(&self.0.recent).take_if(|recent| !recent.leads_to(last));
        loop {
            let after = locked(&self.0.recent).get_or_insert_with(|| Recent::begin(last)).end();
            if after >= last {
                return Ok(());
            }
            let query = EventQuery { user: None, after, kinds: Vec::new(), limit: PAGE };
            let events = match self.0.events.read(&query).await {
                Ok(page) => page.events,
                Err(ReadEventsError::Forgotten(_)) => Vec::new(),
                Err(ReadEventsError::Store(error)) => return Err(error),
            };
            let mut recent = locked(&self.0.recent);
            match recent.as_mut().filter(|_| !events.is_empty()) {
                Some(recent) => recent.add(events),
                // The log is another one than a moment ago.
                None => {
                    *recent = None;
                    return Ok(());
                }
            }
        }
    }
}

impl Recent {
    /// What follows from now on.
    fn begin(after: LogPosition) -> Self {
        Self { after, events: VecDeque::new() }
    }

    /// Whether it can go on to this position: that is not before its end, nor too far behind it.
    fn leads_to(&self, last: LogPosition) -> bool {
        let missing = last.0 - self.end().0;
        usize::try_from(missing).is_ok_and(|missing| missing <= MAX_RECENT)
    }

    fn end(&self) -> LogPosition {
        self.events.back().map_or(self.after, |event| event.position)
    }

    fn add(&mut self, events: Vec<Event>) {
        self.events.extend(events.into_iter().map(Arc::new));
        while self.events.len() > MAX_RECENT {
            self.after = self.events.pop_front().map_or(self.after, |event| event.position);
        }
    }

    /// The events that are wanted; `None` if some that are wanted may be missing.
    fn read(&self, query: &EventQuery) -> Option<(Vec<Arc<Event>>, LogPosition)> {
        if query.after < self.after || query.after > self.end() {
            return None;
        }
        let start = self.events.partition_point(|event| event.position <= query.after);
        let wanted = self.events.range(start..).filter(|event| query.wants(event)).take(query.limit as usize);
        let wanted: Vec<_> = wanted.cloned().collect();
        let is_full = wanted.len() >= query.limit as usize;
        let next = wanted.last().filter(|_| is_full).map_or(self.end(), |event| event.position);
        Some((wanted, next))
    }
}

/// A reader's place, until it is dropped.
pub(super) struct Seat {
    feed: EventFeed,
    user: UserId,
    reached: watch::Receiver<LogPosition>,
}

impl Seat {
    /// The events that are wanted and there, and the position that they lead to.
    pub(super) async fn read(
        &self,
        query: &EventQuery,
    ) -> Result<(Vec<Arc<Event>>, LogPosition), ReadEventsError> {
        let recent = locked(&self.feed.0.recent).as_ref().and_then(|recent| recent.read(query));
        if let Some(recent) = recent {
            return Ok(recent);
        }
        let page = self.feed.0.events.read(query).await?;
        Ok((page.events.into_iter().map(Arc::new).collect(), page.next))
    }

    /// Waits until the log goes beyond this position.
    pub(super) async fn wait_beyond(&mut self, position: LogPosition) {
        // The sender lives as long as the feed.
        let _ = self.reached.wait_for(|reached| *reached > position).await;
    }

    /// Completes when all readers have to end.
    pub(super) fn closed(&self) -> WaitForCancellationFutureOwned {
        self.feed.0.closed.clone().cancelled_owned()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut readers = locked(&self.feed.0.readers);
        if let Some(of_user) = readers.get_mut(&self.user) {
            *of_user -= 1;
            if *of_user == 0 {
                readers.remove(&self.user);
            }
        }
    }
}
