//! Instants, in the resolution that every store keeps.

use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

const FIRST_DAY: Date = match Date::from_calendar_date(0, Month::January, 1) {
    Ok(day) => day,
    Err(_) => Date::MIN,
};

const LAST_MICROSECOND: Time = match Time::from_hms_micro(23, 59, 59, 999_999) {
    Ok(time) => time,
    Err(_) => Time::MIDNIGHT,
};

/// An instant in UTC, to the microsecond, in the years 0 to 9999 that RFC 3339 can write.
///
/// PostgreSQL keeps microseconds and Rust nanoseconds; cutting here makes a value equal to itself after a
/// round trip through any store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Takes an instant of any offset; what is finer than a microsecond is cut off.
    pub fn new(instant: OffsetDateTime) -> Self {
        let utc = instant.to_offset(UtcOffset::UTC);
        let micros = utc.microsecond();
        Self(utc.replace_microsecond(micros).unwrap_or(utc))
    }

    /// Takes a date and time without a zone as UTC, as the `streams` table keeps them.
    pub fn from_utc(naive: PrimitiveDateTime) -> Self {
        Self::new(naive.assume_utc())
    }

    /// The first instant there is.
    pub const MIN: Self = Self(OffsetDateTime::new_utc(FIRST_DAY, Time::MIDNIGHT));

    /// The last instant there is.
    pub const MAX: Self = Self(OffsetDateTime::new_utc(Date::MAX, LAST_MICROSECOND));

    /// Takes microseconds since 1970-01-01T00:00:00Z; `None` outside the years 0 to 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
        instant.ok().map(Self::new).filter(|instant| *instant >= Self::MIN)
    }

    /// Reads an instant as of RFC 3339, of any offset; `None` for anything else, and outside the years 0 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let utc = instant.checked_to_offset(UtcOffset::UTC).map(Self::new);
        utc.filter(|instant| *instant >= Self::MIN)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn unix_micros(self) -> i64 {
        let micros = self.0.unix_timestamp_nanos() / 1_000;
        i64::try_from(micros).expect("the calendar's range in microseconds fits 64 bits")
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// The instant as a date and time with offset zero.
    pub fn to_utc(self) -> OffsetDateTime {
        self.0
    }

    /// The instant as a date and time without a zone, in UTC.
    pub fn to_naive_utc(self) -> PrimitiveDateTime {
        PrimitiveDateTime::new(self.0.date(), self.0.time())
    }

    /// How long after `earlier` it is; negative if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        self.0 - earlier.0
    }

    /// A later instant, or an earlier one for a negative duration; stops at [`Timestamp::MIN`] and [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::new(self.0.saturating_add(duration)).max(Self::MIN)
    }
}
