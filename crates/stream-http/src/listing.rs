//! The public lists: read once, rendered once, and shared by everybody who had asked by then.
//!
//! The store tells in a moment that nothing has changed, so mostly it is what was rendered before that is shared; but
//! never without having asked.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::{ContentEncoding, HeaderValue};
use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest as _, Sha1};
use stream_coalesce::{Lane, Lanes, Limits, Source, Unanswered};
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Streams, Timestamp};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::addresses::{Addresses, Audience};
use crate::paging::Shown;
use crate::view::PageView;

/// How many callers may wait for one page.
const WAITING: usize = 8_192;

/// After how long a reading no longer keeps the next one from beginning, and how many may take longer.
const PATIENCE: Duration = Duration::from_millis(100);
const OVERDUE: usize = 1;

/// How many different pages are read at once, or remembered.
const PAGES: usize = 32;

/// The longest list that is remembered, in bytes of JSON.
const REMEMBERED: usize = 128 * 1024;

/// What is longer than so many bytes is not rendered or compressed between other answers.
const LONG: usize = 64 * 1024;

/// How many streams are about so long.
const MANY_STREAMS: usize = 100;

/// What is shorter than so many bytes is not worth compressing.
const SHORT: usize = 1_024;

/// The work that compression is given: what a busy web server would choose.
const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: u32 = 5;

/// The pages that are being read, and those that were lately.
pub(crate) struct Listings {
    streams: Streams,
    addresses: Addresses,
    lanes: Mutex<HashMap<(Shown, PageRequest), Lanes<Listing>>>,
}

impl Listings {
    pub(crate) fn new(streams: Streams, addresses: Addresses) -> Self {
        Self { streams, addresses, lanes: Mutex::default() }
    }

    /// The page as it is after this call.
    pub(crate) async fn show(&self, shown: Shown, page: PageRequest) -> Result<Arc<Rendered>, StoreError> {
        let listed = match self.lanes_of(shown, page) {
            Some(lanes) => lanes.ask(()).await,
            None => Err(Unanswered::Full),
        };
        listed.map_err(|why| match why {
            Unanswered::Full | Unanswered::Abandoned => StoreError::unavailable(why.to_string()),
            Unanswered::Failed(error) => error.for_another(),
        })
    }

    fn lanes_of(&self, shown: Shown, page: PageRequest) -> Option<Lanes<Listing>> {
        let mut all = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lanes) = all.get(&(shown, page)) {
            return Some(lanes.clone());
        }
        if all.len() >= PAGES {
            all.retain(|_, lanes| lanes.iter().any(|lane| !lane.is_idle()));
        }
        if all.len() >= PAGES {
            return None;
        }
        let last = Arc::default();
        let lane = |_| {
            let limits = Limits { waiting: WAITING, at_once: WAITING, patience: PATIENCE, overdue: OVERDUE };
            let (streams, addresses) = (self.streams.clone(), self.addresses.clone());
            Lane::new(Listing { streams, addresses, shown, page, last: Arc::clone(&last) }, limits)
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let lanes = Lanes::new((0..cores).map(lane).collect());
        all.insert((shown, page), lanes.clone());
        Some(lanes)
    }
}

/// One page.
struct Listing {
    streams: Streams,
    addresses: Addresses,
    shown: Shown,
    page: PageRequest,
    /// What was rendered last, by whichever lane.
    last: Arc<Mutex<Option<Arc<Rendered>>>>,
}

impl Source for Listing {
    type Question = ();
    type Answer = Arc<Rendered>;
    type Error = Arc<StoreError>;

    async fn answer(&self, callers: Vec<()>) -> Result<Vec<Arc<Rendered>>, Arc<StoreError>> {
        let page = match self.shown {
            Shown::All => self.streams.list_public(&self.page).await,
            Shown::Live => self.streams.list_live(&self.page).await,
        };
        let rendered = self.render(page?).await?;
        Ok(vec![rendered; callers.len()])
    }
}

impl Listing {
    /// What was rendered before, if it is still what would be rendered.
    async fn render(&self, page: StreamPage) -> Result<Arc<Rendered>, StoreError> {
        let now = self.streams.now();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|last| last.shows(&page, now)) {
            return Ok(last);
        }
        let addresses = self.addresses.clone();
        let rendered = if page.streams.len() > MANY_STREAMS {
            spawn_blocking(move || Rendered::new(page, now, &addresses)).await.map_err(StoreError::failed)?
        } else {
            Rendered::new(page, now, &addresses)
        };
        let rendered = Arc::new(rendered);
        let remembered = Some(rendered.clone()).filter(|rendered| rendered.json.len() <= REMEMBERED);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = remembered;
        Ok(rendered)
    }
}

/// A page as it is sent, in each form that somebody has wanted.
pub(crate) struct Rendered {
    page: StreamPage,
    from: Timestamp,
    until: Timestamp,
    json: Bytes,
    gzip: OnceCell<Bytes>,
    brotli: OnceCell<Bytes>,
    /// Names what is shown, in whatever form.
    pub(crate) etag: HeaderValue,
}

impl Rendered {
    fn new(page: StreamPage, now: Timestamp, addresses: &Addresses) -> Self {
        let json = Bytes::from(PageView::at(now, &page, addresses, Audience::Public).to_json());
        // Weak, since the same stands in several encodings; 16 bytes of a hash are enough to tell pages apart.
        let name = URL_SAFE_NO_PAD.encode(&Sha1::digest(&json)[..16]);
        let etag = HeaderValue::from_str(&format!("W/\"{name}\"")).expect("base64 is printable");
        let until =
            page.streams.iter().map(|stream| stream.unchanged_until(now)).min().unwrap_or(Timestamp::MAX);
        Self { page, from: now, until, json, gzip: OnceCell::new(), brotli: OnceCell::new(), etag }
    }

    fn shows(&self, page: &StreamPage, now: Timestamp) -> bool {
        self.from <= now && now < self.until && self.page == *page
    }

    /// Whether compressing it pays.
    pub(crate) fn is_long_enough_to_compress(&self) -> bool {
        self.json.len() >= SHORT
    }

    /// The bytes in this encoding; as they are in any but gzip and brotli.
    pub(crate) async fn encoded(&self, encoding: ContentEncoding) -> Bytes {
        match encoding {
            ContentEncoding::Gzip => {
                self.gzip.get_or_init(|| compressed(self.json.clone(), gzip)).await.clone()
            }
            ContentEncoding::Brotli => {
                self.brotli.get_or_init(|| compressed(self.json.clone(), brotli)).await.clone()
            }
            _ => self.json.clone(),
        }
    }
}

/// Compresses what is long where it keeps no other answer waiting.
async fn compressed(json: Bytes, compress: fn(&[u8]) -> Vec<u8>) -> Bytes {
    if json.len() <= LONG {
        return compress(&json).into();
    }
    spawn_blocking(move || compress(&json)).await.expect("compressing in memory does not panic").into()
}

fn gzip(json: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
    encoder.write_all(json).and_then(|()| encoder.finish()).expect("memory takes everything")
}

fn brotli(json: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4_096, BROTLI_QUALITY, 22);
    encoder.write_all(json).expect("memory takes everything");
    drop(encoder);
    compressed
}
