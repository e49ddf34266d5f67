//! A real PostgreSQL for tests: one temporary cluster per test process, one database per test.
//!
//! The cluster is in a temporary folder and listens on a free port of the loopback address. A watchdog, which holds
//! the other end of a pipe, stops and removes it when the process ends, in whatever way.
//! PostgreSQL refuses to run as root; started by root, it runs as the user `postgres`.
//! `POSTGRES_PROGRAMS` is the folder of another version's server programs.

mod programs;
mod round_trips;

use std::fmt::Write as _;
use std::io::{Seek as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use programs::{as_postgres, is_root, must, programs};

pub use round_trips::counting_proxy;

/// The error on a machine without PostgreSQL.
const MISSING: &str = "PostgreSQL's server programs (initdb, pg_ctl) are not installed; \
                       install them, on Debian and Ubuntu with: apt-get install postgresql";

/// The cluster that the tests of one process share.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// The process's cluster, started on first use.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A separate cluster, for tests that stop it; it also ends with the process.
    pub fn start() -> Self {
        let programs = programs().expect(MISSING);
        let folder = tempfile::Builder::new().prefix("stream-pg-").tempdir().expect("a temporary folder");
        let folder = folder.keep();
        let cluster = Self { programs, folder, port: free_port() };
        if is_root() {
            must(Command::new("chown").arg("postgres").arg(&cluster.folder));
        }
        cluster.watch();
        let data = cluster.data();
        must(
            cluster
                .program("initdb")
                .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-D"])
                .arg(&data),
        );
        let mut settings = String::new();
        let (port, folder) = (cluster.port, cluster.folder.display());
        write!(
            settings,
            "\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n\
             fsync = off\nmax_connections = 300\nlog_statement = 'none'\n"
        )
        .expect("a string accepts all text");
        let mut file = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"));
        let file = file.as_mut().expect("initdb wrote its settings");
        file.write_all(settings.as_bytes()).expect("the settings are writable");
        cluster.resume();
        cluster
    }

    /// Stops the server immediately, as a crash does; its data remain.
    pub fn stop(&self) {
        must(self.program("pg_ctl").args(["stop", "-m", "immediate", "-w", "-D"]).arg(self.data()));
    }

    /// Starts the server again, on the same port and data.
    pub fn resume(&self) {
        let log = self.folder.join("log");
        must(self.program("pg_ctl").args(["start", "-w", "-l"]).arg(log).arg("-D").arg(self.data()));
    }

    /// Adds lines to the server's settings and restarts it.
    pub fn reconfigure(&self, settings: &str) {
        let path = self.data().join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("the settings are there");
        writeln!(file, "{settings}").expect("the settings are writable");
        self.stop();
        self.resume();
    }

    /// The server's data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder of the server's programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// A client program, such as `psql` or `pg_dump`: of the server's version if there is one, else from `PATH`.
    pub fn client(&self, name: &str) -> PathBuf {
        let own = self.programs.join(name);
        if own.exists() { own } else { PathBuf::from(name) }
    }

    /// The server's major version.
    pub fn version(&self) -> u32 {
        let number = self.sql("postgres", "SELECT current_setting('server_version_num')::int / 10000");
        number.parse().expect("a version is a number")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A new, empty database.
    pub fn database(&self) -> Database<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let database = Database { cluster: self, name };
        self.sql("postgres", &format!("CREATE DATABASE {}", database.name));
        database
    }

    fn sql(&self, database: &str, statements: &str) -> String {
        let mut psql = Command::new(self.client("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]);
        psql.args(["-p", &self.port.to_string(), "-d", database, "-c", statements]);
        let output = must(psql.stdin(Stdio::null()));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn program(&self, name: &str) -> Command {
        as_postgres(&self.programs.join(name))
    }

    /// Starts the watchdog: it stops and removes the cluster when this process has ended and its pipe is closed.
    fn watch(&self) {
        let script =
            "trap '' INT TERM HUP; cat >/dev/null; \"$1\" stop -m immediate -D \"$2/data\"; rm -rf \"$2\"";
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", script, "sh"]).arg(self.programs.join("pg_ctl")).arg(&self.folder);
        if is_root() {
            watchdog = as_postgres(Path::new("sh"));
            watchdog.args(["-c", script, "sh"]).arg(self.programs.join("pg_ctl")).arg(&self.folder);
        }
        watchdog.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().expect("sh is there");
        // The pipe must remain open until the process ends.
        std::mem::forget(watchdog);
    }
}

/// A separate database for one test.
#[derive(Debug)]
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Database<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its `DB_URL`.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{}", self.cluster.port, self.name)
    }

    /// The same, for another role.
    pub fn url_as(&self, role: &str) -> String {
        self.url().replace("postgres@", &format!("{role}@"))
    }

    /// Creates a role that may log in, with a name that is unique to this database, and returns that name.
    pub fn role(&self, name: &str) -> String {
        let role = format!("{name}_of_{}", self.name);
        self.sql(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN"));
        role
    }

    /// The output of `pg_dump` with these arguments.
    pub fn dump(&self, arguments: &[&str]) -> Vec<u8> {
        let mut dump = Command::new(self.cluster.client("pg_dump"));
        must(dump.args(["-d", &self.url()]).args(arguments)).stdout
    }

    /// Restores a dump by `psql`, or by `pg_restore` if it has one of its formats, with these arguments.
    ///
    /// Both continue after an error, as they do for an operator; the errors are returned.
    pub fn restore(&self, role: &str, dump: &[u8], arguments: &[&str]) -> String {
        let is_text = !dump.starts_with(b"PGDMP");
        let mut program = Command::new(self.cluster.client(if is_text { "psql" } else { "pg_restore" }));
        program
            .args(if is_text { &["-X", "-q"][..] } else { &[] })
            .args(["-d", &self.url_as(role)])
            .args(arguments);
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(dump).and_then(|()| file.rewind()).expect("the file is writable");
        let output = program.current_dir("/").stdin(file).output().expect("PostgreSQL's programs are there");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Runs statements and returns the selected rows, one per line, with `|` between columns.
    pub fn sql(&self, statements: &str) -> String {
        self.cluster.sql(&self.name, statements)
    }

    /// Creates the user-service's table, with users 1 to `count`.
    pub fn create_users(&self, count: u32) {
        self.sql(&format!(
            "CREATE TABLE users (id SERIAL PRIMARY KEY, username VARCHAR(80), email VARCHAR(120), password VARCHAR(255),
                 first_name VARCHAR(80), last_name VARCHAR(80), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
             INSERT INTO users (username) SELECT 'user' || n FROM generate_series(1, {count}) n"
        ));
    }

    /// Creates the table of the earlier service; `nullable` is the variant of some installations.
    pub fn create_old_streams(&self, nullable: bool) {
        let (expiry, on_delete) = if nullable { ("", " ON DELETE CASCADE") } else { (" NOT NULL", "") };
        self.sql(&format!(
            "CREATE TABLE streams (
                 id SERIAL PRIMARY KEY,
                 user_id INTEGER REFERENCES users(id){on_delete},
                 stream_key VARCHAR(255) UNIQUE NOT NULL,
                 status VARCHAR(50) DEFAULT 'active',
                 created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                 updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                 expires_at TIMESTAMP{expiry});
             CREATE INDEX idx_streams_user_id ON streams(user_id);
             CREATE INDEX idx_streams_stream_key ON streams(stream_key);
             CREATE INDEX idx_streams_status ON streams(status);
             CREATE INDEX idx_streams_expires_at ON streams(expires_at)"
        ));
    }
}

/// A port on which no program listens at the moment.
///
/// It is below the range of outgoing connections, so that it is still free when a server is restarted.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Concurrent processes start at different ports.
    let start = std::process::id().wrapping_mul(191);
    (0..COUNT)
        .map(|_| FIRST + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("the loopback address has a free port")
}

/// Waits until a condition holds, for at most 30 seconds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not happen within 30 seconds");
}
