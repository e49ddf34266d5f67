//! Schedules as an iCalendar (RFC 5545): a few properties of events, written and never read here.

use stream_domain::details::Categories;
use stream_domain::{Schedule, Timestamp};

/// The most octets of a line; what is longer goes on in the next one, behind a blank.
const MAX_LINE: usize = 75;

/// The most characters of a description in the calendar.
const MAX_DESCRIPTION: usize = 1_000;

/// What an event is called whose owner gave it no title.
const UNTITLED: &str = "Live stream";

/// The beginning: clients should come again after an hour.
///
/// Without `METHOD`, since it is published, not sent.
const BEGINNING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//stream-service//schedules//EN\r\n\
    CALSCALE:GREGORIAN\r\nX-WR-CALNAME:Live streams\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n\
    X-PUBLISHED-TTL:PT1H\r\n";

/// The calendar of these schedules.
///
/// It depends on them alone, so that it keeps its `ETag` while they stay as they are.
pub(super) fn render(schedules: &[Schedule], categories: &Categories) -> String {
    let mut calendar = BEGINNING.to_owned();
    for schedule in schedules {
        write_event(&mut calendar, schedule, categories);
    }
    calendar.push_str("END:VCALENDAR\r\n");
    calendar
}

fn write_event(calendar: &mut String, schedule: &Schedule, categories: &Categories) {
    let details = &schedule.plan.details;
    let status = if schedule.canceled_at.is_some() { "CANCELLED" } else { "CONFIRMED" };
    let mut line = |name: &str, value: &str| write_line(calendar, name, value);
    line("BEGIN", "VEVENT");
    // The same for as long as the schedule is kept, and never again.
    line("UID", &format!("schedule-{}-{}", schedule.id.0, schedule.created_at.unix_micros()));
    line("DTSTAMP", &instant(schedule.updated_at));
    line("CREATED", &instant(schedule.created_at));
    line("LAST-MODIFIED", &instant(schedule.updated_at));
    line("SEQUENCE", &schedule.revision.to_string());
    line("DTSTART", &instant(schedule.plan.slot.starts_at));
    line("DTEND", &instant(schedule.plan.slot.ends_at));
    line("SUMMARY", &escaped(details.title.as_deref().unwrap_or(UNTITLED)));
    if let Some(description) = &details.description {
        line("DESCRIPTION", &escaped(&shortened(description)));
    }
    let known = categories.all().iter().find(|known| Some(&known.slug) == details.category.as_ref());
    let labels = known.map(|known| &known.name).into_iter().chain(&details.tags);
    let labels: Vec<String> = labels.map(|label| escaped(label)).collect();
    if !labels.is_empty() {
        line("CATEGORIES", &labels.join(","));
    }
    line("STATUS", status);
    // Whoever subscribes is not busy by it.
    line("TRANSP", "TRANSPARENT");
    line("END", "VEVENT");
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_DESCRIPTION).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// A text as a value: these four mean something in it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\\' | ';' | ',' => escaped.extend(['\\', character]),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Writes a line, folded between characters.
fn write_line(calendar: &mut String, name: &str, value: &str) {
    let mut length = 0;
    for character in name.chars().chain([':']).chain(value.chars()) {
        if length + character.len_utf8() > MAX_LINE {
            calendar.push_str("\r\n ");
            length = 1;
        }
        calendar.push(character);
        length += character.len_utf8();
    }
    calendar.push_str("\r\n");
}

/// An instant in UTC, to the second.
fn instant(at: Timestamp) -> String {
    let at = at.to_utc();
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}
