//! Endpoints as clients send them.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use stream_domain::events::{EventKind, LogPosition};
use stream_domain::webhooks::WebhookForm;
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Array, ArrayBuilder, Type};

use crate::body::{SMALL, read};
use crate::details::{parse, whole_number};
use crate::error::{ApiError, ErrorCode};
use crate::schemas::words;

/// An endpoint; a field that is absent or `null` was not sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WebhookForm)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookBody {
    /// Where to: an `https` address of at most 2,048 characters, without user, password and fragment.
    ///
    /// Addresses that are not public are refused, here and when a name leads there, unless the operator allows them.
    #[schema(required, value_type = String, format = "webhook_url")]
    url: Option<String>,
    #[schema(schema_with = types)]
    types: Option<Vec<String>>,
    /// What it is for: a line of at most 200 characters; empty for none.
    #[schema(format = "webhook_description")]
    description: Option<String>,
    /// Whether anything is sent there; `true` without it.
    enabled: Option<bool>,
}

/// The schema of `types`.
fn types() -> Array {
    let kinds = SchemaType::Array(vec![Type::Array, Type::Null]);
    let items = words("A type of event.", EventKind::ALL.map(EventKind::as_str));
    let description =
        "Only these types of events; `null` or nothing for all, and for those that are added later.";
    ArrayBuilder::new().schema_type(kinds).items(items).description(Some(description)).build()
}

/// The largest number that every client can write exactly.
const LAST: i64 = (1 << 53) - 1;

/// Where a replay begins.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ReplayForm)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// The position after which events are delivered once more; 0 for the beginning of the log.
    #[schema(required, value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    #[serde(default, deserialize_with = "whole_number")]
    after: Option<i64>,
}

impl ReplayBody {
    pub(super) fn after(&self) -> Result<LogPosition, ApiError> {
        let after = self.after.filter(|after| (0..=LAST).contains(after));
        after.map(LogPosition).ok_or_else(|| ErrorCode::InvalidAfter.into())
    }
}

impl From<WebhookBody> for WebhookForm {
    fn from(WebhookBody { url, types, description, enabled }: WebhookBody) -> Self {
        Self { url, types, description, enabled }
    }
}

/// A body that must be there, whatever its content type.
impl FromRequest for WebhookBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, SMALL);
        Box::pin(async { parse(&body.await?) })
    }
}

impl FromRequest for ReplayBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, SMALL);
        Box::pin(async { parse(&body.await?) })
    }
}
