//! Which events a request asks for.

use std::num::NonZeroU32;

use actix_web::HttpRequest;
use serde::Deserialize;
use stream_domain::UserId;
use stream_domain::events::{EventKind, EventQuery, LogPosition};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::paging;

/// Which events are listed; what is empty counts as absent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Only those after this position: the `next` of an earlier page, or 0; without it, all that are kept.
    #[param(value_type = Option<u64>, minimum = 0)]
    after: Option<String>,
    /// Only these types, separated by commas.
    #[param(value_type = Option<String>, format = "event_types")]
    types: Option<String>,
    /// The largest number of events to return; 50 without it.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
}

/// Which events are streamed; what is empty counts as absent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Only those after this position; without it, what happens from now on.
    #[param(value_type = Option<u64>, minimum = 0)]
    after: Option<String>,
    /// Only these types, separated by commas.
    #[param(value_type = Option<String>, format = "event_types")]
    types: Option<String>,
}

/// What a request asks for.
pub(super) struct Asked {
    pub(super) after: Option<LogPosition>,
    kinds: Vec<EventKind>,
    limit: NonZeroU32,
}

impl Asked {
    /// The same of this user's events after this position.
    pub(super) fn of(self, user: UserId, after: LogPosition) -> EventQuery {
        EventQuery { user: Some(user), after, kinds: self.kinds, limit: self.limit.get() }
    }
}

/// Reads what a request for a page asks for.
pub(super) fn page(request: &HttpRequest) -> Result<Asked, ApiError> {
    let EventsQuery { after, types, limit } = paging::query(request)?;
    Ok(Asked {
        after: position(after.as_deref())?,
        kinds: kinds(types.as_deref())?,
        limit: paging::limit_or_default(limit.as_deref())?,
    })
}

/// Reads what a request for a stream asks for; what the client saw last counts before what its page asked for once.
pub(super) fn stream(request: &HttpRequest) -> Result<Asked, ApiError> {
    let StreamQuery { after, types } = paging::query(request)?;
    let last =
        request.headers().get("Last-Event-ID").map(|id| id.to_str().map_err(|_| ErrorCode::InvalidAfter));
    let after = position(last.transpose()?.filter(|id| !id.is_empty()).or(after.as_deref()))?;
    Ok(Asked { after, kinds: kinds(types.as_deref())?, limit: NonZeroU32::MAX })
}

fn position(text: Option<&str>) -> Result<Option<LogPosition>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let position = text.parse().ok().filter(|_| is_number).map(LogPosition);
    position.map(Some).ok_or_else(|| ErrorCode::InvalidAfter.into())
}

fn kinds(text: Option<&str>) -> Result<Vec<EventKind>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(Vec::new());
    };
    let kinds = text.split(',').map(|word| EventKind::parse(word.trim()));
    kinds.collect::<Option<_>>().ok_or_else(|| ErrorCode::InvalidTypes.into())
}
