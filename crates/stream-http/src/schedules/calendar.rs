//! Schedules as an iCalendar (RFC 5545).

use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus, Property};
use stream_domain::details::Categories;
use stream_domain::{Schedule, Timestamp};

/// What an event is called whose owner gave it no title.
const UNTITLED: &str = "Live stream";

/// How often clients should come again.
const REFRESH: &str = "PT1H";

/// The calendar of these schedules.
///
/// It depends on them alone, so that it keeps its `ETag` while they stay as they are.
pub(super) fn render(schedules: &[Schedule], categories: &Categories) -> String {
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", "-//stream-service//schedules//EN"))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .append_property(Property::new("METHOD", "PUBLISH"))
        .append_property(Property::new("X-WR-CALNAME", "Live streams"))
        .append_property(Property::new("X-PUBLISHED-TTL", REFRESH))
        .append_property(
            Property::new("REFRESH-INTERVAL", REFRESH).add_parameter("VALUE", "DURATION").done(),
        );
    for schedule in schedules {
        calendar.push(event(schedule, categories));
    }
    calendar.to_string()
}

fn event(schedule: &Schedule, categories: &Categories) -> Event {
    let details = &schedule.plan.details;
    let status = if schedule.canceled_at.is_some() { EventStatus::Cancelled } else { EventStatus::Confirmed };
    let mut event = Event::new();
    event
        .uid(&uid(schedule))
        .append_property(Property::new("DTSTAMP", instant(schedule.updated_at)))
        .append_property(Property::new("LAST-MODIFIED", instant(schedule.updated_at)))
        .append_property(Property::new("CREATED", instant(schedule.created_at)))
        .append_property(Property::new("DTSTART", instant(schedule.plan.slot.starts_at)))
        .append_property(Property::new("DTEND", instant(schedule.plan.slot.ends_at)))
        .append_property(Property::new("SEQUENCE", schedule.revision.to_string()))
        .summary(details.title.as_deref().unwrap_or(UNTITLED))
        .status(status);
    if let Some(description) = &details.description {
        event.description(description);
    }
    let known = categories.all().iter().find(|known| Some(&known.slug) == details.category.as_ref());
    let labels =
        known.map(|known| known.name.as_str()).into_iter().chain(details.tags.iter().map(String::as_str));
    let labels: Vec<&str> = labels.collect();
    if !labels.is_empty() {
        event.categories(labels);
    }
    event.done()
}

/// The same for as long as the schedule is kept, and never again.
fn uid(schedule: &Schedule) -> String {
    format!("schedule-{}-{}", schedule.id.0, schedule.created_at.unix_micros())
}

/// An instant in UTC, to the second.
fn instant(at: Timestamp) -> String {
    let at = at.to_utc();
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}
