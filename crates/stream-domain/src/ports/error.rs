//! A store's failure: one type, which keeps its cause.

/// What a store's source of an error is kept as.
pub type BoxedSource = Box<dyn std::error::Error + Send + Sync>;

/// A store's failure, with its cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is away, overloaded or too slow; the same call may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] BoxedSource),
    /// The store answers and takes no writes: a standby, a demoted primary, a file or disk that cannot be written.
    ///
    /// The same call may succeed later, on another node.
    #[error("the store is read-only")]
    ReadOnly(#[source] BoxedSource),
    /// The store answers and the service lacks a privilege there: waiting does not help, an operator does.
    #[error("the store denies access")]
    Denied(#[source] BoxedSource),
    /// A stored row says something that the domain cannot represent.
    #[error("{table} row {id} is unreadable: {reason}")]
    Corrupt {
        /// The table's name.
        table: &'static str,
        /// The row's primary key.
        id: i64,
        /// Which column, and what is wrong with it; never a key.
        reason: &'static str,
    },
    /// The store refused or misunderstood the call: a defect, here or in the schema.
    #[error("the store failed")]
    Failed(#[source] BoxedSource),
}

impl StoreError {
    /// The classes of errors, by their words in metrics.
    pub const CLASSES: [&str; 5] = ["unavailable", "read_only", "denied", "corrupt", "failed"];

    /// The class of this error, by its word in metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::ReadOnly(_) => "read_only",
            Self::Denied(_) => "denied",
            Self::Corrupt { .. } => "corrupt",
            Self::Failed(_) => "failed",
        }
    }

    /// The store is away because of this.
    pub fn unavailable(source: impl Into<BoxedSource>) -> Self {
        Self::Unavailable(source.into())
    }

    /// What is at the bottom of the failure, such as "connection refused".
    pub fn innermost_cause(&self) -> String {
        let mut cause: &dyn std::error::Error = self;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    }

    /// The same failure for another caller, who was waiting for the same answer.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Unavailable(source) => Self::unavailable(chain_of(&**source)),
            Self::ReadOnly(source) => Self::read_only(chain_of(&**source)),
            Self::Denied(source) => Self::denied(chain_of(&**source)),
            Self::Corrupt { table, id, reason } => Self::Corrupt { table, id: *id, reason },
            Self::Failed(source) => Self::failed(chain_of(&**source)),
        }
    }

    /// The store takes no writes because of this.
    pub fn read_only(source: impl Into<BoxedSource>) -> Self {
        Self::ReadOnly(source.into())
    }

    /// The store denies access because of this.
    pub fn denied(source: impl Into<BoxedSource>) -> Self {
        Self::Denied(source.into())
    }

    /// The store failed because of this.
    pub fn failed(source: impl Into<BoxedSource>) -> Self {
        Self::Failed(source.into())
    }
}

/// An error with its causes in one line, for the log; what an error repeats of its cause is said once.
pub fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
