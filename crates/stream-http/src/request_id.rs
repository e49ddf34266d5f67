//! Ids of requests: what a client, its response and the log call one request.

use actix_web::http::header::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::headers::REQUEST_ID;

/// The longest id that is taken from a client, in bytes.
const MAX_LENGTH: usize = 128;

/// The id of a request: 1 to 128 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// A new id: a UUID of version 7, so that ids sort by time.
    pub(crate) fn generate() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let text = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
        Self(HeaderValue::from_str(text).expect("a UUID is printable"))
    }

    /// The id that the client sent if it is a plain one, else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let sent = headers
            .get(&REQUEST_ID)
            .filter(|value| (1..=MAX_LENGTH).contains(&value.len()) && value.as_bytes().iter().all(is_plain));
        sent.cloned().map_or_else(Self::generate, Self)
    }

    /// The id for the log.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id for the response.
    pub(crate) fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}
