//! Media servers that let a publisher in, then report nothing more, and cannot be asked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::Duration;

use crate::Timestamp;
use crate::media_server::{Family, ServerName};

/// How long a server is given to say something of the first publisher that it let in.
const WORD_WITHIN: Duration = Duration::seconds(9);

/// How many servers are remembered at most; their names come with the publishers that are let in.
const MANY_SERVERS: usize = 1_000;

/// What is known of servers without a control interface.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<HashMap<ServerName, Known>>);

#[derive(Debug)]
enum Known {
    /// It let a publisher in, then.
    LetIn(Family, Timestamp),
    /// It says that publishers go on, or it was complained of.
    Settled,
}

impl Silent {
    /// It let a publisher in.
    pub(super) fn let_in(&self, server: &ServerName, family: Family, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MANY_SERVERS {
            all.entry(server.clone()).or_insert(Known::LetIn(family, now));
        }
    }

    /// It reports a publisher, or sends a heartbeat.
    pub(super) fn spoke(&self, server: &ServerName) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(server) {
            *known = Known::Settled;
        }
    }

    /// Those that have said nothing for too long, each once.
    pub(super) fn take(&self, now: Timestamp) -> Vec<(ServerName, Family)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut silent = Vec::new();
        for (server, known) in all.iter_mut() {
            if let Known::LetIn(family, since) = *known
                && since.plus(WORD_WITHIN) <= now
            {
                silent.push((server.clone(), family));
                *known = Known::Settled;
            }
        }
        silent
    }
}
