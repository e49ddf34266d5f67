//! Schedules: owners plan their streams, everybody looks ahead, and calendars subscribe.

mod body;
mod calendar;
mod query;
mod reads;
mod view;

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use stream_domain::{ScheduleId, Schedules};

use crate::auth::SignedIn;
use crate::conditional::revalidated;
use crate::cors;
use crate::error::{ApiError, ErrorCode};
use crate::limits::PublicReads;
use crate::readiness::{AfterStart, Readiness};
use crate::routing::{get, get_and_post, get_put_and_delete};
use crate::trace::use_case;
use crate::turns::Turns;
use crate::view::JSON;

use body::ScheduleBody;
use query::{OwnQuery, PublicQuery};
use reads::{Form, PublicLists};
use view::{FullScheduleView, SchedulePageView};

/// The content type of a calendar.
const CALENDAR: &str = "text/calendar; charset=utf-8";

/// What the handlers of schedules need.
pub(crate) struct SchedulesApi {
    schedules: AfterStart<Schedules>,
    lists: PublicLists,
    reads: PublicReads,
}

impl SchedulesApi {
    pub(crate) fn new(
        schedules: Schedules,
        readiness: &Readiness,
        turns: Arc<Turns>,
        reads: PublicReads,
    ) -> Self {
        let lists = PublicLists::new(schedules.clone(), turns);
        Self { schedules: AfterStart::new(schedules, readiness), lists, reads }
    }
}

/// Registers the routes of owners below `/api`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<SchedulesApi>) {
    config
        .app_data(api.clone())
        .service(get_and_post("/schedule", web::to(list_own_schedules), web::to(plan_schedule)))
        .service(get_put_and_delete(
            "/schedule/{id}",
            web::to(show_schedule),
            web::to(replace_schedule),
            web::to(cancel_schedule),
        ));
}

/// Registers the routes of everybody; `origins` may send credentials, and every other origin may read without.
pub(crate) fn public_routes(config: &mut ServiceConfig, api: &Data<SchedulesApi>, origins: &[String]) {
    config.app_data(api.clone());
    let list = || get("/api/schedule/public", web::to(list_public_schedules));
    let calendar = || get("/api/schedule/public.ics", web::to(show_calendar));
    for resource in [list, calendar] as [fn() -> _; 2] {
        config
            .service(
                resource()
                    .guard(cors::is_from(origins))
                    .wrap(cors::listed_origins(origins))
                    .wrap(from_fn(cors::complete_preflight)),
            )
            .service(resource().wrap(cors::any_origin()).wrap(from_fn(cors::complete_preflight)));
    }
}

/// Lists the caller's schedules.
///
/// They come soonest first, those of the last 30 days included, in every state; without `limit` up to 50.
#[utoipa::path(
    get,
    path = "/api/schedule",
    tag = "Schedules",
    security(("token" = [])),
    params(OwnQuery),
    responses((
        status = 200, description = "The requested page.", body = SchedulePageView<'_>,
        links(("next_page" = (
            operation_id = "list_own_schedules", parameters(("cursor" = "$response.body#/next_cursor"))
        ))),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidLimit, ErrorCode::InvalidCursor, ErrorCode::InvalidFrom, ErrorCode::InvalidTo,
    ]))),
)]
pub(crate) async fn list_own_schedules(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    let asked = query::own(&request, user)?;
    let (page, now) = use_case("schedules.list", api.schedules.get()?.list(&asked)).await?;
    Ok(HttpResponse::Ok().json(SchedulePageView::at(now, &page)))
}

/// Plans a stream.
///
/// At most 100 that are to come, and no two that overlap.
/// A key that the caller generates from 30 minutes before the start to the end takes the schedule: its stream begins
/// with the schedule's details in place of the channel's.
#[utoipa::path(
    post,
    path = "/api/schedule",
    tag = "Schedules",
    security(("token" = [])),
    request_body = ScheduleBody,
    responses((
        status = 201, description = "The new schedule.", body = FullScheduleView<'_>,
        links(("schedule" = (operation_id = "show_schedule", parameters(("id" = "$response.body#/id"))))),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidTitle, ErrorCode::InvalidDescription, ErrorCode::InvalidTags,
        ErrorCode::InvalidCategory, ErrorCode::InvalidLanguage, ErrorCode::InvalidContentLabels,
        ErrorCode::InvalidVisibility, ErrorCode::InvalidStartsAt, ErrorCode::InvalidEndsAt,
        ErrorCode::InvalidTimeZone, ErrorCode::ScheduleConflict, ErrorCode::TooManySchedules,
        ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn plan_schedule(
    SignedIn(user): SignedIn,
    body: ScheduleBody,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    let schedules = api.schedules.get()?;
    let (schedule, now) = use_case("schedules.plan", schedules.plan(user, body.into())).await?;
    Ok(HttpResponse::Created().json(FullScheduleView::at(now, &schedule)))
}

/// Shows a schedule to its owner.
///
/// Schedules are kept for 30 days after their end.
#[utoipa::path(
    get,
    path = "/api/schedule/{id}",
    tag = "Schedules",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The schedule's number.", minimum = 1)),
    responses((status = 200, description = "The schedule, in whatever state.", body = FullScheduleView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::ScheduleNotFound]))),
)]
pub(crate) async fn show_schedule(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    let schedules = api.schedules.get()?;
    let found = use_case("schedules.own", schedules.own(user, number(&id)?)).await?;
    let (schedule, now) = found.ok_or(ErrorCode::ScheduleNotFound)?;
    Ok(HttpResponse::Ok().json(FullScheduleView::at(now, &schedule)))
}

