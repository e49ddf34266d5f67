//! `healthcheck`: whether the instance here is ready, for container engines.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::commands::output::print;
use crate::failure::Failure;

/// How long a health check waits for each step.
const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the instance that listens on this address.
pub(super) fn healthcheck(address: SocketAddr) -> Result<(), Failure> {
    let address = reachable(address);
    let answer = ask(address).map_err(|error| Failure::new(format!("{address} does not answer: {error}")))?;
    let status_line = answer.lines().next().unwrap_or_default();
    if status_line.split(' ').nth(1) == Some("200") {
        return print("ready");
    }
    let reason = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(Failure::new(format!("{address} is not ready: {status_line} {reason}")))
}

/// Where a service that listens on this address is reached from here.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    SocketAddr::new(host, address.port())
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTHCHECK_TIMEOUT)?;
    stream.set_read_timeout(Some(HEALTHCHECK_TIMEOUT))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
