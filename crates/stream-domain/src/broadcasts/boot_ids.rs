//! The runs of media servers that this instance has noted in the store, which has the truth of them.
//!
//! A shortcut only: a boot that is forgotten here is noted once more, which changes nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::media_server::ServerName;

/// How many media servers are remembered at most.
const MANY_SERVERS: usize = 1_000;

/// How many runs of each.
const MANY_RUNS: usize = 8;

/// The runs of each media server that were noted, the last one last.
#[derive(Debug, Default)]
pub(super) struct BootIds(Mutex<HashMap<ServerName, Vec<String>>>);

impl BootIds {
    /// Whether this boot was noted before.
    pub(super) fn has_seen(&self, server: &ServerName, boot_id: &str) -> bool {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(server).is_some_and(|known| known.iter().any(|known| known == boot_id))
    }

    /// Notes a boot.
    pub(super) fn remember(&self, server: &ServerName, boot_id: &str) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Names come with the publishers that are let in; a map that grows without end is worse than a boot that is looked up twice.
        if runs.len() >= MANY_SERVERS {
            runs.clear();
        }
        let known = runs.entry(server.clone()).or_default();
        if !known.iter().any(|known| known == boot_id) {
            if known.len() >= MANY_RUNS {
                known.remove(0);
            }
            known.push(boot_id.to_owned());
        }
    }
}
