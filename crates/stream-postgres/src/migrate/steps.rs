//! The steps of a migration in the log, where nobody watches.

use std::sync::{Mutex, PoisonError};

use stream_domain::ports::Progress;

/// Logs each batch of rows.
#[derive(Debug, Default)]
pub(crate) struct LoggedSteps(Mutex<String>);

impl Progress for LoggedSteps {
    fn begin(&self, step: &str, _total: Option<u64>) {
        step.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn advance(&self, rows: u64) {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tracing::info!(rows, "{step}");
    }

    fn end(&self) {}
}
