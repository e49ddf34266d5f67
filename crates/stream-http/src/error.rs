//! Every error that this service answers, in one table and one shape:
//! `{"error": "<sentence for a person>", "code": "<stable_snake_case>"}`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::value::RawValue;
use stream_domain::lifecycle::Ended;
use stream_domain::ports::{StoreError, UserStreamsError, chain_of};
use stream_domain::streams::{GenerateKeyError, LookupError, StopError};
use stream_domain::token::TokenError;

/// How long a client is asked to wait for a store that is away, in seconds.
const STORE_RETRY_AFTER: u64 = 2;

/// What went wrong; the codes are API and never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is not HTTP as this service reads it.
    BadRequest,
    /// `limit` is no number in range.
    InvalidLimit,
    /// `cursor` was not given out by this service.
    InvalidCursor,
    /// `live` is neither `true` nor `false`.
    InvalidLive,
    /// There is no bearer token.
    MissingToken,
    /// There is one, and it is no good.
    InvalidToken,
    /// It was good.
    TokenExpired,
    /// It is good, but the platform does not know its user.
    UnknownUser,
    /// A publisher may not go on air.
    PublishRefused,
    /// A hook does not come from the media server that it names.
    HookRefused,
    /// No such route.
    NotFound,
    /// The user has nothing to stop.
    NoActiveStream,
    /// No stream has this key.
    StreamNotFound,
    /// The route has other methods.
    MethodNotAllowed,
    /// The request came too slowly.
    RequestTimeout,
    /// One active stream per user.
    StreamAlreadyActive,
    /// The key's stream was stopped.
    StreamStopped,
    /// The key's stream has expired.
    StreamExpired,
    /// The body is larger than any route needs.
    BodyTooLarge,
    /// The user asks for keys too often.
    TooManyRequests,
    /// The head is larger than any client needs.
    HeadersTooLarge,
    /// A defect of this service.
    InternalError,
    /// The store is away.
    StoreUnavailable,
    /// The service is not ready yet, or is about to stop.
    NotReady,
}

impl ErrorCode {
    /// All of them, in the order of docs/http-api.md.
    pub const ALL: [Self; 24] = [
        Self::BadRequest,
        Self::InvalidLimit,
        Self::InvalidCursor,
        Self::InvalidLive,
        Self::MissingToken,
        Self::InvalidToken,
        Self::TokenExpired,
        Self::UnknownUser,
        Self::PublishRefused,
        Self::HookRefused,
        Self::NotFound,
        Self::NoActiveStream,
        Self::StreamNotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::StreamAlreadyActive,
        Self::StreamStopped,
        Self::StreamExpired,
        Self::BodyTooLarge,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::InternalError,
        Self::StoreUnavailable,
        Self::NotReady,
    ];

    /// The table: status, code, and what to tell a person.
    #[rustfmt::skip]
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadRequest => (400, "bad_request", "The request is malformed."),
            Self::InvalidLimit => (400, "invalid_limit", "`limit` must be a whole number from 1 to 1000."),
            Self::InvalidCursor => (400, "invalid_cursor", "`cursor` must be a `next_cursor` of an earlier answer."),
            Self::InvalidLive => (400, "invalid_live", "`live` must be `true` or `false`."),
            Self::MissingToken => (401, "missing_token", "Sign in first: send the header `Authorization: Bearer <token>`."),
            Self::InvalidToken => (401, "invalid_token", "The token is not valid; sign in again."),
            Self::TokenExpired => (401, "token_expired", "The token has expired; sign in again."),
            Self::UnknownUser => (401, "unknown_user", "The token's user does not exist on this platform."),
            Self::PublishRefused => (403, "publish_refused", "This publisher may not go on air."),
            Self::HookRefused => (403, "hook_refused", "This hook is not let through: its media server's name, family, secret or network is not as in the settings; the service's log says which."),
            Self::NotFound => (404, "not_found", "There is nothing at this address."),
            Self::NoActiveStream => (404, "no_active_stream", "You have no active stream."),
            Self::StreamNotFound => (404, "stream_not_found", "No stream has this key."),
            Self::MethodNotAllowed => (405, "method_not_allowed", "This address does not take this method; see the header `Allow`."),
            Self::RequestTimeout => (408, "request_timeout", "The request came too slowly."),
            Self::StreamAlreadyActive => (409, "stream_already_active", "You already have an active stream; stop it to get a new key."),
            Self::StreamStopped => (410, "stream_stopped", "The stream was stopped."),
            Self::StreamExpired => (410, "stream_expired", "The stream has expired."),
            Self::BodyTooLarge => (413, "body_too_large", "The body is too large."),
            Self::TooManyRequests => (429, "too_many_requests", "You ask for keys too often; wait as long as the header `Retry-After` says."),
            Self::HeadersTooLarge => (431, "headers_too_large", "The request's headers are too large or too many."),
            Self::InternalError => (500, "internal_error", "Something went wrong on our side."),
            Self::StoreUnavailable => (503, "store_unavailable", "The database cannot be reached at the moment; try again shortly."),
            Self::NotReady => (503, "not_ready", "The service is not ready; try again shortly."),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).expect("the table holds HTTP statuses")
    }

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The sentence for a person.
    pub fn sentence(self) -> &'static str {
        self.row().2
    }

    /// The nearest code for an answer that came from a library.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            413 => Self::BodyTooLarge,
            431 => Self::HeadersTooLarge,
            400..=499 => Self::BadRequest,
            _ => Self::InternalError,
        }
    }
}

