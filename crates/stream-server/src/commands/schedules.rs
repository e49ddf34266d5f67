//! `schedule`: what users have planned.

use std::num::NonZeroU32;

use serde_json::{Value, json};
use stream_domain::schedules::{ScheduleFilter, ScheduleQuery};
use stream_domain::{Schedule, Timestamp, UserId};

use crate::commands::desk::Desk;
use crate::commands::output::{Format, instant, or_dash, second, show, table};
use crate::commands::streams::{described, shortened};
use crate::failure::Failure;

const HEADER: [&str; 7] = ["SCHEDULE", "USER", "STATE", "STARTS", "ENDS", "VISIBILITY", "TITLE"];

/// Lists schedules, soonest first.
pub(super) async fn list(
    desk: &Desk,
    user: Option<UserId>,
    is_all: bool,
    limit: u32,
    format: Format,
) -> Result<(), Failure> {
    let from = (!is_all).then(|| desk.schedules.now());
    let filter = ScheduleFilter { user, from, ..ScheduleFilter::default() };
    let limit = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
    let query = ScheduleQuery { filter, limit, after: None };
    let (page, now) = desk.schedules.list(&query).await?;
    let views = page.schedules.iter().map(|schedule| view(schedule, now)).collect::<Vec<_>>();
    show(format, &json!({ "schedules": views }), || {
        table(&HEADER, page.schedules.iter().map(|schedule| row(schedule, now)).collect())
    })
}

fn view(schedule: &Schedule, now: Timestamp) -> Value {
    let plan = &schedule.plan;
    let view = json!({
        "id": schedule.id.0,
        "user_id": schedule.user.get(),
        "state": schedule.state_at(now).as_str(),
        "starts_at": instant(plan.slot.starts_at),
        "ends_at": instant(plan.slot.ends_at),
        "time_zone": plan.time_zone.as_ref().map(|name| name.as_str()),
        "playback_id": schedule.stream_at(now).map(|stream| stream.playback_id.as_str()),
        "created_at": instant(schedule.created_at),
        "updated_at": instant(schedule.updated_at),
    });
    described(view, &plan.details)
}

fn row(schedule: &Schedule, now: Timestamp) -> Vec<String> {
    let (slot, details) = (schedule.plan.slot, &schedule.plan.details);
    vec![
        schedule.id.0.to_string(),
        schedule.user.get().to_string(),
        schedule.state_at(now).as_str().to_owned(),
        second(Some(slot.starts_at)),
        second(Some(slot.ends_at)),
        details.visibility.as_str().to_owned(),
        or_dash(details.title.as_deref().map(shortened)),
    ]
}
