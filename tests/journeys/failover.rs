//! A primary that is demoted while another one takes over behind the same address.

use std::net::Ipv4Addr;
use std::time::Duration;

use stream_test_postgres::Cluster;
use stream_tests::{Relay, Service, ServiceBuilder, eventually};

/// Two clusters with the same, migrated, database.
struct Pair {
    old: Cluster,
    new: Cluster,
    name: String,
}

impl Pair {
    fn start() -> Self {
        let (old, new) = (Cluster::start(), Cluster::start());
        let name = old.database().name().to_owned();
        new.database().sql(&format!("CREATE DATABASE {name}"));
        for cluster in [&old, &new] {
            let (status, _, errors) = ServiceBuilder::on(&Self::url(cluster.port(), &name)).run(&["migrate"]);
            assert!(status.success(), "{errors}");
        }
        Self { old, new, name }
    }

    fn url(port: u16, name: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{port}/{name}")
    }

    /// Makes the old primary refuse writes from now on, also on existing connections.
    fn fence_the_old(&self) {
        let own = self.old.database();
        own.sql("ALTER SYSTEM SET default_transaction_read_only = on");
        own.sql("SELECT pg_reload_conf()");
    }
}

/// Checks that a write succeeds within two seconds, with a try every tenth of a second.
async fn is_written_within_two_seconds(service: &Service, mut user: u32) {
    let mut seen = Vec::new();
    for _ in 0..20 {
        user += 1;
        let answer = service.generate_key(user).await;
        seen.push(answer.status);
        if answer.status == 201 {
            return;
        }
        assert_eq!(answer.code(), "store_unavailable");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing was written to the new primary: {seen:?}");
}

async fn reason(service: &Service) -> (u16, String) {
    let ready = service.get("/health/ready").await;
    (ready.status, ready.json["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_follows_a_failover_behind_one_address() {
    let pair = Pair::start();
    let relay = Relay::start(pair.old.port(), Ipv4Addr::LOCALHOST.into()).await;
    let setup = ServiceBuilder::on(&Pair::url(relay.port(), &pair.name)).with("GENERATE_KEY_PER_MINUTE", "0");
    let service = setup.start().await;
    let key = service.key_of(1).await;
    pair.fence_the_old();
    eventually("the reason", || async { reason(&service).await == (503, "database_read_only".to_owned()) })
        .await;
    let health = service.get("/health").await;
    assert_eq!((health.status, &health.json["reason"]), (503, &"database_read_only".into()));
    let refused = service.generate_key(2).await;
    assert_eq!((refused.status, refused.code()), (503, "store_unavailable"));
    assert_eq!(service.lookup(&key).await, 200, "reads still work");
    relay.switch_to(pair.new.port());
    is_written_within_two_seconds(&service, 100).await;
    eventually("readiness", || async { reason(&service).await.0 == 200 }).await;
    // From then on no connection leads to the old primary.
    for user in 200..240 {
        let key = service.key_of(user).await;
        assert_eq!(service.lookup(&key).await, 200);
        assert_eq!(service.post_as(user, "/api/streams/stop").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_reaches_the_demoted_primary_is_retried_on_the_new_one() {
    let pair = Pair::start();
    let relay = Relay::start(pair.old.port(), Ipv4Addr::LOCALHOST.into()).await;
    let service = ServiceBuilder::on(&Pair::url(relay.port(), &pair.name)).start().await;
    service.key_of(1).await;
    // All connections still lead to the old primary.
    relay.switch_to(pair.new.port());
    pair.fence_the_old();
    assert_eq!(service.generate_key(2).await.status, 201);
    eventually("readiness", || async { reason(&service).await.0 == 200 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hosts_the_one_that_accepts_writes_is_used() {
    let pair = Pair::start();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", pair.old.port(), pair.new.port());
    let url = format!("postgresql://postgres@{hosts}/{}?target_session_attrs=read-write", pair.name);
    let service = ServiceBuilder::on(&url).with("GENERATE_KEY_PER_MINUTE", "0").start().await;
    service.key_of(1).await;
    pair.fence_the_old();
    is_written_within_two_seconds(&service, 100).await;
    eventually("readiness", || async { reason(&service).await.0 == 200 }).await;
    pair.old.stop();
    is_written_within_two_seconds(&service, 200).await;
}
