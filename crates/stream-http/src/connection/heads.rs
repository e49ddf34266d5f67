//! Heads of requests as they arrive: where each begins and ends, and the one kind that is completed.
//!
//! HTTP/1.0 requires a length of every `POST` (RFC 1945, section 7.2.2), and the HTTP library refuses one without.
//! But proxies that speak HTTP/1.0 to their upstreams by default pass on what clients send, and a client that posts
//! nothing sends no length: such a request has no body (RFC 9112, section 6.3).
//! So its head gets the line that the library requires.
//!
//! Heads are parsed by the parser that the library itself uses, so the two cannot disagree on where a request ends.
//! In doubt the bytes are passed on unchanged, and the library decides.

mod protocol;

use std::borrow::Cow;
use std::ops::Range;

pub(super) use protocol::Protocol;

/// The line that completes a head.
const NO_BODY: &[u8] = b"Content-Length: 0\r\n";

/// The longest head that is parsed, in bytes; the library refuses longer ones.
const LONGEST: usize = 128 * 1024;

/// How much memory a connection keeps for its next head, in bytes.
const KEPT: usize = 4 * 1024;

/// The most headers that the library accepts.
const MAX_HEADERS: usize = 96;

/// Follows the requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Heads {
    place: Place,
    /// The part of a head that was passed on and is not complete.
    begun: Vec<u8>,
    /// A carriage return that may begin the end of a head, and so the place where it is completed.
    kept_back: Vec<u8>,
    /// The first bytes of the connection, as far as they reveal another protocol.
    first: Vec<u8>,
}

/// What the connection's next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a head, or before one.
    #[default]
    Head,
    /// In a body, with this many bytes to come.
    Body(u64),
    /// After a completed head on a connection that ends with its response: what follows is no request.
    Over,
    /// Only the library can tell, until the connection ends.
    Unknown,
}

/// A head that has arrived in full.
struct Complete {
    /// How many of the bytes belong to it.
    length: usize,
    /// Where among them it lacks a line.
    gap: Option<usize>,
    next: Place,
}

impl Heads {
    /// The protocol that the client speaks instead, if it is one that is often spoken here by mistake.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        Protocol::of(&self.first)
    }

    /// Follows bytes that were just read, and returns those to use in their place; `None` if they stay the same.
    ///
    /// An empty result means that there is nothing to pass on yet.
    /// At the connection's end, which is read as no bytes, what was kept back is passed on.
    pub(super) fn replace(&mut self, fresh: &[u8]) -> Option<Vec<u8>> {
        let missing = protocol::LONGEST_PREFIX - self.first.len();
        self.first.extend_from_slice(&fresh[..fresh.len().min(missing)]);
        let mut kept_back = std::mem::take(&mut self.kept_back);
        if fresh.is_empty() {
            self.place = Place::Unknown;
            return (!kept_back.is_empty()).then_some(kept_back);
        }
        let bytes = if kept_back.is_empty() {
            Cow::Borrowed(fresh)
        } else {
            kept_back.extend_from_slice(fresh);
            Cow::Owned(kept_back)
        };
        let (mut gaps, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            match self.place {
                Place::Over | Place::Unknown => break,
                Place::Body(length) => {
                    let rest = bytes.len() - at;
                    let taken = usize::try_from(length).map_or(rest, |length| length.min(rest));
                    let left = length - taken as u64;
                    self.place = if left == 0 { Place::Head } else { Place::Body(left) };
                    at += taken;
                }
                Place::Head => {
                    let Some(head) = self.complete(&bytes[at..]) else {
                        at = bytes.len();
                        break;
                    };
                    gaps.extend(head.gap.map(|place| at + place));
                    self.place = head.next;
                    at += head.length;
                }
            }
        }
        let end = if self.place == Place::Over { at } else { bytes.len() - self.kept_back.len() };
        match bytes {
            Cow::Borrowed(_) if gaps.is_empty() && end == fresh.len() => None,
            bytes => Some(with_lengths(&bytes[..end], &gaps)),
        }
    }

    /// The head that ends in these bytes; without one they are kept.
    fn complete(&mut self, bytes: &[u8]) -> Option<Complete> {
        let before = self.begun.len();
        self.begun.extend_from_slice(bytes);
        // Its end may have begun in the bytes before.
        let Some(end) = blank_line(&self.begun, before.saturating_sub(2)) else {
            if self.begun.len() > LONGEST {
                self.begun = Vec::new();
                self.place = Place::Unknown;
            } else if self.begun.ends_with(b"\n\r") {
                self.begun.pop();
                self.kept_back.push(b'\r');
            }
            return None;
        };
        let (follows, is_last) = what_follows(&self.begun[..end.end]);
        let length = end.end - before;
        self.begun.clear();
        // Many connections wait long for their next head.
        self.begun.shrink_to(KEPT);
        // The library refuses a body that nothing announces.
        let has_more = is_last && length < bytes.len();
        let (gap, next) = match follows {
            Follows::Nothing | Follows::Body(0) => (None, Place::Head),
            Follows::Body(length) => (None, Place::Body(length)),
            Follows::NoLength if !has_more => {
                (Some(length - end.len()), if is_last { Place::Over } else { Place::Head })
            }
            Follows::NoLength | Follows::Unknown => (None, Place::Unknown),
        };
        Some(Complete { length, gap, next })
    }
}

