//! `make bench`: the service, what limits it, and what it replaces, side by side in one run.
//!
//! Every group of subjects is measured in alternating rounds, and what is compared are the ratios of each round.
//! It writes docs/benchmarks/latest.md and latest.svg.
//! `BENCH_ROUNDS` (5), `BENCH_SECONDS` (8, a round's length) and `BENCH_ROWS` (10000000, the largest table) make it
//! shorter.

mod cost;
mod growth;
mod load;
mod report;
mod scripts;
mod subjects;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use stream_test_postgres::{Cluster, Database};
use stream_tests::{TestStore, workspace};
use tempfile::TempDir;

use crate::cost::Group;
use crate::load::{CONNECTIONS, Load, Round, measure};
use crate::report::{Measured, Reach};
use crate::scripts::{first_path, fixed_of, lookups_of, pairs_of_statements, pairs_of_users};
use crate::subjects::Server;

/// How many streams the main database has, and how many of them are on air.
const ROWS: u32 = 100_000;
const LIVE: u32 = 1_000;

/// A page of the public list.
const PAGE: &str = "/api/streams/public?limit=50";

/// How long before the first round each subject is asked, in seconds.
const WARM_UP: u32 = 2;

struct Plan {
    rounds: usize,
    seconds: u32,
    most_rows: u32,
    folder: TempDir,
}

/// What is measured in a group.
struct Subject<'a> {
    name: &'static str,
    server: Option<&'a Server>,
    load: Load,
    /// A script of pgbench's that goes on meanwhile, so many times a second.
    meanwhile: Option<(&'a PathBuf, u32)>,
}

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[expect(clippy::print_stderr, clippy::print_stdout, reason = "this is what the example is for")]
fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (rounds, seconds) = (setting("BENCH_ROUNDS", 5), setting("BENCH_SECONDS", 8));
    let plan = Plan { rounds, seconds, most_rows: setting("BENCH_ROWS", 10_000_000), folder };
    eprintln!("building");
    subjects::build();
    eprintln!("filling databases");
    let cluster = subjects::cluster();
    let database = cluster.database();
    subjects::fill(&database, ROWS, LIVE);
    let (sqlite, sqlite_keys) = subjects::sqlite(ROWS, LIVE);
    let main = Main::new(&plan, &cluster, &database, &sqlite, &sqlite_keys);

    let lookups = plan.run("lookups", &main, &main.lookups(&plan));
    let lists = plan.run("lists", &main, &main.lists());
    let writes = plan.run("writes", &main, &main.writes());
    let calm = main.at_half_load(&plan, &lookups);
    let resident = main.after_a_million_requests();
    let ready = subjects::time_to_ready(&database.url());
    drop(main);
    let (growth, shrinks) = growth::grow(&plan, &cluster);

    let ratio = |group: &[Measured], own: &str, other: &str| find(group, own).ratio_to(find(group, other));
    let reach = |what: &str, figure, wanted| Reach {
        what: what.to_owned(),
        figure,
        unit: "",
        wanted,
        at_most: false,
    };
    let most = |what: &str, figure, unit, wanted| Reach {
        what: what.to_owned(),
        figure,
        unit,
        wanted,
        at_most: true,
    };
    let reaches = [
        reach(
            "lookup on PostgreSQL, to fixed bytes of the same server",
            ratio(&lookups, LOOKUP, FIXED),
            0.65,
        ),
        reach("the same, to a cache hit in the same server", ratio(&lookups, LOOKUP, CACHE), 0.85),
        reach("lookup on SQLite, to fixed bytes", ratio(&lookups, LOOKUP_SQLITE, FIXED), 0.45),
        reach("public list of 50, to fixed bytes as long", ratio(&lists, LIST, FIXED_LONG), 0.80),
        reach("public list answered 304, to fixed bytes", ratio(&lists, LIST_304, FIXED_SHORT), 0.90),
        reach("generate and stop, to pgbench with the same statements", ratio(&writes, PAIRS, PGBENCH), 0.85),
        reach("lookup, to Flask", ratio(&lookups, LOOKUP, FLASK), 200.0),
        reach("generate and stop, to Flask", ratio(&writes, PAIRS, FLASK), 40.0),
        reach("lookup at the largest table, to the smallest", shrinks, 0.90),
        most("p99 at half the maximal load, to p50", calm.p99 / calm.p50, "", 3.0),
        most("resident memory after 1,000,000 requests", resident, " MiB", 32.0),
        most("exec to ready, migrated database", ready, " ms", 100.0),
        most("stripped binary", subjects::binary_mib(), " MiB", 15.0),
    ];
    let groups = [
        ("Lookups: `GET /api/streams/{stream_key}`", lookups),
        ("The public list: `GET /api/streams/public?limit=50`", lists),
        ("Pairs of generate-key and stop, 64 users at once", writes),
    ];
    let title = report::title();
    let half = format!(
        "\nAt half the maximal load, {:.0} lookups/s: p50 {:.2} ms, p99 {:.2} ms.\n",
        calm.rate, calm.p50, calm.p99
    );
    let text = report::tables(&title, &groups, &(growth + &half), &reaches);
    let docs = workspace().join("docs/benchmarks");
    std::fs::create_dir_all(&docs).expect("the folder can be made");
    std::fs::write(docs.join("latest.md"), &text).expect("the folder is writable");
    std::fs::write(docs.join("latest.svg"), report::picture(&title, &groups))
        .expect("the folder is writable");
    println!("{text}");
}

