//! One reader of the stream of events.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream};
use stream_domain::Event;
use stream_domain::events::{EventQuery, LogPosition, ReadEventsError};
use stream_domain::ports::chain_of;
use tokio::time::{Instant, sleep, sleep_until};

use super::feed::Seat;
use super::view::EventView;

/// How many events are written at once; what a client does not read yet is not read from the log either.
const BATCH: u32 = 100;

/// How long a client waits before it connects again, in milliseconds.
const RETRY: u32 = 2_000;

/// The pause after a read that found nothing.
const SHORT_PAUSE: Duration = Duration::from_millis(20);

/// The pause after a failed read.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads events for one client, as fast as that takes them.
pub(super) struct Reader<A> {
    seat: Seat,
    query: EventQuery,
    heartbeat: Duration,
    may_read: A,
    has_begun: bool,
    /// The position that the client was told last.
    told: LogPosition,
}

impl<A: Fn() -> bool + 'static> Reader<A> {
    /// A reader that goes on for as long as it may.
    pub(super) fn new(seat: Seat, query: EventQuery, heartbeat: Duration, may_read: A) -> Self {
        let told = query.after;
        Self {
            seat,
            query: EventQuery { limit: BATCH, ..query },
            heartbeat,
            may_read,
            has_begun: false,
            told,
        }
    }

    /// What is sent, piece by piece.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + 'static {
        stream::unfold(self, |mut reader| async move {
            let closed = reader.seat.closed();
            let piece = tokio::select! {
                piece = reader.next() => piece,
                () = closed => None,
            }?;
            Some((Ok(piece), reader))
        })
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.has_begun {
            self.has_begun = true;
            // A client that is cut off before the first event knows from where to go on.
            return Some(Bytes::from(format!("retry: {RETRY}\nid: {}\n\n", self.told.0)));
        }
        let silent_until = Instant::now() + self.heartbeat;
        loop {
            match self.seat.read(&self.query).await {
                Ok((events, next)) => {
                    self.query.after = next;
                    if !events.is_empty() {
                        return (self.may_read)().then(|| self.tell(&events));
                    }
                    // Should a database that was set back lead nowhere, it is not asked without a pause.
                    sleep(SHORT_PAUSE).await;
                }
                Err(ReadEventsError::Forgotten(_)) => return None,
                Err(ReadEventsError::Store(error)) => {
                    tracing::warn!(error = chain_of(&error), "a stream of events waits for the database");
                    sleep(PAUSE).await;
                }
            }
            tokio::select! {
                () = self.seat.wait_beyond(self.query.after) => {}
                () = sleep_until(silent_until) => return (self.may_read)().then(|| self.beat()),
            }
        }
    }

    /// Events as server-sent events, up to the first that is no JSON.
    fn tell(&mut self, events: &[Arc<Event>]) -> Bytes {
        let mut text = String::new();
        for event in events {
            let view = EventView::of(event).map(|view| serde_json::to_string(&view));
            match view {
                Ok(Ok(data)) => {
                    let (position, kind) = (event.position.0, &event.kind);
                    let _ = write!(text, "id: {position}\nevent: {kind}\ndata: {data}\n\n");
                }
                _ => tracing::error!(position = event.position.0, "an event cannot be read, and is left out"),
            }
        }
        self.told = events.last().map_or(self.told, |event| event.position);
        Bytes::from(text)
    }

    /// A sign of life, with the position that was reached meanwhile.
    fn beat(&mut self) -> Bytes {
        let position = self.query.after;
        if std::mem::replace(&mut self.told, position) == position {
            return Bytes::from_static(b":\n\n");
        }
        Bytes::from(format!(":\nid: {}\n\n", position.0))
    }
}
