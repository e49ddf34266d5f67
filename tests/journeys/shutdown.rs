//! Stopping by signal, under load.

use stream_tests::{Service, ServiceBuilder, StoreKind, TestStore};

async fn lookups_until_refused(service: &Service, key: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    // A new connection each time, as an RTMP server makes it.
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().expect("a client");
    let url = service.url(&format!("/api/streams/{key}"));
    loop {
        match client.get(&url).send().await {
            Ok(answer) => statuses.push(answer.status().as_u16()),
            Err(error) if error.is_connect() => return statuses,
            // A connection that arrives at the moment of closing is reset by the kernel.
            Err(error) => match client.get(&url).send().await {
                Err(next) if next.is_connect() => return statuses,
                _ => panic!("a connection was made and not answered: {error:?}"),
            },
        }
    }
}

async fn a_signal_stops_the_service_after_every_request_is_answered(kind: StoreKind) {
    for signal in ["TERM", "INT"] {
        let store = TestStore::new(kind);
        let mut service = store.setup().with("SHUTDOWN_NOTICE", "3").start().await;
        let key = service.key_of(1).await;
        let load = async {
            futures_util::future::join_all((0..4).map(|_| lookups_until_refused(&service, &key))).await
        };
        let signalled = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            service.program.signal(signal);
            // It reports not ready while it still serves requests.
            let mut ready = service.get("/health/ready").await;
            while ready.status == 200 {
                ready = service.get("/health/ready").await;
            }
            assert_eq!((ready.status, ready.code()), (503, "not_ready"), "{signal}");
        };
        let (answered, ()) = tokio::join!(load, signalled);
        assert!(answered.iter().flatten().all(|status| *status == 200), "{signal}");
        assert!(answered.iter().all(|statuses| statuses.len() > 10), "{signal}");
        assert!(service.program.wait().await.success(), "{signal}");
        assert!(service.program.errors().contains("everything that was accepted was answered"), "{signal}");
    }
}

super::on_both_stores! { a_signal_stops_the_service_after_every_request_is_answered }

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_a_service_that_waits_for_its_database() {
    let mut service = ServiceBuilder::on("postgresql://nobody@127.0.0.1:1/nothing").listen().await;
    service.program.signal("TERM");
    assert!(service.program.wait().await.success());
}
