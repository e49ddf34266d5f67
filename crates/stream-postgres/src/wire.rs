//! What a server says on a connection, listened to on its way to the driver.
//!
//! Diesel passes an error's message on and drops its SQLSTATE, and tokio-postgres keeps to itself which process the server
//! says it is; both stand in the protocol, encrypted or not, so they are read there.

use std::collections::VecDeque;
use std::fmt;
use std::io::Result;
use std::pin::Pin;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The longest part of a message that is kept; the fields that are read stand at its beginning.
const LONGEST: usize = 8_192;

/// A message's length counts its own bytes.
const LENGTH_OF_LENGTH: usize = 4;

/// How many errors are remembered with their messages; each is asked for at once, if at all.
const REMEMBERED: usize = 256;

/// A SQLSTATE, such as `25006`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SqlState([u8; 5]);

impl SqlState {
    /// Whether it is this one, or of this class.
    pub(crate) fn starts_with(self, prefix: &str) -> bool {
        self.0.starts_with(prefix.as_bytes())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.as_bytes().try_into().ok().map(Self)
    }

    fn to_number(self) -> u64 {
        self.0.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// `None` for 0, which stands for no error.
    fn of_number(number: u64) -> Option<Self> {
        let [_, _, _, state @ ..] = number.to_be_bytes();
        (number != 0).then_some(Self(state))
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The errors that servers told last, by their messages, which is all that Diesel gives away of them.
static TOLD: Mutex<VecDeque<(String, SqlState)>> = Mutex::new(VecDeque::new());

/// The SQLSTATE of the last error with this message.
pub(crate) fn state_of(message: &str) -> Option<SqlState> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.iter().rev().find(|(text, _)| text == message).map(|(_, state)| *state)
}

fn remember(message: &str, state: SqlState) {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() == REMEMBERED {
        told.pop_front();
    }
    told.push_back((message.to_owned(), state));
}

/// What was heard on one connection.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    process: AtomicI32,
    last_error: AtomicU64,
}

impl Wire {
    /// The server's process, as it was told at the beginning; a pooler tells a number of its own.
    pub(crate) fn process(&self) -> i32 {
        self.process.load(Ordering::Relaxed)
    }

    /// The last error since this was asked before.
    pub(crate) fn take_error(&self) -> Option<SqlState> {
        SqlState::of_number(self.last_error.swap(0, Ordering::Relaxed))
    }

    fn hear(&self, kind: u8, body: &[u8]) {
        match (kind, body) {
            (b'K', [a, b, c, d, ..]) => {
                self.process.store(i32::from_be_bytes([*a, *b, *c, *d]), Ordering::Relaxed);
            }
            (b'E', fields) => {
                let field = |name: u8| {
                    let mut fields = fields.split(|byte| *byte == 0);
                    fields.find_map(|field| field.strip_prefix(&[name])).map(String::from_utf8_lossy)
                };
                if let Some(state) = field(b'C').as_deref().and_then(SqlState::parse) {
                    remember(&field(b'M').unwrap_or_default(), state);
                    self.last_error.store(state.to_number(), Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }
}

/// Finds the messages in a server's bytes, however these are cut: a kind, a length that counts itself, a body.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; 5],
    head_length: usize,
    body: Vec<u8>,
    body_left: usize,
}

impl Frames {
    /// Tells of each error, and of the process's number, when it is complete.
    fn read(&mut self, mut bytes: &[u8], mut hear: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            if self.head_length < self.head.len() {
                let (part, rest) = bytes.split_at(bytes.len().min(self.head.len() - self.head_length));
                self.head[self.head_length..][..part.len()].copy_from_slice(part);
                self.head_length += part.len();
                bytes = rest;
                if self.head_length < self.head.len() {
                    return;
                }
                let [_, length @ ..] = self.head;
                let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.body_left = length.saturating_sub(LENGTH_OF_LENGTH);
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.body_left));
            bytes = rest;
            self.body_left -= part.len();
            let kind = self.head[0];
            if matches!(kind, b'E' | b'K') {
                self.body.extend_from_slice(&part[..part.len().min(LONGEST - self.body.len())]);
            }
            if self.body_left == 0 {
                if matches!(kind, b'E' | b'K') {
                    hear(kind, &self.body);
                    self.body.clear();
                }
                self.head_length = 0;
            }
        }
    }
}

/// A stream that is listened to.
pub(crate) struct Watched<S> {
    stream: S,
    wire: Arc<Wire>,
    /// `None` once the bytes are encrypted.
    frames: Option<Frames>,
    /// How many bytes come before the first message.
    skipped: usize,
}

impl<S> Watched<S> {
    /// Where TLS is asked for, the server first answers with a single byte.
    pub(crate) fn new(stream: S, wire: Arc<Wire>, asks_for_tls: bool) -> Self {
        Self { stream, wire, frames: Some(Frames::default()), skipped: usize::from(asks_for_tls) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let Self { wire, frames, skipped, .. } = &mut *self;
        if let Some(frames) = frames {
            let bytes = &buf.filled()[before..];
            let (first, bytes) = bytes.split_at(bytes.len().min(*skipped));
            *skipped -= first.len();
            frames.read(bytes, |kind, body| wire.hear(kind, body));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// Encrypts, and goes on listening to what is decrypted.
pub(crate) struct WatchedTls<T>(pub(crate) T);

impl<S, T> TlsConnect<Watched<S>> for WatchedTls<T>
where
    T: TlsConnect<Watched<S>>,
    T::Future: Send + 'static,
{
    type Stream = Watched<T::Stream>;
    type Error = T::Error;
    type Future = BoxFuture<'static, std::result::Result<Self::Stream, T::Error>>;

    fn connect(self, mut stream: Watched<S>) -> Self::Future {
        stream.frames = None;
        let wire = stream.wire.clone();
        self.0.connect(stream).map(|tls| tls.map(|tls| Watched::new(tls, wire, false))).boxed()
    }
}