/// An error on its way to the client, with what belongs to it.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    sentence: Cow<'static, str>,
    stream: Option<Box<RawValue>>,
    allow: Option<&'static str>,
    retry_after: Option<u64>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The JSON of an error.
#[derive(Serialize)]
pub(crate) struct ErrorView<'a> {
    pub(crate) error: &'a str,
    pub(crate) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<&'a RawValue>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        let retry_after = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(STORE_RETRY_AFTER);
        Self { code, sentence: sentence.into(), stream: None, allow: None, retry_after, cause: None }
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..ErrorCode::MethodNotAllowed.into() }
    }

    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: Some(seconds.max(1)), ..ErrorCode::TooManyRequests.into() }
    }

    pub(crate) fn already_active(stream: Box<RawValue>) -> Self {
        Self { stream: Some(stream), ..ErrorCode::StreamAlreadyActive.into() }
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    fn caused_by(code: ErrorCode, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..code.into() }
    }

    /// The whole chain of causes for the log; `None` for an error that is the client's.
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
        }
        response.json(ErrorView { error: &self.sentence, code, stream: self.stream.as_deref() })
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.sentence())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) | StoreError::ReadOnly(_) => {
                Self::caused_by(ErrorCode::StoreUnavailable, error)
            }
            StoreError::Denied(_) | StoreError::Corrupt { .. } | StoreError::Failed(_) => {
                Self::caused_by(ErrorCode::InternalError, error)
            }
        }
    }
}

impl From<UserStreamsError> for ApiError {
    fn from(error: UserStreamsError) -> Self {
        match error {
            UserStreamsError::UnknownUser => ErrorCode::UnknownUser.into(),
            UserStreamsError::Store(error) => error.into(),
        }
    }
}

impl From<StopError> for ApiError {
    fn from(error: StopError) -> Self {
        match error {
            StopError::NoneActive => ErrorCode::NoActiveStream.into(),
            StopError::UnknownUser => ErrorCode::UnknownUser.into(),
            StopError::Store(error) => error.into(),
        }
    }
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown => ErrorCode::StreamNotFound.into(),
            LookupError::Ended(Ended::Stopped) => ErrorCode::StreamStopped.into(),
            LookupError::Ended(Ended::Expired) => ErrorCode::StreamExpired.into(),
            LookupError::Store(error) => error.into(),
        }
    }
}

impl ApiError {
    /// A refused key, with the stream that is in the way rendered by the caller.
    pub(crate) fn from_generate_key(
        error: GenerateKeyError,
        render: impl FnOnce(&stream_domain::Stream) -> Box<RawValue>,
    ) -> Self {
        match error {
            GenerateKeyError::AlreadyActive(stream) => Self::already_active(render(&stream)),
            GenerateKeyError::UnknownUser => ErrorCode::UnknownUser.into(),
            error @ (GenerateKeyError::EveryKeyTaken | GenerateKeyError::Entropy(_)) => {
                Self::caused_by(ErrorCode::InternalError, error)
            }
            GenerateKeyError::Store(error) => error.into(),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => ErrorCode::TokenExpired.into(),
            TokenError::Malformed
            | TokenError::NamedTwice
            | TokenError::WrongAlgorithm
            | TokenError::UnsupportedExtension
            | TokenError::WrongSignature
            | TokenError::NoExpiry
            | TokenError::NotYetValid
            | TokenError::ForeignAudience
            | TokenError::NoAudience
            | TokenError::WrongIssuer
            | TokenError::WrongClaim(_)
            | TokenError::NoUserId => {
                Self::new(ErrorCode::InvalidToken, format!("The token is not valid: {error}."))
            }
        }
    }
}
