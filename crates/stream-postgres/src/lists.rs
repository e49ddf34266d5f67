//! Lists of streams, and pages of them, as queries.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{ListedRow, page_of_listed, stored, streams};
use crate::schema::{ActiveLiteral, CreationOrder, IsListed, SortedCreationOrder, publish_sessions};
use crate::search::read_search_page;

/// A list of streams, before it is cut to a page.
pub(crate) struct List<'a> {
    streams: streams::BoxedQuery<'a, Pg>,
    order: Order,
}

/// How a list comes to be newest first.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// It is read in the order of the index `streams_active_newest_first`.
    Index,
    /// Its streams are few, found by another index, and sorted.
    Sort,
}

impl<'a> List<'a> {
    /// The public list as it is at `now`.
    pub(crate) fn at(query: &CatalogQuery, now: Timestamp) -> Self {
        let now = now.to_naive_utc();
        let active = streams::table.filter(streams::status.eq(ActiveLiteral));
        let active = active.filter(streams::expires_at.gt(now));
        let (streams, order) = match query.filter {
            PublicFilter::Active => (active.into_boxed(), Order::Index),
            PublicFilter::Live => {
                (active.filter(streams::id.eq_any(on_air_at(now))).into_boxed(), Order::Sort)
            }
        };
        let streams = if query.with_unlisted { streams } else { streams.filter(IsListed) };
        Self { streams, order }
    }

    /// Its streams, in no order.
    pub(crate) fn unordered(self) -> streams::BoxedQuery<'a, Pg> {
        self.streams
    }

    /// The user's own streams, in every state.
    pub(crate) fn of(user: UserId) -> Self {
        let own = streams::table.filter(streams::user_id.eq(user.get()));
        Self { streams: own.into_boxed(), order: Order::Sort }
    }
}

/// The streams with a confirmed session whose lease runs: few, however many streams are active.
#[diesel::dsl::auto_type(no_type_alias)]
fn on_air_at(now: PrimitiveDateTime) -> _ {
    let open = publish_sessions::table.filter(publish_sessions::ended_at.is_null());
    let confirmed = open.filter(publish_sessions::confirmed_at.is_not_null());
    confirmed.filter(publish_sessions::lease_until.gt(now)).select(publish_sessions::stream_id)
}

/// The page of the public list that the query asks for, as it is at `now`.
pub(crate) async fn read_public_page(
    connection: &mut AsyncPgConnection,
    query: &CatalogQuery,
    now: Timestamp,
) -> Result<StreamPage, StoreError> {
    if query.search.is_empty() {
        return read_page(connection, List::at(query, now), &query.page).await;
    }
    read_search_page(connection, query, now).await
}

pub(crate) async fn read_page(
    connection: &mut AsyncPgConnection,
    list: List<'_>,
    page: &PageRequest,
) -> Result<StreamPage, StoreError> {
    let rows: Vec<ListedRow> =
        page_of(list, page).select(ListedRow::as_select()).load(connection).await.map_err(error::query)?;
    Ok(page_of_listed(page, rows))
}

/// The rows of a page, and one more, newest first.
pub(crate) fn page_of<'a>(list: List<'a>, page: &PageRequest) -> streams::BoxedQuery<'a, Pg> {
    macro_rules! newest_first {
        ($created:expr) => {{
            let mut rows = list.streams;
            if let Some(after) = page.after {
                let created_at = stored(after);
                let same_instant = $created.eq(created_at).and(streams::id.lt(after.id.0));
                // The first condition follows from the second, and lets an index be entered at the right place.
                rows = rows.filter($created.le(created_at));
                rows = rows.filter($created.lt(created_at).or(same_instant));
            }
            rows.order(($created.desc(), streams::id.desc()))
        }};
    }
    let rows = match list.order {
        Order::Index => newest_first!(CreationOrder),
        Order::Sort => newest_first!(SortedCreationOrder),
    };
    match page.rows_to_read() {
        Some(limit) => rows.limit(limit),
        None => rows,
    }
}
