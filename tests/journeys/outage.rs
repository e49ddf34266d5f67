//! A database that becomes unavailable and recovers, or never responds.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use stream_test_postgres::{Cluster, Database};
use stream_tests::{Service, ServiceBuilder, eventually};

fn setup(database: &Database<'_>) -> ServiceBuilder {
    database.create_users(100);
    ServiceBuilder::on(&database.url())
}

async fn statuses(service: &Service, key: &str) -> Vec<(u16, Option<String>)> {
    let answers = join_all(
        [
            service.get("/api/streams/public").await,
            service.get(&format!("/api/streams/{key}")).await,
            service.get_as(1, "/api/streams").await,
            service.post_as(1, "/api/streams/stop").await,
            service.generate_key(1).await,
        ]
        .map(|answer| async { answer }),
    );
    let of = |answer: stream_tests::Answer| (answer.status, answer.header("retry-after").map(str::to_owned));
    answers.await.into_iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_get_503_while_postgresql_is_down_and_succeed_when_it_is_back() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let service = setup(&database).start().await;
    let key = service.key_of(1).await;
    for _ in 0..2 {
        cluster.stop();
        for _ in 0..10 {
            for (status, retry_after) in statuses(&service, &key).await {
                assert_eq!(status, 503);
                assert!(retry_after.is_some());
            }
        }
        let health = service.get("/health").await;
        assert_eq!((health.status, &health.json["database"]), (503, &"disconnected".into()));
        let ready = service.get("/health/ready").await;
        assert_eq!(ready.code(), "not_ready");
        // The response has only a reason code; the cause, with host and port, is in the log.
        assert_eq!(ready.json["reason"], "database_unreachable");
        let cause = format!("127.0.0.1:{}: ", cluster.port());
        let log = service.program.errors();
        assert!(log.lines().any(|line| line.contains(&cause) && line.contains("refused")), "{log}");
        assert!(!ready.json.to_string().contains("127.0.0.1"), "{ready:?}");
        assert_eq!(service.get("/health/live").await.status, 200);
        cluster.resume();
        eventually("the service's recovery", || async { service.lookup(&key).await == 200 }).await;
        eventually("readiness", || async { service.get("/health/ready").await.status == 200 }).await;
        // From then on nothing fails.
        for _ in 0..50 {
            assert_eq!(service.get("/api/streams/public").await.status, 200);
            assert_eq!(service.generate_key(1).await.status, 409);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_response_is_500_while_postgresql_restarts_under_load() {
    let cluster = Cluster::start();
    let database = cluster.database();
    // Without a limit, since the test sends more requests than it allows.
    let service = setup(&database).with("GENERATE_KEY_PER_MINUTE", "0").start().await;
    let key = service.key_of(1).await;
    let api = (*service).clone();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let loads: Vec<_> = (0..8_u32)
        .map(|number| {
            let (api, key, stopped) = (api.clone(), key.clone(), stopped.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !*stopped.borrow() {
                    let status = match number % 4 {
                        0 => api.lookup(&key).await,
                        1 => api.get("/api/streams/public").await.status,
                        2 => api.generate_key(2 + number).await.status,
                        _ => api.post_as(1 + number, "/api/streams/stop").await.status,
                    };
                    if !seen.contains(&status) {
                        seen.push(status);
                    }
                }
                seen
            })
        })
        .collect();
    for _ in 0..3 {
        cluster.stop();
        tokio::time::sleep(Duration::from_millis(300)).await;
        cluster.resume();
        eventually("the service's recovery", || async { service.lookup(&key).await == 200 }).await;
    }
    stop.send(true).expect("the loads listen");
    for load in loads {
        let seen = load.await.expect("a load does not panic");
        assert!(seen.contains(&503), "{seen:?}");
        assert!(seen.iter().all(|status| [200, 201, 404, 409, 503].contains(status)), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_waits_for_a_database_that_is_down_at_start() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let setup = setup(&database);
    cluster.stop();
    let service = setup.listen().await;
    let ready = service.get("/health/ready").await;
    assert_eq!((ready.status, ready.code()), (503, "not_ready"));
    eventually("the reason", || async {
        let ready = service.get("/health/ready").await;
        ready.json["reason"] == "database_unreachable"
    })
    .await;
    let early = service.generate_key(1).await;
    assert_eq!((early.status, early.code()), (503, "not_ready"));
    assert!(early.header("retry-after").is_some());
    cluster.resume();
    eventually("readiness", || async { service.get("/health/ready").await.status == 200 }).await;
    assert_eq!(service.generate_key(1).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_writes_do_not_block_lookups() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let service = setup(&database).with("DB_TIMEOUT", "2").start().await;
    let key = service.key_of(1).await;
    // From now on a commit waits for a standby that does not exist; reads do not.
    cluster.reconfigure("synchronous_standby_names = 'away'");
    eventually("the service's recovery", || async { service.lookup(&key).await == 200 }).await;
    let api = (*service).clone();
    let writes = tokio::spawn(async move { join_all((2..60).map(|user| api.generate_key(user))).await });
    let began = Instant::now();
    let mut lookups = 0_u32;
    while !writes.is_finished() {
        assert_eq!(service.lookup(&key).await, 200);
        assert_eq!(service.get("/api/streams/public").await.status, 200);
        lookups += 1;
    }
    assert!(lookups > 20, "{lookups} lookups in {:?}", began.elapsed());
    for write in writes.await.expect("the writes end") {
        assert_eq!(write.status, 503);
        assert!(write.header("retry-after").is_some());
    }
}
