//! Who streams.

/// A user of the platform, as the user-service numbers them: 1 to 2,147,483,647, a PostgreSQL integer above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(i32);

impl UserId {
    /// Accepts a number in the range of the user-service's ids.
    pub fn new(number: i64) -> Result<Self, InvalidUserId> {
        match i32::try_from(number) {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(InvalidUserId),
        }
    }

    /// Reads the decimal form, without sign, blanks or leading zeros.
    pub fn parse(text: &str) -> Result<Self, InvalidUserId> {
        let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        if !canonical {
            return Err(InvalidUserId);
        }
        text.parse().map_err(|_| InvalidUserId).and_then(Self::new)
    }

    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The value cannot be the id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user id is a whole number from 1 to 2147483647")]
pub struct InvalidUserId;
