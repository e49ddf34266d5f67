//! Log lines on their way to standard error: batched, so that a request does not wait for its line.
//!
//! Not `tracing_appender::non_blocking`: at exit its guard gives up after 1.1 seconds, and a process that is told to exit
//! at once would lose its last warning. Here a flush returns when everything is written.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long lines are batched before they are written.
const PAUSE: Duration = Duration::from_millis(5);

/// The largest batch, in bytes; the thread that fills it writes it, and so waits for standard error.
const MAX_BATCH: usize = 256 * 1024;

/// Batches lines and writes them in order: a warning or an error at once, with everything before it, and the rest a few
/// milliseconds later.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

struct Shared {
    batch: Mutex<Vec<u8>>,
    has_some: Condvar,
    /// Held while lines are taken and written, so that they stay in order.
    output: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    /// Starts the thread that writes.
    pub(crate) fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::new(Shared {
            batch: Mutex::default(),
            has_some: Condvar::new(),
            output: Mutex::new(Box::new(output)),
        }));
        let writer = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_on())?;
        Ok(lines)
    }

    /// Writes the batch.
    pub(crate) fn flush(&self) {
        let mut output = self.0.output.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut *self.batch());
        // There is nowhere to report that the log cannot be written.
        let _ = output.write_all(&lines);
    }

    fn write_on(&self) {
        loop {
            let batch = self.0.has_some.wait_while(self.batch(), |batch| batch.is_empty());
            drop(batch);
            thread::sleep(PAUSE);
            self.flush();
        }
    }

    fn batch(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one line.
pub(crate) struct Line<'l> {
    lines: &'l Lines,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut batch = self.lines.batch();
        let was_empty = batch.is_empty();
        batch.extend_from_slice(line);
        let is_full = batch.len() >= MAX_BATCH;
        drop(batch);
        if self.is_urgent || is_full {
            self.lines.flush();
        } else if was_empty {
            self.lines.0.has_some.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { lines: self, is_urgent: true }
    }

    fn make_writer_for(&'l self, metadata: &Metadata<'_>) -> Line<'l> {
        Line { lines: self, is_urgent: *metadata.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests;
