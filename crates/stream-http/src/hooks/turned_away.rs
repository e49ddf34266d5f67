//! Hooks that are not let through: one sentence for every stranger, and one line for the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use stream_domain::{ServerName, Timestamp};
use time::Duration;

use super::{Hook, METHODS};
use crate::error::{ApiError, ErrorCode};
use crate::state::HttpState;

/// How long more of the same is counted, and not told one by one.
const QUIET: Duration = Duration::minutes(1);

/// How much is told of what a stranger wrote into the address, in characters.
const SHOWN: usize = 64;

/// How many servers that ask by GET are told to the log.
const WARNED: usize = 100;

/// Why a hook is not let through; the words are for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// The address names no family.
    UnknownFamily,
    /// The address holds what cannot be a name.
    NoName,
    /// Neither POST nor, for a question, GET or HEAD.
    WrongMethod,
    /// A browser sends such headers, and no media server does.
    FromBrowser,
    /// `MEDIA_SERVERS` does not have the name.
    UnknownServer,
    /// `MEDIA_SERVERS` has the name with another family.
    OtherFamily,
    /// The server has a secret, and none came.
    NoSecret,
    /// The server has another secret, or none of its secrets made the signature.
    WrongSecret,
    /// The server has no secret, and the hook came through a proxy.
    ThroughProxy,
    /// The server has no secret, and the hook comes from elsewhere than loopback and `HOOK_NETWORKS`.
    ForeignNetwork,
    /// A media server asks who may use its own interfaces.
    NoPublisher,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Self::UnknownFamily => "unknown_family",
            Self::NoName => "no_name",
            Self::WrongMethod => "wrong_method",
            Self::FromBrowser => "from_browser",
            Self::UnknownServer => "unknown_server",
            Self::OtherFamily => "other_family",
            Self::NoSecret => "no_secret",
            Self::WrongSecret => "wrong_secret",
            Self::ThroughProxy => "through_proxy",
            Self::ForeignNetwork => "foreign_network",
            Self::NoPublisher => "no_publisher",
        }
    }

    /// What to do about it.
    fn advice(self) -> &'static str {
        match self {
            Self::UnknownFamily => "correct the family in the hook's address; docs/http-api.md lists them",
            Self::NoName => "correct the media server's name in the hook's address",
            Self::WrongMethod => "have the media server send its hooks by POST",
            Self::FromBrowser => "hooks come from media servers; a page in a browser sent this one",
            Self::UnknownServer => "name this media server in MEDIA_SERVERS, or correct the hook's address",
            Self::OtherFamily => "the hook's address and MEDIA_SERVERS name different families",
            Self::NoSecret => "put the secret of MEDIA_SERVERS into the hook's address",
            Self::WrongSecret => "set the same secret in the hook and in MEDIA_SERVERS",
            Self::ThroughProxy => "have it come straight from the media server, or give that a secret",
            Self::ForeignNetwork => "give the media server a secret, or name its network in HOOK_NETWORKS",
            Self::NoPublisher => {
                "the media server asks who may use its API; exclude that there, as `authHTTPExclude` of MediaMTX does"
            }
        }
    }

    /// What the sender is told: nothing of which names, families and secrets there are.
    pub(super) fn error(self) -> ApiError {
        match self {
            Self::UnknownFamily | Self::NoName => ErrorCode::NotFound.into(),
            Self::WrongMethod => ApiError::method_not_allowed(METHODS),
            _ => ErrorCode::HookRefused.into(),
        }
    }
}

/// What was told of each kind lately.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway {
    told: Mutex<BTreeMap<(Why, Option<ServerName>), Told>>,
    /// The servers that ask by GET, which the log knows of.
    by_get: Mutex<BTreeSet<ServerName>>,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    /// How many came since.
    more: u64,
}

impl TurnedAway {
    /// Tells the log of a hook: of the first of its kind at once, then each minute how many there were.
    pub(super) fn tell(
        &self,
        state: &HttpState,
        why: Why,
        (family, server): (&str, &str),
        (peer, request_id): (Option<IpAddr>, &str),
    ) {
        // Names that no setting has are one kind, so that strangers cannot make up any number.
        let known = ServerName::parse(server).ok().filter(|name| state.hook_servers.contains_key(name));
        // One that left a part of the address out has its secret in the place of a name.
        let is_secret = |text: &str| state.hook_servers.values().any(|server| server.secrets.contains(text));
        let shown = |text| if is_secret(text) { "(a secret)".to_owned() } else { shown(text) };
        let (family, server) = (shown(family), shown(server));
        let (reason, peer) = (why.as_str(), peer.map(tracing::field::display));
        match self.is_news(why, known, state.clock.now()) {
            Some(repeated) => tracing::warn!(
                server,
                family,
                reason,
                peer,
                request_id,
                repeated,
                advice = why.advice(),
                "refused a hook"
            ),
            None => tracing::debug!(server, family, reason, peer, request_id, "refused a hook"),
        }
    }

    /// How many of this kind came since the last line, if one is due.
    fn is_news(&self, why: Why, server: Option<ServerName>, now: Timestamp) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = told.get_mut(&(why, server.clone())) else {
            told.insert((why, server), Told { at: now, more: 0 });
            return Some(0);
        };
        if known.at.plus(QUIET) > now && known.at <= now {
            known.more += 1;
            return None;
        }
        let repeated = known.more;
        *known = Told { at: now, more: 0 };
        Some(repeated)
    }

    /// Warns once of a server whose questions change nothing.
    pub(super) fn warn_of_method(&self, hook: &Hook) {
        let mut by_get = self.by_get.lock().unwrap_or_else(PoisonError::into_inner);
        if by_get.len() < WARNED && by_get.insert(hook.server.clone()) {
            tracing::warn!(
                server = %hook.server, family = hook.family.as_str(), request_id = hook.request_id,
                "this media server asks by GET: it is answered by the key alone, and nobody counts as live by it; \
                 have it send its hooks by POST (nginx: leave notify_method away)"
            );
        }
    }
}

/// What may be told of a part of an address that a stranger wrote.
fn shown(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    if text.chars().count() > SHOWN { "(too long)".to_owned() } else { text.chars().map(plain).collect() }
}

#[cfg(test)]
mod tests;
