//! A hook as it arrives, and where it comes from.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use stream_domain::{Family, ServerName};

/// What a hook sends to prove that it comes from its media server.
#[derive(Debug)]
pub(super) struct HookRequest<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) secret_in_path: Option<&'a str>,
    pub(super) query: &'a str,
    pub(super) body: &'a [u8],
    pub(super) peer: Option<IpAddr>,
}

/// Where an authentic hook comes from, for the log.
#[derive(Debug, Clone)]
pub(super) struct HookSource {
    pub(super) family: Family,
    pub(super) server: ServerName,
    pub(super) peer: Option<IpAddr>,
    pub(super) request_id: String,
}
