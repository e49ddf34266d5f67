//! Which of very many things are requested most, found without remembering all of them.

use std::collections::HashMap;
use std::hash::Hash;

/// How many things are popular at most.
const PLACES: usize = 16;

/// After this many requests, earlier ones count half.
const HALF_LIFE: usize = 4_096;

/// The few things that are requested most, with a value for each.
///
/// A new page replaces the one that is requested least, once it was requested more often than that one lately.
/// So requests for always different things replace none that others request again and again.
#[derive(Debug)]
pub(super) struct Popular<K, V> {
    places: HashMap<K, V>,
    /// How often each thing was requested lately; rare ones are dropped, so it never holds many more than a half-life.
    pub(super) counts: HashMap<K, u32>,
    /// How many requests there were since counts were halved.
    requests: usize,
}

impl<K, V> Default for Popular<K, V> {
    fn default() -> Self {
        Self { places: HashMap::new(), counts: HashMap::new(), requests: 0 }
    }
}

impl<K: Clone + Hash + Eq, V> Popular<K, V> {
    /// Counts a request, and returns the thing's value, created if it just became popular; `None` if it is not.
    pub(super) fn get(&mut self, key: &K, make: impl FnOnce() -> V) -> Option<&V> {
        self.requests += 1;
        if self.requests >= HALF_LIFE {
            self.requests = 0;
            self.counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        let count = self.counts.entry(key.clone()).or_default();
        *count += 1;
        let count = *count;
        if !self.places.contains_key(key) {
            if self.places.len() >= PLACES {
                let of = |key: &K| self.counts.get(key).copied().unwrap_or_default();
                let least = self.places.keys().min_by_key(|key| of(key))?.clone();
                if of(&least) >= count {
                    return None;
                }
                self.places.remove(&least);
            }
            self.places.insert(key.clone(), make());
        }
        self.places.get(key)
    }
}
