//! Statements that Diesel's builder has no words for: SQL of our own, prepared once on each connection.
//!
//! Diesel's `sql_query` would prepare such a statement anew each time, at the price of a second round trip.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamp};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use time::PrimitiveDateTime;

/// A value for `$1`, `$2` and so on.
#[derive(Debug, Clone)]
pub(crate) enum Parameter {
    Text(Option<String>),
    Texts(Vec<String>),
    Integers(Vec<i32>),
    Instants(Vec<PrimitiveDateTime>),
    Number(Option<i64>),
    Instant(PrimitiveDateTime),
    Flag(bool),
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<stream_domain::Timestamp> for Parameter {
    fn from(instant: stream_domain::Timestamp) -> Self {
        Self::Instant(instant.to_naive_utc())
    }
}

/// A statement whose rows have the SQL type `Row`.
///
/// The text begins behind a `WITH parameters AS (…)`, that is with a comma and the next common table expression, or with
/// the statement itself; in it `$1` is the first parameter, as often as need be.
#[derive(Debug)]
pub(crate) struct Statement<Row> {
    text: &'static str,
    parameters: Vec<Parameter>,
    row: PhantomData<fn() -> Row>,
}

impl<Row> Statement<Row> {
    pub(crate) fn new(text: &'static str, parameters: Vec<Parameter>) -> Self {
        Self { text, parameters, row: PhantomData }
    }

    /// The first row, once the whole statement is done.
    ///
    /// Diesel's method of this name, which this one hides, is content with the row, and misses an error of the commit,
    /// which comes behind it: a serialization failure, or a full disk.
    pub(crate) async fn get_result<Value>(self, connection: &mut AsyncPgConnection) -> QueryResult<Value>
    where
        Self: LoadQuery<'static, AsyncPgConnection, Value>,
        Row: 'static,
        Value: Send,
    {
        let rows: Vec<Value> = self.load(connection).await?;
        rows.into_iter().next().ok_or(Error::NotFound)
    }
}

// Derived, it would want rows that can be cloned.
impl<Row> Clone for Statement<Row> {
    fn clone(&self) -> Self {
        Self::new(self.text, self.parameters.clone())
    }
}

impl<Row> QueryFragment<Pg> for Statement<Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Naming each parameter once, in order, gives it its number; nothing selects from here.
        out.push_sql("WITH parameters AS (SELECT ");
        for (place, parameter) in self.parameters.iter().enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            match parameter {
                Parameter::Text(value) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                Parameter::Texts(values) => out.push_bind_param::<Array<Text>, _>(values)?,
                Parameter::Integers(values) => out.push_bind_param::<Array<Integer>, _>(values)?,
                Parameter::Instants(values) => out.push_bind_param::<Array<Timestamp>, _>(values)?,
                Parameter::Number(value) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Parameter::Flag(value) => out.push_bind_param::<Bool, _>(value)?,
                Parameter::Instant(value) => out.push_bind_param::<Timestamp, _>(value)?,
            }
        }
        out.push_sql(")");
        out.push_sql(self.text);
        Ok(())
    }
}

impl<Row> QueryId for Statement<Row> {
    type QueryId = ();

    // The text itself is what the statement is remembered by.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Statement<Row> {
    type SqlType = Row;
}
