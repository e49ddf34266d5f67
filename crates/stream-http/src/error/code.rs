//! The table of errors: each code with its status and its sentence.

use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};
use strum::{IntoStaticStr, VariantArray};

/// What went wrong, in the order of docs/http-api.md.
///
/// The codes are API: they are the names of the variants in snake case, and are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed.
    BadRequest,
    /// `limit` is not a number in range.
    InvalidLimit,
    /// `cursor` does not come from this service.
    InvalidCursor,
    /// `live` is neither `true` nor `false`.
    InvalidLive,
    /// A body is not the JSON that its route needs.
    InvalidBody,
    /// A title cannot be taken.
    InvalidTitle,
    /// A description cannot be taken.
    InvalidDescription,
    /// Tags cannot be taken.
    InvalidTags,
    /// There is no such category.
    InvalidCategory,
    /// It is no language.
    InvalidLanguage,
    /// Content labels cannot be taken.
    InvalidContentLabels,
    /// It is neither `public` nor `unlisted`.
    InvalidVisibility,
    /// No stream can have such a tag.
    InvalidTag,
    /// There is nothing to search for, or too much.
    InvalidQ,
    /// A schedule cannot start then.
    InvalidStartsAt,
    /// A schedule cannot end then.
    InvalidEndsAt,
    /// There is no such time zone.
    InvalidTimeZone,
    /// It is no instant.
    InvalidFrom,
    /// It is no instant, or one before the beginning.
    InvalidTo,
    /// It is no user's number.
    InvalidUser,
    /// It is no position of the log of events.
    InvalidAfter,
    /// There are no such types of events.
    InvalidTypes,
    /// It is no address that events may be delivered to.
    InvalidUrl,
    /// No delivery can have such a status.
    InvalidStatus,
    /// A reason of a block cannot be taken.
    InvalidReason,
    /// The request has no bearer token.
    MissingToken,
    /// The token is not valid.
    InvalidToken,
    /// The token was valid and has expired.
    TokenExpired,
    /// The token is valid, but the platform does not know its user.
    UnknownUser,
    /// An operator has blocked the user.
    UserBlocked,
    /// A publisher may not publish.
    PublishRefused,
    /// A hook does not come from the media server that it names.
    HookRefused,
    /// A development session is for programs of the same machine.
    NotLocal,
    /// No such route.
    NotFound,
    /// The user has nothing to stop.
    NoActiveStream,
    /// No stream has this key.
    StreamNotFound,
    /// The user has no such schedule.
    ScheduleNotFound,
    /// The user has no such endpoint of webhooks.
    WebhookNotFound,
    /// The endpoint has no such delivery.
    DeliveryNotFound,
    /// The user is not blocked.
    UserNotBlocked,
    /// The route has other methods.
    MethodNotAllowed,
    /// The client sent the request too slowly.
    RequestTimeout,
    /// The user has an active stream already.
    StreamAlreadyActive,
    /// The stream has ended, and cannot be changed.
    StreamEnded,
    /// The user has planned something else at that time.
    ScheduleConflict,
    /// Nothing is to come of the schedule.
    ScheduleOver,
    /// The user has planned enough.
    TooManySchedules,
    /// The user has enough endpoints.
    TooManyWebhooks,
    /// Nothing is sent to the endpoint.
    WebhookDisabled,
    /// The key's stream was stopped.
    StreamStopped,
    /// The key's stream has expired.
    StreamExpired,
    /// Events after that position are no longer kept.
    EventsForgotten,
    /// The body is larger than any route needs.
    BodyTooLarge,
    /// The user requests keys too often.
    TooManyRequests,
    /// The head is larger than any client needs.
    HeadersTooLarge,
    /// A defect of this service.
    InternalError,
    /// The store is unavailable.
    StoreUnavailable,
    /// The service is not ready yet, or is about to stop.
    NotReady,
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl ErrorCode {
    /// All of them, in the order of docs/http-api.md.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The table: the status, and the sentence for a person.
    #[rustfmt::skip]
    const fn row(self) -> (u16, &'static str) {
        match self {
            Self::BadRequest => (400, "The request is malformed."),
            Self::InvalidLimit => (400, "`limit` must be a whole number from 1 to 1000."),
            Self::InvalidCursor => (400, "`cursor` must be a `next_cursor` of an earlier answer."),
            Self::InvalidLive => (400, "`live` must be `true` or `false`."),
            Self::InvalidBody => (400, "The body must be a JSON object with the documented fields alone."),
            Self::InvalidTitle => (400, "`title` must be a line of at most 140 characters."),
            Self::InvalidDescription => (400, "`description` must have at most 5000 characters, and no control characters but line feeds."),
            Self::InvalidTags => (400, "`tags` must be at most ten, each 1 to 25 letters, digits or hyphens."),
            Self::InvalidCategory => (400, "`category` must be a slug that `GET /api/categories` lists."),
            Self::InvalidLanguage => (400, "`language` must be a BCP 47 tag such as `en` or `pt-BR`."),
            Self::InvalidContentLabels => (400, "`content_labels` must be some of mature, drugs, gambling, violence, language, sexual."),
            Self::InvalidVisibility => (400, "`visibility` must be `public` or `unlisted`."),
            Self::InvalidTag => (400, "`tag` must be 1 to 25 letters, digits or hyphens."),
            Self::InvalidQ => (400, "`q` must be one to eight words, in at most 200 characters."),
            Self::InvalidStartsAt => (400, "`starts_at` must be a time as of RFC 3339, at most 366 days from now."),
            Self::InvalidEndsAt => (400, "`ends_at` must be a time as of RFC 3339 to come, after `starts_at` and at most 24 hours later."),
            Self::InvalidTimeZone => (400, "`time_zone` must be a name of the IANA time zone database, such as `Europe/Berlin`."),
            Self::InvalidFrom => (400, "`from` must be a time as of RFC 3339, such as `2026-01-02T20:00:00Z`."),
            Self::InvalidTo => (400, "`to` must be a time as of RFC 3339, after `from`."),
            Self::InvalidUser => (400, "`user` must be the number of a user."),
            Self::InvalidAfter => (400, "`after` and `Last-Event-ID` must be a position of the log of events, or 0."),
            Self::InvalidTypes => (400, "`types` must be documented types of events, separated by commas."),
            Self::InvalidUrl => (400, "`url` must be an https:// address of at most 2048 characters, without user, password and fragment."),
            Self::InvalidStatus => (400, "`status` must be `pending`, `delivered` or `failed`."),
            Self::InvalidReason => (400, "`reason` must be a line of at most 500 characters."),
            Self::MissingToken => (401, "Sign in first: send the header `Authorization: Bearer <token>`."),
            Self::InvalidToken => (401, "The token is not valid; sign in again."),
            Self::TokenExpired => (401, "The token has expired; sign in again."),
            Self::UnknownUser => (401, "The token's user does not exist on this platform."),
            Self::UserBlocked => (403, "An operator of this platform has blocked you from streaming. Ask the platform's support to lift the block."),
            Self::PublishRefused => (403, "This publisher may not publish."),
            Self::HookRefused => (403, "Hook refused: the name, family, secret or network of its media server does not match the settings; the service's log says which."),
            Self::NotLocal => (403, "A development session is for the machine that the service runs on, and without a proxy. Open the console there by localhost, or sign in with a token."),
            Self::NotFound => (404, "No such route."),
            Self::NoActiveStream => (404, "You have no active stream."),
            Self::StreamNotFound => (404, "No stream has this key."),
            Self::ScheduleNotFound => (404, "You have no such schedule."),
            Self::WebhookNotFound => (404, "You have no such webhook."),
            Self::DeliveryNotFound => (404, "Nothing of this position was to be delivered there."),
            Self::UserNotBlocked => (404, "This user is not blocked."),
            Self::MethodNotAllowed => (405, "Method not allowed; the header `Allow` lists the methods of this route."),
            Self::RequestTimeout => (408, "The request came too slowly."),
            Self::StreamAlreadyActive => (409, "You already have an active stream; stop it to get a new key."),
            Self::StreamEnded => (409, "The stream has ended; only an active one can be changed."),
            Self::ScheduleConflict => (409, "At that time you have planned something else."),
            Self::ScheduleOver => (409, "The schedule is over: it has ended, was missed or was canceled."),
            Self::TooManySchedules => (409, "You have 100 schedules to come, or 1000 with those that were canceled; cancel one, or wait until one has passed."),
            Self::TooManyWebhooks => (409, "You have ten webhooks; delete one."),
            Self::WebhookDisabled => (409, "The webhook is switched off; switch it on with `PUT /api/webhooks/{id}`."),
            Self::StreamStopped => (410, "The stream was stopped."),
            Self::StreamExpired => (410, "The stream has expired."),
            Self::EventsForgotten => (410, "What follows that position is no longer kept."),
            Self::BodyTooLarge => (413, "The body is too large."),
            Self::TooManyRequests => (429, "Too many key requests; retry after `Retry-After` seconds."),
            Self::HeadersTooLarge => (431, "The request has too many or too large headers."),
            Self::InternalError => (500, "Something went wrong on our side."),
            Self::StoreUnavailable => (503, "The database cannot be reached at the moment; try again shortly."),
            Self::NotReady => (503, "The service is not ready; try again shortly."),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).expect("the table holds HTTP statuses")
    }

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The sentence for a person.
    pub fn sentence(self) -> &'static str {
        self.row().1
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
