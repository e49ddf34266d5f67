//! Rows of `schedules`: how they are selected, and how one becomes a [`Schedule`].

use diesel::dsl::IntoBoxed;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use stream_domain::details::{StoredDetails, Visibility};
use stream_domain::ports::StoreError;
use stream_domain::schedules::{
    MAX_LENGTH, Plan, ScheduleFilter, SchedulePosition, ScheduleQuery, Slot, TAKEN_AHEAD, TimeZoneName,
};
use stream_domain::{Schedule, ScheduleId, Stream, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::details_row::stored_terms;
use crate::row::{StreamRow, streams};
use crate::schema::{LastStream, StreamIsListed, schedules};

/// Schedules with their streams.
#[diesel::dsl::auto_type(type_name = "Joined")]
pub(crate) fn joined() -> _ {
    schedules::table.left_join(streams::table.on(streams::id.nullable().eq(LastStream)))
}

/// The rows of a list and one more, soonest first.
pub(crate) fn rows_of(query: &ScheduleQuery) -> IntoBoxed<'static, Joined, Sqlite> {
    let ScheduleFilter { user, is_public, without_canceled, category, from, to } = query.filter.clone();
    let mut rows = joined().into_boxed();
    if let Some(user) = user {
        rows = rows.filter(schedules::user_id.eq(user.get()));
    }
    if is_public {
        rows = rows.filter(schedules::visibility.eq(Visibility::Public.as_str())).filter(StreamIsListed);
    }
    if without_canceled {
        rows = rows.filter(schedules::canceled_at.is_null());
    }
    if let Some(category) = category {
        rows = rows.filter(schedules::category.eq(category));
    }
    if let Some(from) = from {
        // The first condition follows from the second, and lets an index be entered at the right place.
        rows = rows.filter(schedules::starts_at.gt(from.plus(-MAX_LENGTH).to_naive_utc()));
        rows = rows.filter(schedules::ends_at.gt(from.to_naive_utc()));
    }
    if let Some(to) = to {
        rows = rows.filter(schedules::starts_at.lt(to.to_naive_utc()));
    }
    if let Some(after) = query.after {
        let starts_at = after.starts_at.to_naive_utc();
        let same_instant = schedules::starts_at.eq(starts_at).and(schedules::id.gt(after.id.0));
        rows = rows.filter(schedules::starts_at.ge(starts_at));
        rows = rows.filter(schedules::starts_at.gt(starts_at).or(same_instant));
    }
    rows.order((schedules::starts_at.asc(), schedules::id.asc())).limit(query.rows_to_read())
}

/// A row of `schedules`: the columns that are read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = schedules)]
pub(crate) struct ScheduleRow {
    id: i64,
    user_id: i32,
    starts_at: PrimitiveDateTime,
    ends_at: PrimitiveDateTime,
    time_zone: Option<String>,
    title: Option<String>,
    description: Option<String>,
    tags: String,
    category: Option<String>,
    language: Option<String>,
    content_labels: String,
    visibility: String,
    canceled_at: Option<PrimitiveDateTime>,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    revision: i32,
}

/// The columns that are written; what is empty is written as `NULL`.
#[derive(Clone, Insertable, AsChangeset)]
#[diesel(table_name = schedules, treat_none_as_null = true)]
pub(crate) struct WrittenRow {
    user_id: i32,
    starts_at: PrimitiveDateTime,
    ends_at: PrimitiveDateTime,
    taken_from: PrimitiveDateTime,
    time_zone: Option<String>,
    title: Option<String>,
    description: Option<String>,
    tags: String,
    category: Option<String>,
    language: Option<String>,
    content_labels: String,
    visibility: String,
    terms: String,
    canceled_at: Option<PrimitiveDateTime>,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    revision: i32,
}

impl From<&Schedule> for WrittenRow {
    fn from(schedule: &Schedule) -> Self {
        let Plan { slot, time_zone, details } = &schedule.plan;
        let StoredDetails { title, description, tags, category, language, content_labels, visibility } =
            details.into();
        Self {
            user_id: schedule.user.get(),
            starts_at: slot.starts_at.to_naive_utc(),
            ends_at: slot.ends_at.to_naive_utc(),
            taken_from: slot.starts_at.plus(-TAKEN_AHEAD).to_naive_utc(),
            time_zone: time_zone.as_ref().map(|name| name.as_str().to_owned()),
            title,
            description,
            tags,
            category,
            language,
            content_labels,
            visibility,
            terms: stored_terms(details),
            canceled_at: schedule.canceled_at.map(Timestamp::to_naive_utc),
            created_at: schedule.created_at.to_naive_utc(),
            updated_at: schedule.updated_at.to_naive_utc(),
            revision: schedule.revision,
        }
    }
}

/// A schedule with the last stream that began for it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = schedules)]
pub(crate) struct JoinedRow {
    #[diesel(embed)]
    row: ScheduleRow,
    #[diesel(embed)]
    stream: Option<StreamRow>,
}

pub(crate) fn schedule(JoinedRow { row, stream }: JoinedRow) -> Result<Schedule, StoreError> {
    let corrupt = |reason| StoreError::Corrupt { table: "stream_schedules", id: row.id, reason };
    let ScheduleRow { title, description, tags, category, language, content_labels, visibility, .. } = row;
    let said = StoredDetails { title, description, tags, category, language, content_labels, visibility };
    let user = UserId::new(row.user_id.into()).map_err(|_| corrupt("user_id is not above zero"))?;
    let (starts_at, ends_at) = (Timestamp::from_utc(row.starts_at), Timestamp::from_utc(row.ends_at));
    Ok(Schedule {
        id: ScheduleId(row.id),
        user,
        plan: Plan {
            slot: Slot { starts_at, ends_at },
            time_zone: row.time_zone.map(TimeZoneName::stored),
            details: said.into(),
        },
        stream: stream.map(Stream::try_from).transpose()?,
        canceled_at: row.canceled_at.map(Timestamp::from_utc),
        created_at: Timestamp::from_utc(row.created_at),
        updated_at: Timestamp::from_utc(row.updated_at),
        revision: row.revision,
    })
}

/// A schedule in a list, with its place; one that cannot be read is logged, and left out.
pub(crate) fn listed(joined: JoinedRow) -> (SchedulePosition, Option<Schedule>) {
    let starts_at = Timestamp::from_utc(joined.row.starts_at);
    let position = SchedulePosition { starts_at, id: ScheduleId(joined.row.id) };
    let read = schedule(joined).inspect_err(|error| tracing::error!(%error, "left out of a list"));
    (position, read.ok())
}
