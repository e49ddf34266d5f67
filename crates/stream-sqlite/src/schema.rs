//! The tables as Diesel sees them, but for `streams` (`row.rs`), and the pieces of SQL that its queries need.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamp};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, table};

/// What OpenTelemetry calls this database.
pub(crate) const SYSTEM: &str = "sqlite";

table! {
    // Columns keep the names that they were made with, since an older version may run beside this one.
    publish_sessions (id) {
        id -> BigInt,
        stream_id -> Integer,
        server -> Text,
        server_session -> Text,
        #[sql_name = "run"]
        boot_id -> Nullable<Text>,
        #[sql_name = "ordinal"]
        connection_number -> Nullable<BigInt>,
        application -> Text,
        name -> Text,
        protocol -> Text,
        address -> Nullable<Text>,
        epoch -> Integer,
        live_since -> Timestamp,
        started_at -> Timestamp,
        last_seen_at -> Timestamp,
        lease_until -> Timestamp,
        key_expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        end_reason -> Nullable<Text>,
        #[sql_name = "cut_because"]
        kick_reason -> Nullable<Text>,
        #[sql_name = "cut_tried_at"]
        kicked_at -> Nullable<Timestamp>,
        confirmed_at -> Nullable<Timestamp>,
        stalled_until -> Nullable<Timestamp>,
        supersedes -> Nullable<BigInt>,
    }
}

table! {
    media_server_boots (server, boot_id) {
        server -> Text,
        boot_id -> Text,
        first_seen_at -> Timestamp,
        last_seen_at -> Timestamp,
    }
}

table! {
    publish_attempts (stream_id, refusal, server, address) {
        stream_id -> Integer,
        server -> Text,
        address -> Text,
        refusal -> Text,
        first_at -> Timestamp,
        last_at -> Timestamp,
    }
}

table! {
    channels (user_id) {
        user_id -> Integer,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        tags -> Text,
        category -> Nullable<Text>,
        language -> Nullable<Text>,
        content_labels -> Text,
        visibility -> Text,
        terms -> Text,
        updated_at -> Timestamp,
    }
}

table! {
    stream_details (stream_id) {
        stream_id -> Integer,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        tags -> Text,
        category -> Nullable<Text>,
        language -> Nullable<Text>,
        content_labels -> Text,
        visibility -> Text,
    }
}

table! {
    #[sql_name = "stream_schedules"]
    schedules (id) {
        id -> BigInt,
        user_id -> Integer,
        starts_at -> Timestamp,
        ends_at -> Timestamp,
        taken_from -> Timestamp,
        time_zone -> Nullable<Text>,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        tags -> Text,
        category -> Nullable<Text>,
        language -> Nullable<Text>,
        content_labels -> Text,
        visibility -> Text,
        terms -> Text,
        canceled_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        revision -> Integer,
    }
}

table! {
    scheduled_streams (stream_id) {
        stream_id -> Integer,
        schedule_id -> BigInt,
    }
}

table! {
    stream_events (position) {
        position -> BigInt,
        #[sql_name = "type"]
        kind -> Text,
        user_id -> Nullable<Integer>,
        stream_id -> Nullable<Integer>,
        at -> Timestamp,
        data -> Text,
    }
}

