//! The ports and the output folder of a real media server.

use std::path::Path;

use stream_test_postgres::free_port;

/// The ports of a media server.
#[derive(Debug, Clone, Copy)]
pub struct MediaPorts {
    /// For publishers.
    pub rtmp: u16,
    /// For viewers.
    pub http: u16,
    /// For the service's control requests, if they have a separate port.
    pub control: u16,
    /// For the push of renamed streams.
    pub push: u16,
}

impl MediaPorts {
    /// Free ports.
    pub fn free() -> Self {
        Self { rtmp: free_port(), http: free_port(), control: free_port(), push: free_port() }
    }

    /// `RTMP_BASE_URL` and `HLS_BASE_URL` for these ports.
    pub fn bases(self) -> (String, String) {
        (format!("rtmp://127.0.0.1:{}/live", self.rtmp), format!("http://127.0.0.1:{}/live", self.http))
    }
}

/// Removes the output folder of a killed server.
pub(super) fn clear(folder: &Path) {
    // It may not exist yet.
    let _ = std::fs::remove_dir_all(folder);
}
