//! A real PgBouncer in front of a PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use stream_test_postgres::{Database, eventually, free_port};
use tempfile::TempDir;

use crate::{Program, workspace};

/// A running PgBouncer.
#[derive(Debug)]
pub struct PgBouncer {
    program: PathBuf,
    running: Program,
    server: u16,
    port: u16,
    folder: TempDir,
}

impl PgBouncer {
    /// A PgBouncer that supports prepared statements in transaction mode: version 1.21 or later.
    ///
    /// # Panics
    /// If none is installed and none can be downloaded; `tests/pgbouncer` prints what is missing.
    pub fn current() -> PathBuf {
        static CURRENT: OnceLock<PathBuf> = OnceLock::new();
        let find = || {
            let output =
                Command::new(workspace().join("tests/pgbouncer")).output().expect("the script is there");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
        };
        CURRENT.get_or_init(find).clone()
    }

    /// The system's PgBouncer, of any version.
    pub fn of_the_system() -> PathBuf {
        PathBuf::from("pgbouncer")
    }

    /// Starts it in front of the server on this port, with further lines of `pgbouncer.ini`.
    pub fn start(program: &Path, server: u16, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let running = run(program, &folder, server, port, settings);
        let pooler = Self { program: program.to_owned(), running, server, port, folder };
        pooler.wait();
        pooler
    }

    /// Restarts it on the same port, with other settings.
    pub fn restart(&mut self, settings: &str) {
        self.running.kill();
        self.running = run(&self.program, &self.folder, self.server, self.port, settings);
        self.wait();
    }

    /// The `DB_URL` of a database behind it.
    pub fn url(&self, database: &Database<'_>) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{}", self.port, database.name())
    }

    /// Runs a command of its console, such as `RECONNECT`.
    pub fn command(&self, command: &str) {
        let (done, errors) = self.try_command(command);
        assert!(done, "{command}: {errors}");
    }

    fn try_command(&self, command: &str) -> (bool, String) {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-d"]).arg(format!("postgresql://postgres@127.0.0.1:{}/pgbouncer", self.port));
        let output = psql.args(["-c", command]).output().expect("psql is there");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn wait(&self) {
        eventually("PgBouncer", || self.try_command("SHOW VERSION").0);
    }
}

fn run(program: &Path, folder: &TempDir, server: u16, port: u16, settings: &str) -> Program {
    let file = folder.path().join("pgbouncer.ini");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={server} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\nadmin_users = postgres\n\
         max_client_conn = 200\n{settings}\n"
    );
    std::fs::write(&file, text).expect("the folder is writable");
    let mut command = Command::new(program);
    // It refuses to run as root.
    if Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0") {
        command.args(["-u", "postgres"]);
    }
    Program::start(command.arg(&file), &folder.path().join("output"))
}
