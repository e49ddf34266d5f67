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
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Streams, Timestamp};
use tokio::task::spawn_blocking;

use crate::addresses::Addresses;
use crate::error::ApiError;
use crate::listing::familiar::Familiar;
pub(crate) use crate::listing::rendered::Rendered;
use crate::paging::Shown;
use crate::turns::{Turn, Turns, cores};

/// How many callers may wait for one familiar page.
const WAITING: usize = 8_192;

/// After how long a reading no longer keeps the next one from beginning, and how many may take longer.
const PATIENCE: Duration = Duration::from_millis(100);
const OVERDUE: usize = 1;

/// How many streams are too many to be rendered between other answers, and make a page a large one.
const MANY_STREAMS: usize = 100;

/// What is asked for: which streams, and which part of their list.
type Asked = (Shown, PageRequest);

/// The pages that are being read, and what was rendered lately of those that are asked for most.
pub(crate) struct Listings {
    reading: Reading,
    /// The whole lists.
    all: Lanes<Listing>,
    live: Lanes<Listing>,
    familiar: Mutex<Familiar<Asked, Lanes<Listing>>>,
    turns: Arc<Turns>,
}

/// A page, and the turn that it took: it lasts until the page is encoded.
pub(crate) struct Page {
    pub(crate) rendered: Arc<Rendered>,
    _turn: Option<Turn>,
}

impl Listings {
    pub(crate) fn new(streams: Streams, addresses: Addresses, turns: &Arc<Turns>) -> Self {
        let reading = Reading { streams, addresses };
        Self {
            all: reading.lanes((Shown::All, PageRequest::default())),
            live: reading.lanes((Shown::Live, PageRequest::default())),
            reading,
            familiar: Mutex::default(),
            turns: turns.clone(),
        }
    }

    /// The page as it is after this call.
    pub(crate) async fn show(&self, shown: Shown, page: PageRequest) -> Result<Page, ApiError> {
        if let Some(lanes) = self.familiar((shown, page)) {
            let rendered = lanes.ask(()).await.map_err(|why| match why {
                Unanswered::Full | Unanswered::Abandoned => StoreError::unavailable(why.to_string()),
                Unanswered::Failed(error) => error.duplicate(),
            })?;
            return Ok(Page { rendered, _turn: None });
        }
        let turn = self.turns.page(is_large(&page)).await?;
        let (page, now) = self.reading.read((shown, page)).await?;
        let addresses = self.reading.addresses.clone();
        let rendered = apart(move || Arc::new(Rendered::new(page, now, &addresses))).await?;
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

fn is_large(page: &PageRequest) -> bool {
    page.limit.is_none_or(|limit| limit.get() as usize > MANY_STREAMS)
}

/// A familiar page.
struct Listing {
    reading: Reading,
    asked: Asked,
    /// What was rendered last, by whichever lane.
    last: Arc<tokio::sync::Mutex<Option<Arc<Rendered>>>>,
}

impl Source for Listing {
    type Question = ();
    type Answer = Arc<Rendered>;
    type Error = Arc<StoreError>;

    async fn answer(&self, callers: Vec<()>) -> Result<Vec<Arc<Rendered>>, Arc<StoreError>> {
        let (page, now) = self.reading.read(self.asked).await?;
        // Whoever has read the same meanwhile waits, and shares.
        let mut last = self.last.lock().await;
        let is_large = page.streams.len() > MANY_STREAMS;
        let (before, addresses) = (last.clone(), self.reading.addresses.clone());
        let render = move || match before.filter(|before| before.shows(&page, now)) {
            Some(before) => before,
            None => Arc::new(Rendered::new(page, now, &addresses)),
        };
        let rendered = if is_large { apart(render).await? } else { render() };
        *last = Some(rendered.clone());
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

    /// The page as it is after this call, and at which time.
    async fn read(&self, (shown, page): Asked) -> Result<(Arc<StreamPage>, Timestamp), StoreError> {
        let query = match shown {
            Shown::All => CatalogQuery::active(page),
            Shown::Live => CatalogQuery::live(page),
        };
        let page = self.streams.list(&query).await?;
        Ok((page, self.streams.now()))
    }
}

/// Renders where no other answer waits for it.
async fn apart(render: impl FnOnce() -> Arc<Rendered> + Send + 'static) -> Result<Arc<Rendered>, StoreError> {
    spawn_blocking(render).await.map_err(StoreError::failed)
}

#[cfg(test)]
mod tests;
