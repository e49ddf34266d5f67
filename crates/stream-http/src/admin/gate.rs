//! Who is an operator: a client that shows `ADMIN_TOKEN`.
//!
//! A user's token is never one, since it is compared with this text and not verified; and this text is no JSON Web Token
//! that `SECRET_KEY` has signed.

use std::fmt;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use stream_domain::ports::{Clock, Examiner};
use subtle::ConstantTimeEq as _;

use crate::auth::bearer_token;
use crate::client_address::TrustedProxies;
use crate::error::{ApiError, ErrorCode};
use crate::guesses::GuessLimit;

/// The token of operators.
#[derive(Clone)]
pub struct AdminToken(String);

impl AdminToken {
    /// Fewer bytes than this can be guessed.
    pub const FEWEST_BYTES: usize = 16;

    /// Takes the token; `None` if it is too short, or a header cannot carry it.
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.len() >= Self::FEWEST_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The token itself, to be compared with other secrets; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the token; takes as long whatever is wrong with it, but for its length.
    fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(redacted)")
    }
}

/// What the settings say of operators.
#[derive(Clone)]
pub struct AdminOptions {
    /// Their token.
    pub token: AdminToken,
    /// Examines the installation for them.
    pub examiner: Arc<dyn Examiner>,
}

impl fmt::Debug for AdminOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminOptions").field("token", &self.token).finish_non_exhaustive()
    }
}

/// What tells operators from others.
pub(crate) struct Gate {
    pub(crate) token: AdminToken,
    pub(crate) guesses: Arc<GuessLimit>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Gate {
    fn admit(&self, request: &HttpRequest) -> Result<Operator, ApiError> {
        let (address, now) = (self.proxies.client_of(request), self.clock.now());
        let too_many = |exceeded| ApiError::too_many_wrong_tokens(&exceeded);
        // Before the token is looked at: else the limit would slow nobody down who sends one guess after the other.
        if let Some(address) = address {
            self.guesses.check_pause(address, now).map_err(too_many)?;
        }
        if self.token.is(bearer_token(request)?.expose()) {
            return Ok(Operator { address });
        }
        if let Some(address) = address {
            self.guesses.wrong_admin_token(address, now).map_err(too_many)?;
        }
        Err(ApiError::new(ErrorCode::InvalidToken, "This is not the token of operators."))
    }
}

/// An operator; a handler that takes it refuses requests without the token.
#[derive(Debug)]
pub(crate) struct Operator {
    /// Where the request comes from.
    address: Option<IpAddr>,
}

impl fmt::Display for Operator {
    /// As the log names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

impl FromRequest for Operator {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let gate = request.app_data::<Data<Gate>>().ok_or_else(|| ErrorCode::InternalError.into());
        ready(gate.and_then(|gate| gate.admit(request)))
    }
}
