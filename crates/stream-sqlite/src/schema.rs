//! The table as Diesel sees it, and the one literal that its queries need.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, table};

table! {
    streams (id) {
        id -> Integer,
        user_id -> Nullable<Integer>,
        stream_key -> Text,
        status -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

/// The word `'active'`, written into the statement.
///
/// A bound parameter would do for the meaning, but the planner does not recognize the partial
/// indexes `WHERE status = 'active'` by it; Diesel's own `sql("…")` would keep the statement from being prepared once.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct ActiveLiteral;

impl Expression for ActiveLiteral {
    type SqlType = Nullable<Text>;
}

impl QueryFragment<Sqlite> for ActiveLiteral {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("'active'");
        Ok(())
    }
}

impl<Source> AppearsOnTable<Source> for ActiveLiteral {}
impl<Source> SelectableExpression<Source> for ActiveLiteral {}
impl<GroupBy> ValidGrouping<GroupBy> for ActiveLiteral {
    type IsAggregate = is_aggregate::Never;
}
