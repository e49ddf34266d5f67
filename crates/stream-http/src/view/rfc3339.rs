//! Instants as clients read them.
//!
//! The `time` crate writes the same, for any format, at several times the price; a stream has up to four of these.

use serde::{Serialize, Serializer};
use stream_domain::Timestamp;

/// An instant in UTC as RFC 3339 has it, such as `2026-01-02T03:04:05.678901Z`; a fraction loses its last zeros.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let utc = self.0.to_utc();
        let (year, month, day) = utc.to_calendar_date();
        let (hour, minute, second, mut fraction) = utc.to_hms_micro();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        write_digits(&mut text[0..4], year.unsigned_abs());
        write_digits(&mut text[5..7], u8::from(month).into());
        write_digits(&mut text[8..10], day.into());
        write_digits(&mut text[11..13], hour.into());
        write_digits(&mut text[14..16], minute.into());
        write_digits(&mut text[17..19], second.into());
        let mut digits = 6;
        while digits > 0 && fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        write_digits(&mut text[20..20 + digits], fraction);
        let end = if digits == 0 { 19 } else { 20 + digits };
        text[end] = b'Z';
        serializer.serialize_str(std::str::from_utf8(&text[..=end]).expect("digits are text"))
    }
}

fn write_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit is small");
        number /= 10;
    }
}

#[cfg(test)]
mod tests;
