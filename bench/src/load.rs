//! Load by common tools: wrk for HTTP, pgbench for PostgreSQL; and the figures of a round.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cost::{Cost, Group};

/// How many connections, or clients, there are at once.
pub(crate) const CONNECTIONS: u32 = 64;

/// The figures of one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Requests, or pairs of requests or statements, per second.
    pub(crate) rate: f64,
    /// The median of the response times in milliseconds; with pgbench, of the times of pairs.
    pub(crate) p50: f64,
    /// Their 99th percentile, in milliseconds.
    pub(crate) p99: f64,
    /// Processor time of the measured processes for each request or pair, in microseconds.
    pub(crate) own_cpu: f64,
    /// The same of the database server.
    pub(crate) database_cpu: f64,
    /// How many responses were errors, including those at the start and end of wrk's run.
    pub(crate) refused: f64,
}

/// The requests of a round.
#[derive(Debug, Clone)]
pub(crate) enum Load {
    /// Requests of a wrk script, on 64 connections of one thread.
    Script(PathBuf),
    /// Pairs of requests, with one thread per connection, each with its own state.
    ScriptPerConnection(PathBuf),
    /// One repeated request, with these headers.
    Get(String, Vec<String>),
    /// A pgbench script, on this port and database.
    Pgbench(PathBuf, PathBuf, u16, String),
}

/// Sends requests to this port for this many seconds, and reads what they cost these processes.
pub(crate) fn measure(load: &Load, port: u16, seconds: u32, own: &Group, database: &Group) -> Round {
    let before = (own.cost(), database.cost());
    let (rate, p50, p99, done, refused) = match load {
        Load::Pgbench(program, script, port, database) => pgbench(program, script, *port, database, seconds),
        _ => wrk(load, port, seconds),
    };
    // A pair is two requests.
    let requests = if matches!(load, Load::ScriptPerConnection(_)) { 2.0 } else { 1.0 };
    let (rate, done) = (rate / requests, done / requests);
    let after = (own.cost(), database.cost());
    let each = |before: Cost, after: Cost| (after.cpu_seconds - before.cpu_seconds) * 1e6 / done.max(1.0);
    let (own_cpu, database_cpu) = (each(before.0, after.0), each(before.1, after.1));
    Round { rate, p50, p99, own_cpu, database_cpu, refused }
}

fn wrk(load: &Load, port: u16, seconds: u32) -> (f64, f64, f64, f64, f64) {
    let mut wrk = Command::new("wrk");
    let threads = if matches!(load, Load::ScriptPerConnection(_)) { CONNECTIONS } else { 1 };
    wrk.args(["--latency", "-c", &CONNECTIONS.to_string(), "-t", &threads.to_string()]);
    wrk.args(["-d", &seconds.to_string(), "--timeout", "10"]);
    let path = match load {
        Load::Script(script) | Load::ScriptPerConnection(script) => {
            wrk.arg("-s").arg(script);
            ""
        }
        Load::Get(path, headers) => {
            headers.iter().for_each(|header| {
                wrk.args(["-H", header]);
            });
            path
        }
        Load::Pgbench(..) => unreachable!("wrk only supports HTTP"),
    };
    let output = wrk.arg(format!("http://127.0.0.1:{port}{path}")).output().expect("wrk is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let after = |label: &str| {
        let line = text.lines().map(str::trim).find(|line| line.starts_with(label));
        line.and_then(|line| line[label.len()..].trim().split(' ').next()).map(str::to_owned)
    };
    let rate = after("Requests/sec:").and_then(|rate| rate.parse().ok());
    let rate: f64 =
        rate.unwrap_or_else(|| panic!("wrk printed:\n{text}{}", String::from_utf8_lossy(&output.stderr)));
    let refused = after("Non-2xx or 3xx responses:").and_then(|count| count.parse().ok()).unwrap_or(0.0);
    let percent = |label: &str| milliseconds(&after(label).unwrap_or_default());
    let done = text.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok());
    (rate, percent("50%"), percent("99%"), done.unwrap_or(0.0), refused)
}

/// wrk's `1.23ms`, `456.00us` or `1.20s`.
fn milliseconds(text: &str) -> f64 {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0));
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1_000.0,
        _ => f64::NAN,
    };
    number.parse().unwrap_or(f64::NAN) * factor
}

fn pgbench(
    program: &Path,
    script: &Path,
    port: u16,
    database: &str,
    seconds: u32,
) -> (f64, f64, f64, f64, f64) {
    let logs = tempfile::tempdir().expect("a temporary folder");
    let mut pgbench = Command::new(program);
    pgbench.args(["-n", "-M", "prepared", "-j", "2", "-h", "127.0.0.1", "-U", "postgres"]);
    pgbench.args(["-c", &CONNECTIONS.to_string(), "-T", &seconds.to_string(), "-p", &port.to_string()]);
    pgbench.arg("-l").arg("--log-prefix").arg(logs.path().join("log")).arg("-f").arg(script).arg(database);
    let output = pgbench.output().expect("pgbench is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |label: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        line.and_then(|rest| rest.trim().split([' ', '/']).next()?.parse::<f64>().ok())
    };
    let rate = number("tps =").unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let failed = number("number of failed transactions:").unwrap_or(0.0);
    // Each line of its logs is one transaction; the third number is its duration in microseconds.
    let files = std::fs::read_dir(logs.path()).expect("the folder is there").flatten();
    let lines = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    let mut times: Vec<f64> = lines
        .flat_map(|text| {
            let times = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok());
            times.map(|micros| micros / 1_000.0).collect::<Vec<_>>()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(f64::NAN);
    let count = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX));
    (rate, at(50), at(99), count, failed)
}
