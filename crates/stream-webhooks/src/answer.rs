//! What is kept of an answer.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use stream_domain::Timestamp;
use time::OffsetDateTime;

/// How much is kept of a body, in bytes.
pub(crate) const MAX_BODY: usize = 1024;

/// For how long an answer that came at `now` asks to be left alone; `None` where it does not, or says it in no form there is.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is too long to be read is as good as for ever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let then = OffsetDateTime::from(httpdate::parse_http_date(text).ok()?);
    // It may be past already.
    Some(Duration::try_from(then - now.to_utc()).unwrap_or_default())
}

/// Reads what a body begins with into `begin`, until that is [`MAX_BODY`] long, the body ends, or it breaks off.
pub(crate) async fn read_begin(mut body: impl Body<Data = Bytes> + Unpin, begin: &mut Vec<u8>) {
    while begin.len() < MAX_BODY {
        let Some(Ok(frame)) = body.frame().await else {
            return;
        };
        if let Some(data) = frame.data_ref() {
            begin.extend_from_slice(&data[..data.len().min(MAX_BODY - begin.len())]);
        }
    }
}

/// The bytes that a body began with as a text of at most [`MAX_BODY`] bytes, which any store can keep.
///
/// Control characters other than line feed and tabulator are replaced, as is what is no UTF-8.
pub(crate) fn text_of(begin: &[u8]) -> String {
    let is_cut = begin.len() >= MAX_BODY;
    let mut text = String::with_capacity(begin.len());
    let mut chunks = begin.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        text.extend(chunk.valid().chars().map(|c| if is_kept(c) { c } else { char::REPLACEMENT_CHARACTER }));
        // At the end it may be a character that was cut.
        let is_cut_off = is_cut && chunks.peek().is_none();
        if !chunk.invalid().is_empty() && !is_cut_off {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    // What replaces a byte has three.
    let end = (0..=MAX_BODY.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    text
}

fn is_kept(c: char) -> bool {
    matches!(c, '\n' | '\t') || !c.is_control()
}
