//! Every error that this service answers, in one shape:
//! `{"error": "<sentence for a person>", "code": "<stable_snake_case>"}`.
//!
//! `error/code.rs` is the table of codes, `error/conversions.rs` tells which error of a use case gets which code.

mod code;
mod conversions;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::value::RawValue;
use stream_domain::broadcasts::admission::Refusal;
use stream_domain::pace::TooSoon;
use stream_domain::ports::chain_of;
use utoipa::ToSchema;
use utoipa::openapi::{Object, Ref};

use crate::schemas::words;

pub use code::ErrorCode;

use crate::rate::{Exceeded, GENERATE_KEY};

/// How long a client is asked to wait while the store is unavailable, in seconds.
const STORE_RETRY_AFTER: u64 = 2;

/// An error response: its code, and what belongs to it.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    sentence: Cow<'static, str>,
    /// JSON of the active stream that prevents a new one.
    stream: Option<Box<RawValue>>,
    /// The methods of the route.
    allow: Option<&'static str>,
    /// Seconds until a retry makes sense.
    retry_after: Option<u64>,
    /// The rate limit that is exceeded: its name, and how many requests a minute it allows.
    limit: Option<(&'static str, u32)>,
    /// For the log only.
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// An error; more fields may be added.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorView<'a> {
    /// A sentence for a person; it may change.
    pub(crate) error: &'a str,
    #[schema(schema_with = codes)]
    pub(crate) code: &'static str,
    /// The active stream, only with `stream_already_active`.
    #[schema(schema_with = stream_schema, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<&'a RawValue>,
}

/// The words of `code`.
fn codes() -> Object {
    words("A stable code, which never changes its meaning.", ErrorCode::ALL.iter().map(|code| code.as_str()))
}

/// A stream is rendered before it becomes part of an error.
fn stream_schema() -> Ref {
    Ref::from_schema_name("Stream")
}

impl ApiError {
    /// An error with a sentence of its own; all that are 503 ask for a retry.
    pub(crate) fn new(code: ErrorCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        let retry_after = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(STORE_RETRY_AFTER);
        Self {
            code,
            sentence: sentence.into(),
            stream: None,
            allow: None,
            retry_after,
            limit: None,
            cause: None,
        }
    }

    /// The user has no stream of this number.
    pub(crate) fn no_such_stream() -> Self {
        Self::new(ErrorCode::StreamNotFound, "You have no such stream.")
    }

    /// A route does not have the method; `allow` lists those that it has.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..ErrorCode::MethodNotAllowed.into() }
    }

    /// A rate limit is exceeded.
    pub(crate) fn too_many_requests(exceeded: &Exceeded) -> Self {
        Self { limit: Some((exceeded.name, exceeded.per_minute)), ..Self::retry_after(exceeded.wait) }
    }

    /// The client has to wait so long.
    fn retry_after(wait: Duration) -> Self {
        // Rounded up to whole seconds.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: Some(seconds.max(1)), ..ErrorCode::TooManyRequests.into() }
    }

    /// The user has to wait for the next key.
    pub(crate) fn too_soon(TooSoon { wait, per_minute }: TooSoon) -> Self {
        let wait = wait.try_into().unwrap_or(Duration::ZERO);
        if let Some(per_minute) = per_minute {
            let per_minute = per_minute.get();
            return Self::too_many_requests(&Exceeded { name: GENERATE_KEY, per_minute, wait });
        }
        let sentence =
            "A stream was stopped a moment ago. Try again when the time in Retry-After has passed.";
        Self { sentence: sentence.into(), ..Self::retry_after(wait) }
    }

    /// The client has asked for too many keys that no stream has.
    pub(crate) fn too_many_unknown_keys(exceeded: &Exceeded) -> Self {
        let sentence = "Too many keys that no stream has were asked for from this address. Try again later.";
        Self { sentence: sentence.into(), ..Self::too_many_requests(exceeded) }
    }

    /// The user has as many readers of the stream of events as one may have.
    pub(crate) fn too_many_event_streams() -> Self {
        let sentence = "You read the stream of events ten times already. Close one of these connections.";
        Self { sentence: sentence.into(), ..Self::retry_after(Duration::from_secs(2)) }
    }

    /// The client has sent too many hooks that were refused.
    pub(crate) fn too_many_refused_hooks(exceeded: &Exceeded) -> Self {
        let sentence =
            "Too many hooks from this address were refused. Correct their secret, or try again later.";
        Self { sentence: sentence.into(), ..Self::too_many_requests(exceeded) }
    }

    /// The client has sent too many wrong tokens of operators.
    pub(crate) fn too_many_wrong_tokens(exceeded: &Exceeded) -> Self {
        let sentence = "Too many wrong tokens were sent from this address. Try again later.";
        Self { sentence: sentence.into(), ..Self::too_many_requests(exceeded) }
    }

    /// The client has read what is public too often.
    pub(crate) fn too_many_reads(exceeded: &Exceeded) -> Self {
        let sentence = "Too many requests from this address. Try again later.";
        Self { sentence: sentence.into(), ..Self::too_many_requests(exceeded) }
    }

    /// The user has an active stream; `stream` is its JSON.
    pub(crate) fn already_active(stream: Box<RawValue>) -> Self {
        Self { stream: Some(stream), ..ErrorCode::StreamAlreadyActive.into() }
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    fn caused_by(code: ErrorCode, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..code.into() }
    }

    /// The chain of causes for the log; `None` for a client's error.
    pub(crate) fn chain(&self) -> Option<String> {
        self.cause.as_deref().map(|cause| chain_of(cause))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let code = self.code.as_str();
        let mut response = HttpResponse::build(self.status_code());
        match self.code {
            ErrorCode::MissingToken => {
                response.insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="stream-service""#));
            }
            ErrorCode::InvalidToken | ErrorCode::TokenExpired | ErrorCode::UnknownUser => {
                let challenge = format!(
                    r#"Bearer realm="stream-service", error="invalid_token", error_description="{}""#,
                    self.sentence
                );
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            _ => {}
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, allow));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
            if let Some((name, quota)) = self.limit {
                response.insert_header(("RateLimit-Policy", format!("\"{name}\";q={quota};w=60")));
                response.insert_header(("RateLimit", format!("\"{name}\";r=0;t={seconds}")));
            }
        }
        response.json(ErrorView { error: &self.sentence, code, stream: self.stream.as_deref() })
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.sentence())
    }
}

/// A refused publish request as a sentence for a person.
pub(crate) fn sentence_of(refusal: Refusal) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
