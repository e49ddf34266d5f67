//! Work that goes on without its caller, and waiting.

use std::pin::Pin;
use std::time::Duration;

/// A future that a runtime can run on any thread.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The runtime, as far as a use case needs it.
pub trait Tasks: Send + Sync {
    /// Runs a task to its end, even if its caller is cancelled.
    fn spawn(&self, task: Task);

    /// Is ready after that time.
    fn sleep(&self, time: Duration) -> Task;
}
