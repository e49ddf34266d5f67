//! Events: the log of what happened to one's own streams and schedules, by position or as it goes on.

mod feed;
mod query;
mod reader;
mod view;

use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use stream_domain::events::{Forgotten, LogPosition, ReadEventsError};
use stream_domain::{Authenticator, Events};

use crate::auth::{SignedIn, bearer_token};
use crate::error::{ApiError, ErrorCode};
use crate::readiness::{AfterStart, Readiness};
use crate::routing::get;
use crate::trace::use_case;

pub use feed::EventFeed;
use query::{EventsQuery, StreamQuery};
use reader::Reader;
use view::EventPageView;

/// What the handlers of events need.
pub(crate) struct EventsApi {
    events: AfterStart<Events>,
    pub(crate) feed: EventFeed,
    heartbeat: Duration,
}

impl EventsApi {
    pub(crate) fn new(feed: EventFeed, readiness: &Readiness, heartbeat: Duration) -> Self {
        Self { events: AfterStart::new(feed.events().clone(), readiness), feed, heartbeat }
    }
}

/// Registers the routes below `/api`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<EventsApi>) {
    config
        .app_data(api.clone())
        .service(get("/events", web::to(list_events)))
        .service(get("/events/stream", web::to(stream_events)));
}

/// Lists what happened to the caller's streams and schedules.
///
/// Events come in the order in which they were committed, each once; to miss nothing, go on after the `next` of the
/// last page, whether it had events or not.
/// They are kept for seven days.
#[utoipa::path(
    get,
    path = "/api/events",
    tag = "Events",
    security(("token" = [])),
    params(EventsQuery),
    responses((
        status = 200, description = "The events after that position, the first ones first.", body = EventPageView,
        links(("next_page" = (operation_id = "list_events", parameters(("after" = "$response.body#/next"))))),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidLimit, ErrorCode::InvalidAfter, ErrorCode::InvalidTypes, ErrorCode::EventsForgotten,
    ]))),
)]
pub(crate) async fn list_events(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    api: Data<EventsApi>,
) -> Result<HttpResponse, ApiError> {
    let asked = query::page(&request)?;
    let events = api.events.get()?;
    let (is_from_beginning, mut query) = match asked.after {
        Some(after) => (false, asked.of(user, after)),
        None => (true, asked.of(user, LogPosition(0))),
    };
    let mut page = use_case("events.read", events.read(&query)).await;
    if let Err(ReadEventsError::Forgotten(Forgotten(extent))) = &page
        && is_from_beginning
    {
        query.after = extent.forgotten;
        page = use_case("events.read", events.read(&query)).await;
    }
    let page = page?;
    Ok(HttpResponse::Ok().json(EventPageView::of(&page)?))
}

/// Streams what happens to the caller's streams and schedules, as it happens.
///
/// Server-sent events: `id` is the position, `event` the type, and `data` an event as `GET /api/events` shows it.
/// A reader that was cut off goes on with `Last-Event-ID`, at any instance, and misses nothing.
/// Without an event a comment comes every 15 seconds, with the position that was reached.
/// The response ends when the token expires, when the service stops, and for a client that reads nothing for 30 seconds.
#[utoipa::path(
    get,
    path = "/api/events/stream",
    tag = "Events",
    security(("token" = [])),
    params(StreamQuery, ("Last-Event-ID" = Option<u64>, Header, description =
        "The position after which to go on; it counts before `after`.")),
    responses((
        status = 200, description = "The events after that position, or from now on.",
        content_type = "text/event-stream", body = String,
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidAfter, ErrorCode::InvalidTypes, ErrorCode::EventsForgotten, ErrorCode::TooManyRequests,
    ]))),
)]
pub(crate) async fn stream_events(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    api: Data<EventsApi>,
    authenticator: Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    let asked = query::stream(&request)?;
    let events = api.events.get()?;
    let extent = use_case("events.extent", events.extent()).await?;
    let after = asked.after.unwrap_or(extent.last);
    extent.check(after).map_err(ApiError::from)?;
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        // nginx would hold events back until its buffer is full.
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    let seat = api.feed.sit_down(user).ok_or_else(ApiError::too_many_event_streams)?;
    let (token, authenticator) = (bearer_token(&request)?, authenticator.get_ref().clone());
    let may_read = move || authenticator.authenticate(&token).is_ok();
    let reader = Reader::new(seat, asked.of(user, after), api.heartbeat, may_read);
    Ok(response.streaming(reader.into_stream()))
}
