//! What readers of the log ask, and what keeps it going.

use std::fmt;
use std::sync::Arc;

use time::Duration;

use super::query::{EventPage, EventQuery, Extent, Forgotten};
use crate::Timestamp;
use crate::broadcasts::session::CLOCK_MARGIN;
use crate::ports::{Clock, EventLog, StoreError, StreamPorts};

/// For how much longer events are kept that an endpoint of a webhook has yet to be sent: longer than the time of all
/// attempts.
const SPARED_FOR: Duration = Duration::days(7);

/// How many rows a step of upkeep changes at most.
const BATCH: u32 = 1_000;

/// The settings of [`Events`].
#[derive(Debug, Clone, Copy)]
pub struct EventOptions {
    /// How long a publisher may be away before its stream is offline.
    pub reconnect_window: Duration,
    /// How long events are kept.
    pub kept_for: Duration,
}

/// Reads the log, and keeps it going.
#[derive(Clone)]
pub struct Events {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    options: EventOptions,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Why events were not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadEventsError {
    /// There would be a gap.
    #[error(transparent)]
    Forgotten(#[from] Forgotten),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Events {
    /// Wires the use cases to their ports.
    pub fn new(ports: &StreamPorts, clock: Arc<dyn Clock>, options: EventOptions) -> Self {
        Self { log: ports.events.clone(), clock, options }
    }

    /// What the log has.
    pub async fn extent(&self) -> Result<Extent, StoreError> {
        self.log.extent().await
    }

    /// The events that are wanted and follow a position, as far as the log goes.
    ///
    /// A page that has fewer than wanted ends where the log does, so that the next read skips what was not wanted.
    pub async fn read(&self, query: &EventQuery) -> Result<EventPage, ReadEventsError> {
        let (extent, events) = self.log.read_events(query).await?;
        extent.check(query.after)?;
        let is_full = events.len() >= query.limit as usize;
        let next = events.last().filter(|_| is_full).map_or(extent.last, |event| event.position);
        Ok(EventPage { events, next })
    }

    /// Gives positions to events that were written since, on whichever instance this comes first, and returns what the
    /// log has then.
    pub async fn sequence(&self) -> Result<Extent, StoreError> {
        self.log.sequence(BATCH).await
    }

    /// Writes what no change of a row tells: that a publisher has not come back, and that a plan's time has passed.
    ///
    /// Returns how many there were.
    pub async fn note_absences(&self) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut noted = 0;
        loop {
            let offline = self.log.note_offline(now.plus(-self.options.reconnect_window), now, BATCH).await?;
            noted += offline;
            if offline < BATCH {
                break;
            }
        }
        loop {
            // The clock of the instance that begins a stream at the last moment may be behind.
            let settled = self.log.settle_schedules(now.plus(-CLOCK_MARGIN), BATCH).await?;
            noted += settled;
            if settled < BATCH {
                return Ok(noted);
            }
        }
    }

    /// Forgets what is older than events are kept, in batches, and returns how many there were.
    pub async fn forget_old(&self) -> Result<u32, StoreError> {
        let before: Timestamp = self.clock.now().plus(-self.options.kept_for);
        let mut forgotten = 0;
        loop {
            let gone = self.log.forget_events(before, before.plus(-SPARED_FOR), BATCH).await?;
            forgotten += gone;
            if gone < BATCH {
                return Ok(forgotten);
            }
        }
    }
}
