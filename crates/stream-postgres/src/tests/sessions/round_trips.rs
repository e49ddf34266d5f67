//! What a media server waits for costs one round trip.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use stream_domain::broadcasts::admission::{Takeover, Terms};
use stream_domain::ports::SessionSelector;
use stream_domain::testing::SeededEntropy;
use stream_test_postgres::counting_proxy;

use super::*;
use crate::PostgresOptions;

#[test]
fn an_answer_to_a_media_server_costs_one_round_trip() {
    block_on(async {
        let (database, direct) = migrated().await;
        for (number, name) in [(1, "warm"), (2, "one"), (3, "stopped")] {
            direct.start(&new_stream(number, name)).await.unwrap();
        }
        direct.stop_active(user(3), now()).await.unwrap();
        let (port, count) = counting_proxy(Cluster::shared().port());
        let url = database.url().replace(&Cluster::shared().port().to_string(), &port.to_string());
        // Two connections: one of them for writes.
        let options = PostgresOptions { url, pool_size: 2, timeout: std::time::Duration::from_secs(5) };
        let store = PostgresStore::new(&options, Arc::new(SeededEntropy::default())).unwrap();
        let end = |session: &str| {
            let which = SessionSelector::Session { server: edge(), session: session.to_owned(), name: None };
            let store = store.clone();
            async move { store.end(&which, EndReason::Left, now()).await.unwrap() }
        };
        // The first of each kind prepares its statement.
        admitted(&store, "w1", "warm").await;
        assert!(end("w1").await);
        assert!(count.load(Ordering::SeqCst) > 2, "the proxy counts");

        let trips = || count.swap(0, Ordering::SeqCst);
        trips();
        assert!(admitted(&store, "s1", "one").await.is_new);
        assert_eq!(trips(), 1, "an admission");
        let update = PublishRequest { trigger: Trigger::Heartbeat, ..asking("s1", "one", 1) };
        assert!(matches!(admit(&store, &update).await, Verdict::Admitted(renewed) if !renewed.is_new));
        assert_eq!(trips(), 1, "a renewal");
        for (name, host, refusal) in [
            ("one", 9, Refusal::AlreadyLive),
            ("stopped", 1, Refusal::Stopped),
            ("none", 1, Refusal::UnknownKey),
        ] {
            assert_eq!(admit(&store, &asking("s2", name, host)).await, Verdict::Refused(refusal));
            assert_eq!(trips(), 1, "a refusal: {refusal}");
        }
        let newest = Terms { takeover: Takeover::Newest, ..terms() };
        let verdict = store.admit(&asking("s3", "one", 9), &newest, now()).await.unwrap();
        assert!(matches!(verdict, Verdict::Admitted(admitted) if admitted.superseded.is_some()));
        assert_eq!(trips(), 1, "a takeover");
        assert!(end("s3").await);
        assert_eq!(trips(), 1, "an end");
        assert!(!end("nobody").await);
        assert_eq!(trips(), 1, "an end of nobody");
    });
}
