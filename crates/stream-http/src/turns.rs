//! Turns: work that anonymous clients can request without limit is done a little at a time.
//!
//! Anybody can request pages that nobody else wants, and keys that do not exist.
//! Each of these requests waits its turn among others of its kind and is then answered, so that any number of them
//! leaves room for requests for what exists.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use stream_domain::keys::LookupError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::{ApiError, ErrorCode};

/// How long a request waits for its turn.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most that misses count on a connection; a miss counts 2, and a hit takes 1 away.
const MAX_MISSES: u8 = 8;

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
    /// Pages take at most half of the machine.
    fn default() -> Self {
        let half = (cores() / 2).max(1);
        let turns = |number| Arc::new(Semaphore::new(number));
        Self { small_pages: turns(half), large_pages: turns(half), lookups: turns(cores()) }
    }
}

impl Turns {
    /// A turn for a page that is not popular.
    pub(crate) async fn page(&self, is_large: bool) -> Result<Turn, ApiError> {
        take(if is_large { &self.large_pages } else { &self.small_pages }).await
    }

    /// Looks a stream up, in turn if lookups of this connection have missed lately.
    ///
    /// Media servers and viewers look up streams that exist or existed, and do not wait.
    pub(crate) async fn look_up<T>(
        &self,
        request: &HttpRequest,
        lookup: impl Future<Output = Result<T, LookupError>>,
    ) -> Result<T, ApiError> {
        let recent_misses = request.conn_data::<RecentMisses>();
        let turn = match recent_misses {
            Some(times) if times.0.get() > 0 => Some(take(&self.lookups).await?),
            _ => None,
        };
        let found = lookup.await;
        drop(turn);
        if let Some(RecentMisses(times)) = recent_misses {
            let is_miss = matches!(found, Err(LookupError::Unknown));
            times.set(if is_miss {
                (times.get() + 2).min(MAX_MISSES)
            } else {
                times.get().saturating_sub(1)
            });
        }
        Ok(found?)
    }
}

async fn take(turns: &Arc<Semaphore>) -> Result<Turn, ApiError> {
    let turn = timeout(TIMEOUT, turns.clone().acquire_owned()).await;
    turn.ok().and_then(Result::ok).ok_or_else(|| {
        let sentence = "Too many other requests are waiting at the moment; try again shortly.";
        ApiError::new(ErrorCode::StoreUnavailable, sentence)
    })
}

/// The lookups of a connection that found nothing; two hits make up for a miss.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentMisses(Rc<Cell<u8>>);

/// How many threads the machine runs at once.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
