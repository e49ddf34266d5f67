//! `make bench`: compares the service with reference servers and with its predecessor in one run.
//!
//! The subjects of a group are measured in alternating rounds, and the ratios within each round are compared.
//! It writes docs/benchmarks/latest.md and latest.svg.
//! `BENCH_ROUNDS` (5), `BENCH_SECONDS` (8, a round's length) and `BENCH_ROWS` (10000000, the largest table) make it
//! shorter.

mod cost;
mod goals;
mod groups;
mod growth;
mod load;
mod plan;
mod report;
mod rounds;
mod scripts;
mod subjects;

use stream_tests::workspace;

use crate::groups::Main;
use crate::plan::{LIVE, Plan, ROWS};

#[expect(clippy::print_stderr, clippy::print_stdout, reason = "this is what the program is for")]
fn main() {
    let plan = Plan::from_environment();
    eprintln!("building");
    subjects::build();
    eprintln!("filling databases");
    let cluster = subjects::cluster();
    let database = cluster.database();
    subjects::fill(&database, ROWS, LIVE);
    let (sqlite, sqlite_keys) = subjects::sqlite(ROWS, LIVE);
    let main = Main::new(&plan, &cluster, &database, &sqlite, &sqlite_keys);

    let lookups = rounds::run(&plan, "lookups", &main, &main.lookups(&plan));
    let lists = rounds::run(&plan, "lists", &main, &main.lists());
    let writes = rounds::run(&plan, "writes", &main, &main.writes());
    let calm = main.at_half_load(&plan, &lookups);
    let resident = main.after_a_million_requests();
    let ready = subjects::time_to_ready(&database.url());
    drop(main);
    let (growth, shrinks) = growth::grow(&plan, &cluster);

    let measured = goals::Figures {
        lookups: &lookups,
        lists: &lists,
        writes: &writes,
        growth: shrinks,
        calm: calm.p99 / calm.p50,
        resident_mib: resident,
        ready_ms: ready,
    };
    let goals = goals::of(&measured);
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
    let text = report::tables(&title, &groups, &(growth + &half), &goals);
    let docs = workspace().join("docs/benchmarks");
    std::fs::create_dir_all(&docs).expect("the folder can be made");
    std::fs::write(docs.join("latest.md"), &text).expect("the folder is writable");
    std::fs::write(docs.join("latest.svg"), report::picture(&title, &groups))
        .expect("the folder is writable");
    println!("{text}");
}
