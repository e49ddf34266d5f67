//! The servers on the main databases, and the subjects of each group, which are compared with each other.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use stream_test_postgres::{Cluster, Database};
use stream_tests::TestStore;

use crate::load::{CONNECTIONS, Load, Round, measure};
use crate::plan::{LIVE, PAGE, Plan, ROWS};
use crate::report::{Measured, find};
use crate::scripts::{self, first_path, fixed_of, lookups_of, pairs_of_statements, pairs_of_users};
use crate::subjects::{self, Server};

pub(crate) const BARE: &str = "actix-web as it comes, fixed bytes";
pub(crate) const FIXED: &str = "the same server, fixed bytes";
pub(crate) const CACHE: &str = "the same server, cache hit";
pub(crate) const LOOKUP: &str = "service on PostgreSQL";
pub(crate) const LOOKUP_LOGGED: &str = "service on PostgreSQL, a log line each";
pub(crate) const LOOKUP_WRITES: &str = "service, 200 writes/s meanwhile";
pub(crate) const LOOKUP_COLD: &str = "service, 100,000 keys, 410 mostly";
pub(crate) const LOOKUP_SQLITE: &str = "service on SQLite";
pub(crate) const FLASK: &str = "Flask and gunicorn";
pub(crate) const FIXED_LONG: &str = "the same server, fixed, as long";
pub(crate) const FIXED_SHORT: &str = "the same server, fixed, short";
pub(crate) const BARE_LONG: &str = "actix-web as it comes, fixed, as long";
pub(crate) const LIST: &str = "service on PostgreSQL, 200";
pub(crate) const LIST_WRITES: &str = "service, 200 and 200 writes/s";
pub(crate) const LIST_304: &str = "service on PostgreSQL, 304";
pub(crate) const LIST_SQLITE: &str = "service on SQLite, 200";
pub(crate) const PAIRS: &str = "service, pairs";
pub(crate) const PGBENCH: &str = "pgbench, pairs of statements";

/// One thing that is measured in a group.
pub(crate) struct Subject<'a> {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// The server of the requests; `None` if pgbench connects to PostgreSQL.
    pub(crate) server: Option<&'a Server>,
    /// The requests.
    pub(crate) load: Load,
    /// Whether 200 writes per second run at the same time: see [`Main::write_meanwhile`].
    pub(crate) is_written: bool,
}

/// The servers on the main databases, and the scripts with their requests.
pub(crate) struct Main<'a> {
    pub(crate) cluster: &'a Cluster,
    database: &'a Database<'a>,
    bare: Server,
    reference: Server,
    service: Server,
    logging: Server,
    sqlite: Server,
    flask: Server,
    /// Scripts for wrk.
    hot: PathBuf,
    cold: PathBuf,
    hot_sqlite: PathBuf,
    pairs: PathBuf,
    /// A script for pgbench, and the path of pgbench.
    statements: PathBuf,
    renewals: PathBuf,
    pgbench: PathBuf,
}

impl<'a> Main<'a> {
    /// Starts the servers and writes the scripts.
    pub(crate) fn new(
        plan: &Plan,
        cluster: &'a Cluster,
        database: &'a Database<'a>,
        sqlite: &TestStore,
        sqlite_keys: &[String],
    ) -> Self {
        let folder = plan.folder.path();
        let url = database.url();
        let hot = subjects::keys(database, "status = 'active'");
        let all = subjects::keys(database, "TRUE");
        let statements = folder.join("pairs.sql");
        std::fs::write(&statements, pairs_of_statements(ROWS + 1)).expect("the folder is writable");
        let renewals = folder.join("renewals.sql");
        std::fs::write(&renewals, scripts::renewals(LIVE)).expect("the folder is writable");
        Self {
            cluster,
            database,
            bare: subjects::reference("bare", ""),
            reference: subjects::reference("server", &url),
            service: subjects::service(&url, "warn"),
            logging: subjects::service(&url, "info"),
            sqlite: subjects::service(&sqlite.url(), "warn"),
            flask: subjects::flask(&url),
            hot: lookups_of(folder, "hot", &hot),
            cold: lookups_of(folder, "cold", &all),
            hot_sqlite: lookups_of(folder, "sqlite", sqlite_keys),
            pairs: pairs_of_users(folder, ROWS + 1),
            statements,
            renewals,
            pgbench: subjects::pgbench(cluster),
        }
    }

