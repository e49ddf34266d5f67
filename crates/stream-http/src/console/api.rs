//! What the routes of the console need: the files, ready to be sent, and what the settings say.

use std::fmt;

use actix_web::http::header::HeaderValue;
use stream_console::{Asset, EMBED, FILES, PAGE};
use stream_domain::{BearerToken, Timestamp, UserId};

use crate::addresses::Addresses;
use crate::files::File;

/// Makes tokens for development.
pub trait DevelopmentTokens: fmt::Debug + Send + Sync {
    /// A token that is valid from now on; `None` if none can be made.
    fn issue(&self) -> Option<IssuedToken>;
}

/// A token that was made here.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: BearerToken,
    /// Whose it is.
    pub user: UserId,
    /// Until when it is valid.
    pub expires_at: Timestamp,
}

/// What the settings say about the console.
#[derive(Debug, Default)]
pub struct ConsoleOptions {
    /// Makes tokens for a click; `None` where the secret is a platform's.
    pub development: Option<Box<dyn DevelopmentTokens>>,
}

/// What the routes of the console need.
pub(crate) struct ConsoleApi {
    pub(super) page: File,
    pub(super) policy: HeaderValue,
    pub(super) embed: File,
    pub(super) files: Vec<(&'static str, File)>,
    pub(super) options: ConsoleOptions,
    pub(super) has_operators: bool,
}

impl ConsoleApi {
    pub(crate) fn new(options: ConsoleOptions, addresses: &Addresses, has_operators: bool) -> Self {
        let file = |asset: &Asset| File::new(asset.content_type, asset.text);
        Self {
            page: file(&PAGE),
            policy: policy(&addresses.hls_origin()),
            embed: file(&EMBED),
            files: FILES.iter().map(|asset| (asset.name, file(asset))).collect(),
            options,
            has_operators,
        }
    }
}

/// What the page may do: load what this service and the media server serve, and nothing else; text never becomes HTML.
fn policy(hls_origin: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {hls_origin}; \
         media-src 'self' blob: {hls_origin}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}
