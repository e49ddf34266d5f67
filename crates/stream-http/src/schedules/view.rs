//! Schedules as clients see them.

use serde::Serialize;
use stream_domain::schedules::{SchedulePage, ScheduleState};
use stream_domain::{Schedule, Timestamp};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::query::cursor;
use crate::details::DetailsView;
use crate::rfc3339::Rfc3339;
use crate::schemas::words;

/// A schedule at the moment of the response.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedSchedule)]
pub(super) struct ScheduleView<'a> {
    /// The schedule's number.
    id: i64,
    /// The number of its owner.
    user_id: i32,
    #[schema(schema_with = state)]
    state: &'static str,
    /// When it starts.
    starts_at: Rfc3339,
    /// When it ends.
    ends_at: Rfc3339,
    /// The time zone that its owner thinks in, as the IANA database names it; the times above do not depend on it.
    #[schema(required, max_length = 64)]
    time_zone: Option<&'a str>,
    /// The public name of the stream that began for it, for `/api/streams/public/{playback_id}`.
    #[schema(required, max_length = 64)]
    playback_id: Option<&'a str>,
    #[serde(flatten)]
    details: DetailsView<'a>,
    /// When it was made.
    created_at: Rfc3339,
    /// When it was last changed or canceled.
    updated_at: Rfc3339,
}

/// The words of `state`.
fn state() -> Object {
    words(
        "`live` while its stream is; `ended` once that has ended, or its time has; `missed` if no stream began.",
        ScheduleState::ALL.map(ScheduleState::as_str),
    )
}

/// A schedule by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(super) struct FullScheduleView<'a> {
    #[serde(flatten)]
    listed: ScheduleView<'a>,
    /// Text with line feeds, never HTML.
    #[schema(required, max_length = 5_000)]
    description: Option<&'a str>,
}

/// A page of schedules.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SchedulePage)]
pub(super) struct SchedulePageView<'a> {
    /// The schedules, soonest first; they lack `description`.
    schedules: Vec<ScheduleView<'a>>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

impl<'a> ScheduleView<'a> {
    fn at(now: Timestamp, schedule: &'a Schedule) -> Self {
        let plan = &schedule.plan;
        Self {
            id: schedule.id.0,
            user_id: schedule.user.get(),
            state: schedule.state_at(now).as_str(),
            starts_at: Rfc3339(plan.slot.starts_at),
            ends_at: Rfc3339(plan.slot.ends_at),
            time_zone: plan.time_zone.as_ref().map(|name| name.as_str()),
            playback_id: schedule.stream_at(now).map(|stream| stream.playback_id.as_str()),
            details: DetailsView::of(Some(&plan.details)),
            created_at: Rfc3339(schedule.created_at),
            updated_at: Rfc3339(schedule.updated_at),
        }
    }
}

impl<'a> FullScheduleView<'a> {
    /// As it is at `now`.
    pub(super) fn at(now: Timestamp, schedule: &'a Schedule) -> Self {
        let description = schedule.plan.details.description.as_deref();
        Self { listed: ScheduleView::at(now, schedule), description }
    }
}

impl<'a> SchedulePageView<'a> {
    /// As it is at `now`.
    pub(super) fn at(now: Timestamp, page: &'a SchedulePage) -> Self {
        let schedules = page.schedules.iter().map(|schedule| ScheduleView::at(now, schedule)).collect();
        Self { schedules, next_cursor: page.next.map(cursor) }
    }
}
