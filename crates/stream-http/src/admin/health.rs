//! What is wrong with the installation, and what to do about it.

use actix_web::web::{Data, Json};
use serde::Serialize;
use stream_domain::{Finding, FindingState};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::api::AdminApi;
use super::examination::Examined;
use super::gate::Operator;
use crate::error::{ApiError, ErrorCode};
use crate::rfc3339::Rfc3339;
use crate::schemas::words;
use crate::trace::use_case;

/// An examination of the installation.
#[derive(Serialize, ToSchema)]
#[schema(as = Examination)]
pub(crate) struct ExaminationView {
    #[schema(schema_with = state)]
    state: &'static str,
    /// How many findings are failures.
    failures: usize,
    /// How many are warnings.
    warnings: usize,
    /// When it was examined.
    examined_at: Rfc3339,
    findings: Vec<FindingView>,
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingView {
    /// What was looked at, such as `database triggers`.
    subject: String,
    #[schema(schema_with = state)]
    state: &'static str,
    /// What was found, as a sentence for a person.
    what: String,
    /// What to do about it; `null` where there is nothing to do.
    #[schema(required)]
    cure: Option<String>,
}

/// The words of `state`.
fn state() -> Object {
    let words_of = [FindingState::Ok, FindingState::Warning, FindingState::Failure].map(FindingState::as_str);
    words("How it stands; of an examination the worst of its findings.", words_of)
}

impl From<&Examined> for ExaminationView {
    fn from(examined: &Examined) -> Self {
        let count = |state| examined.findings.iter().filter(|finding| finding.state == state).count();
        let worst = examined.findings.iter().map(|finding| finding.state).max();
        let view = |Finding { subject, state, what, cure }: &Finding| FindingView {
            subject: subject.clone(),
            state: state.as_str(),
            what: what.clone(),
            cure: cure.clone(),
        };
        Self {
            state: worst.unwrap_or(FindingState::Ok).as_str(),
            failures: count(FindingState::Failure),
            warnings: count(FindingState::Warning),
            examined_at: Rfc3339(examined.at),
            findings: examined.findings.iter().map(view).collect(),
        }
    }
}

/// Examines the installation.
///
/// As `stream-server doctor` does, from this instance: settings, database, media servers, and the addresses of publishers
/// and viewers.
/// There is one examination at a time, and it is shown for ten seconds; one takes as long as what does not answer, up to 40
/// seconds.
#[utoipa::path(
    get,
    path = "/api/admin/health",
    tag = "Admin",
    security(("admin_token" = [])),
    responses((status = 200, description = "What was found.", body = ExaminationView)),
)]
pub(crate) async fn examine_installation(
    _operator: Operator,
    api: Data<AdminApi>,
) -> Result<Json<ExaminationView>, ApiError> {
    let examined = use_case("examiner.examine", api.examination.submit(())).await;
    let examined = examined.map_err(|_| {
        ApiError::new(ErrorCode::NotReady, "Too many wait for an examination; try again shortly.")
    })?;
    Ok(Json(ExaminationView::from(&*examined)))
}
