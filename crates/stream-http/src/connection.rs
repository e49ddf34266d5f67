//! A client's connection, with four things that the HTTP library leaves out.
//!
//! What cannot be read as HTTP never reaches a handler: the library answers it with a bare status.
//! Here such an answer gets the shape of all other errors.
//! A `POST` that old proxies send without a length is told that it has no body (`heads.rs`).
//! A client that takes nothing of its answer is let go after a while.
//! And when the service stops, a connection that waits for a next request is told that there will be none.

mod heads;

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::connection::heads::Heads;
use crate::error::{ErrorCode, ErrorView};
use crate::observe;
use crate::state::HttpState;

/// How long a client may go on sending what nobody will read, after its answer.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// How long a connection may wait for its next request while there is room for few more.
const CROWDED: Duration = Duration::from_secs(10);

/// How many those few are.
const FEW_PLACES: usize = 1_000;

/// Tells a connection that its client's request was cut short, so that its rest is not waited for.
#[derive(Clone, Default)]
pub(crate) struct HangUp(Rc<Cell<Option<Instant>>>);

impl HangUp {
    pub(crate) fn soon(&self) {
        self.0.set(Some(Instant::now() + LINGER));
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    state: Data<HttpState>,
    /// How many more connections there is room for.
    places: Arc<Semaphore>,
    /// Comes when no further request is to be read.
    last_call: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Follows what is read.
    heads: Heads,
    /// What was put in the place of what was read, as far as it was not handed on yet.
    unread: VecDeque<u8>,
    /// What was put in the place of a bare answer and is not sent yet.
    unsent: Vec<u8>,
    /// Runs while the client takes nothing of its answer.
    stalled: Option<Pin<Box<Sleep>>>,
    /// When the client began to send what was not answered yet.
    unanswered_since: Option<Instant>,
    /// When the last of an answer was sent, or the connection made.
    answered_at: Instant,
    /// Comes when a handler has cut a request short.
    hang_up: HangUp,
    /// Wakes the connection when it has waited for too long.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        state: Data<HttpState>,
        places: Arc<Semaphore>,
        last_call: &CancellationToken,
    ) -> Self {
        let last_call = Box::pin(last_call.clone().cancelled_owned());
        Self {
            stream,
            peer,
            state,
            places,
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

    /// What a handler tells the connection by.
    pub(crate) fn hang_up(&self) -> HangUp {
        self.hang_up.clone()
    }

    /// When the client will have been waited for long enough.
    ///
    /// The library's own time-outs cover a connection's first head, and what is slower than either of ours.
    fn deadline(&self) -> Instant {
        let patience = self.state.patience;
        let overdue = self.unanswered_since.map(|since| since + patience.head + patience.body);
        let next = if self.is_crowded() { patience.next.min(CROWDED) } else { patience.next };
        self.hang_up.0.get().or(overdue).unwrap_or_else(|| self.answered_at + next)
    }

    /// Whether there is room for few more connections, so that those who only wait have to go.
    fn is_crowded(&self) -> bool {
        self.places.available_permits() < FEW_PLACES
    }

    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline();
        let soon = deadline.min(Instant::now() + CROWDED);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(soon)));
        // Deadlines mostly move on; the alarm follows them only when it comes, since setting it costs.
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now >= deadline {
                return Poll::Ready(());
            }
            // It may have become crowded by then.
            alarm.as_mut().reset(deadline.min(now + CROWDED));
        }
        Poll::Pending
    }

    /// Reads what the client sent, with heads as the library takes them.
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
        let handed_on = self.unread.len().min(buffer.remaining());
        self.unread.drain(..handed_on).for_each(|byte| buffer.put_slice(&[byte]));
        Poll::Ready(Ok(()))
    }

    /// Sends some of the bytes, or fails once the client has taken none for too long.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_write(cx, bytes) {
            self.stalled = None;
            self.unanswered_since = None;
            self.answered_at = Instant::now();
            if self.hang_up.0.get().is_some() {
                // The library may not read again by itself, and so not see the time.
                cx.waker().wake_by_ref();
            }
            return Poll::Ready(outcome);
        }
        let patience = self.state.patience.answer;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
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
        // Reading nothing is how the end of a connection looks; what is being answered still gets its answer.
        // Asked in any case, so that the call wakes the connection once what is under way is answered.
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
        if let Some(shaped) = self.in_one_shape(bytes) {
            self.unsent = shaped;
            // All of it counts as written; what the socket does not take now goes with the next flush.
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

impl Connection {
    /// If the bytes end with an error without a body, the same bytes with that answer in the shape of all errors.
    ///
    /// Only the library itself sends such answers, as the last on a connection: each of ours has a body or says, to
    /// `HEAD`, how long it would be.
    fn in_one_shape(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (before, head, status) = bare_error(bytes)?;
        let code = ErrorCode::of_status(status);
        let (shown, sentence) = match self.heads.speaks() {
            Some(other) if code == ErrorCode::BadRequest => (other.shown(), other.sentence()),
            _ => (shown(code), code.sentence()),
        };
        let view = ErrorView { error: sentence, code: code.as_str(), stream: None };
        let body = serde_json::to_string(&view).ok()?;
        let request_id = self.state.new_request_id();
        let request_id = request_id.to_str().ok()?;
        let (status, peer) = (status.as_u16(), self.peer.ip());
        tracing::info!(status, %request_id, %peer, received = shown, "a request could not be read");

        let mut shaped = before.to_owned();
        let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
        kept.for_each(|line| shaped.extend([line, "\r\n"]));
        shaped.extend([
            "content-type: application/json\r\n",
            observe::REQUEST_ID.as_str(),
            ": ",
            request_id,
            "\r\n",
        ]);
        observe::HEADERS.iter().for_each(|(name, value)| shaped.extend([name.as_str(), ": ", value, "\r\n"]));
        shaped.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        Some(shaped.into_bytes())
    }
}

/// What came, by what is wrong with it.
fn shown(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::RequestTimeout => "no whole head in time",
        ErrorCode::HeadersTooLarge => "too large or too many headers",
        _ => "what is no HTTP",
    }
}

/// An error without a body at the end of these bytes: what stands before it, its head, and its status.
fn bare_error(bytes: &[u8]) -> Option<(&str, &str, StatusCode)> {
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    // One answer without a body that is no error, such as a 304, is common and soon recognized.
    let is_one = memmem::find(bytes.get(1..)?, b"HTTP/1.").is_none();
    if is_one && matches!(bytes.get(9), Some(b'1'..=b'3')) {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    let (before, head) = text.split_at(text.rfind("HTTP/1.")?);
    let is_bare = head.lines().any(|line| line.eq_ignore_ascii_case("content-length: 0"));
    let status = head.split(' ').nth(1)?.parse().ok().and_then(|status| StatusCode::from_u16(status).ok())?;
    (is_bare && (status.is_client_error() || status.is_server_error())).then_some((before, head, status))
}
