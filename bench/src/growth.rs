//! The service's rates on tables of several sizes.

use stream_test_postgres::{Cluster, Database};

use crate::load::{Load, measure};
use crate::plan::{PAGE, Plan, WARM_UP};
use crate::report::median;
use crate::scripts::{lookups_of, pairs_of_users};
use crate::subjects::{self, Server};

/// Measures the service on tables of three sizes; returns the report's table, and the rate of lookups on the largest
/// relative to the smallest.
#[expect(clippy::print_stderr, reason = "the run takes long, and says where it is")]
pub(crate) fn grow(plan: &Plan, cluster: &Cluster) -> (String, f64) {
    const LIVE: u32 = 10_000;
    let own_sizes = [10_000, 1_000_000, 10_000_000];
    let sizes: Vec<u32> = own_sizes.into_iter().filter(|rows| *rows <= plan.most_rows).collect();
    let databases: Vec<Database<'_>> = sizes
        .iter()
        .map(|rows| {
            eprintln!("growth: filling {rows} rows");
            let database = cluster.database();
            subjects::fill(&database, *rows, LIVE);
            database
        })
        .collect();
    let group = subjects::server_of(cluster);
    let tables: Vec<(Server, [Load; 3])> = databases
        .iter()
        .zip(&sizes)
        .map(|(database, rows)| {
            let folder = plan.folder.path().join(rows.to_string());
            std::fs::create_dir(&folder).expect("the folder is writable");
            let hot = lookups_of(&folder, "hot", &subjects::keys(database, "status = 'active'"));
            let pairs = pairs_of_users(&folder, rows + 1);
            let loads =
                [Load::Script(hot), Load::Get(PAGE.to_owned(), Vec::new()), Load::ScriptPerConnection(pairs)];
            (subjects::service(&database.url(), "warn"), loads)
        })
        .collect();
    let once = |(server, loads): &(Server, [Load; 3]), load: usize, seconds| {
        measure(&loads[load], server.port, seconds, &server.group(), &group)
    };
    let mut rates = vec![[const { Vec::new() }; 3]; tables.len()];
    for round in 0..=plan.rounds {
        for load in 0..3 {
            for (table, rates) in tables.iter().zip(&mut rates) {
                // The first round is the warm-up: a large table's pages have to be read once.
                let rate =
                    once(table, load, if round == 0 { WARM_UP } else { plan.seconds.div_ceil(2) }).rate;
                if round > 0 {
                    rates[load].push(rate);
                }
            }
        }
        eprintln!("growth: round {round} of {}", plan.rounds);
    }
    let mut text = String::from(
        "10,000 streams are active, and looked up at random; the list is a page of 50; requests a second, and pairs a second, medians.\n\n\
         | rows | lookup | public list | generate and stop |\n| --- | --- | --- | --- |\n",
    );
    for (rows, rates) in sizes.iter().zip(&rates) {
        let [lookup, list, pairs] = rates.each_ref().map(|rates| median(rates.clone()));
        text += &format!("| {rows} | {lookup:.0} | {list:.0} | {pairs:.0} |\n");
    }
    let (first, last) = (&rates[0][0], &rates[rates.len() - 1][0]);
    (text, median(last.iter().zip(first).map(|(last, first)| last / first).collect()))
}
