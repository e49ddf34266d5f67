//! Journeys of the real binary on real databases, one file each.
//!
//! Every service that a journey starts logs all it can, and its log is searched, when it ends, for each key, token
//! and password that the journey used.

mod adoption;
mod backup;
mod commands;
mod contract;
mod crash;
mod cuts;
mod failover;
mod freshness;
mod hooks;
mod logs;
mod media;
mod newcomer;
mod on_air;
mod outage;
mod poolers;
mod proxies;
mod races;
mod secrets;
mod settings;
mod shutdown;
mod situations;
mod start;
mod statements;
mod strangers;
mod tidy;
mod tokens;
mod viewers;

/// Makes a test of each journey on each store.
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
