//! What the errors of use cases mean to a client.

use serde_json::value::RawValue;
use stream_domain::Stream;
use stream_domain::details::{DescribeError, DetailField, InvalidDetail, InvalidSearch};
use stream_domain::keys::{GenerateKeyError, LookupError, StopError};
use stream_domain::lifecycle::NotPublishable;
use stream_domain::ports::{StoreError, UserStreamsError};
use stream_domain::token::TokenError;

use super::{ApiError, ErrorCode};

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
