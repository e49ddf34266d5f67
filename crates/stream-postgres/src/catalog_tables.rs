//! Questions to PostgreSQL's own tables.

use diesel::sql_types::{BigInt, Bool};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use stream_domain::ports::StoreError;

use crate::error;

/// The number that a query selects as `answer`.
pub(crate) async fn count(connection: &mut AsyncPgConnection, query: &str) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        answer: i64,
    }
    let row: Count = sql_query(query).get_result(connection).await.map_err(error::query)?;
    Ok(row.answer)
}

/// Whether an expression is true.
pub(crate) async fn is_true(
    connection: &mut AsyncPgConnection,
    expression: &str,
) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Truth {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    let query = sql_query(format!("SELECT {expression} AS answer"));
    let row: Truth = query.get_result(connection).await.map_err(error::query)?;
    Ok(row.answer)
}
