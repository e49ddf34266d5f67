//! An examiner that counts its examinations.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;

use crate::Finding;
use crate::ports::Examiner;

/// Finds a doubtful setting, and how often it was asked.
#[derive(Debug, Default)]
pub struct FakeExaminer(AtomicU32);

#[async_trait]
impl Examiner for FakeExaminer {
    async fn examine(&self) -> Vec<Finding> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        vec![
            Finding::ok("database", format!("examination {number}")),
            Finding::warning("ADDRESSES", "is key", "set ADDRESSES=playback"),
        ]
    }
}
