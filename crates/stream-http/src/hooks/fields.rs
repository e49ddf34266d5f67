//! Forms, queries and addresses in hooks, read so that no publisher can add a field that the media server sends.

use std::net::{IpAddr, SocketAddr};

use serde::de::DeserializeOwned;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::Refusal;

use stream_domain::broadcasts::HookEvent;

/// The field of a publisher's query that holds its key.
const KEY: &str = "key";

/// Fields in the order in which they arrived, repeated ones included.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Decodes `a=1&b=2`, with or without a `?` before it; a malformed escape stays as it is.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_prefix('?').unwrap_or(text);
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The keys of a publisher, whose query may hold several.
    pub(super) fn of_key<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| (KEY.to_owned(), key.to_owned())).collect())
    }

    /// The only value of a field; one that occurs again with another value was forged, and is refused.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.values(name);
        let first = values.next();
        if values.all(|value| Some(value) == first) { Ok(first) } else { Err(Refusal::MalformedRequest) }
    }

    /// The same of a field that only the media server sends: a second one is refused with any value.
    pub(super) fn once(&self, name: &str) -> Result<Option<&str>, Refusal> {
        if self.values(name).count() > 1 { Err(Refusal::MalformedRequest) } else { self.one(name) }
    }

    /// Whether all fields have this name.
    pub(super) fn has_only(&self, name: &str) -> bool {
        self.0.iter().all(|(known, _)| known == name)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a field occurs this often, each time with the same value.
    pub(super) fn are_same(&self, name: &str, count: usize) -> bool {
        self.values(name).count() == count && self.one(name).is_ok()
    }

    /// The value of a field that is required.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or(Refusal::MalformedRequest)
    }

    /// The publisher's key.
    pub(super) fn key(&self) -> Result<Option<String>, Contradiction> {
        let key =
            self.one(KEY).map_err(|_| Contradiction(self.values(KEY).collect::<Vec<_>>().join("&key=")))?;
        Ok(key.map(str::to_owned))
    }
}

/// Several keys of one publisher, which is refused; joined, so that their owner can be found.
#[derive(Debug)]
pub(super) struct Contradiction(String);

/// The key of the first of these fields that has one; where they contradict each other, all keys.
pub(super) fn key_of<'a>(all: impl IntoIterator<Item = &'a Fields>) -> Result<Option<String>, Contradiction> {
    let mut keys: Vec<String> = Vec::new();
    for fields in all {
        let key = fields.key()?;
        keys.extend(key.filter(|key| !keys.contains(key)));
    }
    if keys.len() > 1 {
        keys.retain(|key| !key.is_empty());
    }
    match keys.len() {
        0 | 1 => Ok(keys.pop()),
        _ => Err(Contradiction(keys.join("&key="))),
    }
}

/// A publisher with its key, or the refusal of one with several.
pub(super) fn publisher(report: PublisherReport, key: Result<Option<String>, Contradiction>) -> HookEvent {
    match key {
        Ok(key) => HookEvent::Publisher(PublisherReport { key, ..report }),
        Err(Contradiction(keys)) => {
            let report = PublisherReport { key: Some(format!("key={keys}")), ..report };
            HookEvent::Refused { report, refusal: Refusal::MalformedRequest }
        }
    }
}

/// The query of a URL: `x=1` of `rtmp://host/live?x=1`.
pub(super) fn query_of(address: &str) -> Fields {
    Fields::parse(address.split_once('?').map_or("", |(_, query)| query))
}

/// Reads JSON of any content type.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::MalformedRequest)
}

/// An IP address as media servers write it, with or without a port.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}
