//! Forms, queries and addresses in hooks, read so that nobody can put a field in twice.

use std::net::{IpAddr, SocketAddr};

use serde::de::DeserializeOwned;
use stream_domain::admission::Refusal;
use stream_domain::broadcasts::PublisherReport;

use super::Told;

/// The name of the field in which a publisher shows its key behind the `?` of its address.
const KEY: &str = "key";

/// Fields in the order in which they came, repeated ones included.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=1&b=2`, with or without a `?` before it.
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.strip_prefix('?').unwrap_or(text).split('&').filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Self(pairs.map(read).collect())
    }

    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// What a publisher shows as its key, once or again and again.
    pub(super) fn of_key<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| (KEY.to_owned(), key.to_owned())).collect())
    }

    /// The one value of a field; one that stands there again with another value was put in by somebody, and is refused.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.values(name);
        let first = values.next();
        if values.all(|value| Some(value) == first) { Ok(first) } else { Err(Refusal::MalformedRequest) }
    }

    /// The same, of a field that only the media server itself sends: there a second one is refused whatever it says.
    pub(super) fn once(&self, name: &str) -> Result<Option<&str>, Refusal> {
        if self.values(name).count() > 1 { Err(Refusal::MalformedRequest) } else { self.one(name) }
    }

    /// Whether there are no fields but those of this name.
    pub(super) fn has_only(&self, name: &str) -> bool {
        self.0.iter().all(|(known, _)| known == name)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a field stands there so often, each time with the same value.
    pub(super) fn are_same(&self, name: &str, count: usize) -> bool {
        self.values(name).count() == count && self.one(name).is_ok()
    }

    /// The value of a field that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or(Refusal::MalformedRequest)
    }

    /// The key that a publisher shows.
    pub(super) fn key(&self) -> Result<Option<String>, Contradiction> {
        let key =
            self.one(KEY).map_err(|_| Contradiction(self.values(KEY).collect::<Vec<_>>().join("&key=")))?;
        Ok(key.map(str::to_owned))
    }
}

/// Several keys of one publisher, which may not publish then; joined, so that their owner can be found and told.
#[derive(Debug)]
pub(super) struct Contradiction(String);

/// The key of the first of these fields that has one; where they contradict each other, all that were shown.
pub(super) fn key_of<'a>(all: impl IntoIterator<Item = &'a Fields>) -> Result<Option<String>, Contradiction> {
    let mut shown: Vec<String> = Vec::new();
    for fields in all {
        let key = fields.key()?;
        shown.extend(key.filter(|key| !shown.contains(key)));
    }
    if shown.len() > 1 {
        shown.retain(|key| !key.is_empty());
    }
    match shown.len() {
        0 | 1 => Ok(shown.pop()),
        _ => Err(Contradiction(shown.join("&key="))),
    }
}

/// A publisher that asks, with the key that it shows, or the refusal of one that shows several.
pub(super) fn told(report: PublisherReport, key: Result<Option<String>, Contradiction>) -> Told {
    match key {
        Ok(key) => Told::Publisher(PublisherReport { key, ..report }),
        Err(Contradiction(keys)) => {
            let key = Some(format!("key={keys}"));
            Told::Refused(PublisherReport { key, ..report }, Refusal::MalformedRequest)
        }
    }
}

/// The query of an address: `x=1` of `rtmp://host/live?x=1`.
pub(super) fn query_of(address: &str) -> Fields {
    Fields::parse(address.split_once('?').map_or("", |(_, query)| query))
}

/// Undoes the encoding of forms: `+` is a blank, `%2F` a slash; a wrong escape stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits =
            tail.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(match (first, escaped) {
            (_, Some(byte)) => byte,
            (b'+', None) => b' ',
            (byte, None) => *byte,
        });
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads JSON, whatever the request's content type says of it.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::MalformedRequest)
}

/// An address as media servers write it, with or without a port.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}
