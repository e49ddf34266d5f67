//! Searches: the public list of those that have some terms, as a query.

use diesel::data_types::PgTimestamp;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer, Text, Timestamp as Instant};
use diesel::{QueryResult, SelectableHelper as _};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use stream_domain::details::TermRange;
use stream_domain::ports::StoreError;
use stream_domain::{StreamPage, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{ListedRow, page_of_listed, stored};

/// The page of a search as it is at `now`.
pub(crate) async fn read_search_page(
    connection: &mut AsyncPgConnection,
    query: &CatalogQuery,
    now: Timestamp,
) -> Result<StreamPage, StoreError> {
    let search = SearchPage {
        filter: query.filter,
        ranges: query.search.ranges().to_vec(),
        after: query.page.after.map(|after| (stored(after), after.id.0)),
        limit: query.page.rows_to_read(),
        now: now.to_naive_utc(),
        columns: ListedRow::as_select(),
    };
    let rows: Vec<ListedRow> = RunQueryDsl::load(search, connection).await.map_err(error::query)?;
    Ok(page_of_listed(&query.page, rows))
}

/// Reads the streams of the first range newest first, by the index `stream_terms_newest_first` where that is a single
/// term, and looks the other ranges up for each.
struct SearchPage {
    filter: PublicFilter,
    ranges: Vec<TermRange>,
    after: Option<(PgTimestamp, i32)>,
    limit: Option<i64>,
    now: PrimitiveDateTime,
    columns: AsSelect<ListedRow, Pg>,
}

impl QueryFragment<Pg> for SearchPage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [first, others @ ..] = self.ranges.as_slice() else {
            return Err(diesel::result::Error::QueryBuilderError("a search has a term".into()));
        };
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        if first.is_exact() {
            out.push_sql(
                " FROM (SELECT t.created_at AS at, t.stream_id AS found FROM stream_terms t WHERE t.term = ",
            );
            out.push_bind_param::<Text, _>(&first.first)?;
        } else {
            out.push_sql(
                " FROM (SELECT DISTINCT t.created_at AS at, t.stream_id AS found FROM stream_terms t WHERE ",
            );
            push_range(&mut out, "t", first)?;
        }
        if let Some((created_at, id)) = &self.after {
            out.push_sql(" AND (t.created_at, t.stream_id) < (");
            out.push_bind_param::<Instant, _>(created_at)?;
            out.push_sql(", ");
            out.push_bind_param::<Integer, _>(id)?;
            out.push_sql(")");
        }
        for other in others {
            out.push_sql(" AND EXISTS (SELECT FROM stream_terms o WHERE o.stream_id = t.stream_id AND ");
            push_range(&mut out, "o", other)?;
            // Looked up for each, however many a plan made from old statistics expects.
            out.push_sql(" OFFSET 0)");
        }
        out.push_sql(
            " ORDER BY at DESC, found DESC) AS hits
             CROSS JOIN LATERAL (SELECT * FROM streams s WHERE s.id = hits.found AND s.status = 'active'
                 AND s.expires_at > ",
        );
        out.push_bind_param::<Instant, _>(&self.now)?;
        if self.filter == PublicFilter::Live {
            out.push_sql(
                " AND EXISTS (SELECT FROM publish_sessions p WHERE p.stream_id = s.id AND p.ended_at IS NULL
                 AND p.confirmed_at IS NOT NULL AND p.lease_until > ",
            );
            out.push_bind_param::<Instant, _>(&self.now)?;
            out.push_sql(")");
        }
        out.push_sql(" OFFSET 0) AS streams ORDER BY hits.at DESC, hits.found DESC");
        if let Some(limit) = &self.limit {
            out.push_sql(" LIMIT ");
            out.push_bind_param::<BigInt, _>(limit)?;
        }
        Ok(())
    }
}

fn push_range<'b>(out: &mut AstPass<'_, 'b, Pg>, table: &str, range: &'b TermRange) -> QueryResult<()> {
    out.push_sql(&format!("{table}.term >= "));
    out.push_bind_param::<Text, _>(&range.first)?;
    out.push_sql(&format!(" AND {table}.term <= "));
    out.push_bind_param::<Text, _>(&range.last)
}

impl QueryId for SearchPage {
    type QueryId = ();

    // The text itself is what the statement is remembered by.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for SearchPage
where
    AsSelect<ListedRow, Pg>: Expression,
{
    type SqlType = SqlTypeOf<AsSelect<ListedRow, Pg>>;
}
