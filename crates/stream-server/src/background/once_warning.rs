//! Warnings of tasks that repeat: what fails several times a second is not to fill the log.

use std::error::Error;

use stream_domain::ServerName;
use stream_domain::ports::chain_of;

/// A warning that is logged once for each cause, and once when it is over.
pub(super) struct OnceWarning<'a> {
    server: Option<&'a ServerName>,
    warning: &'static str,
    recovery: &'static str,
    logged_cause: Option<String>,
}

impl<'a> OnceWarning<'a> {
    /// What is warned of, and what is said when it works again.
    pub(super) fn new(warning: &'static str, recovery: &'static str) -> Self {
        Self { server: None, warning, recovery, logged_cause: None }
    }

    /// The same, of a media server.
    pub(super) fn at(server: &'a ServerName, warning: &'static str, recovery: &'static str) -> Self {
        Self { server: Some(server), ..Self::new(warning, recovery) }
    }

    /// Logs the warning, unless the same cause was logged last.
    pub(super) fn raise(&mut self, error: &(dyn Error + 'static)) {
        let cause = chain_of(error);
        if self.logged_cause.as_ref() != Some(&cause) {
            tracing::warn!(
                server = self.server.map(tracing::field::display),
                error = cause,
                "{}",
                self.warning
            );
        }
        self.logged_cause = Some(cause);
    }

    /// Logs that it works again, if a warning was logged.
    pub(super) fn clear(&mut self) {
        if self.logged_cause.take().is_some() {
            tracing::info!(server = self.server.map(tracing::field::display), "recovered: {}", self.recovery);
        }
    }
}
