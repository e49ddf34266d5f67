//! The same `Arc` for what was read again unchanged, so that its users compare pointers.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The value that was handed out last for each key.
///
/// It holds no value alive: one that nobody uses any more is gone, and is not recognized.
#[derive(Debug)]
pub struct Interner<K, V>(Mutex<HashMap<K, Weak<V>>>);

impl<K, V> Default for Interner<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: PartialEq> Interner<K, V> {
    /// The `Arc` that was handed out last for this key if its value is equal, else a new one.
    pub fn intern(&self, key: K, value: V) -> Arc<V> {
        let last = self.lock().get(&key).and_then(Weak::upgrade);
        if let Some(last) = last.filter(|last| **last == value) {
            return last;
        }
        let value = Arc::new(value);
        let mut handed_out = self.lock();
        if handed_out.len() == handed_out.capacity() {
            // Before it grows, it forgets what nobody uses.
            handed_out.retain(|_, value| value.strong_count() > 0);
        }
        handed_out.insert(key, Arc::downgrade(&value));
        value
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Weak<V>>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
