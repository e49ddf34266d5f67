//! Lists of streams, and pages of them, as queries.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::catalog::PublicFilter;
use stream_domain::ports::StoreError;
use stream_domain::{PageRequest, StreamPage, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{StreamRow, placed, stored, streams};
use crate::schema::{ActiveLiteral, CreationOrder, SortedCreationOrder, publish_sessions};

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
    pub(crate) fn at(filter: PublicFilter, now: Timestamp) -> Self {
        let now = now.to_naive_utc();
        let active = streams::table.filter(streams::status.eq(ActiveLiteral));
        let active = active.filter(streams::expires_at.gt(now));
        match filter {
            PublicFilter::Active => Self { streams: active.into_boxed(), order: Order::Index },
            PublicFilter::Live => {
                let live = active.filter(streams::id.eq_any(on_air_at(now)));
                Self { streams: live.into_boxed(), order: Order::Sort }
            }
        }
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

pub(crate) async fn read_page(
    connection: &mut AsyncPgConnection,
    list: List<'_>,
    page: &PageRequest,
) -> Result<StreamPage, StoreError> {
    let rows: Vec<StreamRow> =
        page_of(list, page).select(StreamRow::as_select()).load(connection).await.map_err(error::query)?;
    Ok(page.page_of(placed(rows)))
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
