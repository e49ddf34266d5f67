//! PgBouncer in front of PostgreSQL, in the modes that operators and providers use.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use futures_util::future::join_all;
use stream_test_postgres::{Cluster, Database, eventually as eventually_blocking};
use stream_tests::{PgBouncer, Service, ServiceBuilder, eventually};

/// How many server connections the poolers have for a database.
const SERVERS: usize = 8;

const TRANSACTIONS: &str = "pool_mode = transaction\ndefault_pool_size = 8\nmax_prepared_statements = 100";

const LOSSY: &str = "pool_mode = transaction\ndefault_pool_size = 8\nmax_prepared_statements = 0";

fn setup(pooler: &PgBouncer, database: &Database<'_>) -> ServiceBuilder {
    ServiceBuilder::on(&pooler.url(database)).with("GENERATE_KEY_PER_MINUTE", "0")
}

/// Fifty concurrent users: each one generates a key, looks it up in every way, and stops.
async fn fifty_at_once(service: &Service) {
    let api = &**service;
    let flows = (1..=50_u32).map(|user| async move {
        let key = api.key_of(user).await;
        assert_eq!(api.lookup(&key).await, 200);
        assert_eq!(api.get_as(user, "/api/streams").await.status, 200);
        assert_eq!(api.get("/api/streams/public?limit=20").await.status, 200);
        assert_eq!(api.generate_key(user).await.status, 409);
        assert_eq!(api.post_as(user, "/api/streams/stop").await.status, 200);
        assert_eq!(api.lookup(&key).await, 410);
    });
    join_all(flows).await;
    assert_eq!(service.get("/health/ready").await.status, 200);
}

async fn is_ready_again(service: &Service) {
    eventually("readiness", || async { service.get("/health/ready").await.status == 200 }).await;
}

/// Settings of this service that remain on the pooler's server connections, where other clients would get them.
fn leaked_settings(pooler: &PgBouncer, database: &Database<'_>) -> Vec<String> {
    let statement =
        "BEGIN; SELECT pg_backend_pid() || ' ' || COALESCE(string_agg(name || '=' || setting, ' '), '')
         FROM pg_settings WHERE source = 'session' AND (name LIKE '%timeout%' OR name LIKE 'enable_%'
             OR name IN ('plan_cache_mode', 'jit'));
         SELECT pg_sleep(0.5); COMMIT";
    let (mut looked_at, mut leaked) = (BTreeSet::new(), Vec::new());
    // As many clients at once as there are connections; repeated, since a connection may be busy.
    eventually_blocking("a check of each server connection", || {
        let clients = (0..SERVERS).map(|_| {
            let mut psql = Command::new("psql");
            psql.args(["-X", "-q", "-A", "-t", "-d", &pooler.url(database), "-c", statement]);
            psql.stdout(Stdio::piped()).spawn().expect("psql is there")
        });
        for client in clients.collect::<Vec<_>>() {
            let output = client.wait_with_output().expect("psql ends").stdout;
            let line = String::from_utf8_lossy(&output).trim().to_owned();
            let (process, settings) = line.split_once(' ').unwrap_or((&line, ""));
            looked_at.insert(process.to_owned());
            leaked.extend((!settings.is_empty()).then(|| settings.to_owned()));
        }
        looked_at.len() >= SERVERS
    });
    leaked
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_through_a_transaction_pooler_and_leaves_no_settings_behind() {
    let cluster = Cluster::start();
    let database = cluster.database();
    database.create_users(100);
    let mut pooler = PgBouncer::start(&PgBouncer::current(), cluster.port(), TRANSACTIONS);
    let service = setup(&pooler, &database).start().await;
    fifty_at_once(&service).await;
    assert_eq!(leaked_settings(&pooler, &database), Vec::<String>::new());
    pooler.command("RECONNECT");
    fifty_at_once(&service).await;
    pooler.command(&format!("KILL {}", database.name()));
    pooler.command(&format!("RESUME {}", database.name()));
    is_ready_again(&service).await;
    fifty_at_once(&service).await;
    pooler.restart(TRANSACTIONS);
    is_ready_again(&service).await;
    fifty_at_once(&service).await;
    cluster.stop();
    cluster.resume();
    is_ready_again(&service).await;
    fifty_at_once(&service).await;
    assert_eq!(leaked_settings(&pooler, &database), Vec::<String>::new());
    assert_eq!(database.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_not_ready_behind_a_pooler_that_loses_statements_and_the_log_names_it() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut pooler = PgBouncer::start(&PgBouncer::current(), cluster.port(), LOSSY);
    let service = setup(&pooler, &database).listen().await;
    let is_refused = async || {
        let ready = service.get("/health/ready").await;
        ready.status == 503 && ready.json["reason"] == "database_incompatible"
    };
    eventually("the reason", is_refused).await;
    let health = service.get("/health").await;
    assert_eq!((health.status, &health.json["reason"]), (503, &"database_incompatible".into()));
    let log = service.program.errors();
    assert!(log.lines().any(|line| line.contains("PgBouncer set max_prepared_statements")), "{log}");
    pooler.restart(TRANSACTIONS);
    is_ready_again(&service).await;
    fifty_at_once(&service).await;
    // That may also happen later. These users are not used elsewhere: a stop that fails here leaves a key.
    pooler.restart(LOSSY);
    let api = &*service;
    eventually("the reason, under load", || async {
        let requests = (51..=70_u32).map(|user| async move {
            let answer = api.generate_key(user).await;
            api.post_as(user, "/api/streams/stop").await;
            answer.status
        });
        join_all(requests).await;
        is_refused().await
    })
    .await;
    pooler.restart(TRANSACTIONS);
    is_ready_again(&service).await;
    fifty_at_once(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_through_a_session_pooler_of_any_version() {
    for program in [PgBouncer::current(), PgBouncer::of_the_system()] {
        let cluster = Cluster::start();
        let database = cluster.database();
        let sessions = "pool_mode = session\ndefault_pool_size = 20";
        let pooler = PgBouncer::start(&program, cluster.port(), sessions);
        let service = setup(&pooler, &database).start().await;
        fifty_at_once(&service).await;
        pooler.command("RECONNECT");
        fifty_at_once(&service).await;
    }
}
