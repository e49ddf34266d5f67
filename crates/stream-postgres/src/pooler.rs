//! Whether a pooler in front of the server carries prepared statements along.
//!
//! One that hands each transaction another server connection must make a statement known there before it is used.
//! PgBouncer does so since version 1.21, where `max_prepared_statements` is above zero.

use std::time::Duration;

use diesel::sql_types::Integer;
use diesel_async::SimpleAsyncConnection as _;
use stream_domain::ports::StoreError;
use tokio::time::timeout;

use crate::connector::PLAN_FREELY;
use crate::error::{self, BrokenPooler, Meaning};
use crate::link::Link;
use crate::statement::Statement;
use crate::store::PostgresStore;

/// How many server connections are occupied at most, to see a statement on another one than it was prepared on.
const OCCUPIED: usize = 3;

/// How long another server connection is waited for; a pooler may have no further one.
const PATIENCE: Duration = Duration::from_secs(3);

impl PostgresStore {
    /// Makes sure that the store can work through what stands between it and the server; tells whether that is a pooler.
    ///
    /// A statement is prepared, the server connection that knows it is occupied by another transaction, and the
    /// statement is executed again.
    pub(crate) async fn check_pooler(&self) -> Result<bool, StoreError> {
        let mut asker = self.connect_through_pooler().await?;
        if !asker.is_pooled() {
            return Ok(false);
        }
        let mut occupying = Vec::new();
        let outcome = self.try_statements(&mut asker, &mut occupying).await;
        for mut other in occupying {
            // The pooler would do it as well, by closing the server connection.
            let _ = timeout(PATIENCE, other.batch_execute("ROLLBACK")).await;
        }
        outcome.map(|()| true)
    }

    async fn try_statements(&self, asker: &mut Link, occupying: &mut Vec<Link>) -> Result<(), StoreError> {
        let prepared_in = self.process(asker).await?;
        for _ in 0..OCCUPIED {
            let mut other = match self.connect_through_pooler().await {
                Ok(other) => other,
                Err(broken @ StoreError::Failed(_)) => return Err(broken),
                // One that gives no further connections is looked at no closer.
                Err(_) => break,
            };
            let began = timeout(PATIENCE, other.batch_execute("BEGIN")).await;
            occupying.push(other);
            let (Ok(Ok(())), Ok(asked)) = (began, timeout(PATIENCE, self.process(asker)).await) else {
                break;
            };
            if asked? != prepared_in {
                break;
            }
        }
        Ok(())
    }

    async fn connect_through_pooler(&self) -> Result<Link, StoreError> {
        Ok(self.connector.connect(PLAN_FREELY).await?)
    }

    /// The server's process, by a statement that is prepared once for the connection.
    async fn process(&self, link: &mut Link) -> Result<i32, StoreError> {
        let statement = Statement::<Integer>::new("SELECT pg_backend_pid()", Vec::new());
        let answered = statement.get_result(link).await;
        answered.map_err(|failure| match link.take_error().map(Meaning::of) {
            Some(Meaning::Stale) => StoreError::failed(BrokenPooler(failure.into())),
            _ => error::query(failure),
        })
    }
}
