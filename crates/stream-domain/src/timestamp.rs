//! Instants, in the resolution that every store keeps.

use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// An instant in UTC, to the microsecond.
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

    /// Takes microseconds since 1970-01-01T00:00:00Z; `None` outside the calendar's range.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
        instant.ok().map(Self::new)
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

    /// A later instant, or an earlier one for a negative duration; stops at the calendar's ends.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::new(self.0.saturating_add(duration))
    }
}
