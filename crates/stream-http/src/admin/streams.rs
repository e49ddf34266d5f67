//! The streams of all users, and an end to one.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use stream_domain::broadcasts::StopOrder;
use stream_domain::broadcasts::session::SessionState;
use stream_domain::catalog::CatalogQuery;
use stream_domain::details::SearchForm;
use stream_domain::media_server::MediaServers;
use stream_domain::ports::{SessionFilter, UserStreamsError};
use stream_domain::{Details, Session, Stream, StreamId, StreamPage, Timestamp, UserId};
use utoipa::openapi::Object;
use utoipa::{IntoParams, ToSchema};

use super::api::AdminApi;
use super::gate::Operator;
use crate::body::SmallBody;
use crate::details::DetailsView;
use crate::error::{ApiError, ErrorCode};
use crate::paging;
use crate::rfc3339::Rfc3339;
use crate::schemas::words;
use crate::trace::use_case;
use crate::view::status;

/// Which streams are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamsQuery {
    /// `true` for the live streams only.
    #[param(value_type = Option<bool>)]
    live: Option<String>,
    /// The streams of this user, in every state; not together with `live=true` or `q`.
    #[param(value_type = Option<i32>, minimum = 1)]
    user: Option<String>,
    /// Up to eight words that title, tags or description of a public stream must have, the last by its beginning; at most
    /// 200 characters.
    #[param(value_type = Option<String>, format = "question")]
    q: Option<String>,
    /// The largest number of streams to return; 50 without it.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
    /// The `next_cursor` of an earlier page, to continue after it.
    #[param(value_type = Option<String>, format = "cursor")]
    cursor: Option<String>,
}

/// Streams of all users, newest first, with the cursor of the next page if there is one.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminStreamList)]
pub(crate) struct StreamsView<'a> {
    streams: Vec<ListedView<'a>>,
    /// Continues after this page as `cursor`; absent on the last page.
    #[schema(value_type = String, format = "cursor", required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A stream in a list of operators.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedAdminStream)]
struct ListedView<'a> {
    #[serde(flatten)]
    stream: StreamView<'a>,
    /// Its open session; `null` while it has none.
    #[schema(required)]
    session: Option<SessionView<'a>>,
}

/// A stream as operators see it: without its key, which nobody but its owner needs.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminStream)]
struct StreamView<'a> {
    /// The stream's number.
    id: i32,
    /// Whose it is; `null` where the platform has deleted its user and kept the stream.
    #[schema(required)]
    user_id: Option<i32>,
    /// The stream's public name; `ended-{id}` for streams that ended before there were public names.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    playback_id: &'a str,
    #[schema(schema_with = status)]
    status: &'static str,
    /// Whether its key may publish and a media server has lately reported its publisher.
    live: bool,
    /// When the broadcast began; `null` while the stream is not live.
    #[schema(required)]
    live_since: Option<Rfc3339>,
    /// When the key was generated.
    created_at: Rfc3339,
    /// When the status last changed.
    updated_at: Rfc3339,
    /// When the key expires, and its publisher is kicked.
    expires_at: Rfc3339,
    #[serde(flatten)]
    details: DetailsView<'a>,
}

impl<'a> StreamView<'a> {
    fn at(now: Timestamp, stream: &'a Stream, details: Option<&'a Details>) -> Self {
        let live_since = stream.live_since_at(now);
        Self {
            id: stream.id.0,
            user_id: stream.user_id.map(UserId::get),
            playback_id: stream.playback_id.as_str(),
            status: stream.status_at(now).as_str(),
            live: live_since.is_some(),
            live_since: live_since.map(Rfc3339),
            created_at: Rfc3339(stream.created_at),
            updated_at: Rfc3339(stream.updated_at),
            expires_at: Rfc3339(stream.expires_at),
            details: DetailsView::of(details),
        }
    }
}

/// An open session, without the names at its media server, which may be keys.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminSession)]
struct SessionView<'a> {
    /// The session's number.
    id: i64,
    /// The media server's name.
    server: &'a str,
    /// Its family; `null` if `MEDIA_SERVERS` does not name it.
    #[schema(required)]
    family: Option<&'static str>,
    /// What the media server calls the publisher's protocol, such as `rtmp`.
    protocol: &'a str,
    /// The publisher's IP address; `null` where the media server does not report it.
    #[schema(required)]
    address: Option<String>,
    #[schema(schema_with = state)]
    state: &'static str,
    /// When the publisher was admitted.
    started_at: Rfc3339,
    /// When its media server first showed that it sends media; `null` before that.
    #[schema(required)]
    confirmed_at: Option<Rfc3339>,
    /// When the publisher was last reported.
    last_seen_at: Rfc3339,
    /// Until when it counts as live without another report.
    lease_until: Rfc3339,
}

/// The words of `state`.
fn state() -> Object {
    let description = "Where the session stands: `admitted` before it brings media, `stalled` while it brings none, `overdue` \
                       when its lease is over, `to_be_kicked` until its publisher is seen to be gone.";
    words(description, SessionState::ALL.map(SessionState::as_str))
}

impl<'a> SessionView<'a> {
    fn at(now: Timestamp, session: &'a Session, servers: &MediaServers) -> Self {
        let publisher = &session.publisher;
        Self {
            id: session.id.0,
            server: publisher.server.as_str(),
            family: servers.get(&publisher.server).map(|profile| profile.family.as_str()),
            protocol: &publisher.protocol,
            address: publisher.address.map(|address| address.to_string()),
            state: session.state_at(now).as_str(),
            started_at: Rfc3339(session.started_at),
            confirmed_at: session.confirmed_at.map(Rfc3339),
            last_seen_at: Rfc3339(session.last_seen_at),
            lease_until: Rfc3339(session.lease_until),
        }
    }
}

