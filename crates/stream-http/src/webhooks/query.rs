//! Which deliveries a request asks for.

use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use stream_domain::WebhookId;
use stream_domain::events::LogPosition;
use stream_domain::webhooks::{DeliveryQuery, DeliveryState};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::paging;

/// How many deliveries are read at once at most: each may have ten answers of 1 KiB.
const LARGEST: u32 = 100;

/// Which deliveries are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// Only those in this state: `pending`, `delivered` or `failed`.
    #[param(value_type = Option<String>, format = "delivery_status")]
    status: Option<String>,
    /// The largest number of deliveries to return; 50 without it, and never more than 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
    /// The `next_cursor` of an earlier page, to continue after it.
    #[param(value_type = Option<String>, format = "delivery_cursor")]
    cursor: Option<String>,
}

/// Reads what a request asks for.
pub(super) fn deliveries(request: &HttpRequest, webhook: WebhookId) -> Result<DeliveryQuery, ApiError> {
    let DeliveriesQuery { status, limit, cursor } = paging::query(request)?;
    let state = status
        .filter(|word| !word.is_empty())
        .map(|word| DeliveryState::parse(&word).ok_or(ErrorCode::InvalidStatus));
    let before = cursor.map(|cursor| position(&cursor).ok_or(ErrorCode::InvalidCursor));
    let limit = paging::limit_or_default(limit.as_deref())?;
    Ok(DeliveryQuery {
        webhook,
        state: state.transpose()?,
        before: before.transpose()?,
        limit: limit.get().min(LARGEST),
    })
}

/// The cursor of a position: opaque to clients, so that its form may change.
pub(super) fn cursor(position: LogPosition) -> String {
    URL_SAFE_NO_PAD.encode(position.0.to_be_bytes())
}

fn position(cursor: &str) -> Option<LogPosition> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Some(LogPosition(i64::from_be_bytes(bytes.try_into().ok()?)))
}
