//! What the ports of sessions share.

use diesel::sql_types;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use stream_domain::ports::StoreError;

use crate::error;
use crate::statement::Statement;
use crate::store::PostgresStore;

impl PostgresStore {
    pub(crate) async fn select_one<Row, Value>(&self, statement: Statement<Row>) -> Result<Value, StoreError>
    where
        Row: Send + 'static,
        Value: Send + 'static,
        Statement<Row>: Send,
        Value: diesel::deserialize::FromSqlRow<Row, diesel::pg::Pg>,
        Row: diesel::query_dsl::CompatibleType<Value, diesel::pg::Pg, SqlType = Row>,
        diesel::pg::Pg: diesel::expression::QueryMetadata<Row>,
    {
        self.on(&self.writes, move |connection| {
            async move { statement.get_result(connection).await.map_err(error::query) }.boxed()
        })
        .await
    }

    pub(crate) async fn execute(&self, statement: Statement<sql_types::Untyped>) -> Result<u32, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let rows = statement.execute(connection).await.map_err(error::query)?;
                Ok(u32::try_from(rows).unwrap_or(u32::MAX))
            }
            .boxed()
        })
        .await
    }
}
