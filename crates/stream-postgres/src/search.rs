//! Searches: the public list of those that have some terms, as a query.

use diesel::data_types::PgTimestamp;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamp as Instant};
use diesel::{QueryResult, SelectableHelper as _};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use stream_domain::details::{Beginning, MANY, TermRange};
use stream_domain::ports::StoreError;
use stream_domain::{StreamPage, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{ListedRow, page_of_listed, stored};
use crate::statement::{Parameter, Statement};

/// The page of a search as it is at `now`.
pub(crate) async fn read_search_page(
    connection: &mut AsyncPgConnection,
    query: &CatalogQuery,
    now: Timestamp,
) -> Result<StreamPage, StoreError> {
    let beginning = if query.search.wants_counts() {
        query.search.beginning(&count(connection, query.search.ranges()).await?)
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
        after: query.page.after.map(|after| (stored(after), after.id.0)),
        limit: query.page.rows_to_read(),
        now: now.to_naive_utc(),
        columns: ListedRow::as_select(),
    };
    let rows: Vec<ListedRow> = RunQueryDsl::load(search, connection).await.map_err(error::query)?;
    Ok(page_of_listed(&query.page, rows))
}

/// Counts the rows of each range of terms from $1 to $2, up to $3 of each.
const COUNT: &str = "SELECT ARRAY(
    SELECT (SELECT count(*) FROM (SELECT FROM stream_terms WHERE term >= lowest AND term <= highest LIMIT $3) AS found)
    FROM unnest($1, $2) WITH ORDINALITY AS ranges (lowest, highest, place) ORDER BY place)";

/// How often each range occurs, up to [`MANY`].
async fn count(connection: &mut AsyncPgConnection, ranges: &[TermRange]) -> Result<Vec<u32>, StoreError> {
    let parameters = vec![
        Parameter::Texts(ranges.iter().map(|range| range.first.clone()).collect()),
        Parameter::Texts(ranges.iter().map(|range| range.last.clone()).collect()),
        Parameter::Number(Some(MANY.into())),
    ];
    let counted = Statement::<Array<BigInt>>::new(COUNT, parameters).get_result(connection).await;
    let counted: Vec<i64> = counted.map_err(error::query)?;
    Ok(counted.into_iter().map(|number| u32::try_from(number).unwrap_or(MANY)).collect())
}

/// Reads the streams of the first range newest first, by the index `stream_terms_newest_first` where that is a single
/// term, or else all active streams by theirs, and looks the other ranges up for each.
struct SearchPage {
    filter: PublicFilter,
    first: Option<TermRange>,
    others: Vec<TermRange>,
    after: Option<(PgTimestamp, i32)>,
    limit: Option<i64>,
    now: PrimitiveDateTime,
    columns: AsSelect<ListedRow, Pg>,
}

impl QueryFragment<Pg> for SearchPage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        let Some(first) = &self.first else {
            return self.walk_list(out);
        };
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
        self.push_others(&mut out, "t.stream_id")?;
        out.push_sql(
            " ORDER BY at DESC, found DESC) AS hits
             CROSS JOIN LATERAL (SELECT * FROM streams s WHERE s.id = hits.found AND s.status = 'active'
                 AND s.expires_at > ",
        );
        self.push_filter(&mut out, "s.id")?;
        out.push_sql(" OFFSET 0) AS streams ORDER BY hits.at DESC, hits.found DESC");
        self.push_limit(&mut out)
    }
}

impl SearchPage {
    /// The whole list, in the order of the index `streams_active_newest_first`.
    fn walk_list<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" FROM streams WHERE streams.status = 'active' AND streams.expires_at > ");
        self.push_filter(&mut out, "streams.id")?;
        let order = "COALESCE(streams.created_at, '-infinity')";
        if let Some((created_at, id)) = &self.after {
            out.push_sql(&format!(" AND ({order}, streams.id) < ("));
            out.push_bind_param::<Instant, _>(created_at)?;
            out.push_sql(", ");
            out.push_bind_param::<Integer, _>(id)?;
            out.push_sql(")");
        }
        self.push_others(&mut out, "streams.id")?;
        out.push_sql(&format!(" ORDER BY {order} DESC, streams.id DESC"));
        self.push_limit(&mut out)
    }

    fn push_others<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, stream: &str) -> QueryResult<()> {
        for other in &self.others {
            out.push_sql(&format!(
                " AND EXISTS (SELECT FROM stream_terms o WHERE o.stream_id = {stream} AND "
            ));
            push_range(out, "o", other)?;
            // Looked up for each, however many a plan made from old statistics expects.
            out.push_sql(" OFFSET 0)");
        }
        Ok(())
    }

    /// The time that a stream must be active at, and live, if that is asked for.
    fn push_filter<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, stream: &str) -> QueryResult<()> {
        out.push_bind_param::<Instant, _>(&self.now)?;
        if self.filter == PublicFilter::Live {
            out.push_sql(&format!(
                " AND EXISTS (SELECT FROM publish_sessions p WHERE p.stream_id = {stream} AND p.ended_at IS NULL
                 AND p.confirmed_at IS NOT NULL AND p.lease_until > "
            ));
            out.push_bind_param::<Instant, _>(&self.now)?;
            out.push_sql(")");
        }
        Ok(())
    }

    fn push_limit<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
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
