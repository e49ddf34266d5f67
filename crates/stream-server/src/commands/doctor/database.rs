//! The database, as its store examines it, and its clock.

use std::time::Duration;

use stream_domain::Finding;
use stream_domain::ports::{StoreHealth, chain_of};
use tokio::time::timeout;

use super::surroundings::LIMIT;
use crate::background::skew::{self, Degree};
use crate::store::Store;
use crate::system::SystemClock;

const SUBJECT: &str = "database clock";

/// Examines the database and compares the clocks.
pub(super) async fn examine(store: &Store, health: &dyn StoreHealth) -> Vec<Finding> {
    if !store.may_come_back() {
        return store.examine(LIMIT).await;
    }
    let mut findings = store.examine(LIMIT).await;
    // A database that cannot be asked for its time was found to be so already.
    if findings.len() > 1 {
        findings.extend(compare_clocks(health).await);
    }
    findings
}

async fn compare_clocks(health: &dyn StoreHealth) -> Option<Finding> {
    let cure = "synchronise the clocks of both machines, with NTP for example";
    let skew = match timeout(LIMIT, skew::measure(health, &SystemClock)).await {
        Ok(Ok(skew)) => skew?,
        Ok(Err(error)) => {
            return Some(Finding::failure(
                SUBJECT,
                chain_of(&error),
                "look at what else is said of the database",
            ));
        }
        Err(_elapsed) => {
            let what = format!("no answer within {} seconds", LIMIT.as_secs());
            return Some(Finding::failure(SUBJECT, what, "look at what else is said of the database"));
        }
    };
    let ahead = Duration::try_from(skew.ahead.abs()).unwrap_or_default().as_secs_f64();
    let side = if skew.ahead.is_negative() { "behind" } else { "ahead of" };
    let what = format!("the database's clock is {ahead:.1} seconds {side} this machine's");
    Some(match skew.degree() {
        Degree::Tolerable => {
            Finding::ok(SUBJECT, format!("agrees with this machine's within {ahead:.1} seconds"))
        }
        Degree::Noticeable => Finding::warning(SUBJECT, what, cure),
        Degree::TooMuch => {
            Finding::failure(SUBJECT, format!("{what}: sessions end too early or too late"), cure)
        }
    })
}