/// Plans a schedule otherwise.
///
/// A field that is absent, `null` or empty is cleared.
/// A stream that has begun for the schedule stays as it is.
#[utoipa::path(
    put,
    path = "/api/schedule/{id}",
    tag = "Schedules",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The schedule's number.", minimum = 1)),
    request_body = ScheduleBody,
    responses((status = 200, description = "The schedule as it is kept.", body = FullScheduleView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidTitle, ErrorCode::InvalidDescription, ErrorCode::InvalidTags,
        ErrorCode::InvalidCategory, ErrorCode::InvalidLanguage, ErrorCode::InvalidContentLabels,
        ErrorCode::InvalidVisibility, ErrorCode::InvalidStartsAt, ErrorCode::InvalidEndsAt,
        ErrorCode::InvalidTimeZone, ErrorCode::ScheduleNotFound, ErrorCode::ScheduleConflict,
        ErrorCode::ScheduleOver, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn replace_schedule(
    SignedIn(user): SignedIn,
    id: Path<String>,
    body: ScheduleBody,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    let schedules = api.schedules.get()?;
    let replanned = schedules.replan(user, number(&id)?, body.into());
    let (schedule, now) = use_case("schedules.replan", replanned).await?;
    Ok(HttpResponse::Ok().json(FullScheduleView::at(now, &schedule)))
}

/// Cancels a schedule.
///
/// It is kept as `canceled`, and calendars are told; canceling twice is canceling once.
/// One that has ended early can be canceled until its time has passed, so that no further key takes it.
/// A stream that has begun for it goes on.
#[utoipa::path(
    delete,
    path = "/api/schedule/{id}",
    tag = "Schedules",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The schedule's number.", minimum = 1)),
    responses((status = 200, description = "The canceled schedule.", body = FullScheduleView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::ScheduleNotFound, ErrorCode::ScheduleOver]))),
)]
pub(crate) async fn cancel_schedule(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    let schedules = api.schedules.get()?;
    let (schedule, now) = use_case("schedules.cancel", schedules.cancel(user, number(&id)?)).await?;
    Ok(HttpResponse::Ok().json(FullScheduleView::at(now, &schedule)))
}

/// Lists what is planned.
///
/// Public schedules that are not canceled, soonest first; without `from` those that have not ended, and without `limit`
/// up to 50.
#[utoipa::path(
    get,
    path = "/api/schedule/public",
    tag = "Schedules",
    params(PublicQuery),
    responses(
        (
            status = 200, description = "The requested page.", body = SchedulePageView<'_>,
            links(("next_page" = (
                operation_id = "list_public_schedules", parameters(("cursor" = "$response.body#/next_cursor"))
            ))),
        ),
        (status = 304, description = "The page is the one that `If-None-Match` names."),
    ),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidLimit, ErrorCode::InvalidCursor, ErrorCode::InvalidCategory, ErrorCode::InvalidFrom,
        ErrorCode::InvalidTo, ErrorCode::InvalidUser, ErrorCode::TooManyRequests,
    ]))),
)]
pub(crate) async fn list_public_schedules(
    request: HttpRequest,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    api.reads.count(&request)?;
    let asked = query::public(&request, api.schedules.get()?.categories())?;
    let is_popular = request.query_string().is_empty();
    let list = use_case("schedules.list_public", api.lists.show(asked, Form::Json, is_popular)).await?;
    Ok(revalidated(&request, list.etag, JSON, list.bytes))
}

/// Shows what is planned as a calendar.
///
/// An iCalendar (RFC 5545) of the public schedules that ended at most a day ago or are to come, the first 1000 of them;
/// canceled ones have `STATUS:CANCELLED`, and of a description the first 1000 characters are there. Times are in UTC: clients show them in the zone of their user.
#[utoipa::path(
    get,
    path = "/api/schedule/public.ics",
    tag = "Schedules",
    params(query::CalendarQuery),
    responses(
        (status = 200, description = "The calendar.", body = String, content_type = "text/calendar; charset=utf-8"),
        (status = 304, description = "The calendar is the one that `If-None-Match` names."),
    ),
    extensions(("x-error-codes" = json!([ErrorCode::InvalidUser, ErrorCode::TooManyRequests]))),
)]
pub(crate) async fn show_calendar(
    request: HttpRequest,
    api: Data<SchedulesApi>,
) -> Result<HttpResponse, ApiError> {
    api.reads.count(&request)?;
    let schedules = api.schedules.get()?;
    let asked = query::calendar(&request, schedules.now())?;
    let is_popular = asked.filter.user.is_none();
    let calendar =
        use_case("schedules.list_public", api.lists.show(asked, Form::Calendar, is_popular)).await?;
    Ok(revalidated(&request, calendar.etag, CALENDAR, calendar.bytes))
}

/// The number of one of the user's schedules, from a path.
fn number(text: &str) -> Result<ScheduleId, ApiError> {
    text.parse().map(ScheduleId).map_err(|_| ErrorCode::ScheduleNotFound.into())
}
