//! What is written, and when.

use std::io::Write;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::{Line, Lines, MAX_BATCH};

struct Sent(Sender<String>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_are_written_soon_without_a_flush() {
    let (sender, written) = channel();
    let lines = Lines::to(Sent(sender)).unwrap();
    Line { lines: &lines, is_urgent: false }.write_all(b"one\n").unwrap();
    assert_eq!(written.recv_timeout(Duration::from_secs(20)).unwrap(), "one\n");
    Line { lines: &lines, is_urgent: false }.write_all(b"two\n").unwrap();
    assert_eq!(written.recv_timeout(Duration::from_secs(20)).unwrap(), "two\n");
}

#[test]
fn a_warning_is_written_at_once_with_what_came_before_it() {
    let (sender, written) = channel();
    let lines = Lines::to(Sent(sender)).unwrap();
    Line { lines: &lines, is_urgent: false }.write_all(b"before\n").unwrap();
    Line { lines: &lines, is_urgent: true }.write_all(b"warning\n").unwrap();
    // Written by now, in one go or in two.
    let all: String = written.try_iter().collect();
    assert_eq!(all, "before\nwarning\n");
}

#[test]
fn a_batch_has_a_bound() {
    let (sender, written) = channel();
    let lines = Lines::to(Sent(sender)).unwrap();
    let line = "x".repeat(MAX_BATCH);
    Line { lines: &lines, is_urgent: false }.write_all(line.as_bytes()).unwrap();
    assert_eq!(written.try_iter().collect::<String>().len(), MAX_BATCH);
}

#[test]
fn a_flush_writes_the_rest() {
    let (sender, written) = channel();
    let lines = Lines::to(Sent(sender)).unwrap();
    Line { lines: &lines, is_urgent: false }.write_all(b"last\n").unwrap();
    lines.flush();
    assert_eq!(written.try_iter().collect::<String>(), "last\n");
}
