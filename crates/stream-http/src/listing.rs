//! The public lists: read once, rendered once, and shared by everybody who had asked by then.
//!
//! The store tells what the list is after each call; what was rendered before is shared if that is still what it shows.
//! So no answer is older than its request, and a list that did not change is neither rendered nor compressed again.
//!
//! Strangers choose what they ask for, and there are more pages than anybody could keep.
//! The whole lists, and the few pages that are asked for most, are **familiar**: each is read for all who wait for it,
//! and its last rendering kept.
//! Every other page takes its turn, a few at a time, small ones apart from large ones: however many of them are asked
//! for, they keep neither familiar pages nor lookups waiting.

mod familiar;
mod rendered;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stream_coalesce::{Lane, Lanes, Limits, Source, Unanswered};
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Streams};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::addresses::Addresses;
use crate::error::{ApiError, ErrorCode};
use crate::listing::familiar::Familiar;
pub(crate) use crate::listing::rendered::Rendered;
use crate::paging::Shown;

/// How many callers may wait for one familiar page.
const WAITING: usize = 8_192;

/// After how long a reading no longer keeps the next one from beginning, and how many may take longer.
const PATIENCE: Duration = Duration::from_millis(100);
const OVERDUE: usize = 1;

/// How many streams are too many to be rendered between other answers, and make a page a large one.
const MANY_STREAMS: usize = 100;

/// How long a page may wait for its turn.
const TURN: Duration = Duration::from_secs(10);

/// What is asked for: which streams, and which part of their list.
type Asked = (Shown, PageRequest);

/// The pages that are being read, and what was rendered lately of those that are asked for most.
pub(crate) struct Listings {
    reading: Reading,
    /// The whole lists.
    all: Lanes<Listing>,
    live: Lanes<Listing>,
    familiar: Mutex<Familiar<Asked, Lanes<Listing>>>,
    /// The turns of other pages, small and large.
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A page, and the turn that it took: it lasts until the page is encoded.
pub(crate) struct Page {
    pub(crate) rendered: Arc<Rendered>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Listings {
    pub(crate) fn new(streams: Streams, addresses: Addresses) -> Self {
        let reading = Reading { streams, addresses };
        Self {
            all: reading.lanes((Shown::All, PageRequest::default())),
            live: reading.lanes((Shown::Live, PageRequest::default())),
            reading,
            familiar: Mutex::default(),
            small: Arc::new(Semaphore::new(cores())),
            // Half of the machine is left to everything else.
            large: Arc::new(Semaphore::new((cores() / 2).max(1))),
        }
    }

    /// The page as it is after this call.
    pub(crate) async fn show(&self, shown: Shown, page: PageRequest) -> Result<Page, ApiError> {
        if let Some(lanes) = self.familiar((shown, page)) {
            let rendered = lanes.ask(()).await.map_err(|why| match why {
                Unanswered::Full | Unanswered::Abandoned => StoreError::unavailable(why.to_string()),
                Unanswered::Failed(error) => error.for_another(),
            })?;
            return Ok(Page { rendered, _turn: None });
        }
        let turns = if is_large(&page) { &self.large } else { &self.small };
        let Ok(Ok(turn)) = timeout(TURN, turns.clone().acquire_owned()).await else {
            let why = "Too many different pages are asked for at the moment; try again shortly.";
            return Err(ApiError::new(ErrorCode::StoreUnavailable, why));
        };
        let rendered = self.reading.render((shown, page), None).await?;
        Ok(Page { rendered, _turn: Some(turn) })
    }

    /// Notes that the page is asked for; its lanes if it is a familiar one.
    fn familiar(&self, asked: Asked) -> Option<Lanes<Listing>> {
        if asked.1 == PageRequest::default() {
            let whole = if asked.0 == Shown::All { &self.all } else { &self.live };
            return Some(whole.clone());
        }
        let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        familiar.get(asked, || self.reading.lanes(asked)).cloned()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn is_large(page: &PageRequest) -> bool {
    page.limit.is_none_or(|limit| limit.get() as usize > MANY_STREAMS)
}

/// A familiar page.
struct Listing {
    reading: Reading,
    asked: Asked,
    /// What was rendered last, by whichever lane.
    last: Arc<Mutex<Option<Arc<Rendered>>>>,
}

impl Source for Listing {
    type Question = ();
    type Answer = Arc<Rendered>;
    type Error = Arc<StoreError>;

    async fn answer(&self, callers: Vec<()>) -> Result<Vec<Arc<Rendered>>, Arc<StoreError>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let rendered = self.reading.render(self.asked, last).await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(rendered.clone());
        Ok(vec![rendered; callers.len()])
    }
}

/// How a page is read and rendered.
#[derive(Clone)]
struct Reading {
    streams: Streams,
    addresses: Addresses,
}

impl Reading {
    /// The lanes of a familiar page.
    fn lanes(&self, asked: Asked) -> Lanes<Listing> {
        let last = Arc::default();
        let lane = |_| {
            let limits = Limits { waiting: WAITING, at_once: WAITING, patience: PATIENCE, overdue: OVERDUE };
            Lane::new(Listing { reading: self.clone(), asked, last: Arc::clone(&last) }, limits)
        };
        // A large one is not rendered on two threads at once.
        let lanes = if is_large(&asked.1) { 1 } else { cores() };
        Lanes::new((0..lanes).map(lane).collect())
    }

    /// Reads the page; `last` is what was rendered before, which is kept if it is still what would be rendered.
    async fn render(
        &self,
        (shown, page): Asked,
        last: Option<Arc<Rendered>>,
    ) -> Result<Arc<Rendered>, StoreError> {
        let page = match shown {
            Shown::All => self.streams.list_public(&page).await,
            Shown::Live => self.streams.list_live(&page).await,
        }?;
        let now = self.streams.now();
        let addresses = self.addresses.clone();
        let render = move |page: StreamPage| {
            let kept = last.filter(|last| last.shows(&page, now));
            kept.unwrap_or_else(|| Arc::new(Rendered::new(page, now, &addresses)))
        };
        if page.streams.len() <= MANY_STREAMS {
            return Ok(render(page));
        }
        spawn_blocking(move || render(page)).await.map_err(StoreError::failed)
    }
}
