//! Examinations for operators: one at a time for all who wait, and kept for a few seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stream_coalesce::{BatchRead, Limits};
use stream_domain::ports::{Clock, Examiner};
use stream_domain::{Finding, Timestamp};
use tokio::time::timeout;

/// How long an examination is shown, so that a page that polls does not load the database and the media servers.
const KEPT_FOR: time::Duration = time::Duration::seconds(10);

/// How long one may take: longer than each of its parts may.
const TIMEOUT: Duration = Duration::from_secs(40);

/// One at a time.
pub(super) const LIMITS: Limits =
    Limits { max_waiting: 64, max_batch: 64, slow_after: Duration::from_secs(60), max_slow: 0 };

/// What was found, and when.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) at: Timestamp,
    pub(super) findings: Vec<Finding>,
}

/// Examines, unless the last examination is fresh.
pub(super) struct Examination {
    examiner: Arc<dyn Examiner>,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<Arc<Examined>>>,
}

impl Examination {
    pub(super) fn new(examiner: Arc<dyn Examiner>, clock: Arc<dyn Clock>) -> Self {
        Self { examiner, clock, last: Mutex::default() }
    }

    fn fresh(&self) -> Option<Arc<Examined>> {
        let now = self.clock.now();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // One of a clock that was set back since is none.
        last.filter(|last| last.at <= now && now < last.at.plus(KEPT_FOR))
    }

    async fn examine(&self) -> Arc<Examined> {
        let found = timeout(TIMEOUT, self.examiner.examine()).await;
        let findings = found.unwrap_or_else(|_elapsed| {
            let what = format!("it did not end within {} seconds", TIMEOUT.as_secs());
            vec![Finding::failure("examination", what, "run `stream-server doctor` where the service runs")]
        });
        let examined = Arc::new(Examined { at: self.clock.now(), findings });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(examined.clone());
        examined
    }
}

impl BatchRead for Examination {
    type Request = ();
    type Response = Arc<Examined>;
    type Error = ();

    async fn read(&self, requests: Vec<()>) -> Result<Vec<Arc<Examined>>, ()> {
        let examined = match self.fresh() {
            Some(last) => last,
            None => self.examine().await,
        };
        Ok(vec![examined; requests.len()])
    }
}
