//! Whether the store can do its work: reads and writes are answered, on a server and with rights that suffice.

use async_trait::async_trait;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use futures_util::FutureExt as _;
use stream_domain::Timestamp;
use stream_domain::ports::{StoreError, StoreHealth, UsersTable};

use crate::error;
use crate::statement::Statement;
use crate::store::PostgresStore;

/// What keeps writes from working, as far as that can be told without writing: a server that takes none, privileges that
/// are missing, and tables with row security that lets the role not see or write everything.
type Obstacles = (Bool, Nullable<Text>, Nullable<Text>);

const IS_READ_ONLY: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";

/// Not `now()`, which is when the transaction began.
const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

#[async_trait]
impl StoreHealth for PostgresStore {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        if self.connector.has_lost_statements() {
            self.check_pooler().await?;
            self.connector.forget_lost_statements();
        }
        let reads = self.on(&self.reads, |connection| {
            async move {
                let statement = Statement::<Bool>::new(IS_READ_ONLY, Vec::new());
                statement.get_result(connection).await.map_err(error::query)
            }
            .boxed()
        });
        let writes = self.on(&self.writes, |connection| {
            async move {
                let statement = Statement::<Obstacles>::new(include_str!("health.sql"), Vec::new());
                statement.get_result(connection).await.map_err(error::query)
            }
            .boxed()
        });
        let (reads, writes) = tokio::join!(reads, writes);
        let reads_are_read_only: bool = reads?;
        let (is_read_only, lacking, hidden): (bool, Option<String>, Option<String>) = writes?;
        if is_read_only {
            // Another server may be to be had.
            self.connector.renew_all();
            return Err(StoreError::read_only(
                "the server takes no writes: it is a standby, or was set read-only",
            ));
        }
        // The right server was found: whatever leads elsewhere is replaced before it is used again.
        self.connector.renew_rest(reads_are_read_only);
        if let Some(lacking) = lacking {
            let what = format!("the role in DB_URL lacks {lacking}; GRANT it");
            return Err(StoreError::denied(what));
        }
        if let Some(tables) = hidden {
            let what = format!(
                "row security keeps rows of {tables} from the role in DB_URL; \
                 give it BYPASSRLS, or policies USING (true) for reading and writing"
            );
            return Err(StoreError::denied(what));
        }
        Ok(self.users_table())
    }

    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let micros = self.on(&self.reads, |connection| {
            async move {
                let statement = Statement::<BigInt>::new(CLOCK, Vec::new());
                statement.get_result(connection).await.map_err(error::query)
            }
            .boxed()
        });
        Ok(Timestamp::from_unix_micros(micros.await?))
    }
}