/// The bytes, with the line that they lack in these gaps.
fn with_lengths(bytes: &[u8], gaps: &[usize]) -> Vec<u8> {
    let mut completed = Vec::with_capacity(bytes.len() + gaps.len() * NO_BODY.len());
    let mut from = 0;
    for &place in gaps {
        completed.extend_from_slice(&bytes[from..place]);
        completed.extend_from_slice(NO_BODY);
        from = place;
    }
    completed.extend_from_slice(&bytes[from..]);
    completed
}

/// The empty line that ends a head, if it is at or after `from`; empty lines before a head do not count.
fn blank_line(head: &[u8], from: usize) -> Option<Range<usize>> {
    let begin = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut at = begin.max(from);
    while let Some(offset) = memchr::memchr(b'\n', &head[at..]) {
        at += offset + 1;
        match &head[at..] {
            [b'\n', ..] => return Some(at..at + 1),
            [b'\r', b'\n', ..] => return Some(at..at + 2),
            _ => {}
        }
    }
    None
}

/// What follows a head.
enum Follows {
    /// No body, and the library agrees.
    Nothing,
    /// A body of this many bytes.
    Body(u64),
    /// No body, and the library needs a length to know.
    NoLength,
    /// Only the library can tell.
    Unknown,
}

/// What follows a complete head, and whether the connection ends with the response.
fn what_follows(head: &[u8]) -> (Follows, bool) {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let is_whole = request.parse(head).is_ok_and(|status| status == httparse::Status::Complete(head.len()));
    let (Some(method), Some(version), true) = (request.method, request.version, is_whole) else {
        return (Follows::Unknown, true);
    };
    let named = |name: &'static str| {
        let headers = request.headers.iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    };
    let says = |word: &str| {
        let mut options = named("connection").flat_map(|value| value.split(|byte| *byte == b','));
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    };
    let is_last = version == 0 && (!says("keep-alive") || says("close"));
    let mut lengths = named("content-length");
    let follows = match (lengths.next(), lengths.next()) {
        _ if named("transfer-encoding").next().is_some()
            || named("upgrade").next().is_some()
            || method == "CONNECT" =>
        {
            Follows::Unknown
        }
        (Some(length), None) => match std::str::from_utf8(length).map(|text| text.trim().parse()) {
            Ok(Ok(length)) => Follows::Body(length),
            _ => Follows::Unknown,
        },
        (Some(_), Some(_)) => Follows::Unknown,
        (None, _) if version == 0 && method == "POST" => Follows::NoLength,
        (None, _) => Follows::Nothing,
    };
    (follows, is_last)
}

#[cfg(test)]
mod tests;
