//! Heads of requests as they come in: where each begins and ends, and one that is mended.
//!
//! HTTP/1.0 has a `POST` say how long its body is (RFC 1945, section 7.2.2), and the HTTP library refuses one that does
//! not.
//! But proxies whose defaults speak HTTP/1.0 to their upstreams pass on what clients send, and a client that posts
//! nothing says nothing of a length: such a request has no body (RFC 9112, section 6.3).
//! So its head is given the line that the library misses.
//!
//! Heads are read by the parser that the library itself uses, so the two cannot disagree on where a request ends.
//! Wherever there is the least doubt, the bytes are passed on as they came, and the library judges them.

mod speaks;

use std::borrow::Cow;
use std::ops::Range;

use crate::connection::heads::speaks::Speaks;

/// What is put at the end of a mended head.
const NO_BODY: &[u8] = b"Content-Length: 0\r\n";

/// The longest head that is looked at; the library refuses longer ones.
const LONGEST: usize = 128 * 1024;

/// How much memory a connection keeps for its next head, in bytes.
const KEPT: usize = 4 * 1024;

/// The most headers that the library takes.
const MOST_HEADERS: usize = 96;

/// Follows the requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Heads {
    place: Place,
    /// The part of a head that was passed on and is not complete.
    begun: Vec<u8>,
    /// A carriage return that may begin the end of a head, and so the place where it is mended.
    kept_back: Vec<u8>,
    /// The first bytes of the connection, as far as they tell another protocol.
    first: Vec<u8>,
}

/// Where in the client's bytes the connection stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a head, or before one.
    #[default]
    Head,
    /// In a body, of which so many bytes are still to come.
    Body(u64),
    /// Behind a mended head on a connection that ends with its answer: what comes now is no request.
    Over,
    /// Somewhere that only the library can tell; it stays so.
    Unknown,
}

/// A head that is complete.
struct Complete {
    /// How many of the bytes belong to it.
    length: usize,
    /// Where among them it is mended.
    mended_at: Option<usize>,
    next: Place,
}

impl Heads {
    /// The other protocol that the client speaks, if it is one that is often spoken here by mistake.
    pub(super) fn speaks(&self) -> Option<Speaks> {
        Speaks::of(&self.first)
    }

    /// Looks at bytes that were just read, and returns what to read in their place; `None` if they stay as they are.
    ///
    /// No bytes in their place means that there is nothing to read yet.
    /// At the connection's end, which is read as no bytes, what was kept back is let go.
    pub(super) fn replace(&mut self, fresh: &[u8]) -> Option<Vec<u8>> {
        let missing = speaks::LONGEST_MARK - self.first.len();
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
        let (mut mended_at, mut at) = (Vec::new(), 0);
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
                    mended_at.extend(head.mended_at.map(|place| at + place));
                    self.place = head.next;
                    at += head.length;
                }
            }
        }
        let end = if self.place == Place::Over { at } else { bytes.len() - self.kept_back.len() };
        match bytes {
            Cow::Borrowed(_) if mended_at.is_empty() && end == fresh.len() => None,
            bytes => Some(with_lengths(&bytes[..end], &mended_at)),
        }
    }

    /// The head that ends in these bytes; without one they are remembered.
    fn complete(&mut self, bytes: &[u8]) -> Option<Complete> {
        let before = self.begun.len();
        self.begun.extend_from_slice(bytes);
        // Its end may have begun in what came before.
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
        // A connection may wait long for its next head, and many do.
        self.begun.shrink_to(KEPT);
        // A body that nothing announces is the library's to refuse.
        let has_more = is_last && length < bytes.len();
        let (mended_at, next) = match follows {
            Follows::Nothing | Follows::Body(0) => (None, Place::Head),
            Follows::Body(length) => (None, Place::Body(length)),
            Follows::NothingUntold if !has_more => {
                (Some(length - end.len()), if is_last { Place::Over } else { Place::Head })
            }
            Follows::NothingUntold | Follows::Unknown => (None, Place::Unknown),
        };
        Some(Complete { length, mended_at, next })
    }
}

/// The bytes, with what they lack at these places.
fn with_lengths(bytes: &[u8], places: &[usize]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(bytes.len() + places.len() * NO_BODY.len());
    let mut from = 0;
    for &place in places {
        mended.extend_from_slice(&bytes[from..place]);
        mended.extend_from_slice(NO_BODY);
        from = place;
    }
    mended.extend_from_slice(&bytes[from..]);
    mended
}

/// Where the empty line stands that ends a head, if it does at or behind `from`; those before a head do not count.
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

/// What a head says of the bytes behind it.
enum Follows {
    /// It has no body, as far as the library knows too.
    Nothing,
    /// A body of so many bytes.
    Body(u64),
    /// It has no body, and the library must be told.
    NothingUntold,
    /// Only the library can tell.
    Unknown,
}

/// What follows a complete head, and whether its client takes the end of the connection for the end of the answer.
fn what_follows(head: &[u8]) -> (Follows, bool) {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
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
        (None, _) if version == 0 && method == "POST" => Follows::NothingUntold,
        (None, _) => Follows::Nothing,
    };
    (follows, is_last)
}

#[cfg(test)]
mod tests;
