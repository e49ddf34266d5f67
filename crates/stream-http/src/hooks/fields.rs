//! Forms, queries and addresses in hooks, read so that nobody can put a field in twice.

use std::net::{IpAddr, SocketAddr};

use serde::de::DeserializeOwned;
use stream_domain::admission::Refusal;

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

    /// The one value of a field; a field that stands there twice was put in by somebody, and so refused.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() { Err(Refusal::MalformedRequest) } else { Ok(first) }
    }

    /// Whether a field stands there so often, each time with the same value.
    pub(super) fn are_same(&self, name: &str, count: usize) -> bool {
        let values = || self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        values().count() == count && values().all(|value| Some(value) == values().next())
    }

    /// The value of a field that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or(Refusal::MalformedRequest)
    }

    /// The key that a publisher shows.
    pub(super) fn key(&self) -> Result<Option<String>, Refusal> {
        Ok(self.one(KEY)?.map(str::to_owned))
    }
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
