//! Measures how long an admission takes at 200 a second, as reported in docs/media-servers/README.md:
//! `cargo run --release -p stream-bench --example measure_admissions`.
//!
//! The service is built in release mode and runs on a separate PostgreSQL, with 100,000 streams. Each request uses a new
//! connection and HTTP/1.0, like nginx-rtmp.
//! Requests are sent at a fixed rate, even if earlier ones have no response yet, so that a stall shows in all of them.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use stream_test_postgres::Cluster;
use stream_tests::{Program, SECRET_KEY, workspace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval};

/// How many admissions a second.
const RATE: u32 = 200;

/// How long, in seconds.
const SECONDS: u32 = 30;

/// The number of admissions in each of the two warm-ups.
const WARM_UP: u32 = 500;

/// How many streams there are.
const STREAMS: u32 = 100_000;

/// Sends a publisher's hook; returns the status and the response time.
async fn ask(address: SocketAddr, call: &str, number: u32) -> (u16, Duration) {
    let body = format!(
        "app=live&flashver=FMLE&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=192.0.2.1&clientid={}&call={call}\
         &name=key-{number}&type=live",
        number + 1_000
    );
    let head = format!(
        "POST /hooks/nginx-rtmp/edge HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: Close\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("the service reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the service answers");
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a response has a status"), began.elapsed())
}

/// Sends `count` hooks at the rate; every response must have this status.
async fn round(
    address: SocketAddr,
    call: &'static str,
    first: u32,
    count: u32,
    status: u16,
) -> Vec<Duration> {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    let mut asked = Vec::new();
    for number in first..first + count {
        ticks.tick().await;
        asked.push(tokio::spawn(ask(address, call, number)));
    }
    let answers = join_all(asked).await.into_iter().map(|answer| answer.expect("a request does not panic"));
    let mut times: Vec<Duration> = answers
        .map(|(answered, time)| {
            assert_eq!(answered, status, "{call}");
            time
        })
        .collect();
    times.sort_unstable();
    times
}

// One thread, so that the client leaves most of the machine to the service.
#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "this is what the example is for")]
async fn main() {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--package", "stream-server"]);
    assert!(build.current_dir(workspace()).status().expect("cargo runs").success());
    let database = Cluster::shared().database();
    database.create_users(STREAMS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = std::env::current_exe().expect("this program is a file");
    let server =
        target.ancestors().nth(2).expect("examples are in target/release/examples").join("stream-server");
    let mut command = Command::new(server);
    command.env_clear().env("DB_URL", database.url()).env("SECRET_KEY", SECRET_KEY).env("LOG_LEVEL", "info");
    command.env("HOST", "127.0.0.1").env("PORT", "0").current_dir(folder.path());
    // Sessions are renewed long after they began, and their leases must not expire before that.
    command.env("MEDIA_SERVERS", "edge=nginx-rtmp;lease=600");

    let service = Program::start(&mut command, &folder.path().join("output"));
    stream_tests::eventually("the service", || async { service.errors().contains("ready") }).await;
    let log = service.errors();
    let address = log.split("listens on http://").nth(1).and_then(|rest| rest.split(['"', ' ', '\n']).next());
    let address = address.expect("the log says where it listens");
    let address: SocketAddr = address.trim().parse().expect("an address");
    // The trigger of inserts plans its look at the table by what is known of it: in an empty one it reads it all, each time.
    for (first, last) in [(1, 1_000), (1_001, STREAMS)] {
        database.sql(&format!(
            "INSERT INTO streams (user_id, stream_key, status, expires_at)
             SELECT n, 'key-' || n, 'active', timezone('UTC', now()) + INTERVAL '1 day'
             FROM generate_series({first}, {last}) AS n"
        ));
        database.sql("ANALYZE streams");
    }
    // Connections are made and statements prepared once; and the statistics are updated, as autovacuum does within a
    // minute.
    round(address, "publish", 1, WARM_UP, 200).await;
    database.sql("ANALYZE publish_sessions");
    round(address, "publish", WARM_UP + 1, WARM_UP, 200).await;

    let count = RATE * SECONDS;
    println!("| request, {RATE} a second for {SECONDS} s | p50 | p99 | longest |\n| --- | --- | --- | --- |");
    for (what, call, first, status) in [
        ("admission of a publisher", "publish", 2 * WARM_UP + 1, 200),
        ("renewal of a session", "update_publish", 2 * WARM_UP + 1, 200),
        ("refusal of an unknown key", "publish", STREAMS + 1, 403),
    ] {
        let times = round(address, call, first, count, status).await;
        let at =
            |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
        println!("| {what} | {:.1} ms | {:.1} ms | {:.1} ms |", at(50), at(99), at(100));
    }
}
