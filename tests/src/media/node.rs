//! node-media-server in both versions, each with its shipped gate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::media::nginx_rtmp::get;
use crate::media::ports::{MediaPorts, clear};
use crate::{Program, encoder, workspace};

/// How long a stream is read to see whether it continues.
const WATCHED_FOR: Duration = Duration::from_millis(1_500);

/// The version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeVersion {
    /// 2.7, with HLS; it looks keys up by `GET /api/streams/{key}`.
    Two,
    /// 4.4, with HTTP-FLV; it sends hooks.
    Four,
}

impl NodeVersion {
    fn source(self) -> &'static str {
        match self {
            Self::Two => "node-media-server",
            Self::Four => "node-media-server-4",
        }
    }
}

/// A running node-media-server.
#[derive(Debug)]
pub struct NodeMediaServer {
    version: NodeVersion,
    variables: Vec<(String, String)>,
    /// The process.
    pub program: Program,
    folder: TempDir,
    ports: MediaPorts,
}

impl NodeMediaServer {
    /// Starts it on these ports, with additional `settings`; it sends requests to `service_url`.
    pub async fn start(
        version: NodeVersion,
        ports: MediaPorts,
        service_url: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let media = folder.path().join("media");
        let mut variables: Vec<(String, String)> = [
            ("BIND_ADDRESS", "127.0.0.1"),
            ("STREAM_SERVICE_URL", service_url),
            ("MEDIA_ROOT", media.to_str().expect("a plain path")),
            ("FFMPEG", encoder::ffmpeg().to_str().expect("a plain path")),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        variables.push(("RTMP_PORT".to_owned(), ports.rtmp.to_string()));
        variables.push(("HTTP_PORT".to_owned(), ports.http.to_string()));
        variables.extend(settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        let program = launch(version, &variables, &folder);
        let server = Self { version, variables, program, folder, ports };
        server.is_up().await;
        server
    }

    /// Kills it and its children, as a crash of the machine does.
    pub fn crash(&mut self) {
        self.program.kill();
    }

    /// Starts it again, after a crash.
    pub async fn restart(&mut self) {
        clear(&self.folder.path().join("media"));
        self.program = launch(self.version, &self.variables, &self.folder);
        self.is_up().await;
    }

    /// The viewers' address of a stream of this name.
    pub fn watch_url(&self, name: &str) -> String {
        let tail = if self.version == NodeVersion::Two { "/index.m3u8" } else { ".flv" };
        format!("http://127.0.0.1:{}/live/{name}{tail}", self.ports.http)
    }

    /// Whether a stream of this name can be watched.
    pub async fn playlist(&self, name: &str) -> bool {
        match self.version {
            NodeVersion::Two => get(&self.watch_url(name)).await.0 == 200,
            // A player may connect before the publisher and wait, so a response alone proves nothing.
            NodeVersion::Four => has_picture(&self.watch_url(name)).await,
        }
    }

    /// Whether a playlist was written for this name.
    pub fn has_written(&self, name: &str) -> bool {
        self.folder.path().join("media/live").join(name).join("index.m3u8").exists()
    }

    /// Everything that it shows of a stream, and its output.
    pub async fn pages(&self, name: &str) -> String {
        let base = format!("http://127.0.0.1:{}", self.ports.http);
        let mut pages = format!("{}{}", self.program.output(), self.program.errors());
        let playlist = format!("/live/{name}/index.m3u8");
        for path in ["/", "/live/", &playlist, "/api/streams", "/api/server", "/api/v1/streams"] {
            pages.push_str(&get(&format!("{base}{path}")).await.1);
        }
        pages
    }

    /// The folder of its files, which encoders may use as well.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn is_up(&self) {
        crate::eventually("node-media-server", || async { self.program.output().contains("RTMP on") }).await;
    }
}

/// Whether the stream continues: for half a minute after its publisher has left, players still get its last second.
async fn has_picture(url: &str) -> bool {
    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client can be made");
    let Ok(mut answer) = client.get(url).send().await else { return false };
    let (began, mut last) = (Instant::now(), Duration::ZERO);
    let watch = async {
        while let Ok(Some(_)) = answer.chunk().await {
            last = began.elapsed();
        }
    };
    let _ = tokio::time::timeout(WATCHED_FOR, watch).await;
    last > WATCHED_FOR / 2
}

fn launch(version: NodeVersion, variables: &[(String, String)], folder: &TempDir) -> Program {
    let mut command = Command::new("node");
    command.arg(installed(version).join("server.js"));
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    Program::start(&mut command, &folder.path().join("output"))
}

/// The server with its packages.
fn installed(version: NodeVersion) -> PathBuf {
    let source = workspace().join("docker").join(version.source());
    crate::npm::installed(&source, version.source(), &["server.js", "gate.js", "keep.js", "ffmpeg-live"])
}
