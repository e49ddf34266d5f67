//! Pages of the public list: rendered once, and shared by every request that was made by then.
//!
//! The store reads the page after each call, and the last rendering is shared if the page is the one that it shows.
//! So no response is older than its request, and a page that did not change is neither rendered nor compressed again.
//!
//! Strangers choose the pages that they request, and there are more pages than fit in memory.
//! The whole lists, and the few pages that are requested most, are **popular**: the last rendering of each is kept.
//! Every other page waits its turn, a few at a time, small ones apart from large ones: any number of requests for them
//! delays neither popular pages nor lookups.

use std::sync::{Arc, Mutex, PoisonError};

use stream_coalesce::{BatchRead, Batcher};
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use stream_domain::ports::StoreError;
use stream_domain::{Catalog, PageRequest, StreamPage, Timestamp};
use tokio::task::spawn_blocking;

use super::popular::Popular;
use super::rendered::Rendered;
use crate::addresses::Addresses;
use crate::batches::{LARGE_READS, store_error};
use crate::error::ApiError;
use crate::turns::{Turn, Turns};

/// A page of more streams is large: it is not rendered between other responses.
const MAX_SMALL: usize = 100;

/// The public list, page by page.
pub(crate) struct Pages {
    reader: Arc<Reader>,
    /// The whole lists.
    active: PopularPage,
    live: PopularPage,
    popular: Mutex<Popular<CatalogQuery, PopularPage>>,
    turns: Arc<Turns>,
}

/// A page as it is sent, and the turn that it took, which lasts until the page is encoded.
pub(super) struct Page {
    pub(super) rendered: Arc<Rendered>,
    _turn: Option<Turn>,
}

impl Pages {
    pub(crate) fn new(catalog: Catalog, addresses: Addresses, turns: Arc<Turns>) -> Self {
        let reader = Arc::new(Reader { catalog, addresses });
        let whole = |query| reader.popular(query);
        Self {
            active: whole(CatalogQuery::active(PageRequest::default())),
            live: whole(CatalogQuery::live(PageRequest::default())),
            reader,
            popular: Mutex::default(),
            turns,
        }
    }

    /// The page as it is after this call.
    pub(super) async fn show(&self, asked: CatalogQuery) -> Result<Page, ApiError> {
        if let Some(page) = self.popular(&asked) {
            return Ok(Page { rendered: page.show().await?, _turn: None });
        }
        let turn = self.turns.page(is_large(&asked.page)).await?;
        let (page, now) = self.reader.catalog.list(&asked).await?;
        let reader = self.reader.clone();
        let rendered = off_thread(move || reader.render(page, now)).await?;
        Ok(Page { rendered, _turn: Some(turn) })
    }

    /// Counts the request; the page if it is a popular one.
    fn popular(&self, asked: &CatalogQuery) -> Option<PopularPage> {
        if asked.page == PageRequest::default() && asked.search.is_empty() {
            return Some(match asked.filter {
                PublicFilter::Active => self.active.clone(),
                PublicFilter::Live => self.live.clone(),
            });
        }
        let mut popular = self.popular.lock().unwrap_or_else(PoisonError::into_inner);
        popular.get(asked, || self.reader.popular(asked.clone())).cloned()
    }
}

fn is_large(page: &PageRequest) -> bool {
    page.limit.is_none_or(|limit| limit.get() as usize > MAX_SMALL)
}

/// A page that many request.
#[derive(Clone)]
enum PopularPage {
    /// The store reads small pages for many requests at once by itself.
    Small(Arc<LastRendering>),
    /// Large ones it reads one by one, so requests share a reading here.
    Large(Batcher<LastRendering>),
}

impl PopularPage {
    async fn show(&self) -> Result<Arc<Rendered>, StoreError> {
        match self {
            Self::Small(page) => page.refresh().await,
            Self::Large(reads) => reads.submit(()).await.map_err(store_error),
        }
    }
}

/// What was rendered last of a page.
struct LastRendering {
    reader: Arc<Reader>,
    asked: CatalogQuery,
    last: tokio::sync::Mutex<Option<Arc<Rendered>>>,
}

impl LastRendering {
    /// Reads the page, and renders it unless that was done already.
    async fn refresh(&self) -> Result<Arc<Rendered>, StoreError> {
        let (page, now) = self.reader.catalog.list(&self.asked).await?;
        // Requests that have read the same page wait for the one that renders it.
        let mut last = self.last.lock().await;
        if let Some(rendered) = last.as_ref().filter(|last| last.shows(&page, now)) {
            return Ok(rendered.clone());
        }
        let rendered = if page.streams.len() > MAX_SMALL {
            let reader = self.reader.clone();
            off_thread(move || reader.render(page, now)).await?
        } else {
            self.reader.render(page, now)
        };
        *last = Some(rendered.clone());
        Ok(rendered)
    }
}

impl BatchRead for LastRendering {
    type Request = ();
    type Response = Arc<Rendered>;
    type Error = Arc<StoreError>;

    async fn read(&self, requests: Vec<()>) -> Result<Vec<Arc<Rendered>>, Arc<StoreError>> {
        let rendered = self.refresh().await.map_err(Arc::new)?;
        Ok(vec![rendered; requests.len()])
    }
}

/// Reads and renders pages.
struct Reader {
    catalog: Catalog,
    addresses: Addresses,
}

impl Reader {
    fn popular(self: &Arc<Self>, asked: CatalogQuery) -> PopularPage {
        let is_shared = asked.page.is_shared();
        let page = LastRendering { reader: self.clone(), asked, last: tokio::sync::Mutex::default() };
        if is_shared {
            PopularPage::Small(Arc::new(page))
        } else {
            PopularPage::Large(Batcher::new(page, LARGE_READS))
        }
    }

    fn render(&self, page: Arc<StreamPage>, now: Timestamp) -> Arc<Rendered> {
        Arc::new(Rendered::new(page, now, &self.addresses))
    }
}

/// Renders on a thread where no other response waits for it.
async fn off_thread(
    render: impl FnOnce() -> Arc<Rendered> + Send + 'static,
) -> Result<Arc<Rendered>, StoreError> {
    spawn_blocking(render).await.map_err(StoreError::failed)
}
