//! Responses to hooks, before they are HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use stream_domain::broadcasts::admission::Refusal;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::outcome::Outcome;
use crate::error::{ErrorCode, sentence_of};
use crate::schemas::words;

/// A response in the terms of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) location: Option<String>,
}

/// The no that nearly every family accepts, in the shape of this service's errors.
#[derive(Serialize, ToSchema)]
#[schema(as = PublishRefused)]
pub(crate) struct RefusedView {
    #[schema(schema_with = code)]
    code: &'static str,
    /// What to correct, as a sentence for a person.
    error: String,
    #[schema(schema_with = reason)]
    reason: &'static str,
}

/// The code of a refused publisher.
fn code() -> Object {
    words("Always `publish_refused`.", [ErrorCode::PublishRefused.as_str()])
}

/// The words of `reason`.
fn reason() -> Object {
    words("Why the publisher is refused.", Refusal::ALL.map(Refusal::as_str))
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, body, location: None }
    }

    /// The yes or no that nearly every family accepts.
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Refused(refusal) => Self::refused(*refusal),
            Outcome::Accepted(_) | Outcome::Noted => Self::accepted(),
        }
    }

    /// The yes that nearly every family accepts.
    pub(super) fn accepted() -> Self {
        Self::json(200, json!({ "code": 0 }))
    }

    /// The no that nearly every family accepts, in the shape of this service's errors.
    fn refused(refusal: Refusal) -> Self {
        let code = ErrorCode::PublishRefused.as_str();
        Self::json(403, json!(RefusedView { code, error: sentence_of(refusal), reason: refusal.as_str() }))
    }

    pub(super) fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::FORBIDDEN);
        let mut response = HttpResponse::build(status);
        if let Some(location) = self.location {
            response.insert_header(("Location", location));
        }
        response.json(self.body)
    }
}
