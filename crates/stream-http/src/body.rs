//! Bodies: no route needs one, so what comes is read to its end, within limits, and forgotten.

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use crate::error::{ApiError, ErrorCode};
use crate::state::HttpState;

/// The largest body that is read, in bytes.
const LIMIT: usize = 16 * 1024;

/// Proof that the request's body was small and came in time.
#[derive(Debug)]
pub(crate) struct SmallBody;

impl FromRequest for SmallBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let state = request.app_data::<Data<HttpState>>();
        let patience = state.map(|state| state.patience).unwrap_or_default().body;
        let mut payload = payload.take();
        Box::pin(async move {
            if announced.is_some_and(|length: usize| length > LIMIT) {
                return Err(ErrorCode::BodyTooLarge.into());
            }
            let read = async {
                let mut length = 0;
                while let Some(chunk) = payload.next().await {
                    length += chunk.map_err(|_| ErrorCode::BadRequest)?.len();
                    if length > LIMIT {
                        return Err(ErrorCode::BodyTooLarge.into());
                    }
                }
                Ok(Self)
            };
            tokio::time::timeout(patience, read).await.unwrap_or(Err(ErrorCode::RequestTimeout.into()))
        })
    }
}