table! {
    #[sql_name = "stream_webhooks"]
    webhooks (id) {
        id -> BigInt,
        user_id -> Nullable<Integer>,
        url -> Text,
        types -> Text,
        description -> Nullable<Text>,
        secret -> Text,
        previous_secret -> Nullable<Text>,
        previous_until -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        disabled_because -> Nullable<Text>,
        failing_since -> Nullable<Timestamp>,
        replay_after -> Nullable<BigInt>,
        replay_to -> Nullable<BigInt>,
        due_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

table! {
    #[sql_name = "stream_webhook_deliveries"]
    deliveries (webhook_id, position) {
        webhook_id -> BigInt,
        position -> BigInt,
        state -> Text,
        next_at -> Timestamp,
        tries -> Integer,
    }
}

table! {
    #[sql_name = "stream_webhook_attempts"]
    attempts (webhook_id, position, at) {
        webhook_id -> BigInt,
        position -> BigInt,
        at -> Timestamp,
        status -> Nullable<Integer>,
        error -> Nullable<Text>,
        duration_ms -> Integer,
        answer -> Text,
    }
}

table! {
    #[sql_name = "stream_blocked_users"]
    blocked_users (user_id) {
        user_id -> Integer,
        reason -> Nullable<Text>,
        blocked_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(stream_events, webhooks, deliveries);
diesel::allow_tables_to_appear_in_same_query!(publish_sessions, publish_attempts);

/// A piece of SQL that stands in statements as it is.
///
/// Diesel's own `sql("…")` would do, but keeps each statement from being prepared once.
macro_rules! fragment {
    ($(#[$doc:meta])* $name:ident: $sql_type:ty = $sql:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, QueryId)]
        pub(crate) struct $name;

        impl Expression for $name {
            type SqlType = $sql_type;
        }

        impl QueryFragment<Sqlite> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }

        impl<Source> AppearsOnTable<Source> for $name {}
        impl<Source> SelectableExpression<Source> for $name {}
        impl<GroupBy> ValidGrouping<GroupBy> for $name {
            type IsAggregate = is_aggregate::Never;
        }
    };
}

fragment! {
    /// The word by which the planner recognizes the partial indexes `WHERE status = 'active'`, which it does not by a
    /// bound parameter.
    ActiveLiteral: Nullable<Text> = "'active'"
}

fragment! {
    /// The word by which the planner recognizes the partial index of what is pending.
    PendingLiteral: Text = "'pending'"
}

fragment! {
    /// Since when the stream's open session has been live; one that is not confirmed is not.
    LiveSince: Nullable<Timestamp> =
        "(SELECT live_since FROM publish_sessions
          WHERE stream_id = streams.id AND ended_at IS NULL AND confirmed_at IS NOT NULL)"
}

fragment! {
    /// Until when its lease runs.
    LeaseUntil: Nullable<Timestamp> =
        "(SELECT lease_until FROM publish_sessions
          WHERE stream_id = streams.id AND ended_at IS NULL AND confirmed_at IS NOT NULL)"
}

fragment! {
    /// What is said of the stream in one value, as `StoredDetails::read_list_row` reads it.
    ListedDetails: Nullable<Text> =
        "(SELECT COALESCE(title, '') || char(31) || tags || char(31) || COALESCE(category, '') || char(31)
              || COALESCE(language, '') || char(31) || content_labels || char(31) || visibility
          FROM stream_details WHERE stream_id = streams.id)"
}

fragment! {
    /// Whether lists have the stream.
    IsListed: Bool =
        "(COALESCE((SELECT visibility FROM stream_details WHERE stream_id = streams.id), 'public') = 'public')"
}

fragment! {
    /// The last stream that began for a schedule and is there.
    LastStream: Nullable<Integer> =
        "(SELECT max(own.id) FROM scheduled_streams AS taken JOIN streams AS own ON own.id = taken.stream_id
          WHERE taken.schedule_id = stream_schedules.id)"
}

fragment! {
    /// Whether everybody may see the joined stream of a schedule, if it has one that counts: `Schedule::stream_at`.
    StreamIsListed: Bool =
        "(streams.id IS NULL OR (streams.status <> 'active' AND streams.updated_at < stream_schedules.starts_at)
          OR NOT EXISTS (SELECT 1 FROM stream_details AS said
              WHERE said.stream_id = streams.id AND said.visibility <> 'public'))"
}

fragment! {
    /// Whether the joined stream of a schedule has ended in its time: `Schedule::is_taken_at` comes after others then.
    HasEnded: Bool =
        "(COALESCE(streams.status <> 'active' AND streams.updated_at >= stream_schedules.starts_at, FALSE))"
}
