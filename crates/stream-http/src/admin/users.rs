//! Users who may not stream: blocked, unblocked and listed by operators.

use actix_web::dev::Payload;
use actix_web::web::{Data, Path};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use stream_domain::blocks::{BlockPage, BlockPosition, BlockReason};
use stream_domain::{Block, UserId};
use utoipa::{IntoParams, ToSchema};

use super::api::AdminApi;
use super::gate::Operator;
use crate::body::{SMALL, read};
use crate::details::parse;
use crate::error::{ApiError, ErrorCode};
use crate::paging;
use crate::rfc3339::Rfc3339;
use crate::trace::use_case;

/// Which blocks are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BlocksQuery {
    /// The largest number of users to return; 50 without it.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
    /// The `next_cursor` of an earlier page, to continue after it.
    #[param(value_type = Option<String>, format = "block_cursor")]
    cursor: Option<String>,
}

/// Why a user is blocked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = BlockForm)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockBody {
    /// A line of at most 500 characters, which the user is told; empty or `null` for none.
    #[schema(format = "block_reason")]
    reason: Option<String>,
}

/// A body of any content type; without one there is no reason.
impl FromRequest for BlockBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, SMALL);
        Box::pin(async {
            let body = body.await?;
            let is_empty = body.trim_ascii().is_empty() || body.trim_ascii() == b"null";
            if is_empty { Ok(Self::default()) } else { parse(&body) }
        })
    }
}

/// Users who may not stream, the latest block first.
#[derive(Serialize, ToSchema)]
#[schema(as = BlockedUserList)]
pub(crate) struct BlocksView<'a> {
    users: Vec<BlockView<'a>>,
    /// Continues after this page as `cursor`; absent on the last page.
    #[schema(value_type = String, format = "block_cursor", required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A user who may not stream.
#[derive(Serialize, ToSchema)]
#[schema(as = BlockedUser)]
pub(crate) struct BlockView<'a> {
    /// Who.
    user_id: i32,
    /// Why, in words that the user is told.
    #[schema(required)]
    reason: Option<&'a str>,
    /// Since when.
    blocked_at: Rfc3339,
}

/// A user who was blocked just now.
#[derive(Serialize, ToSchema)]
#[schema(as = NewlyBlockedUser)]
pub(crate) struct NewBlockView<'a> {
    #[serde(flatten)]
    block: BlockView<'a>,
    /// The stream that was stopped by it; `null` if none was active.
    #[schema(required)]
    stopped_stream_id: Option<i32>,
}

impl<'a> BlockView<'a> {
    fn of(block: &'a Block) -> Self {
        Self {
            user_id: block.user.get(),
            reason: block.reason.as_ref().map(BlockReason::as_str),
            blocked_at: Rfc3339(block.blocked_at),
        }
    }
}

impl<'a> BlocksView<'a> {
    fn of(page: &'a BlockPage) -> Self {
        let cursor = |at: BlockPosition| paging::encode(at.blocked_at, at.user.get().to_be_bytes());
        Self { users: page.blocks.iter().map(BlockView::of).collect(), next_cursor: page.next.map(cursor) }
    }
}

fn position(cursor: &str) -> Option<BlockPosition> {
    let (blocked_at, user) = paging::decode(cursor)?;
    Some(BlockPosition { blocked_at, user: UserId::new(i32::from_be_bytes(user).into()).ok()? })
}

fn user(text: &str) -> Result<UserId, ApiError> {
    UserId::parse(text)
        .map_err(|_| ApiError::new(ErrorCode::InvalidUser, "The path must have the number of a user."))
}

/// Lists the users who are blocked.
///
/// The latest block first.
#[utoipa::path(
    get,
    path = "/api/admin/users/blocked",
    tag = "Admin",
    security(("admin_token" = [])),
    params(BlocksQuery),
    responses((status = 200, description = "A page of the list.", body = BlocksView<'_>,
        links(("next_page" = (operation_id = "list_blocked_users", parameters(("cursor" = "$response.body#/next_cursor"))))),
    )),
    extensions(("x-error-codes" = json!([ErrorCode::InvalidLimit, ErrorCode::InvalidCursor]))),
)]
pub(crate) async fn list_blocked_users(
    _operator: Operator,
    request: HttpRequest,
    api: Data<AdminApi>,
) -> Result<HttpResponse, ApiError> {
    let BlocksQuery { limit, cursor } = paging::query(&request)?;
    let after = cursor.map(|cursor| position(&cursor).ok_or(ErrorCode::InvalidCursor)).transpose()?;
    let limit = paging::limit_or_default(limit.as_deref())?;
    let page = use_case("blocks.list", api.blocks.get()?.list(limit, after)).await?;
    Ok(HttpResponse::Ok().json(BlocksView::of(&page)))
}

/// Blocks a user.
///
/// From this moment on the user has no active stream and gets no key, in this service or one that writes the same table:
/// the active one is stopped, its publisher is kicked, and `POST /api/streams/generate-key` is 403 `user_blocked` with the
/// reason.
/// One who is blocked already gets the new reason; any number of a user is taken.
#[utoipa::path(
    put,
    path = "/api/admin/users/{user_id}/block",
    tag = "Admin",
    security(("admin_token" = [])),
    params(("user_id" = i32, Path, description = "The user's number.", minimum = 1)),
    request_body = Option<BlockBody>,
    responses((status = 200, description = "The block as it is kept.", body = NewBlockView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidUser, ErrorCode::InvalidReason, ErrorCode::RequestTimeout,
        ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn block_user(
    operator: Operator,
    user_id: Path<String>,
    body: BlockBody,
    api: Data<AdminApi>,
) -> Result<HttpResponse, ApiError> {
    let user = user(&user_id)?;
    let reason = BlockReason::parse(body.reason.as_deref().unwrap_or_default())?;
    let blocked = use_case("blocks.block", api.blocks.get()?.block(user, reason)).await?;
    let stopped_stream_id = blocked.stopped.as_ref().map(|stream| stream.id.0);
    tracing::info!(%operator, user_id = user.get(), stopped_stream_id, "an operator blocked a user");
    let block = BlockView::of(&blocked.block);
    Ok(HttpResponse::Ok().json(NewBlockView { block, stopped_stream_id }))
}

/// Lifts a block.
///
/// The user gets keys again; streams that were stopped stay so.
#[utoipa::path(
    delete,
    path = "/api/admin/users/{user_id}/block",
    tag = "Admin",
    security(("admin_token" = [])),
    params(("user_id" = i32, Path, description = "The user's number.", minimum = 1)),
    responses((status = 200, description = "The block as it was.", body = BlockView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::InvalidUser, ErrorCode::UserNotBlocked]))),
)]
pub(crate) async fn unblock_user(
    operator: Operator,
    user_id: Path<String>,
    api: Data<AdminApi>,
) -> Result<HttpResponse, ApiError> {
    let user = user(&user_id)?;
    let lifted = use_case("blocks.unblock", api.blocks.get()?.unblock(user)).await?;
    let block = lifted.ok_or(ErrorCode::UserNotBlocked)?;
    tracing::info!(%operator, user_id = user.get(), "an operator lifted the block of a user");
    Ok(HttpResponse::Ok().json(BlockView::of(&block)))
}
