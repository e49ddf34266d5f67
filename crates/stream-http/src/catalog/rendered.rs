//! A page of the public list as it is sent: JSON, its encodings, and its `ETag`.

use std::sync::Arc;

use actix_web::http::header::{ContentEncoding, HeaderValue};
use actix_web::web::Bytes;
use stream_domain::{StreamPage, Timestamp};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::addresses::{Addresses, Audience};
use crate::compression::{brotli, gzip};
use crate::conditional::weak_etag;
use crate::view::PageView;

/// JSON longer than this, in bytes, is not compressed between other responses.
const LONG: usize = 64 * 1024;

/// JSON shorter than this, in bytes, is not worth compressing.
const SHORT: usize = 1_024;

/// A page as it is sent, in each encoding that a client has requested.
pub(super) struct Rendered {
    page: Arc<StreamPage>,
    /// The page's JSON is this from `from` until just before `until`, as long as the page stays the same.
    from: Timestamp,
    until: Timestamp,
    json: Bytes,
    gzip: OnceCell<Bytes>,
    brotli: OnceCell<Bytes>,
    /// Names the JSON in all of its encodings.
    pub(super) etag: HeaderValue,
}

impl Rendered {
    pub(super) fn new(page: Arc<StreamPage>, now: Timestamp, addresses: &Addresses) -> Self {
        let json = Bytes::from(PageView::at(now, &page, addresses, Audience::Public).to_json());
        let etag = weak_etag(&json);
        let until =
            page.streams.iter().map(|stream| stream.unchanged_until(now)).min().unwrap_or(Timestamp::MAX);
        Self { page, from: now, until, json, gzip: OnceCell::new(), brotli: OnceCell::new(), etag }
    }

    /// Whether this is what the page looks like at `now`.
    pub(super) fn shows(&self, page: &StreamPage, now: Timestamp) -> bool {
        self.from <= now
            && now < self.until
            && (std::ptr::eq(&raw const *self.page, page) || *self.page == *page)
    }

    /// Whether compressing it pays off.
    pub(super) fn is_long_enough_to_compress(&self) -> bool {
        self.json.len() >= SHORT
    }

    /// The bytes in this encoding; uncompressed in any but gzip and brotli.
    pub(super) async fn encoded(&self, encoding: ContentEncoding) -> Bytes {
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

/// Compresses long JSON on a thread where no other response waits for it.
async fn compressed(json: Bytes, compress: fn(&[u8]) -> Vec<u8>) -> Bytes {
    if json.len() <= LONG {
        return compress(&json).into();
    }
    spawn_blocking(move || compress(&json)).await.expect("compressing in memory does not panic").into()
}
