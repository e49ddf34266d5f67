//! The runtime as the domain needs it.

use std::time::Duration;

use stream_domain::ports::{Task, Tasks};

/// Tasks on the runtime that serves the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokioTasks;

impl Tasks for TokioTasks {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }

    fn sleep(&self, time: Duration) -> Task {
        Box::pin(tokio::time::sleep(time))
    }
}
