//! How long the service waits for slow clients.

use std::time::Duration;

/// The timeouts of a client's connection.
#[derive(Debug, Clone, Copy)]
pub struct ClientTimeouts {
    /// For the head of a request.
    pub request_head: Duration,
    /// For the body of a request.
    pub request_body: Duration,
    /// For a client to read any more of its response.
    pub response_write: Duration,
    /// For the next request on a connection; shorter while few connections are free.
    ///
    /// Longer than load balancers keep theirs, so that none sends a request on a connection that is just being closed.
    pub keep_alive: Duration,
    /// Without an event, after which a reader of the stream of events is sent a comment, so that proxies keep the
    /// connection.
    pub event_heartbeat: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            request_head: seconds(10),
            request_body: seconds(10),
            response_write: seconds(30),
            keep_alive: seconds(620),
            event_heartbeat: seconds(15),
        }
    }
}
