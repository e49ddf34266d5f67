//! Two instances of the service on one database, and requests to them.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use stream_test_postgres::{Database, free_port};
use stream_tests::{Program, SECRET_KEY, token_of};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::sleep;

/// Two instances on one database.
pub(crate) struct Pair {
    database_url: String,
    settings: Vec<(&'static str, String)>,
    ports: [u16; 2],
    instances: [Mutex<Option<Program>>; 2],
    folder: TempDir,
}

impl Pair {
    pub(crate) async fn start(database: &Database<'_>) -> Self {
        Self::start_with(database, Vec::new()).await
    }

    /// The same, with these settings.
    pub(crate) async fn start_with(database: &Database<'_>, settings: Vec<(&'static str, String)>) -> Self {
        let pair = Self {
            database_url: database.url(),
            settings,
            ports: [free_port(), free_port()],
            instances: [Mutex::default(), Mutex::default()],
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        for place in [0, 1] {
            pair.launch(place).await;
        }
        pair
    }

    pub(crate) fn address(&self, place: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[place]))
    }

    async fn launch(&self, place: usize) {
        let mut command = Command::new(server());
        command.current_dir(self.folder.path()).env("HOST", "127.0.0.1").env("LOG_LEVEL", "error");
        command.env("PORT", self.ports[place].to_string()).env("DB_URL", &self.database_url);
        command.env("SECRET_KEY", SECRET_KEY).env("GENERATE_KEY_PER_MINUTE", "0").envs(self.settings.clone());
        let program = Program::start(&mut command, &self.folder.path().join(format!("output-{place}")));
        *self.instances[place].lock().await = Some(program);
        while ask(self.address(place), "GET", "/health/ready", 1).await.map(|answer| answer.0) != Some(200) {
            let ended = self.instances[place].lock().await.as_mut().and_then(Program::ended);
            assert!(ended.is_none(), "an instance has ended by itself");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills an instance, as the system does that has no memory left, and starts it again.
    pub(crate) async fn kill(&self, place: usize) {
        if let Some(mut program) = self.instances[place].lock().await.take() {
            program.kill();
        }
        self.launch(place).await;
    }

    /// How much memory an instance has, in MiB.
    pub(crate) async fn memory(&self, place: usize) -> u64 {
        let id = self.instances[place].lock().await.as_ref().map_or(0, Program::id);
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

/// The binary beside this one.
fn server() -> std::path::PathBuf {
    let program = std::env::current_exe().expect("this program is a file");
    program.ancestors().nth(2).expect("examples are in target/release/examples").join("stream-server")
}

/// One request on a connection of its own; `None` if there was no whole response.
pub(crate) async fn ask(address: SocketAddr, method: &str, path: &str, user: u32) -> Option<(u16, Value)> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\
         Authorization: Bearer {}\r\n\r\n",
        token_of(user)
    );
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Some((status, serde_json::from_str(body).unwrap_or_default()))
}
