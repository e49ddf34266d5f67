//! What was read at one moment, for as long as the source is still at it.

use std::collections::HashMap;
use std::hash::Hash;

/// Answers that were all true at one moment of a source, such as a database's snapshot.
///
/// A reading that begins by asking the source for its moment, and finds it unchanged, has read these answers anew.
/// So this is no cache: nothing here is answered on its own word.
#[derive(Debug)]
pub struct Known<M, K, V> {
    moment: Option<M>,
    /// What was learned or asked about lately, with its weight, and how much that is.
    recent: HashMap<K, (V, usize)>,
    weight: usize,
    /// What was before that; it is forgotten when the recent has become as much again.
    earlier: HashMap<K, (V, usize)>,
    most: usize,
}

impl<M: PartialEq, K: Hash + Eq, V> Known<M, K, V> {
    /// Knows nothing yet, and at most so much ever, by the weights of the answers.
    pub fn new(most: usize) -> Self {
        Self { moment: None, recent: HashMap::new(), weight: 0, earlier: HashMap::new(), most }
    }

    /// The answer, if it is known.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        if !self.recent.contains_key(key) {
            let (key, (answer, weight)) = self.earlier.remove_entry(key)?;
            self.keep(key, answer, weight);
        }
        self.recent.get(key).map(|(answer, _)| answer)
    }

    /// Says at which moment the source is now, and forgets what was true at another one; whether it is the same.
    ///
    /// `None` is a moment that cannot be told from others.
    pub fn is_now(&mut self, moment: Option<M>) -> bool {
        let is_same = moment.is_some() && moment == self.moment;
        if !is_same {
            self.recent.clear();
            self.earlier.clear();
            self.weight = 0;
            self.moment = moment;
        }
        is_same
    }

    /// Learns an answer that was true at the moment of [`Known::is_now`], and forgets what was not asked about for
    /// long, if there is too much.
    pub fn learn(&mut self, key: K, answer: V, weight: usize) {
        if self.moment.is_some() && weight <= self.most / 2 {
            self.keep(key, answer, weight);
        }
    }

    fn keep(&mut self, key: K, answer: V, weight: usize) {
        if self.weight + weight > self.most / 2 {
            self.earlier = std::mem::take(&mut self.recent);
            self.weight = 0;
        }
        self.weight += weight;
        if let Some((_, replaced)) = self.recent.insert(key, (answer, weight)) {
            self.weight -= replaced;
        }
    }
}
