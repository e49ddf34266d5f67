//! How a migration goes on: a bar at a terminal, and a line every second else, both on standard error.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use stream_domain::ports::Progress;

/// How often something is shown; a step that takes less is not shown at all.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often a bar moves.
const TICK: Duration = Duration::from_millis(100);

/// What suits standard error.
pub(super) fn shown() -> Arc<dyn Progress> {
    if std::io::stderr().is_terminal() { Arc::new(Bars::default()) } else { Arc::new(Lines::default()) }
}

/// A bar for each step, or a mark that turns where nobody knows how many rows there are.
#[derive(Default)]
struct Bars(Mutex<Option<ProgressBar>>);

impl Bars {
    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, step: &str, total: Option<u64>) {
        let (bar, template) = match total {
            Some(total) => {
                let template = "{msg} {wide_bar} {human_pos} of {human_len} rows, {per_sec}, {eta} left";
                (ProgressBar::new(total), template)
            }
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style).with_message(step.to_owned());
        bar.enable_steady_tick(TICK);
        *self.bar() = Some(bar);
    }

    fn advance(&self, rows: u64) {
        if let Some(bar) = &*self.bar() {
            bar.inc(rows);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }
}

/// A line for a step every second.
#[derive(Default)]
struct Lines(Mutex<Option<Step>>);

/// What is shown of a step.
struct Step {
    what: String,
    total: Option<u64>,
    done: u64,
    began: Instant,
    shown_at: Instant,
}

impl Step {
    fn line(&self, after: Duration) -> String {
        let seconds = after.as_secs_f64().max(0.001);
        let mut line = format!("{}: {} rows", self.what, self.done);
        if let Some(total) = self.total {
            // A table that others write to may hold more by now.
            let left = total.saturating_sub(self.done) as f64 * seconds / (self.done.max(1) as f64);
            let rate = self.done as f64 / seconds;
            // A string accepts all text.
            let _ = write!(line, " of {total}, {rate:.0} rows/s, {left:.0} s left");
        }
        line
    }
}

impl Lines {
    fn step(&self) -> MutexGuard<'_, Option<Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Lines {
    fn begin(&self, step: &str, total: Option<u64>) {
        let now = Instant::now();
        *self.step() = Some(Step { what: step.to_owned(), total, done: 0, began: now, shown_at: now });
    }

    fn advance(&self, rows: u64) {
        if let Some(step) = &mut *self.step() {
            step.done += rows;
            if step.shown_at.elapsed() >= INTERVAL {
                step.shown_at = Instant::now();
                say(&step.line(step.began.elapsed()));
            }
        }
    }

    fn end(&self) {
        if let Some(step) = self.step().take()
            && step.began.elapsed() >= INTERVAL
        {
            say(&format!("{}: done in {} s", step.what, step.began.elapsed().as_secs()));
        }
    }
}

fn say(line: &str) {
    // A closed standard error is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests;
