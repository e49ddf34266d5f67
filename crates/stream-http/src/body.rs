//! Request bodies: few routes need one, and each is read to its end, within a size and a time.

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::error::{ApiError, ErrorCode};
use crate::timeouts::ClientTimeouts;

/// The bytes of a body of any content type: at most so many, and in time.
#[derive(Debug)]
pub(crate) struct Body<const LIMIT: usize>(pub(crate) Vec<u8>);

/// The largest body of a client, in bytes.
pub(crate) const SMALL: usize = 16 * 1024;

/// The largest body of a hook, or of one with details, in bytes.
pub(crate) const LARGE: usize = 64 * 1024;

/// A client's body.
pub(crate) type SmallBody = Body<SMALL>;

/// The body of a hook: some media servers send all their settings.
pub(crate) type HookBody = Body<LARGE>;

impl<const LIMIT: usize> FromRequest for Body<LIMIT> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(request, payload, LIMIT);
        Box::pin(async { read.await.map(Self) })
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> impl Future<Output = Result<Vec<u8>, ApiError>> + 'static {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let timeout = request.app_data::<ClientTimeouts>().copied().unwrap_or_default().request_body;
    let mut payload = payload.take();
    async move {
        if announced.is_some_and(|length: usize| length > limit) {
            return Err(ErrorCode::BodyTooLarge.into());
        }
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = payload.next().await {
                body.extend_from_slice(&chunk.map_err(|_| ErrorCode::BadRequest)?);
                if body.len() > limit {
                    return Err(ErrorCode::BodyTooLarge.into());
                }
            }
            Ok(body)
        };
        tokio::time::timeout(timeout, read).await.unwrap_or(Err(ErrorCode::RequestTimeout.into()))
    }
}
