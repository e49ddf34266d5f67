//! Values that many request at once: each is read once for all its requests, and shared while it stays equal.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::BatchRead;

/// How a value is read by its key.
pub trait ReadValue: Send + Sync + 'static {
    /// What the value is requested by.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// The time of a request, where the value depends on it.
    type Time: Copy + Ord + Send + Sync + 'static;
    /// What is read.
    type Value: PartialEq + Send + Sync + 'static;
    /// Why a read fails; each caller of the batch gets it.
    type Error: Clone + Send + 'static;

    /// Reads the value as it is at this time; it MUST be read after the call, see [`BatchRead::read`].
    fn read_value(
        &self,
        key: Self::Key,
        time: Self::Time,
    ) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;
}

/// Reads each value once a batch, and hands out the same `Arc` while it stays equal, so that users compare pointers.
///
/// It holds no value alive: one without users is gone, and is not recognized.
#[derive(Debug)]
pub struct SharedValues<R: ReadValue> {
    pub(crate) reader: R,
    handed_out: Mutex<HashMap<R::Key, Weak<R::Value>>>,
}

impl<R: ReadValue> SharedValues<R> {
    /// Values that this reader reads.
    pub fn new(reader: R) -> Self {
        Self { reader, handed_out: Mutex::default() }
    }

    /// The `Arc` that was handed out last for this key if its value is equal, else a new one.
    pub fn share(&self, key: R::Key, value: R::Value) -> Arc<R::Value> {
        let last = self.handed_out().get(&key).and_then(Weak::upgrade);
        if let Some(last) = last.filter(|last| **last == value) {
            return last;
        }
        let value = Arc::new(value);
        let mut handed_out = self.handed_out();
        if handed_out.len() == handed_out.capacity() {
            // Before it grows, it forgets values without users.
            handed_out.retain(|_, value| value.strong_count() > 0);
        }
        handed_out.insert(key, Arc::downgrade(&value));
        value
    }

    pub(crate) fn handed_out(&self) -> MutexGuard<'_, HashMap<R::Key, Weak<R::Value>>> {
        // Nothing panics while it holds the lock.
        self.handed_out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: ReadValue> BatchRead for SharedValues<R> {
    type Request = (R::Key, R::Time);
    type Response = Arc<R::Value>;
    type Error = R::Error;

    async fn read(&self, requests: Vec<Self::Request>) -> Result<Vec<Arc<R::Value>>, R::Error> {
        // Requests for one value share it as it is at the last of their times.
        let mut times: HashMap<R::Key, R::Time> = HashMap::new();
        for (key, time) in &requests {
            times.entry(key.clone()).and_modify(|last| *last = (*last).max(*time)).or_insert(*time);
        }
        let mut values = HashMap::new();
        for (key, time) in times {
            let value = self.reader.read_value(key.clone(), time).await?;
            values.insert(key.clone(), self.share(key, value));
        }
        Ok(requests.iter().map(|(key, _)| Arc::clone(&values[key])).collect())
    }
}
