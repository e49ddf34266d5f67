//! A client's connection, with four things that the HTTP library leaves out.
//!
//! A request that cannot be read as HTTP gets an error in the shape of all others (`bare_error.rs`).
//! A `POST` that old proxies send without a length gets the length 0 (`heads.rs`).
//! A client that reads nothing of its response is disconnected after a timeout.
//! And when the service stops, a connection that waits for its next request is closed.

mod bare_error;
mod heads;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::connection::heads::Heads;
use crate::hang_up::HangUp;
use crate::timeouts::ClientTimeouts;

/// How long a connection may wait for its next request while few connections are free.
const CROWDED_KEEP_ALIVE: Duration = Duration::from_secs(10);

/// With fewer free connections than this the server is crowded.
const CROWDED: usize = 1_000;

pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    timeouts: ClientTimeouts,
    /// The connections that are free.
    free: Arc<Semaphore>,
    /// Completes when no further request is to be read.
    last_call: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Follows what is read.
    heads: Heads,
    /// Bytes in place of those that were read, as far as they were not passed on yet.
    unread: VecDeque<u8>,
    /// Bytes in place of a bare error, as far as they were not sent yet.
    unsent: Vec<u8>,
    /// Runs while the client reads nothing of its response.
    stalled: Option<Pin<Box<Sleep>>>,
    /// When the client began to send the request that has no response yet.
    unanswered_since: Option<Instant>,
    /// When the last bytes of a response were sent, or the connection was accepted.
    answered_at: Instant,
    /// Set when a handler has cut a request short.
    hang_up: HangUp,
    /// Wakes the connection at its deadline.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        timeouts: ClientTimeouts,
        free: Arc<Semaphore>,
        last_call: &CancellationToken,
    ) -> Self {
        let last_call = Box::pin(last_call.clone().cancelled_owned());
        Self {
            stream,
            peer,
            timeouts,
            free,
            last_call,
            heads: Heads::default(),
            unread: VecDeque::new(),
            unsent: Vec::new(),
            stalled: None,
            unanswered_since: None,
            answered_at: Instant::now(),
            hang_up: HangUp::default(),
            alarm: None,
        }
    }

    /// For handlers, to have the connection closed.
    pub(crate) fn hang_up(&self) -> HangUp {
        self.hang_up.clone()
    }

    /// When the connection is closed, unless something happens before.
    ///
    /// The library's own timeouts cover a connection's first head, and what is slower than either of ours.
    fn deadline(&self) -> Instant {
        let ClientTimeouts { request_head, request_body, keep_alive, .. } = self.timeouts;
        let slow_request = self.unanswered_since.map(|since| since + request_head + request_body);
        let idle = if self.is_crowded() { keep_alive.min(CROWDED_KEEP_ALIVE) } else { keep_alive };
        self.hang_up.at().or(slow_request).unwrap_or_else(|| self.answered_at + idle)
    }

    /// Whether few connections are free, so that idle ones have to go.
    fn is_crowded(&self) -> bool {
        self.free.available_permits() < CROWDED
    }

    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline();
        let soon = deadline.min(Instant::now() + CROWDED_KEEP_ALIVE);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(soon)));
        // Deadlines mostly move on; the alarm is reset only when it rings, since that is cheaper.
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now >= deadline {
                return Poll::Ready(());
            }
            // The server may be crowded by then.
            alarm.as_mut().reset(deadline.min(now + CROWDED_KEEP_ALIVE));
        }
        Poll::Pending
    }

    /// Reads what the client sent, with heads as the library accepts them.
    fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
            let fresh = &buffer.filled()[before..];
            let is_end = fresh.is_empty();
            let Some(replaced) = self.heads.replace(fresh) else {
                return Poll::Ready(Ok(()));
            };
            buffer.set_filled(before);
            self.unread.extend(replaced);
            if is_end {
                break;
            }
        }
        let passed_on = self.unread.len().min(buffer.remaining());
        self.unread.drain(..passed_on).for_each(|byte| buffer.put_slice(&[byte]));
        Poll::Ready(Ok(()))
    }

    /// Sends some of the bytes, or fails once the client has read nothing for too long.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_write(cx, bytes) {
            self.stalled = None;
            self.unanswered_since = None;
            self.answered_at = Instant::now();
            if self.hang_up.at().is_some() {
                // The library may not read again by itself, and so miss the deadline.
                cx.waker().wake_by_ref();
            }
            return Poll::Ready(outcome);
        }
        let timeout = self.timeouts.response_write;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            let sent = self.poll_send(cx, &unsent);
            self.unsent = unsent;
            let sent = ready!(sent)?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(outcome) = self.poll_receive(cx, buffer) {
            self.unanswered_since.get_or_insert_with(Instant::now);
            return Poll::Ready(outcome);
        }
        // To the library, no bytes are the end of the connection; a request that is under way still gets its response.
        // Polled in any case, so that the last call wakes the connection after that response.
        let is_last_call = self.last_call.as_mut().poll(cx).is_ready();
        if is_last_call && self.unanswered_since.is_none() {
            return Poll::Ready(Ok(()));
        }
        self.poll_overdue(cx).map(Ok)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_unsent(cx))?;
        if let Some(rewritten) = bare_error::rewrite(bytes, self.heads.protocol(), self.peer) {
            self.unsent = rewritten;
            // All of it counts as written; what the socket does not take now is sent by the next flush.
            if let Poll::Ready(Err(error)) = self.poll_unsent(cx) {
                return Poll::Ready(Err(error));
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        self.poll_send(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