/// Lists the streams of all users.
///
/// The active ones, unlisted ones included, newest first, with `live=true` only those that are live; with `user` those of
/// one user in every state.
#[utoipa::path(
    get,
    path = "/api/admin/streams",
    tag = "Admin",
    security(("admin_token" = [])),
    params(StreamsQuery),
    responses((status = 200, description = "A page of the list.", body = StreamsView<'_>,
        links(("next_page" = (operation_id = "list_all_streams", parameters(("cursor" = "$response.body#/next_cursor"))))),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidLimit, ErrorCode::InvalidCursor, ErrorCode::InvalidLive, ErrorCode::InvalidUser,
        ErrorCode::InvalidQ,
    ]))),
)]
pub(crate) async fn list_all_streams(
    _operator: Operator,
    request: HttpRequest,
    api: Data<AdminApi>,
) -> Result<HttpResponse, ApiError> {
    let (page, now) = read_page(&request, &api).await?;
    let broadcasts = api.broadcasts.get()?;
    let numbers: Vec<StreamId> = page.streams.iter().map(|stream| stream.id).collect();
    // Each has one open session at most.
    let most = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    let filter = SessionFilter { streams: Some(numbers), is_open: true, ..SessionFilter::default() };
    let listed = broadcasts.list_sessions_of_all(&filter, most);
    let (sessions, _) = use_case("broadcasts.list_sessions_of_all", listed).await?;
    let sessions: HashMap<StreamId, &Session> =
        sessions.iter().map(|session| (session.stream_id, session)).collect();
    let views = page.streams.iter().map(|stream| ListedView {
        stream: StreamView::at(now, stream, page.details.get(&stream.id)),
        session: sessions.get(&stream.id).map(|open| SessionView::at(now, open, broadcasts.servers())),
    });
    let streams = views.collect();
    Ok(HttpResponse::Ok().json(StreamsView { streams, next_cursor: page.next.map(paging::cursor) }))
}

/// The page that a request asks for, and the time at which it is so.
async fn read_page(request: &HttpRequest, api: &AdminApi) -> Result<(Arc<StreamPage>, Timestamp), ApiError> {
    let StreamsQuery { live, user, q, limit, cursor } = paging::query(request)?;
    let is_live = match live.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ErrorCode::InvalidLive.into()),
    };
    let page = paging::bounded_page(limit.as_deref(), cursor.as_deref())?;
    let question = q.filter(|words| !words.is_empty());
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        let user = UserId::parse(&user).map_err(|_| ErrorCode::InvalidUser)?;
        if is_live || question.is_some() {
            let sentence = "`user` lists streams in every state; leave out `live` and `q`.";
            return Err(ApiError::new(ErrorCode::BadRequest, sentence));
        }
        let keys = api.keys.get()?;
        let page = match use_case("keys.list_own", keys.list_own(user, &page)).await {
            Ok(page) => page,
            // Who is not there has no streams.
            Err(UserStreamsError::UnknownUser) => StreamPage::default(),
            Err(UserStreamsError::Store(error)) => return Err(error.into()),
        };
        return Ok((Arc::new(page), keys.now()));
    }
    let query = if is_live { CatalogQuery::live(page) } else { CatalogQuery::active(page) };
    let search = SearchForm { question, ..SearchForm::default() }.read(api.descriptions.categories())?;
    let query = CatalogQuery { with_unlisted: true, search, ..query };
    Ok(use_case("catalog.list", api.catalog.get()?.list(&query)).await?)
}

/// What became of an order to stop a stream.
#[derive(Serialize, ToSchema)]
#[schema(as = StoppedByOperator)]
pub(crate) struct StoppedView<'a> {
    /// A sentence for a person.
    message: &'static str,
    stream: StreamView<'a>,
}

/// Stops a stream.
///
/// Whoever it belongs to, as its owner would: its key may no longer publish from this moment on, and its publisher is
/// kicked.
/// A stream that has ended stays as it is, and `message` says so.
/// No body is needed; one that arrives is read, up to 16 KiB and for at most 10 seconds, and ignored.
#[utoipa::path(
    post,
    path = "/api/admin/streams/{id}/stop",
    tag = "Admin",
    security(("admin_token" = [])),
    params(("id" = i32, Path, description = "The stream's number.")),
    responses((status = 200, description = "The stream, which has ended.", body = StoppedView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::StreamNotFound, ErrorCode::RequestTimeout, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn stop_any_stream(
    operator: Operator,
    id: Path<String>,
    _body: SmallBody,
    api: Data<AdminApi>,
) -> Result<HttpResponse, ApiError> {
    let unknown = || ApiError::new(ErrorCode::StreamNotFound, "There is no stream of this number.");
    let id: StreamId = id.parse().map(StreamId).map_err(|_| unknown())?;
    let order = use_case("broadcasts.stop_stream", api.broadcasts.get()?.stop_stream(id)).await?;
    let (message, stream) = match order {
        StopOrder::Stopped(stream) => {
            let user_id = stream.user_id.map(UserId::get);
            tracing::info!(%operator, stream_id = id.0, user_id, "an operator stopped a stream");
            ("Stream stopped.", stream)
        }
        StopOrder::Ended(stream) => ("The stream had ended already.", stream),
        StopOrder::Unknown => return Err(unknown()),
    };
    let details = use_case("details.of", api.descriptions.of(stream.id)).await?;
    let stream = StreamView::at(api.clock.now(), &stream, Some(&details));
    Ok(HttpResponse::Ok().json(StoppedView { message, stream }))
}