const BARE: &str = "actix-web as it comes, fixed bytes";
const FIXED: &str = "the same server, fixed bytes";
const CACHE: &str = "the same server, cache hit";
const LOOKUP: &str = "service on PostgreSQL";
const LOOKUP_LOGGED: &str = "service on PostgreSQL, a log line each";
const LOOKUP_WRITES: &str = "service, 200 writes/s meanwhile";
const LOOKUP_COLD: &str = "service, 100,000 keys, 410 mostly";
const LOOKUP_SQLITE: &str = "service on SQLite";
const FLASK: &str = "Flask and gunicorn";
const FIXED_LONG: &str = "the same server, fixed, as long";
const FIXED_SHORT: &str = "the same server, fixed, short";
const BARE_LONG: &str = "actix-web as it comes, fixed, as long";
const LIST: &str = "service on PostgreSQL, 200";
const LIST_WRITES: &str = "service, 200 and 200 writes/s";
const LIST_304: &str = "service on PostgreSQL, 304";
const LIST_SQLITE: &str = "service on SQLite, 200";
const PAIRS: &str = "service, pairs";
const PGBENCH: &str = "pgbench, pairs of statements";

fn find<'m>(group: &'m [Measured], name: &str) -> &'m Measured {
    group.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name} was not measured"))
}

impl Plan {
    /// Measures all of a group, in alternating rounds.
    #[expect(clippy::print_stderr, reason = "the run takes long, and says where it is")]
    fn run(&self, what: &str, main: &Main<'_>, subjects: &[Subject<'_>]) -> Vec<Measured> {
        let database = subjects::server_of(main.cluster);
        let once = |subject: &Subject<'_>, seconds| {
            let writer = subject.meanwhile.map(|(script, rate)| main.write_meanwhile(script, rate, seconds));
            let (port, own) = subject.server.map_or((0, Group(0)), |server| (server.port, server.group()));
            let round = measure(&subject.load, port, seconds, &own, &database);
            writer.into_iter().for_each(|mut writer| {
                writer.wait().expect("pgbench ends");
            });
            round
        };
        for subject in subjects {
            once(subject, WARM_UP);
        }
        let mut rounds: Vec<Vec<Round>> = subjects.iter().map(|_| Vec::new()).collect();
        for number in 1..=self.rounds {
            for (subject, rounds) in subjects.iter().zip(&mut rounds) {
                let round = once(subject, self.seconds);
                // A pair that the last round ended in the middle of is refused; and keys of ended streams are.
                let refused = round.refused / (round.rate * f64::from(self.seconds)).max(1.0);
                let is_sound = round.refused <= f64::from(CONNECTIONS) || refused < 0.01;
                assert!(is_sound || subject.name == LOOKUP_COLD, "{}: {round:?}", subject.name);
                rounds.push(round);
            }
            eprintln!("{what}: round {number} of {}", self.rounds);
        }
        let peak = |subject: &Subject<'_>| subject.server.map(|server| server.group().cost().peak_mib);
        let measured = subjects.iter().zip(rounds);
        measured
            .map(|(subject, rounds)| Measured { name: subject.name, peak_mib: peak(subject), rounds })
            .collect()
    }
}

/// The servers on the main databases, and the scripts that ask them.
struct Main<'a> {
    cluster: &'a Cluster,
    database: &'a Database<'a>,
    bare: Server,
    yardsticks: Server,
    service: Server,
    logging: Server,
    sqlite: Server,
    flask: Server,
    /// wrk's scripts.
    hot: PathBuf,
    cold: PathBuf,
    hot_sqlite: PathBuf,
    pairs: PathBuf,
    /// pgbench's.
    statements: PathBuf,
    pgbench: PathBuf,
}

impl<'a> Main<'a> {
    fn new(
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
        Self {
            cluster,
            database,
            bare: subjects::yardstick("bare", ""),
            yardsticks: subjects::yardstick("server", &url),
            service: subjects::service(&url, "warn"),
            logging: subjects::service(&url, "info"),
            sqlite: subjects::service(&sqlite.url(), "warn"),
            flask: subjects::flask(&url),
            hot: lookups_of(folder, "hot", &hot),
            cold: lookups_of(folder, "cold", &all),
            hot_sqlite: lookups_of(folder, "sqlite", sqlite_keys),
            pairs: pairs_of_users(folder, ROWS + 1),
            statements,
            pgbench: subjects::pgbench(cluster),
        }
    }

