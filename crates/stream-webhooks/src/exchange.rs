//! One request and its answer, over a connection of their own.
//!
//! Nothing outlives an attempt: the connection is a part of it, and not of a task beside it.
//! hyper's pooled client leaves one open whose endpoint sends half a body and then nothing, for as long as the endpoint
//! likes; and a connection that is kept leads to where a name led once.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};

use futures_util::future::{Either, select};
use http::response::Parts;
use http::{Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use tokio::time::{Instant, timeout_at};
use tower_service::Service as _;

use crate::answer::read_begin;
use crate::connector::Connector;
use crate::failure;

/// The most that is read ahead, in bytes, and so the most that an answer's headers may have.
const MAX_HEAD: usize = 64 * 1024;

/// Why no answer came.
pub(crate) enum Failure {
    /// The time was over.
    TimedOut,
    /// Anything else, in words.
    Failed(String),
}

/// Sends a request, and returns the head of the answer, which comes before `deadline`, and what its body begins with.
pub(crate) async fn exchange(
    mut connector: Connector,
    uri: Uri,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<(Parts, Vec<u8>), Failure> {
    let connect = async {
        poll_fn(|context| connector.poll_ready(context)).await?;
        connector.call(uri).await
    };
    let stream = timeout_at(deadline, connect).await.map_err(|_| Failure::TimedOut)?;
    let stream = stream.map_err(|error| Failure::Failed(failure::of_connecting(&*error)))?;
    let failed = |error: hyper::Error| Failure::Failed(failure::of_exchange(&error));
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MAX_HEAD).handshake(stream).await.map_err(failed)?;
    let mut connection = pin!(async {
        // Whatever ends it shows in what waits for the answer.
        let _ = connection.await;
        pending::<Infallible>().await
    });
    let answered = beside(connection.as_mut(), sender.send_request(request));
    let answered = timeout_at(deadline, answered).await.map_err(|_| Failure::TimedOut)?;
    let (head, body) = answered.map_err(failed)?.into_parts();
    let mut begin = Vec::new();
    // A body that is too slow is cut off: the head has said it all.
    let _ = timeout_at(deadline, beside(connection.as_mut(), read_begin(body, &mut begin))).await;
    Ok((head, begin))
}

/// Keeps a connection going while something waits for it.
async fn beside<T>(
    connection: Pin<&mut impl Future<Output = Infallible>>,
    work: impl Future<Output = T>,
) -> T {
    match select(pin!(work), connection).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => match never {},
    }
}
