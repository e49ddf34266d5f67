//! The control interfaces of media servers, one file a family: who is publishing, and an end to it.
//!
//! Each adapter asks its server for a list of live publishers and reads the answer as that kind gives it, and each can
//! end one of them.
//! All of them speak plain HTTP: a control interface belongs on a private network.

#![warn(clippy::future_not_send)]

mod bounded;
mod error;
mod http;
mod mediamtx;
mod nginx_rtmp;
mod node_media_server_2;
mod node_media_server_4;
mod ovenmediaengine;
mod pages;
mod probe;
mod srs;
mod zlmediakit;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use stream_domain::Family;
use stream_domain::ports::MediaServer;

use crate::bounded::bounded;
use crate::http::Http;
use crate::srs::DEFAULT_HOST;

pub use error::InvalidControl;
pub use probe::{Probe, Probed, https_connector};

/// Prepares the control interface of a media server; nothing is sent yet.
///
/// `url` is its base, `http://user:password@host:port`; `application`, and `host` where the server has virtual hosts, are
/// those that streams are published to.
pub fn connect(
    family: Family,
    url: &str,
    application: &str,
    host: Option<&str>,
) -> Result<Arc<dyn MediaServer>, InvalidControl> {
    let http = Http::new(url)?;
    let application = application.to_owned();
    let host = host.unwrap_or(DEFAULT_HOST).to_owned();
    Ok(match family {
        Family::NginxRtmp => bounded(nginx_rtmp::NginxRtmp::new(http)),
        Family::Srs => bounded(srs::Srs::new(http, host)),
        Family::MediaMtx => bounded(mediamtx::MediaMtx::new(http)),
        Family::OvenMediaEngine => bounded(ovenmediaengine::OvenMediaEngine::new(http, application)),
        Family::NodeMediaServer2 => bounded(node_media_server_2::NodeMediaServer2::new(http)),
        Family::NodeMediaServer4 => bounded(node_media_server_4::NodeMediaServer4::new(http)),
        Family::ZlMediaKit => bounded(zlmediakit::ZlMediaKit::new(http, host)),
        Family::AntMedia => return Err(InvalidControl::NotSupported),
    })
}
