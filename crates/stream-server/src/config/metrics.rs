//! `METRICS_ADDRESS`: where Prometheus reads.

use std::net::SocketAddr;

use crate::value;

/// Where Prometheus reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsAddress {
    /// At `/metrics` of the API's own address.
    Api,
    /// At an address of its own.
    Own(SocketAddr),
    /// Nowhere; nothing is counted.
    Off,
}

impl MetricsAddress {
    /// Reads `api` (as if nothing were set), `none`, or an address with a port.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match value::plain(text) {
            "" | "api" => Ok(Self::Api),
            "none" => Ok(Self::Off),
            address => address.parse().map(Self::Own).map_err(|_| {
                format!("{address} is none of api, none, and an address with a port such as 127.0.0.1:9090 or [::]:9090")
            }),
        }
    }
}