    fn lookups(&self, plan: &Plan) -> Vec<Subject<'_>> {
        let length = self.length_of(&self.service, &first_path(&self.hot));
        let fixed = fixed_of(plan.folder.path(), length);
        let subject = |name, server, script: &Path| Subject {
            name,
            server: Some(server),
            load: Load::Script(script.to_owned()),
            meanwhile: None,
        };
        vec![
            subject(BARE, &self.bare, &fixed),
            subject(FIXED, &self.yardsticks, &fixed),
            subject(CACHE, &self.yardsticks, &self.hot),
            subject(LOOKUP, &self.service, &self.hot),
            subject(LOOKUP_LOGGED, &self.logging, &self.hot),
            Subject {
                meanwhile: Some((&self.statements, 100)),
                ..subject(LOOKUP_WRITES, &self.service, &self.hot)
            },
            subject(LOOKUP_COLD, &self.service, &self.cold),
            subject(LOOKUP_SQLITE, &self.sqlite, &self.hot_sqlite),
            subject(FLASK, &self.flask, &self.hot),
        ]
    }

    fn lists(&self) -> Vec<Subject<'_>> {
        let length = self.length_of(&self.service, PAGE);
        let etag = format!("If-None-Match: {}", header_of(&self.service, PAGE, "etag"));
        let subject = |name, server, path: &str, headers: &[&str]| Subject {
            name,
            server: Some(server),
            load: Load::Get(path.to_owned(), headers.iter().map(|&header| header.to_owned()).collect()),
            meanwhile: None,
        };
        let long = format!("/api/yardsticks/{length}");
        vec![
            subject(BARE_LONG, &self.bare, &long, &[]),
            subject(FIXED_LONG, &self.yardsticks, &long, &[]),
            subject(LIST, &self.service, PAGE, &[]),
            Subject {
                meanwhile: Some((&self.statements, 100)),
                ..subject(LIST_WRITES, &self.service, PAGE, &[])
            },
            subject(LIST_SQLITE, &self.sqlite, PAGE, &[]),
            subject(FLASK, &self.flask, PAGE, &[]),
            subject(FIXED_SHORT, &self.yardsticks, "/api/yardsticks/0", &[]),
            subject(LIST_304, &self.service, PAGE, &[&etag]),
        ]
    }

    fn writes(&self) -> Vec<Subject<'_>> {
        let pairs = |name, server| Subject {
            name,
            server: Some(server),
            load: Load::ScriptPerConnection(self.pairs.clone()),
            meanwhile: None,
        };
        let (program, database) = (self.pgbench.clone(), self.database.name().to_owned());
        let pgbench = Load::Pgbench(program, self.statements.clone(), self.cluster.port(), database);
        vec![
            Subject { name: PGBENCH, server: None, load: pgbench, meanwhile: None },
            pairs(PAIRS, &self.service),
            pairs(FLASK, &self.flask),
        ]
    }

    /// Lookups at about half the rate that was reached, by connections that pause between requests.
    fn at_half_load(&self, plan: &Plan, lookups: &[Measured]) -> Round {
        let rate = find(lookups, LOOKUP).median(|round| round.rate) / 2.0;
        let script = std::fs::read_to_string(&self.hot).expect("the script was written");
        // Each connection's share of time, less about what an answer takes, in whole milliseconds, now and then one more.
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

    /// The service's resident memory once it has answered at least a million requests of all kinds, in MiB.
    fn after_a_million_requests(&self) -> f64 {
        let (own, database) = (self.service.group(), subjects::server_of(self.cluster));
        let mut answered = 0.0;
        while answered < 1_000_000.0 {
            for load in [
                Load::Script(self.hot.clone()),
                Load::Script(self.cold.clone()),
                Load::Get(PAGE.to_owned(), vec!["Accept-Encoding: gzip, br".to_owned()]),
                Load::ScriptPerConnection(self.pairs.clone()),
            ] {
                // Pairs count once here, and are two.
                answered += measure(&load, self.service.port, 5, &own, &database).rate * 5.0;
            }
        }
        own.cost().resident_mib
    }

    fn write_meanwhile(&self, script: &Path, rate: u32, seconds: u32) -> Child {
        let mut pgbench = Command::new(&self.pgbench);
        pgbench.args(["-n", "-M", "prepared", "-c", "4", "-h", "127.0.0.1", "-U", "postgres", "-R"]);
        pgbench.arg(rate.to_string()).args([
            "-T",
            &seconds.to_string(),
            "-p",
            &self.cluster.port().to_string(),
        ]);
        pgbench.arg("-f").arg(script).arg(self.database.name()).stdout(Stdio::null()).stderr(Stdio::null());
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
    // What a header says is kept as it is written, but for its letters' case; an ETag has to be exact.
    let exact = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().position(|line| line.starts_with(&format!("{name}:"))).expect("the header is there");
    exact.lines().nth(line).and_then(|line| line.split_once(": ")).expect("a header").1.trim().to_owned()
}
