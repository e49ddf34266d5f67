//! Real media: the platform's RTMP server, and a test picture that ffmpeg publishes to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use stream_test_postgres::free_port;
use tempfile::TempDir;

use crate::{Program, target_folder, workspace};

/// A running node-media-server 2 with the gate that ships in docker/.
#[derive(Debug)]
pub struct NodeMediaServer {
    /// The process.
    pub program: Program,
    rtmp_port: u16,
    http_port: u16,
    folder: TempDir,
}

impl NodeMediaServer {
    /// Ports for a server that is yet to be started: where publishers go, and where viewers go.
    pub fn bases(ports: (u16, u16)) -> (String, String) {
        (format!("rtmp://127.0.0.1:{}/live", ports.0), format!("http://127.0.0.1:{}/live", ports.1))
    }

    /// Two free ports.
    pub fn free_ports() -> (u16, u16) {
        (free_port(), free_port())
    }

    /// Starts the server on these ports; it asks the service at `service_url`.
    pub async fn start((rtmp_port, http_port): (u16, u16), service_url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("node");
        command.arg(installed().join("server.js")).env("BIND_ADDRESS", "127.0.0.1");
        command.env("STREAM_SERVICE_URL", service_url).env("MEDIA_ROOT", folder.path().join("media"));
        command.env("RTMP_PORT", rtmp_port.to_string()).env("HTTP_PORT", http_port.to_string());
        command.env("FFMPEG", ffmpeg());
        let program = Program::start(&mut command, &folder.path().join("output"));
        let server = Self { program, rtmp_port, http_port, folder };
        crate::eventually("the RTMP server", || async { server.program.output().contains("RTMP on") }).await;
        server
    }

    /// Publishes a moving test picture with a tone until the program is dropped or refused.
    pub fn publish(&self, key: &str) -> Program {
        let output = self.folder.path().join(format!("ffmpeg-{key}-{}", free_port()));
        let mut command = Command::new(ffmpeg());
        command.args(["-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15"]);
        command.args([
            "-f",
            "lavfi",
            "-i",
            "sine",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
        ]);
        command.args(["-pix_fmt", "yuv420p", "-g", "15", "-c:a", "aac", "-f", "flv"]);
        command.arg(format!("rtmp://127.0.0.1:{}/live/{key}", self.rtmp_port));
        Program::start(&mut command, &output)
    }

    /// Whether the stream can be watched: a playlist with a segment that decodes to a picture.
    pub fn plays(&self, hls_url: &str) -> bool {
        assert!(hls_url.contains(&format!(":{}/live/", self.http_port)), "not this server's: {hls_url}");
        let mut decode = Command::new(ffmpeg());
        decode.args(["-loglevel", "error", "-rw_timeout", "5000000", "-i", hls_url]);
        decode.args(["-frames:v", "1", "-f", "null", "-"]);
        decode.output().expect("ffmpeg runs").status.success()
    }

    /// Whether any playlist was ever written for this key.
    pub fn has_written(&self, key: &str) -> bool {
        self.folder.path().join("media/live").join(key).join("index.m3u8").exists()
    }
}

/// The server with its packages, installed once into cargo's target folder.
fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let folder = target_folder("node-media-server");
        let source = workspace().join("docker/node-media-server");
        std::fs::create_dir_all(&folder).expect("the target folder is writable");
        let lock =
            std::fs::read(source.join("package-lock.json")).expect("the lock file is in the repository");
        let is_current =
            std::fs::read(folder.join("installed.json")).is_ok_and(|installed| installed == lock);
        for name in ["package.json", "package-lock.json", "server.js", "gate.js", "ffmpeg-live"] {
            std::fs::copy(source.join(name), folder.join(name)).expect("the file is in the repository");
        }
        if !is_current {
            let npm =
                Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output();
            let npm = npm.expect("npm is there; install Node.js with npm otherwise");
            assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
            std::fs::write(folder.join("installed.json"), lock).expect("the target folder is writable");
        }
        folder
    })
}

fn ffmpeg() -> PathBuf {
    let folders = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let found = folders.into_iter().map(|folder| folder.join("ffmpeg")).find(|path| path.exists());
    found.expect(
        "ffmpeg is not on this machine; on Debian and Ubuntu, install it with: apt-get install ffmpeg",
    )
}
