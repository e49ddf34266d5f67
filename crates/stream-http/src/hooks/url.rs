//! The URLs of hooks, as they stand in the configuration of a media server: whether one is that of our route.

use std::fmt;

use stream_domain::{Family, ServerName};

use super::dialect::SECRET;
use super::fields::Fields;
use super::server::HookServer;

/// What is wrong with the URL of a hook; shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookUrlFault {
    /// It leads to another route, or to another program.
    OtherPath,
    /// It names another family.
    OtherFamily(String),
    /// It names another media server.
    OtherServer(String),
    /// The media server has a secret in `MEDIA_SERVERS`, and the URL has none.
    NoSecret,
    /// It has another secret than `MEDIA_SERVERS`.
    WrongSecret,
}

impl fmt::Display for HookUrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPath => f.write_str("its path is not /hooks/{family}/{server}"),
            Self::OtherFamily(family) => write!(f, "it names the family {family}"),
            Self::OtherServer(server) => write!(f, "it names the media server {server}"),
            Self::NoSecret => f.write_str("it has no secret"),
            Self::WrongSecret => f.write_str("its secret is not the one in MEDIA_SERVERS"),
        }
    }
}

/// Compares the URL of a hook with the route of this media server.
///
/// The host is not looked at, since nobody can tell here how the media server reaches this service.
pub fn judge_hook_url(url: &str, name: &ServerName, known: &HookServer) -> Result<(), HookUrlFault> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A proxy in front may have its own path before ours.
    let (_, path) = place.split_once("/hooks/").ok_or(HookUrlFault::OtherPath)?;
    let mut parts = path.split('/');
    let (Some(family), Some(server), secret) = (parts.next(), parts.next(), parts.next()) else {
        return Err(HookUrlFault::OtherPath);
    };
    match Family::parse(family) {
        None => return Err(HookUrlFault::OtherPath),
        Some(family) if family != known.family => {
            return Err(HookUrlFault::OtherFamily(family.as_str().to_owned()));
        }
        Some(_) => {}
    }
    if server != name.as_str() {
        let named = ServerName::parse(server).map_err(|_| HookUrlFault::OtherPath)?;
        // A URL that lacks a part has its secret in the place of the name.
        let is_secret = known.secrets.contains(named.as_str());
        let shown = if is_secret { "(a secret)".to_owned() } else { named.to_string() };
        return Err(HookUrlFault::OtherServer(shown));
    }
    // This family signs its hooks.
    if known.secrets.is_empty() || known.family == Family::OvenMediaEngine {
        return Ok(());
    }
    let fields = Fields::parse(query);
    let in_query = fields.one(SECRET).map_err(|_| HookUrlFault::WrongSecret)?;
    let secret = secret.or(in_query).filter(|secret| !secret.is_empty()).ok_or(HookUrlFault::NoSecret)?;
    if known.secrets.contains(secret) { Ok(()) } else { Err(HookUrlFault::WrongSecret) }
}

/// The path by which this media server's hooks can be tried without effect, by GET: 204 where URL, family and secret are
/// right.
///
/// `None` for families that sign their hooks or send none.
pub fn path_to_try(name: &ServerName, HookServer { family, secrets, .. }: &HookServer) -> Option<String> {
    if family.capabilities().has_gate || *family == Family::OvenMediaEngine {
        return None;
    }
    let path = format!("/hooks/{}/{name}", family.as_str());
    Some(match secrets.first() {
        Some(secret) => format!("{path}?{SECRET}={secret}"),
        None => path,
    })
}

#[cfg(test)]
mod tests;
