//! Lists of streams, and pages of them, as queries.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Timestamp};

use time::PrimitiveDateTime;

use crate::error::{self};
use crate::row::{ListedRow, page_of_listed, streams};
use crate::schema::{ActiveLiteral, IsListed, publish_sessions};
use crate::search::read_search_page;
use stream_domain::catalog::{CatalogQuery, PublicFilter};

/// The page of the public list that the query asks for, as it is at `now`.
pub(crate) fn read_public_page(
    connection: &mut SqliteConnection,
    query: &CatalogQuery,
    now: Timestamp,
) -> Result<StreamPage, StoreError> {
    if query.search.is_empty() {
        return read_page(connection, at(query, now), &query.page);
    }
    read_search_page(connection, query, now)
}

/// The list as it is at `now`.
pub(crate) fn at<'a>(query: &CatalogQuery, now: Timestamp) -> BoxedList<'a> {
    let now = now.to_naive_utc();
    let active = streams::table.filter(streams::status.eq(ActiveLiteral)).filter(streams::expires_at.gt(now));
    let list = match query.filter {
        PublicFilter::Active => active.into_boxed(),
        PublicFilter::Live => active.filter(streams::id.eq_any(on_air_at(now))).into_boxed(),
    };
    if query.with_unlisted { list } else { list.filter(IsListed) }
}

/// The streams with a confirmed session whose lease runs: few, however many streams are active.
#[diesel::dsl::auto_type(no_type_alias)]
fn on_air_at(now: PrimitiveDateTime) -> _ {
    let open = publish_sessions::table.filter(publish_sessions::ended_at.is_null());
    let confirmed = open.filter(publish_sessions::confirmed_at.is_not_null());
    confirmed.filter(publish_sessions::lease_until.gt(now)).select(publish_sessions::stream_id)
}

pub(crate) fn read_page(
    connection: &mut SqliteConnection,
    list: BoxedList<'_>,
    page: &PageRequest,
) -> Result<StreamPage, StoreError> {
    let rows: Vec<ListedRow> =
        page_of(list, page).select(ListedRow::as_select()).load(connection).map_err(error::query)?;
    Ok(page_of_listed(page, rows))
}

/// A list of streams as it is asked for, before it is cut to a page.
pub(crate) type BoxedList<'a> = streams::BoxedQuery<'a, Sqlite>;

/// The rows of a page, and one more, newest first.
pub(crate) fn page_of<'a>(mut list: BoxedList<'a>, page: &PageRequest) -> BoxedList<'a> {
    if let Some(after) = page.after {
        let created_at = after.created_at.to_naive_utc();
        let same_instant = streams::created_at.eq(created_at).and(streams::id.lt(after.id.0));
        list = list.filter(streams::created_at.le(created_at));
        list = list.filter(streams::created_at.lt(created_at).or(same_instant));
    }
    if let Some(rows) = page.rows_to_read() {
        list = list.limit(rows);
    }
    list.order((streams::created_at.desc(), streams::id.desc()))
}
