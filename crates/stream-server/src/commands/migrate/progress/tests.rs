//! What a line says.

use std::time::{Duration, Instant};

use super::Step;

#[test]
fn a_line_has_rows_done_the_rate_and_the_time_left() {
    let now = Instant::now();
    let mut step =
        Step { what: "stopping".to_owned(), total: Some(10_000), done: 2_500, began: now, shown_at: now };
    let after = Duration::from_secs(5);
    assert_eq!(step.line(after), "stopping: 2500 rows of 10000, 500 rows/s, 15 s left");
    step.done = 12_000;
    assert_eq!(step.line(after), "stopping: 12000 rows of 10000, 2400 rows/s, 0 s left");
    step.total = None;
    assert_eq!(step.line(after), "stopping: 12000 rows");
}
