//! What a program that reads the log finds of a panic.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

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
    let written = Written::default();
    let writer = written.clone();
    let json = fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(tell_of_panic));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(json), || {
        std::panic::catch_unwind(|| panic!("injected {}", 7)).unwrap_err();
    });
    std::panic::set_hook(before);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in [r#""level":"ERROR""#, "src/telemetry/tests.rs:", r#""reason":"injected 7""#, "panicked"] {
        assert!(text.contains(part), "{text}");
    }
}
