//! The measured servers: the service, the reference servers, and the earlier service, each in its own process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use stream_test_postgres::{Cluster, Database, free_port};
use stream_tests::{Program, SECRET_KEY, StoreKind, TestStore, workspace};
use tempfile::TempDir;

use crate::cost::Group;
use crate::report::median;

/// A running server.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) program: Program,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn group(&self) -> Group {
        Group(self.program.id())
    }
}

/// Builds the service in release mode, and the reference servers.
pub(crate) fn build() {
    for arguments in [
        &["build", "--release", "--locked", "--package", "stream-server"][..],
        &["build", "--release", "--locked", "--package", "stream-bench", "--bin", "reference"],
    ] {
        let built = Command::new(env!("CARGO")).args(arguments).current_dir(workspace()).status();
        assert!(built.expect("cargo runs").success(), "{arguments:?}");
    }
}

/// The folder of programs in release mode.
pub(crate) fn release_folder() -> PathBuf {
    let own = std::env::current_exe().expect("this program is a file");
    own.parent().expect("a program is in a folder").to_owned()
}

/// Starts a command that listens on a port, and waits until it responds.
pub(crate) fn start(command: &mut Command, port: u16, path: &str) -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("output");
    let program = Program::start(command.current_dir(folder.path()), &output);
    let url = format!("http://127.0.0.1:{port}{path}");
    stream_test_postgres::eventually(&format!("{command:?}"), || {
        Command::new("curl").args(["-sfo", "/dev/null", &url]).status().is_ok_and(|status| status.success())
    });
    Server { port, program, _folder: folder }
}

/// The service on a database, with its default settings except for the limit on key requests.
pub(crate) fn service(url: &str, log_level: &str) -> Server {
    let port = free_port();
    let mut command = Command::new(release_folder().join("stream-server"));
    command.env_clear().env("DB_URL", url).env("SECRET_KEY", SECRET_KEY).env("LOG_LEVEL", log_level);
    command.env("HOST", "127.0.0.1").env("PORT", port.to_string()).env("GENERATE_KEY_PER_MINUTE", "0");
    start(&mut command, port, "/health/ready")
}

/// The reference server of this name.
pub(crate) fn reference(name: &str, url: &str) -> Server {
    let port = free_port();
    let mut command = Command::new(release_folder().join("reference"));
    command.args([name, &port.to_string(), url]);
    start(&mut command, port, "/api/bench/1")
}

/// The earlier service, in gunicorn with 2 workers of 8 threads each.
pub(crate) fn flask(url: &str) -> Server {
    let peer = workspace().join("bench/peers/flask");
    let home = release_folder().join("flask-peer");
    let python = home.join("bin/python");
    let mut install = Command::new("sh");
    install.args([
        "-c",
        "set -e; [ -x \"$1\" ] || python3 -m venv \"$2\"; \"$1\" -m pip install -q -r \"$3\"",
        "sh",
    ]);
    let installed = install.arg(&python).arg(&home).arg(peer.join("requirements.txt")).status();
    assert!(installed.expect("sh runs").success(), "the Flask service's packages could not be installed");
    let port = free_port();
    let mut command = Command::new(home.join("bin/gunicorn"));
    command.args(["--workers", "2", "--threads", "8", "--bind", &format!("127.0.0.1:{port}"), "--chdir"]);
    command.arg(peer).arg("app:app").env("DB_URL", url).env("SECRET_KEY", SECRET_KEY);
    start(&mut command, port, "/health")
}

/// PostgreSQL with settings as in production: durable, with a cache of one gigabyte.
pub(crate) fn cluster() -> Cluster {
    let cluster = Cluster::start();
    cluster.reconfigure("fsync = on\nshared_buffers = 1GB\nmax_wal_size = 8GB\nautovacuum_naptime = 10s");
    cluster
}

/// The process group of the cluster's server.
pub(crate) fn server_of(cluster: &Cluster) -> Group {
    let text = std::fs::read_to_string(cluster.data().join("postmaster.pid")).expect("the server runs");
    Group(text.lines().next().and_then(|line| line.parse().ok()).expect("it contains the process id"))
}

/// The key of stream number `n`, in SQL.
const KEY: &str = "substr(translate(encode(sha256(('stream ' || n)::bytea), 'base64'), '+/=', '-_'), 1, 43)";

