//! Which schedules a request asks for.

use actix_web::HttpRequest;
use serde::Deserialize;
use stream_domain::details::Categories;
use stream_domain::schedules::{ScheduleFilter, SchedulePosition, ScheduleQuery};
use stream_domain::{ScheduleId, Timestamp, UserId};
use time::Duration;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::paging::{self, LARGEST_PAGE};

/// How long ago a schedule of the calendar may have ended.
const CALENDAR_BEFORE: Duration = Duration::days(1);

/// Which of the caller's schedules are listed; what is empty counts as absent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OwnQuery {
    /// Only those that end after this instant, as of RFC 3339.
    #[param(value_type = Option<String>, format = "from")]
    from: Option<String>,
    /// Only those that start before this instant.
    #[param(value_type = Option<String>, format = "to")]
    to: Option<String>,
    /// The largest number of schedules to return; 50 without it.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
    /// The `next_cursor` of an earlier page, to continue after it.
    #[param(value_type = Option<String>, format = "schedule_cursor")]
    cursor: Option<String>,
}

/// Which public schedules are listed; what is empty counts as absent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PublicQuery {
    /// Only those that end after this instant, as of RFC 3339; now, without it.
    #[param(value_type = Option<String>, format = "from")]
    from: Option<String>,
    /// Only those that start before this instant.
    #[param(value_type = Option<String>, format = "to")]
    to: Option<String>,
    /// A slug that `GET /api/categories` lists.
    #[param(value_type = Option<String>, format = "category")]
    category: Option<String>,
    /// The number of a user: only theirs.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 2_147_483_647)]
    user: Option<String>,
    /// The largest number of schedules to return; 50 without it.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
    /// The `next_cursor` of an earlier page, to continue after it.
    #[param(value_type = Option<String>, format = "schedule_cursor")]
    cursor: Option<String>,
}

/// Whose calendar it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CalendarQuery {
    /// The number of a user: only theirs.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 2_147_483_647)]
    user: Option<String>,
}

/// Reads what a request asks for of its caller's schedules.
pub(super) fn own(request: &HttpRequest, user: UserId) -> Result<ScheduleQuery, ApiError> {
    let OwnQuery { from, to, limit, cursor } = paging::query(request)?;
    let (from, to) = span(from.as_deref(), to.as_deref())?;
    let filter = ScheduleFilter { user: Some(user), from, to, ..ScheduleFilter::default() };
    page(filter, limit.as_deref(), cursor.as_deref())
}

/// Reads what a request asks for of the public ones; without `from` the reader says from when.
pub(super) fn public(request: &HttpRequest, categories: &Categories) -> Result<ScheduleQuery, ApiError> {
    let PublicQuery { from, to, category, user, limit, cursor } = paging::query(request)?;
    let (from, to) = span(from.as_deref(), to.as_deref())?;
    let category = category.filter(|slug| !slug.is_empty());
    if category.as_ref().is_some_and(|slug| !categories.has(slug)) {
        return Err(ErrorCode::InvalidCategory.into());
    }
    let user = parse_user(user.as_deref())?;
    let filter = ScheduleFilter { user, is_public: true, without_canceled: true, category, from, to };
    page(filter, limit.as_deref(), cursor.as_deref())
}

/// Reads whose calendar a request asks for; it begins at a full hour, so that requests share it.
pub(super) fn calendar(request: &HttpRequest, now: Timestamp) -> Result<ScheduleQuery, ApiError> {
    let CalendarQuery { user } = paging::query(request)?;
    let since = now.plus(-CALENDAR_BEFORE).unix_seconds();
    let from = Timestamp::from_unix_micros((since - since.rem_euclid(3_600)) * 1_000_000);
    let user = parse_user(user.as_deref())?;
    let filter = ScheduleFilter { user, is_public: true, from, ..ScheduleFilter::default() };
    Ok(ScheduleQuery { filter, limit: LARGEST_PAGE, after: None })
}

fn page(
    filter: ScheduleFilter,
    limit: Option<&str>,
    cursor: Option<&str>,
) -> Result<ScheduleQuery, ApiError> {
    let after = cursor.map(|cursor| position(cursor).ok_or(ErrorCode::InvalidCursor)).transpose()?;
    Ok(ScheduleQuery { filter, limit: paging::limit_or_default(limit)?, after })
}

fn span(from: Option<&str>, to: Option<&str>) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let from = instant(from).map_err(|()| ErrorCode::InvalidFrom)?;
    let to = instant(to).map_err(|()| ErrorCode::InvalidTo)?;
    if from.zip(to).is_some_and(|(from, to)| to <= from) {
        return Err(ErrorCode::InvalidTo.into());
    }
    Ok((from, to))
}

fn instant(text: Option<&str>) -> Result<Option<Timestamp>, ()> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // The plus of an offset that was not encoded arrives as a blank.
    Timestamp::parse(&text.replace(' ', "+")).map(Some).ok_or(())
}

fn parse_user(text: Option<&str>) -> Result<Option<UserId>, ApiError> {
    let user = text.filter(|text| !text.is_empty()).map(UserId::parse).transpose();
    user.map_err(|_| ErrorCode::InvalidUser.into())
}

/// The cursor of a position: opaque to clients, so that its form may change.
pub(super) fn cursor(position: SchedulePosition) -> String {
    paging::encode(position.starts_at, position.id.0.to_be_bytes())
}

fn position(cursor: &str) -> Option<SchedulePosition> {
    let (starts_at, id) = paging::decode(cursor)?;
    Some(SchedulePosition { starts_at, id: ScheduleId(i64::from_be_bytes(id)) })
}
