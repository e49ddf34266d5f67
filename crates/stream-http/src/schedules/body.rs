//! Schedules as clients send them.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use stream_domain::schedules::ScheduleForm;
use utoipa::ToSchema;

use crate::body::{LARGE, read};
use crate::details::{DetailsBody, parse};
use crate::error::ApiError;

/// A schedule: its time, and the details that its stream begins with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ScheduleForm)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleBody {
    /// An instant as of RFC 3339 in any offset, at most 366 days from now.
    #[schema(required, value_type = String, format = "starts_at")]
    starts_at: Option<String>,
    /// Another: to come, after `starts_at`, and at most 24 hours later.
    #[schema(required, value_type = String, format = "ends_at")]
    ends_at: Option<String>,
    /// A name of the IANA time zone database, to be shown beside the time; empty for none.
    #[schema(format = "time_zone")]
    time_zone: Option<String>,
    #[serde(flatten)]
    details: DetailsBody,
}

impl From<ScheduleBody> for ScheduleForm {
    fn from(body: ScheduleBody) -> Self {
        let ScheduleBody { starts_at, ends_at, time_zone, details } = body;
        Self { starts_at, ends_at, time_zone, details: details.into() }
    }
}

/// A body that must be there, whatever its content type.
impl FromRequest for ScheduleBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, LARGE);
        Box::pin(async { parse(&body.await?) })
    }
}
