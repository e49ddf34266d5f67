//! Which of very many things are asked for most, found without remembering all of them.

use std::collections::HashMap;
use std::hash::Hash;

/// How many things are familiar at most.
const PLACES: usize = 16;

/// After how many questions what was asked before counts half.
const HALF_LIFE: usize = 4_096;

/// A few things that are asked for most, with what belongs to each.
///
/// A newcomer takes the place of the one that is asked for least, once it was asked for more often than that one
/// lately.
/// So one who asks for ever other things takes no place from what others ask for again and again.
#[derive(Debug)]
pub(super) struct Familiar<K, V> {
    places: HashMap<K, V>,
    /// How often each thing was asked for lately; it forgets as it goes, so it never holds many more than a half-life.
    pub(super) counts: HashMap<K, u32>,
    asked: usize,
}

impl<K, V> Default for Familiar<K, V> {
    fn default() -> Self {
        Self { places: HashMap::new(), counts: HashMap::new(), asked: 0 }
    }
}

impl<K: Copy + Hash + Eq, V> Familiar<K, V> {
    /// Notes that the thing is asked for, and returns what belongs to it, made anew if it just became familiar; `None`
    /// if it is not.
    pub(super) fn get(&mut self, key: K, make: impl FnOnce() -> V) -> Option<&V> {
        self.asked += 1;
        if self.asked >= HALF_LIFE {
            self.asked = 0;
            self.counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        let count = self.counts.entry(key).or_default();
        *count += 1;
        let count = *count;
        if !self.places.contains_key(&key) {
            if self.places.len() >= PLACES {
                let of = |key: &K| self.counts.get(key).copied().unwrap_or_default();
                let least = self.places.keys().copied().min_by_key(of)?;
                if of(&least) >= count {
                    return None;
                }
                self.places.remove(&least);
            }
            self.places.insert(key, make());
        }
        self.places.get(&key)
    }
}
