//! `doctor`: examines the installation as it is configured here, next to a service that runs or instead of it.
//!
//! The checks run side by side, each within [`surroundings::LIMIT`], and change nothing: no migration runs, and no file is
//! made.

mod addresses;
mod database;
mod hooks;
mod media_servers;
mod port;
mod report;
mod settings;
mod surroundings;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use stream_domain::ports::Examiner;
use stream_domain::{Broadcasts, Catalog, Finding};
use stream_http::HookServers;
use tokio::time::timeout;

use surroundings::{LIMIT, Surroundings};

use crate::config::{Config, DatabaseConfig, Examination};
use crate::failure::Failure;
use crate::store::{Ports, Store};
use crate::system::SystemClock;
use crate::wiring;

/// How long a group of looks may take that follow one another.
const GROUP_LIMIT: Duration = Duration::from_secs(15);

/// Examines, prints what was found, and fails if anything does.
pub(super) async fn examine(examination: Examination) -> Result<(), Failure> {
    let mut findings = settings::examine(&examination);
    if let Ok(config) = &examination.config {
        match examine_all(config).await {
            Ok(found) => {
                findings.extend(found);
                return report::print(&findings, examination.is_json);
            }
            Err(failure) => findings.push(wrong(&failure)),
        }
    }
    // Another setting is wrong; the database may be right.
    if let Ok(database) = &examination.database {
        findings.extend(examine_database(database).await.unwrap_or_else(|failure| vec![wrong(&failure)]));
    }
    report::print(&findings, examination.is_json)
}

fn wrong(failure: &Failure) -> Finding {
    Finding::failure("settings", failure.to_string(), "correct the setting that it names")
}

/// The database alone, since another setting is wrong.
async fn examine_database(config: &DatabaseConfig) -> Result<Vec<Finding>, Failure> {
    let store = Store::open(config)?;
    let findings = database::examine(&store, &*store.ports().health).await;
    store.close();
    Ok(findings)
}

async fn examine_all(config: &Config) -> Result<Vec<Finding>, Failure> {
    let store = Store::open(&config.database)?;
    let (broadcasts, hook_servers) =
        wiring::wire_media_servers(&config.broadcasts, store.ports().sessions, None)?;
    let findings = look(config, &store, broadcasts, hook_servers).await;
    store.close();
    findings
}

/// Examines what is outside of the settings.
async fn look(
    config: &Config,
    store: &Store,
    broadcasts: Broadcasts,
    hook_servers: HookServers,
) -> Result<Vec<Finding>, Failure> {
    let Ports { streams, health, .. } = store.ports();
    let catalog = Catalog::new(&streams, Arc::new(SystemClock));
    let around =
        Surroundings { config, probe: wiring::wire_probe(LIMIT)?, broadcasts, catalog, hook_servers };
    let (database, here) = tokio::join!(
        in_time("database", database::examine(store, &*health)),
        port::examine(&around.probe, config.address),
    );
    // Without a database there is nothing to ask it, and a file is only opened where it is sound.
    let is_usable = report::failures(&database) == 0 && store.is_there();
    let (media, addresses) = tokio::join!(
        in_time("media servers", media_servers::examine(&around, &here, is_usable)),
        in_time("addresses", addresses::examine(&around, is_usable)),
    );
    let deliveries = is_usable.then_some(&*streams.deliveries);
    let webhooks = webhooks::examine(&config.webhooks, deliveries).await;
    let webhooks = webhooks.unwrap_or_else(|failure| vec![wrong(&failure)]);
    Ok([database, here.findings, media, addresses, webhooks].concat())
}

/// The doctor of a service that runs, which looks with its connections.
struct InService {
    config: Arc<Config>,
    store: Store,
    broadcasts: Broadcasts,
    hook_servers: HookServers,
}

/// Examines a service that runs, for its operators.
pub(super) fn in_service(
    config: Arc<Config>,
    store: Store,
    broadcasts: Broadcasts,
    hook_servers: HookServers,
) -> Arc<dyn Examiner> {
    Arc::new(InService { config, store, broadcasts, hook_servers })
}

#[async_trait]
impl Examiner for InService {
    async fn examine(&self) -> Vec<Finding> {
        let mut findings = settings::examine_read(&self.config, None);
        let found = look(&self.config, &self.store, self.broadcasts.clone(), self.hook_servers.clone()).await;
        findings.extend(found.unwrap_or_else(|failure| vec![wrong(&failure)]));
        findings
    }
}

/// A group of looks, or the finding that they took too long.
async fn in_time(subject: &str, looks: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    timeout(GROUP_LIMIT, looks).await.unwrap_or_else(|_elapsed| {
        let what = format!("no check ended within {} seconds", GROUP_LIMIT.as_secs());
        vec![Finding::failure(
            subject,
            what,
            "look for a program that accepts connections and does not answer",
        )]
    })
}
