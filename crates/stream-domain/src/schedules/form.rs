//! Schedules as clients send them, and what is wrong with them.

use time::Duration;

use super::time_zone::TimeZoneName;
use super::value::{Plan, Slot};
use crate::Timestamp;
use crate::details::{Categories, Details, DetailsForm, InvalidDetail};

/// The shortest time of a schedule; calendars know whole seconds.
const MIN_LENGTH: Duration = Duration::MINUTE;

/// The longest time of a schedule.
pub const MAX_LENGTH: Duration = Duration::hours(24);

/// How far ahead a schedule may be.
pub const MAX_AHEAD: Duration = Duration::days(366);

/// A schedule as a client sends it: what is `None` was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScheduleForm {
    /// An instant as of RFC 3339, in any offset.
    pub starts_at: Option<String>,
    /// Another.
    pub ends_at: Option<String>,
    /// A name of the IANA database, or nothing.
    pub time_zone: Option<String>,
    /// What the stream begins with.
    pub details: DetailsForm,
}

/// A field of a schedule cannot be taken as it was sent; each is told by a sentence with the limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the variants are the fields")]
pub enum InvalidSchedule {
    #[error("starts_at: {0}")]
    StartsAt(String),
    #[error("ends_at: {0}")]
    EndsAt(String),
    #[error("time_zone: must be a name of the IANA time zone database, such as Europe/Berlin")]
    TimeZone,
    #[error(transparent)]
    Detail(#[from] InvalidDetail),
}

impl ScheduleForm {
    /// The plan that it describes, as seen at `now`.
    pub fn read(self, categories: &Categories, now: Timestamp) -> Result<Plan, InvalidSchedule> {
        let starts_at = instant(self.starts_at.as_deref()).map_err(InvalidSchedule::StartsAt)?;
        let ends_at = instant(self.ends_at.as_deref()).map_err(InvalidSchedule::EndsAt)?;
        let (length, ahead) = (ends_at.since(starts_at), starts_at.since(now));
        if ahead > MAX_AHEAD {
            let limit = MAX_AHEAD.whole_days();
            return Err(InvalidSchedule::StartsAt(format!(
                "{} days from now, at most {limit}",
                ahead.whole_days()
            )));
        }
        if length < MIN_LENGTH {
            return Err(InvalidSchedule::EndsAt("must be at least a minute after starts_at".to_owned()));
        }
        if length > MAX_LENGTH {
            let (found, limit) = (length.whole_minutes(), MAX_LENGTH.whole_minutes());
            return Err(InvalidSchedule::EndsAt(format!("{found} minutes after starts_at, at most {limit}")));
        }
        if ends_at <= now {
            return Err(InvalidSchedule::EndsAt("has passed already".to_owned()));
        }
        let time_zone = match self.time_zone.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(name) => Some(TimeZoneName::parse(name).ok_or(InvalidSchedule::TimeZone)?),
        };
        let details = self.details.over(Details::default(), categories)?;
        Ok(Plan { slot: Slot { starts_at, ends_at }, time_zone, details })
    }
}

fn instant(sent: Option<&str>) -> Result<Timestamp, String> {
    let Some(sent) = sent.map(str::trim).filter(|sent| !sent.is_empty()) else {
        return Err("is missing".to_owned());
    };
    Timestamp::parse(sent)
        .ok_or_else(|| "must be a time as of RFC 3339, such as 2026-01-02T20:00:00+01:00".to_owned())
}
