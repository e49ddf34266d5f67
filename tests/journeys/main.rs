//! Journeys of the real binary on real databases, one file each.
//!
//! Every service that a journey starts logs at level `trace`. When it ends, its log is searched for each key, token and
//! password that the journey used.

mod admin;
mod adoption;
mod backup;
mod client;
mod commands;
mod console;
mod contract;
mod crash;
mod details;
mod docs;
mod doctor;
mod events;
mod failover;
mod fairness;
mod faults;
mod freshness;
mod hooks;
mod kicks;
mod live;
mod logs;
mod media;
mod metrics;
mod operators;
mod outage;
mod packaging;
mod poolers;
mod proxies;
mod quick_start;
mod races;
mod schedules;
mod secrets;
mod settings;
mod shutdown;
mod situations;
mod start;
mod statements;
mod tidy;
mod tokens;
mod traces;
mod viewers;
mod webhooks;

/// Creates a test of each journey for each store.
macro_rules! on_both_stores {
    ($($journey:ident)+) => {
        mod on_sqlite {
            $( #[tokio::test(flavor = "multi_thread")]
            async fn $journey() {
                super::$journey(stream_tests::StoreKind::Sqlite).await;
            } )+
        }
        mod on_postgresql {
            $( #[tokio::test(flavor = "multi_thread")]
            async fn $journey() {
                super::$journey(stream_tests::StoreKind::Postgres).await;
            } )+
        }
    };
}
use on_both_stores;
