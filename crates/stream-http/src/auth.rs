//! Authentication: the user of a request, by its bearer token.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use stream_domain::{Authenticator, BearerToken, UserId};

use crate::error::{ApiError, ErrorCode};

/// The user whose token the request carries; a handler that takes it refuses requests without a valid token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedIn(pub(crate) UserId);

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let user = bearer_token(request).and_then(|token| {
            let authenticator = request.app_data::<web::Data<Authenticator>>();
            let authenticator = authenticator.ok_or(ErrorCode::InternalError)?;
            Ok(Self(authenticator.authenticate(&token)?))
        });
        if let Ok(user) = user {
            request.extensions_mut().insert(user);
        }
        ready(user)
    }
}

/// The token of the only `Authorization` header; the scheme is case-insensitive (RFC 9110, section 11.1).
pub(crate) fn bearer_token(request: &HttpRequest) -> Result<BearerToken, ApiError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().ok_or(ErrorCode::MissingToken)?;
    if headers.next().is_some() {
        return Err(ApiError::new(ErrorCode::InvalidToken, "Send one Authorization header, not several."));
    }
    let Some((scheme, token)) = header.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Err(ErrorCode::MissingToken.into());
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ErrorCode::MissingToken.into());
    }
    Ok(BearerToken::new(token.trim_matches(' ')))
}
