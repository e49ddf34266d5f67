//! Searches: the public list of those that have some terms, as a query.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::expression::Expression;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer, Text, Timestamp as Instant};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, QueryableByName, RunQueryDsl, SelectableHelper as _, SqliteConnection, sql_query};
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use stream_domain::details::{Beginning, MANY, TermRange};
use stream_domain::ports::StoreError;
use stream_domain::{StreamPage, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{ListedRow, page_of_listed};

/// The page of a search as it is at `now`.
pub(crate) fn read_search_page(
    connection: &mut SqliteConnection,
    query: &CatalogQuery,
    now: Timestamp,
) -> Result<StreamPage, StoreError> {
    let beginning = if query.search.wants_counts() {
        query.search.beginning(&count(connection, query.search.ranges())?)
    } else {
        Beginning::Range(0)
    };
    let mut ranges = query.search.ranges().to_vec();
    let first = match beginning {
        Beginning::Range(place) => Some(ranges.remove(place)),
        Beginning::EveryStream => None,
    };
    let search = SearchPage {
        filter: query.filter,
        first,
        others: ranges,
        after: query.page.after.map(|after| (after.created_at.to_naive_utc(), after.id.0)),
        limit: query.page.rows_to_read(),
        now: now.to_naive_utc(),
        columns: ListedRow::as_select(),
    };
    let rows: Vec<ListedRow> = search.load(connection).map_err(error::query)?;
    Ok(page_of_listed(&query.page, rows))
}

/// How often each range occurs, up to [`MANY`].
fn count(connection: &mut SqliteConnection, ranges: &[TermRange]) -> Result<Vec<u32>, StoreError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let count = |range: &TermRange| {
        let count = sql_query(
            "SELECT count(*) AS number FROM (SELECT 1 FROM stream_terms WHERE term >= ?1 AND term <= ?2 LIMIT ?3)",
        );
        let count = count.bind::<Text, _>(&range.first).bind::<Text, _>(&range.last);
        let counted: Count = count.bind::<BigInt, _>(i64::from(MANY)).get_result(connection)?;
        Ok(u32::try_from(counted.number).unwrap_or(MANY))
    };
    ranges.iter().map(count).collect::<QueryResult<_>>().map_err(error::query)
}

/// Reads the streams of the first range newest first, by the index `stream_terms_newest_first` where that is a single
/// term, or else all active streams by theirs, and looks the other ranges up for each.
struct SearchPage {
    filter: PublicFilter,
    first: Option<TermRange>,
    others: Vec<TermRange>,
    after: Option<(PrimitiveDateTime, i32)>,
    limit: Option<i64>,
    now: PrimitiveDateTime,
    columns: AsSelect<ListedRow, Sqlite>,
}

impl QueryFragment<Sqlite> for SearchPage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        let Some(first) = &self.first else {
            return self.walk_list(out);
        };
        if first.is_exact() {
            out.push_sql(
                " FROM (SELECT created_at AS at, stream_id AS found FROM stream_terms AS t WHERE term = ",
            );
            out.push_bind_param::<Text, _>(&first.first)?;
        } else {
            out.push_sql(
                " FROM (SELECT DISTINCT created_at AS at, stream_id AS found FROM stream_terms AS t WHERE ",
            );
            push_range(&mut out, first)?;
        }
        if let Some((created_at, id)) = &self.after {
            out.push_sql(" AND (created_at, stream_id) < (");
            out.push_bind_param::<Instant, _>(created_at)?;
            out.push_sql(", ");
            out.push_bind_param::<Integer, _>(id)?;
            out.push_sql(")");
        }
        self.push_others(&mut out, "t.stream_id")?;
        // The order of the tables is that of the join.
        out.push_sql(
            " ORDER BY created_at DESC, stream_id DESC) AS hits CROSS JOIN streams ON streams.id = hits.found
             WHERE streams.status = 'active' AND streams.expires_at > ",
        );
        self.push_filter(&mut out)?;
        out.push_sql(" ORDER BY hits.at DESC, hits.found DESC");
        self.push_limit(&mut out)
    }
}

impl SearchPage {
    /// The whole list, in the order of the index `streams_active_newest_first`.
    fn walk_list<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            " FROM streams INDEXED BY streams_active_newest_first
             WHERE streams.status = 'active' AND streams.expires_at > ",
        );
        self.push_filter(&mut out)?;
        if let Some((created_at, id)) = &self.after {
            out.push_sql(" AND (streams.created_at, streams.id) < (");
            out.push_bind_param::<Instant, _>(created_at)?;
            out.push_sql(", ");
            out.push_bind_param::<Integer, _>(id)?;
            out.push_sql(")");
        }
        self.push_others(&mut out, "streams.id")?;
        out.push_sql(" ORDER BY streams.created_at DESC, streams.id DESC");
        self.push_limit(&mut out)
    }

    fn push_others<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>, stream: &str) -> QueryResult<()> {
        for other in &self.others {
            out.push_sql(" AND EXISTS (SELECT 1 FROM stream_terms WHERE stream_id = ");
            out.push_sql(stream);
            out.push_sql(" AND ");
            push_range(out, other)?;
            out.push_sql(")");
        }
        Ok(())
    }

    /// The time that a stream must be active at, and live, if that is asked for.
    fn push_filter<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_bind_param::<Instant, _>(&self.now)?;
        if self.filter == PublicFilter::Live {
            out.push_sql(
                " AND EXISTS (SELECT 1 FROM publish_sessions WHERE stream_id = streams.id AND ended_at IS NULL
                 AND confirmed_at IS NOT NULL AND lease_until > ",
            );
            out.push_bind_param::<Instant, _>(&self.now)?;
            out.push_sql(")");
        }
        Ok(())
    }

    fn push_limit<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if let Some(limit) = &self.limit {
            out.push_sql(" LIMIT ");
            out.push_bind_param::<BigInt, _>(limit)?;
        }
        Ok(())
    }
}

fn push_range<'b>(out: &mut AstPass<'_, 'b, Sqlite>, range: &'b TermRange) -> QueryResult<()> {
    out.push_sql("term >= ");
    out.push_bind_param::<Text, _>(&range.first)?;
    out.push_sql(" AND term <= ");
    out.push_bind_param::<Text, _>(&range.last)
}

impl QueryId for SearchPage {
    type QueryId = ();

    // The text itself is what the statement is remembered by.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for SearchPage
where
    AsSelect<ListedRow, Sqlite>: Expression,
{
    type SqlType = SqlTypeOf<AsSelect<ListedRow, Sqlite>>;
}

impl RunQueryDsl<SqliteConnection> for SearchPage {}
