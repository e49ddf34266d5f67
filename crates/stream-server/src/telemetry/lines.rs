//! Lines on their way to standard error: many in one write, so that a request does not wait for its line.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// For how long lines are gathered before they are written.
const PAUSE: Duration = Duration::from_millis(5);

/// How many bytes are gathered at most; whoever comes then writes them, and so waits as long as standard error does.
const MOST: usize = 256 * 1024;

/// Gathers lines and writes them in order: a warning or an error at once, with all that came before it, and the rest a
/// few milliseconds later.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

struct Shared {
    gathered: Mutex<Vec<u8>>,
    has_some: Condvar,
    /// Held while lines are taken and written, so that they stay in order.
    output: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    /// Starts the thread that writes.
    pub(crate) fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::new(Shared {
            gathered: Mutex::default(),
            has_some: Condvar::new(),
            output: Mutex::new(Box::new(output)),
        }));
        let writer = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_on())?;
        Ok(lines)
    }

    /// Writes what has been gathered.
    pub(crate) fn flush(&self) {
        let mut output = self.0.output.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut *self.gathered());
        // There is nowhere to say that the log cannot be written.
        let _ = output.write_all(&lines);
    }

    fn write_on(&self) {
        loop {
            let gathered = self.0.has_some.wait_while(self.gathered(), |gathered| gathered.is_empty());
            drop(gathered);
            thread::sleep(PAUSE);
            self.flush();
        }
    }

    fn gathered(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one line.
pub(crate) struct Line<'l> {
    lines: &'l Lines,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut gathered = self.lines.gathered();
        let was_empty = gathered.is_empty();
        gathered.extend_from_slice(line);
        let is_full = gathered.len() >= MOST;
        drop(gathered);
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
