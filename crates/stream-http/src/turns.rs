//! Turns: what strangers may ask for without end is worked on a little at a time.
//!
//! Anybody may ask for pages that nobody else wants, and for keys that nobody has.
//! Each of them is answered, and each in its turn with others of its kind, so that however many ask, there is room for
//! those who ask for what is there.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use stream_domain::Stream;
use stream_domain::streams::LookupError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::{ApiError, ErrorCode};

/// How long anybody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much asking in vain is remembered of a connection.
const MOST_IN_VAIN: u8 = 8;

/// The turns of each kind.
#[derive(Debug)]
pub(crate) struct Turns {
    small_pages: Arc<Semaphore>,
    large_pages: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// A turn, until it is dropped.
pub(crate) type Turn = OwnedSemaphorePermit;

impl Default for Turns {
    /// At most half of the machine for what takes long.
    fn default() -> Self {
        let half = (cores() / 2).max(1);
        let turns = |number| Arc::new(Semaphore::new(number));
        Self { small_pages: turns(half), large_pages: turns(half), lookups: turns(cores()) }
    }
}

impl Turns {
    /// The turn of a page that few ask for.
    pub(crate) async fn page(&self, is_large: bool) -> Result<Turn, ApiError> {
        take(if is_large { &self.large_pages } else { &self.small_pages }).await
    }

    /// Looks something up, in turn if the connection lately asked for what nobody has.
    ///
    /// A media server, and a viewer of a stream, ask for what is or was there, and wait for nobody.
    pub(crate) async fn look_up(
        &self,
        request: &HttpRequest,
        lookup: impl Future<Output = Result<Stream, LookupError>>,
    ) -> Result<Stream, ApiError> {
        let asked_in_vain = request.conn_data::<AskedInVain>();
        let turn = match asked_in_vain {
            Some(times) if times.0.get() > 0 => Some(take(&self.lookups).await?),
            _ => None,
        };
        let found = lookup.await;
        drop(turn);
        if let Some(AskedInVain(times)) = asked_in_vain {
            let is_in_vain = matches!(found, Err(LookupError::Unknown));
            times.set(if is_in_vain {
                (times.get() + 2).min(MOST_IN_VAIN)
            } else {
                times.get().saturating_sub(1)
            });
        }
        Ok(found?)
    }
}

async fn take(turns: &Arc<Semaphore>) -> Result<Turn, ApiError> {
    let turn = timeout(PATIENCE, turns.clone().acquire_owned()).await;
    turn.ok().and_then(Result::ok).ok_or_else(|| {
        let why = "Too many others ask for something else at the moment; try again shortly.";
        ApiError::new(ErrorCode::StoreUnavailable, why)
    })
}

/// How often a connection asked for what nobody has; two who are found make up for one who is not.
#[derive(Debug, Clone, Default)]
pub(crate) struct AskedInVain(Rc<Cell<u8>>);

/// How much the machine does at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
