//! Instants as clients read them.
//!
//! `time::serde::rfc3339` writes the same, into a string of its own each time; a stream has up to four of these.

use std::fmt;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use stream_domain::Timestamp;
use time::format_description::well_known;
use utoipa::ToSchema;

/// The longest text, in bytes: `2026-01-02T03:04:05.678901Z`.
const LENGTH: usize = 27;

/// An instant in UTC as of RFC 3339, such as `2026-01-02T03:04:05.678901Z`; trailing zeros of the fraction are left out.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = Time, value_type = String, format = DateTime, pattern = "Z$", example = "2026-01-02T03:04:05.678901Z")]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; LENGTH];
        let mut rest = &mut text[..];
        self.0.to_utc().format_into(&mut rest, &well_known::Rfc3339).map_err(S::Error::custom)?;
        let length = LENGTH - rest.len();
        serializer.serialize_str(std::str::from_utf8(&text[..length]).map_err(S::Error::custom)?)
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_utc().format(&well_known::Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests;
