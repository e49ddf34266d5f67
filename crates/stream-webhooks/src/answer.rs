//! What is read of an answer.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use stream_domain::Timestamp;

/// How much of an answer is kept, in bytes.
const KEPT: usize = 1_024;

/// The beginning of a body, up to its end, its failure or [`KEPT`]; the rest is not waited for.
pub(crate) async fn beginning_of<B>(mut body: B, kept: &mut Vec<u8>)
where
    B: http_body::Body + Unpin,
    B::Data: AsRef<[u8]>,
{
    while kept.len() < KEPT {
        let Some(Ok(frame)) = body.frame().await else {
            return;
        };
        if let Ok(data) = frame.into_data() {
            let data = data.as_ref();
            kept.extend_from_slice(&data[..data.len().min(KEPT - kept.len())]);
        }
    }
}

/// That beginning as text that can be kept and shown anywhere.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    // A character may have been cut in two.
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    };
    let shown = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    String::from_utf8_lossy(whole).chars().map(shown).collect()
}

/// For how long an endpoint asks to be left alone, at `now`: in seconds, or until a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let now = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.unix_micros()).ok()?);
    date.duration_since(now).ok()
}
