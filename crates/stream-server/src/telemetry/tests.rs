//! How a panic is logged, and a log that tests can read.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

/// A log in memory.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// Captures what this thread logs until the guard is dropped.
    pub(crate) fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let written = Self::default();
        let writer = written.clone();
        let json = fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(json));
        (written, guard)
    }

    /// What was logged, one line per event.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_is_one_event_with_its_place_and_reason() {
    let (written, _guard) = Written::begin();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(log_panic));
    std::panic::catch_unwind(|| panic!("injected {}", 7)).unwrap_err();
    std::panic::set_hook(before);
    let text = written.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in [r#""level":"ERROR""#, "src/telemetry/tests.rs:", r#""reason":"injected 7""#, "panicked"] {
        assert!(text.contains(part), "{text}");
    }
}