/// A platform's database with `rows` streams; `live` of them are live, evenly distributed, and the others have ended.
///
/// The table is that of the earlier service; this service then adopts it.
/// Users without a stream have higher ids than users with one.
pub(crate) fn fill(database: &Database<'_>, rows: u32, live: u32) {
    let nth = rows / live;
    database.create_users(rows + 1_000);
    database.create_old_streams(false);
    database.sql(&format!(
        "DROP INDEX idx_streams_user_id, idx_streams_stream_key, idx_streams_status, idx_streams_expires_at;
         ALTER TABLE streams DROP CONSTRAINT streams_stream_key_key, DROP CONSTRAINT streams_user_id_fkey;
         SET synchronous_commit = off;
         INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
         SELECT n, {KEY}, CASE WHEN n % {nth} = 0 THEN 'active' ELSE 'stopped' END, instant, instant,
                instant + INTERVAL '30 days'
         FROM generate_series(1, {rows}) n,
              LATERAL (SELECT timezone('UTC', now()) - n * INTERVAL '1 millisecond' AS instant) i;
         ALTER TABLE streams ADD CONSTRAINT streams_stream_key_key UNIQUE (stream_key)"
    ));
    migrate(&database.url());
    database.sql(
        "INSERT INTO publish_sessions (stream_id, server, server_session, application, name, protocol, epoch,
                live_since, started_at, last_seen_at, lease_until, key_expires_at)
         SELECT id, 'edge', 's' || id, 'live', stream_key, 'rtmp', 1, created_at, created_at, created_at, expires_at,
                expires_at
         FROM streams WHERE status = 'active'",
    );
    database.sql("VACUUM (ANALYZE) streams");
    database.sql("VACUUM (ANALYZE) publish_sessions");
    database.sql("CHECKPOINT");
}

/// The keys of the streams that meet this condition.
pub(crate) fn keys(database: &Database<'_>, condition: &str) -> Vec<String> {
    let text = database.sql(&format!("SELECT stream_key FROM streams WHERE {condition}"));
    text.lines().map(str::to_owned).collect()
}

/// An SQLite file with as many streams as the main database.
pub(crate) fn sqlite(rows: u32, live: u32) -> (TestStore, Vec<String>) {
    let (store, nth) = (TestStore::new(StoreKind::Sqlite), rows / live);
    migrate(&store.url());
    store.sql(&format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
         INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at, playback_id)
         SELECT n, lower(hex(randomblob(21))), CASE WHEN n % {nth} = 0 THEN 'active' ELSE 'stopped' END,
                strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (n / 1000) || ' seconds'),
                strftime('%Y-%m-%d %H:%M:%f', 'now'), strftime('%Y-%m-%d %H:%M:%f', 'now', '+30 days'),
                lower(hex(randomblob(16))) FROM numbers"
    ));
    store.sql(
        "INSERT INTO publish_sessions (stream_id, server, server_session, application, name, protocol, epoch, live_since,
                started_at, last_seen_at, lease_until, key_expires_at)
         SELECT id, 'edge', 's' || id, 'live', stream_key, 'rtmp', 1, created_at, created_at, created_at, expires_at,
                expires_at FROM streams WHERE status = 'active'",
    );
    store.sql("ANALYZE");
    let keys = store.sql("SELECT stream_key FROM streams WHERE status = 'active'");
    (store, keys.lines().map(str::to_owned).collect())
}

/// Migrates a database.
pub(crate) fn migrate(url: &str) {
    let mut command = Command::new(release_folder().join("stream-server"));
    command.arg("migrate").env("DB_URL", url).env("SECRET_KEY", SECRET_KEY);
    let output = command.output().expect("the service runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The time from the start of a process until it reports ready, in milliseconds; the median of nine.
pub(crate) fn time_to_ready(url: &str) -> f64 {
    let once = || {
        let port = free_port();
        let mut command = Command::new(release_folder().join("stream-server"));
        command.env_clear().env("DB_URL", url).env("SECRET_KEY", SECRET_KEY).env("PORT", port.to_string());
        command.env("HOST", "127.0.0.1");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let began = Instant::now();
        let mut program = Program::start(command.current_dir(folder.path()), &folder.path().join("output"));
        while !is_ready(port) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        program.kill();
        took
    };
    median((0..9).map(|_| once()).collect())
}

fn is_ready(port: u16) -> bool {
    use std::io::{Read as _, Write as _};
    let mut answer = String::new();
    let asked = std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        stream.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    });
    asked.is_ok() && answer.starts_with("HTTP/1.0 200")
}

/// The size of the shipped program, in MiB.
pub(crate) fn binary_mib() -> f64 {
    let length = release_folder().join("stream-server").metadata().expect("it was built").len();
    f64::from(u32::try_from(length).unwrap_or(u32::MAX)) / f64::from(1_u32 << 20)
}

/// The path of pgbench.
pub(crate) fn pgbench(cluster: &Cluster) -> PathBuf {
    let beside = cluster.programs().join("pgbench");
    if beside.exists() { beside } else { Path::new("pgbench").to_owned() }
}
