//! Rejected hooks: the same error for every stranger, and a line in the log for the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use stream_domain::{ServerName, Timestamp};
use strum::IntoStaticStr;
use time::Duration;

use super::request::HookSource;
use super::server::HookServers;
use crate::error::{ApiError, ErrorCode};

/// The methods of hooks.
pub(super) const METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// How long more rejections of a kind are counted and not logged.
const QUIET: Duration = Duration::minutes(1);

/// The most that is logged of a part of the path, in characters.
const MAX_SHOWN: usize = 64;

/// The most servers that are logged for asking by GET.
const MAX_WARNED: usize = 100;

/// Why a hook is rejected; the variants in snake case are for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Rejection {
    /// The path names no family.
    UnknownFamily,
    /// The path holds text that cannot be a name.
    NoName,
    /// Neither POST nor, for a question, GET or HEAD.
    WrongMethod,
    /// Browsers send such headers, and media servers do not.
    FromBrowser,
    /// `MEDIA_SERVERS` does not have the name.
    UnknownServer,
    /// `MEDIA_SERVERS` has the name with another family.
    OtherFamily,
    /// The server has a secret, and the hook has none.
    NoSecret,
    /// The hook has another secret, or a signature by another one.
    WrongSecret,
    /// The server has no secret, and the hook came through a proxy.
    ThroughProxy,
    /// The server has no secret, and the hook comes from neither loopback nor `HOOK_NETWORKS`.
    ForeignNetwork,
    /// A media server asks who may use its own interfaces.
    NoPublisher,
}

impl Rejection {
    /// What the operator can do about it.
    fn advice(self) -> &'static str {
        match self {
            Self::UnknownFamily => {
                "correct the family in the hook's URL; docs/http-api.md lists the families"
            }
            Self::NoName => "correct the media server's name in the hook's URL",
            Self::WrongMethod => "have the media server send its hooks by POST",
            Self::FromBrowser => "only media servers may send hooks; a page in a browser sent this one",
            Self::UnknownServer => "name this media server in MEDIA_SERVERS, or correct the hook's URL",
            Self::OtherFamily => "the hook's URL and MEDIA_SERVERS name different families",
            Self::NoSecret => "put the secret of MEDIA_SERVERS into the hook's URL",
            Self::WrongSecret => "set the same secret in the hook and in MEDIA_SERVERS",
            Self::ThroughProxy => "send hooks without a proxy, or give the media server a secret",
            Self::ForeignNetwork => "give the media server a secret, or name its network in HOOK_NETWORKS",
            Self::NoPublisher => {
                "the media server asks who may use its API; exclude that there, as `authHTTPExclude` of MediaMTX does"
            }
        }
    }

    /// The error for the sender, which reveals nothing about names, families and secrets.
    pub(super) fn error(self) -> ApiError {
        match self {
            Self::UnknownFamily | Self::NoName => ErrorCode::NotFound.into(),
            Self::WrongMethod => ApiError::method_not_allowed(METHODS),
            _ => ErrorCode::HookRefused.into(),
        }
    }
}

/// Where a rejected hook comes from, in the words of its sender.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pub(super) family: &'a str,
    pub(super) server: &'a str,
    pub(super) peer: Option<IpAddr>,
    pub(super) request_id: &'a str,
    /// When the hook came.
    pub(super) began: Instant,
}

/// Logs rejections, the first of a kind at once, and then each minute how many there were.
#[derive(Debug, Default)]
pub(super) struct RejectionLog {
    recent: Mutex<BTreeMap<(Rejection, Option<ServerName>), Recent>>,
    /// The servers that ask by GET, as far as they are logged.
    by_get: Mutex<BTreeSet<ServerName>>,
}

/// The last line of a kind of rejection.
#[derive(Debug)]
struct Recent {
    logged_at: Timestamp,
    /// How many came since.
    more: u64,
}

impl RejectionLog {
    /// Logs a rejection at `warn` if a line of its kind is due, else at `debug`.
    pub(super) fn log(
        &self,
        rejection: Rejection,
        sender: &Sender<'_>,
        servers: &HookServers,
        now: Timestamp,
    ) {
        // Unknown names are one kind, so that strangers cannot make any number of kinds.
        let known = ServerName::parse(sender.server).ok().filter(|name| servers.contains_key(name));
        // A URL that lacks a part has its secret in the place of a name.
        let is_secret = |text: &str| servers.values().any(|server| server.secrets.contains(text));
        let shown = |text| if is_secret(text) { "(a secret)".to_owned() } else { shown(text) };
        let (family, server, request_id) = (shown(sender.family), shown(sender.server), sender.request_id);
        let (reason, peer) = (<&str>::from(rejection), sender.peer.map(tracing::field::display));
        match self.repeated(rejection, known, now) {
            Some(repeated) => tracing::warn!(
                server,
                family,
                reason,
                peer,
                request_id,
                repeated,
                advice = rejection.advice(),
                "refused a hook"
            ),
            None => tracing::debug!(server, family, reason, peer, request_id, "refused a hook"),
        }
    }

    /// How many of this kind came since its last line, if a line is due.
    fn repeated(&self, rejection: Rejection, server: Option<ServerName>, now: Timestamp) -> Option<u64> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = recent.get_mut(&(rejection, server.clone())) else {
            recent.insert((rejection, server), Recent { logged_at: now, more: 0 });
            return Some(0);
        };
        if known.logged_at.plus(QUIET) > now && known.logged_at <= now {
            known.more += 1;
            return None;
        }
        let repeated = known.more;
        *known = Recent { logged_at: now, more: 0 };
        Some(repeated)
    }

    /// Warns once of a server that asks by GET, so that no session begins.
    pub(super) fn warn_of_get(&self, source: &HookSource) {
        let mut by_get = self.by_get.lock().unwrap_or_else(PoisonError::into_inner);
        if by_get.len() < MAX_WARNED && by_get.insert(source.server.clone()) {
            tracing::warn!(
                server = %source.server, family = source.family.as_str(), request_id = source.request_id,
                "this media server asks by GET: it is answered by the key alone, and no publisher counts as live by \
                 it; have it send its hooks by POST (nginx: remove notify_method)"
            );
        }
    }
}

/// A part of a path that a stranger wrote, as it may be logged.
fn shown(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    if text.chars().count() > MAX_SHOWN { "(too long)".to_owned() } else { text.chars().map(plain).collect() }
}

#[cfg(test)]
mod tests;
