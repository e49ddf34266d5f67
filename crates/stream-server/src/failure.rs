//! Why the program ends, in a sentence that names what to do.

use std::fmt;

use stream_domain::ports::{StoreError, chain_of};

/// The last thing that the program says.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(format!("the database: {}", chain_of(&error)))
    }
}
