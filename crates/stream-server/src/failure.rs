//! Why the program ends, in a sentence that names what to do, and with which exit code.

use std::fmt;
use std::process::ExitCode;

use stream_domain::ports::{StoreError, chain_of};

/// The exit code for wrong flags, commands and settings.
pub(crate) const WRONG_SETTINGS: u8 = 2;

/// The last thing that the program says.
#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    is_wrong_setting: bool,
}

impl Failure {
    /// Something went wrong; the exit code is 1.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), is_wrong_setting: false }
    }

    /// A setting is wrong; the exit code is 2.
    pub(crate) fn wrong_setting(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), is_wrong_setting: true }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.is_wrong_setting { ExitCode::from(WRONG_SETTINGS) } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(format!("the database: {}", chain_of(&error)))
    }
}
