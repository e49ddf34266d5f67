//! The ports and the output folder of a real media server.

use std::path::Path;

use stream_test_postgres::free_port;

/// The ports of a media server that is yet to be started.
#[derive(Debug, Clone, Copy)]
pub struct MediaPorts {
    /// Where publishers go.
    pub rtmp: u16,
    /// Where viewers go.
    pub http: u16,
    /// Where the service goes, if that is a port of its own.
    pub control: u16,
    /// Where renamed streams are pushed to.
    pub push: u16,
}

impl MediaPorts {
    /// Free ones.
    pub fn free() -> Self {
        Self { rtmp: free_port(), http: free_port(), control: free_port(), push: free_port() }
    }

    /// What `RTMP_BASE_URL` and `HLS_BASE_URL` are for these ports.
    pub fn bases(self) -> (String, String) {
        (format!("rtmp://127.0.0.1:{}/live", self.rtmp), format!("http://127.0.0.1:{}/live", self.http))
    }
}

/// Removes what a server that was killed left in a folder of outputs.
pub(super) fn clear(folder: &Path) {
    // It may not be there yet.
    let _ = std::fs::remove_dir_all(folder);
}
