//! What an examination finds: a subject, how it stands, and what to do about it.
//!
//! Adapters examine what they know (a database, a media server), and the command line shows what they found.

/// How a subject stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingState {
    /// As it should be.
    Ok,
    /// It works, and will probably cause trouble, or could not be looked at.
    Warning,
    /// Something does not work because of it.
    Failure,
}

impl FindingState {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// One line of an examination; holds no key, password or secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, such as `database triggers`.
    pub subject: String,
    /// How it stands.
    pub state: FindingState,
    /// What was found.
    pub what: String,
    /// What an operator can do; `None` where nothing needs to be done.
    pub cure: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { subject: subject.into(), state: FindingState::Ok, what: what.into(), cure: None }
    }

    /// It works, and needs attention.
    pub fn warning(subject: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        let cure = Some(cure.into());
        Self { subject: subject.into(), state: FindingState::Warning, what: what.into(), cure }
    }

    /// It does not work.
    pub fn failure(subject: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        let cure = Some(cure.into());
        Self { subject: subject.into(), state: FindingState::Failure, what: what.into(), cure }
    }
}
