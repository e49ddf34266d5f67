//! Statements that Diesel's builder has no words for: SQL of our own, prepared once on each connection.
//!
//! Diesel's `sql_query` would prepare such a statement each time, at the price of a second round trip.

use std::marker::PhantomData;

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamp};
use diesel::{QueryResult, Selectable, SelectableHelper as _};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::PrimitiveDateTime;

/// A value for `$1`, `$2` and so on.
#[derive(Debug, Clone)]
pub(crate) enum Parameter {
    Text(Option<String>),
    Texts(Vec<String>),
    Integer(i32),
    Number(Option<i64>),
    Numbers(Vec<i64>),
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
/// The text is a statement as it can be run in `psql` after a `PREPARE`; in it `$1` is the first parameter, as often as
/// need be.
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
        if self.parameters.is_empty() {
            out.push_sql(self.text);
            return Ok(());
        }
        // Naming each parameter once, in order, gives it its number; nothing selects from here.
        out.push_sql("WITH parameters AS (SELECT ");
        for (place, parameter) in self.parameters.iter().enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            match parameter {
                Parameter::Text(value) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                Parameter::Texts(values) => out.push_bind_param::<Array<Text>, _>(values)?,
                Parameter::Integer(value) => out.push_bind_param::<Integer, _>(value)?,
                Parameter::Number(value) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Parameter::Numbers(values) => out.push_bind_param::<Array<BigInt>, _>(values)?,
                Parameter::Flag(value) => out.push_bind_param::<Bool, _>(value)?,
                Parameter::Instant(value) => out.push_bind_param::<Timestamp, _>(value)?,
            }
        }
        let (separator, rest) = behind_parameters(self.text);
        out.push_sql(separator);
        out.push_sql(rest);
        Ok(())
    }
}

/// What stands between the parameters' common table expression and the rest of a statement, and that rest: the text
/// without its comments at the top, and without a `WITH` that there is already.
fn behind_parameters(text: &str) -> (&'static str, &str) {
    let mut statement = text.trim_start();
    while let Some(comment) = statement.strip_prefix("--") {
        statement = comment.split_once('\n').map_or("", |(_, rest)| rest.trim_start());
    }
    match statement.strip_prefix("WITH ") {
        Some(rest) => ("), ", rest),
        None => (") ", statement),
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

/// A [`Statement`] behind which `RETURNING` and the columns of a `Row` are written.
pub(crate) struct Returning<Row: Selectable<Pg>> {
    statement: Statement<()>,
    columns: AsSelect<Row, Pg>,
}

impl<Row> Returning<Row>
where
    Row: Selectable<Pg> + Send + 'static,
    Self: LoadQuery<'static, AsyncPgConnection, Row>,
{
    pub(crate) fn new(text: &'static str, parameters: Vec<Parameter>) -> Self {
        Self { statement: Statement::new(text, parameters), columns: Row::as_select() }
    }

    /// All rows, once the whole statement is done.
    pub(crate) async fn load(self, connection: &mut AsyncPgConnection) -> QueryResult<Vec<Row>> {
        RunQueryDsl::load(self, connection).await
    }
}

impl<Row> QueryFragment<Pg> for Returning<Row>
where
    Row: Selectable<Pg>,
    AsSelect<Row, Pg>: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.statement.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        self.columns.walk_ast(out)
    }
}

impl<Row: Selectable<Pg>> QueryId for Returning<Row> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row: Selectable<Pg>> Query for Returning<Row>
where
    AsSelect<Row, Pg>: Expression,
{
    type SqlType = SqlTypeOf<AsSelect<Row, Pg>>;
}
