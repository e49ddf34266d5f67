//! What the errors of use cases mean to a client.

use serde_json::value::RawValue;
use stream_domain::Stream;
use stream_domain::blocks::InvalidReason;
use stream_domain::details::{DescribeError, DetailField, InvalidDetail, InvalidSearch};
use stream_domain::events::{Extent, Forgotten, ReadEventsError};
use stream_domain::keys::{GenerateKeyError, LookupError, StopError};
use stream_domain::lifecycle::NotPublishable;
use stream_domain::ports::{StoreError, UserStreamsError};
use stream_domain::schedules::{
    ChangeScheduleError, InvalidSchedule, NewKeyError, NotPlanned, PlanError, ScheduleState,
};
use stream_domain::token::TokenError;
use stream_domain::webhooks::{InvalidWebhook, WebhookError};

use super::{ApiError, ErrorCode};
use crate::rfc3339::Rfc3339;

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
            LookupError::NotPublishable(NotPublishable::Stopped) => ErrorCode::StreamStopped.into(),
            LookupError::NotPublishable(NotPublishable::Expired) => ErrorCode::StreamExpired.into(),
            LookupError::Store(error) => error.into(),
        }
    }
}

impl ApiError {
    /// The error of a refused key; `render` makes the JSON of the active stream.
    pub(crate) fn from_generate_key(
        error: GenerateKeyError,
        render: impl FnOnce(&Stream) -> Box<RawValue>,
    ) -> Self {
        match error {
            GenerateKeyError::AlreadyActive(stream) => Self::already_active(render(&stream)),
            GenerateKeyError::TooSoon(refusal) => Self::too_soon(refusal),
            GenerateKeyError::Blocked(block) => Self::new(ErrorCode::UserBlocked, block.to_string()),
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

impl From<InvalidDetail> for ApiError {
    fn from(invalid: InvalidDetail) -> Self {
        let code = match invalid.field {
            DetailField::Title => ErrorCode::InvalidTitle,
            DetailField::Description => ErrorCode::InvalidDescription,
            DetailField::Tags => ErrorCode::InvalidTags,
            DetailField::Category => ErrorCode::InvalidCategory,
            DetailField::Language => ErrorCode::InvalidLanguage,
            DetailField::ContentLabels => ErrorCode::InvalidContentLabels,
            DetailField::Visibility => ErrorCode::InvalidVisibility,
        };
        Self::new(code, invalid.sentence)
    }
}

impl From<DescribeError> for ApiError {
    fn from(error: DescribeError) -> Self {
        match error {
            DescribeError::Invalid(invalid) => invalid.into(),
            DescribeError::NoSuchStream => Self::no_such_stream(),
            DescribeError::Ended => ErrorCode::StreamEnded.into(),
            DescribeError::Store(error) => error.into(),
        }
    }
}

impl From<InvalidSchedule> for ApiError {
    fn from(invalid: InvalidSchedule) -> Self {
        let code = match invalid {
            InvalidSchedule::StartsAt(_) => ErrorCode::InvalidStartsAt,
            InvalidSchedule::EndsAt(_) => ErrorCode::InvalidEndsAt,
            InvalidSchedule::TimeZone => ErrorCode::InvalidTimeZone,
            InvalidSchedule::Detail(detail) => return detail.into(),
        };
        Self::new(code, invalid.to_string())
    }
}

impl From<NotPlanned> for ApiError {
    fn from(refusal: NotPlanned) -> Self {
        match refusal {
            NotPlanned::Conflict(id, slot) => {
                let (from, to) = (Rfc3339(slot.starts_at), Rfc3339(slot.ends_at));
                let sentence =
                    format!("At that time you have planned schedule {}, from {from} to {to}.", id.0);
                Self::new(ErrorCode::ScheduleConflict, sentence)
            }
            NotPlanned::TooMany => ErrorCode::TooManySchedules.into(),
        }
    }
}

impl ApiError {
    fn over(state: ScheduleState) -> Self {
        let verb = match state {
            ScheduleState::Ended => "has ended",
            ScheduleState::Canceled => "was canceled",
            ScheduleState::Scheduled | ScheduleState::Live | ScheduleState::Missed => "was missed",
        };
        Self::new(ErrorCode::ScheduleOver, format!("The schedule {verb}; make another."))
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Invalid(invalid) => invalid.into(),
            PlanError::NotPlanned(refusal) => refusal.into(),
            PlanError::UnknownUser => ErrorCode::UnknownUser.into(),
            PlanError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeScheduleError> for ApiError {
    fn from(error: ChangeScheduleError) -> Self {
        match error {
            ChangeScheduleError::Invalid(invalid) => invalid.into(),
            ChangeScheduleError::NoSuchSchedule => ErrorCode::ScheduleNotFound.into(),
            ChangeScheduleError::Over(state) => Self::over(state),
            ChangeScheduleError::NotPlanned(refusal) => refusal.into(),
            ChangeScheduleError::Store(error) => error.into(),
        }
    }
}

impl From<NewKeyError> for ApiError {
    fn from(error: NewKeyError) -> Self {
        match error {
            NewKeyError::Invalid(invalid) => invalid.into(),
            NewKeyError::NoSuchSchedule => ErrorCode::ScheduleNotFound.into(),
            NewKeyError::Over(state) => Self::over(state),
            NewKeyError::Store(error) => error.into(),
        }
    }
}

impl From<InvalidSearch> for ApiError {
    fn from(invalid: InvalidSearch) -> Self {
        let code = match invalid {
            InvalidSearch::Category => ErrorCode::InvalidCategory,
            InvalidSearch::Language => ErrorCode::InvalidLanguage,
            InvalidSearch::Tag => ErrorCode::InvalidTag,
            InvalidSearch::Length(_)
            | InvalidSearch::NoWord
            | InvalidSearch::Words(_)
            | InvalidSearch::Pairs(_) => ErrorCode::InvalidQ,
        };
        Self::new(code, invalid.to_string())
    }
}

impl From<Forgotten> for ApiError {
    fn from(Forgotten(Extent { forgotten, last }): Forgotten) -> Self {
        let (forgotten, last) = (forgotten.0, last.0);
        let sentence = format!(
            "The log has what follows {forgotten} up to {last}. Read the current state, and go on after {last}."
        );
        Self::new(ErrorCode::EventsForgotten, sentence)
    }
}

impl From<ReadEventsError> for ApiError {
    fn from(error: ReadEventsError) -> Self {
        match error {
            ReadEventsError::Forgotten(forgotten) => forgotten.into(),
            ReadEventsError::Store(error) => error.into(),
        }
    }
}

impl From<InvalidWebhook> for ApiError {
    fn from(invalid: InvalidWebhook) -> Self {
        let code = match invalid {
            InvalidWebhook::Url(_) => ErrorCode::InvalidUrl,
            InvalidWebhook::Types(_) => ErrorCode::InvalidTypes,
            InvalidWebhook::Description(_) => ErrorCode::InvalidDescription,
        };
        Self::new(code, invalid.to_string())
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Invalid(invalid) => invalid.into(),
            WebhookError::TooMany => ErrorCode::TooManyWebhooks.into(),
            WebhookError::UnknownUser => ErrorCode::UnknownUser.into(),
            WebhookError::NoSuchWebhook => ErrorCode::WebhookNotFound.into(),
            WebhookError::NoSuchDelivery => ErrorCode::DeliveryNotFound.into(),
            WebhookError::Disabled => ErrorCode::WebhookDisabled.into(),
            WebhookError::Forgotten(forgotten) => forgotten.into(),
            error @ WebhookError::Entropy(_) => Self::caused_by(ErrorCode::InternalError, error),
            WebhookError::Store(error) => error.into(),
        }
    }
}

impl From<InvalidReason> for ApiError {
    fn from(invalid: InvalidReason) -> Self {
        Self::new(ErrorCode::InvalidReason, invalid.to_string())
    }
}
