//! Which connections count, when a server turns out to be the wrong one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often at most all connections are given up because of what one of them was told.
///
/// Where there is no better server to be had, this is what keeps readers from connecting all the time.
const RENEWAL_PAUSE: Duration = Duration::from_millis(500);

/// Which connections count: those of an earlier generation are given up as soon as they are idle.
#[derive(Default)]
pub(crate) struct Generations {
    current: AtomicU64,
    /// Whether a further one is to begin as soon as it may.
    is_due: AtomicBool,
    began_at: Mutex<Option<Instant>>,
}

impl Generations {
    pub(crate) fn current(&self) -> u64 {
        if self.is_due.load(Ordering::SeqCst) {
            self.begin_if_time();
        }
        self.current.load(Ordering::SeqCst)
    }

    /// Begins another one, now or half a second after the last: a server that takes no writes at all is not to cost
    /// every read a connection.
    pub(crate) fn renew(&self) {
        self.is_due.store(true, Ordering::SeqCst);
        self.begin_if_time();
    }

    /// Begins another one at once, if one is due or there is a new reason.
    pub(crate) fn renew_now(&self, is_needed: bool) {
        if is_needed {
            self.is_due.store(true, Ordering::SeqCst);
        }
        self.begin(|_| true);
    }

    fn begin_if_time(&self) {
        self.begin(|began_at| began_at.is_none_or(|instant| instant.elapsed() >= RENEWAL_PAUSE));
    }

    fn begin(&self, may_begin: impl FnOnce(Option<Instant>) -> bool) {
        let mut began_at = self.began_at.lock().unwrap_or_else(PoisonError::into_inner);
        if may_begin(*began_at) && self.is_due.swap(false, Ordering::SeqCst) {
            *began_at = Some(Instant::now());
            self.current.fetch_add(1, Ordering::SeqCst);
        }
    }
}