    /// The group of lookups.
    pub(crate) fn lookups(&self, plan: &Plan) -> Vec<Subject<'_>> {
        let length = self.length_of(&self.service, &first_path(&self.hot));
        let fixed = fixed_of(plan.folder.path(), length);
        let subject = |name, server, script: &Path| Subject {
            name,
            server: Some(server),
            load: Load::Script(script.to_owned()),
            is_written: false,
        };
        vec![
            subject(BARE, &self.bare, &fixed),
            subject(FIXED, &self.reference, &fixed),
            subject(CACHE, &self.reference, &self.hot),
            subject(LOOKUP, &self.service, &self.hot),
            subject(LOOKUP_LOGGED, &self.logging, &self.hot),
            Subject { is_written: true, ..subject(LOOKUP_WRITES, &self.service, &self.hot) },
            subject(LOOKUP_COLD, &self.service, &self.cold),
            subject(LOOKUP_SQLITE, &self.sqlite, &self.hot_sqlite),
            subject(FLASK, &self.flask, &self.hot),
        ]
    }

    /// The group of public lists.
    pub(crate) fn lists(&self) -> Vec<Subject<'_>> {
        let length = self.length_of(&self.service, PAGE);
        let etag = format!("If-None-Match: {}", header_of(&self.service, PAGE, "etag"));
        let subject = |name, server, path: &str, headers: &[&str]| Subject {
            name,
            server: Some(server),
            load: Load::Get(path.to_owned(), headers.iter().map(|&header| header.to_owned()).collect()),
            is_written: false,
        };
        let long = format!("/api/bench/{length}");
        vec![
            subject(BARE_LONG, &self.bare, &long, &[]),
            subject(FIXED_LONG, &self.reference, &long, &[]),
            subject(LIST, &self.service, PAGE, &[]),
            Subject { is_written: true, ..subject(LIST_WRITES, &self.service, PAGE, &[]) },
            subject(LIST_SQLITE, &self.sqlite, PAGE, &[]),
            subject(FLASK, &self.flask, PAGE, &[]),
            subject(FIXED_SHORT, &self.reference, "/api/bench/0", &[]),
            subject(LIST_304, &self.service, PAGE, &[&etag]),
        ]
    }

    /// The group of pairs of generate-key and stop.
    pub(crate) fn writes(&self) -> Vec<Subject<'_>> {
        let pairs = |name, server| Subject {
            name,
            server: Some(server),
            load: Load::ScriptPerConnection(self.pairs.clone()),
            is_written: false,
        };
        let (program, database) = (self.pgbench.clone(), self.database.name().to_owned());
        let pgbench = Load::Pgbench(program, self.statements.clone(), self.cluster.port(), database);
        vec![
            Subject { name: PGBENCH, server: None, load: pgbench, is_written: false },
            pairs(PAIRS, &self.service),
            pairs(FLASK, &self.flask),
        ]
    }

    /// Lookups at about half the maximal rate, on connections that pause between requests.
    pub(crate) fn at_half_load(&self, plan: &Plan, lookups: &[Measured]) -> Round {
        let rate = find(lookups, LOOKUP).median(|round| round.rate) / 2.0;
        let script = std::fs::read_to_string(&self.hot).expect("the script was written");
        // The interval of a connection, minus about the response time. wrk takes whole milliseconds, so it is rounded at
        // random, up or down.
        let pause = (f64::from(CONNECTIONS) / rate * 1_000.0 - 0.3).max(0.0);
        let delay = format!(
            "{script}\nfunction delay() if math.random() < {} then return {} else return {} end end\n",
            pause.fract(),
            pause.ceil(),
            pause.floor()
        );
        let paced = plan.folder.path().join("paced.lua");
        std::fs::write(&paced, delay).expect("the folder is writable");
        let (own, database) = (self.service.group(), subjects::server_of(self.cluster));
        let once = || measure(&Load::Script(paced.clone()), self.service.port, plan.seconds, &own, &database);
        let mut rounds: Vec<Round> = (0..plan.rounds).map(|_| once()).collect();
        rounds.sort_by(|one, other| (one.p99 / one.p50).total_cmp(&(other.p99 / other.p50)));
        rounds[rounds.len() / 2]
    }

    /// The service's resident memory after at least a million requests of all kinds, in MiB.
    pub(crate) fn after_a_million_requests(&self) -> f64 {
        let (own, database) = (self.service.group(), subjects::server_of(self.cluster));
        let mut answered = 0.0;
        while answered < 1_000_000.0 {
            for load in [
                Load::Script(self.hot.clone()),
                Load::Script(self.cold.clone()),
                Load::Get(PAGE.to_owned(), vec!["Accept-Encoding: gzip, br".to_owned()]),
                Load::ScriptPerConnection(self.pairs.clone()),
            ] {
                // A pair counts once here, although it is two requests.
                answered += measure(&load, self.service.port, 5, &own, &database).rate * 5.0;
            }
        }
        own.cost().resident_mib
    }

    /// Starts pgbench with 50 starts and stops and 100 renewals of leases per second; it ends after these seconds.
    pub(crate) fn write_meanwhile(&self, seconds: u32) -> Child {
        let mut pgbench = Command::new(&self.pgbench);
        pgbench.args(["-n", "-M", "prepared", "-c", "4", "-h", "127.0.0.1", "-U", "postgres", "-R"]);
        pgbench.args(["150", "-T", &seconds.to_string(), "-p", &self.cluster.port().to_string()]);
        for (script, weight) in [(&self.statements, 1), (&self.renewals, 2)] {
            pgbench.arg("-f").arg(format!("{}@{weight}", script.display()));
        }
        pgbench.arg(self.database.name()).stdout(Stdio::null()).stderr(Stdio::null());
        pgbench.spawn().expect("pgbench is there")
    }

    fn length_of(&self, server: &Server, path: &str) -> usize {
        header_of(server, path, "content-length").parse().expect("a length")
    }
}

fn header_of(server: &Server, path: &str, name: &str) -> String {
    let url = format!("http://127.0.0.1:{}{path}", server.port);
    let output =
        Command::new("curl").args(["-sD", "-", "-o", "/dev/null", &url]).output().expect("curl is there");
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    // The name is compared in lower case; the value must be exact, since it may be an ETag.
    let exact = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().position(|line| line.starts_with(&format!("{name}:"))).expect("the header is there");
    exact.lines().nth(line).and_then(|line| line.split_once(": ")).expect("a header").1.trim().to_owned()
}
