//! Lists of streams, and pages of them, as queries.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Timestamp};

use time::PrimitiveDateTime;

use crate::error::{self};
use crate::row::{StreamRow, placed, stored, streams};
use crate::schema::{ActiveLiteral, CreationOrder, SortedCreationOrder, publish_sessions};
use stream_domain::catalog::PublicFilter;

/// The list as it is at `now`.
pub(crate) fn at<'a>(filter: PublicFilter, now: Timestamp) -> BoxedList<'a> {
    let now = now.to_naive_utc();
    let active = streams::table.filter(streams::status.eq(ActiveLiteral)).filter(streams::expires_at.gt(now));
    match filter {
        PublicFilter::Active => active.into_boxed(),
        PublicFilter::Live => active.filter(streams::id.eq_any(on_air_at(now))).into_boxed(),
    }
}

/// The streams with a confirmed session whose lease runs: few, however many streams are active.
#[diesel::dsl::auto_type(no_type_alias)]
fn on_air_at(now: PrimitiveDateTime) -> _ {
    let open = publish_sessions::table.filter(publish_sessions::ended_at.is_null());
    let confirmed = open.filter(publish_sessions::confirmed_at.is_not_null());
    confirmed.filter(publish_sessions::lease_until.gt(now)).select(publish_sessions::stream_id)
}

pub(crate) async fn read_page(
    connection: &mut AsyncPgConnection,
    list: BoxedList<'_>,
    filter: PublicFilter,
    page: &PageRequest,
) -> Result<StreamPage, StoreError> {
    let rows: Vec<StreamRow> = page_of(list, filter, page)
        .select(StreamRow::as_select())
        .load(connection)
        .await
        .map_err(error::query)?;
    Ok(page.page_of(placed(rows)))
}

/// A list of streams as it is asked for, before it is cut to a page.
pub(crate) type BoxedList<'a> = streams::BoxedQuery<'a, Pg>;

/// The rows of a page, and one more, newest first.
///
/// Live streams are few among the active ones, so they are found by their sessions and sorted.
pub(crate) fn page_of<'a>(
    mut list: BoxedList<'a>,
    filter: PublicFilter,
    page: &PageRequest,
) -> BoxedList<'a> {
    if let Some(after) = page.after {
        let created_at = stored(after);
        let same_instant = CreationOrder.eq(created_at).and(streams::id.lt(after.id.0));
        // The first condition follows from the second, and lets the index be entered at the right place.
        list = list.filter(CreationOrder.le(created_at));
        list = list.filter(CreationOrder.lt(created_at).or(same_instant));
    }
    if let Some(rows) = page.rows_to_read() {
        list = list.limit(rows);
    }
    match filter {
        PublicFilter::Active => list.order((CreationOrder.desc(), streams::id.desc())),
        PublicFilter::Live => list.order((SortedCreationOrder.desc(), streams::id.desc())),
    }
}
