//! What the migrations make, and whether all of it is there.
//!
//! This list is the one place that says what must exist; the migrations, which may run again on what they left behind,
//! make what is missing.
//! A database that was restored in part, or edited, is mended so.

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use stream_domain::ports::StoreError;

use crate::catalog_tables::is_true;
use crate::error;

/// The tables, in the order in which missing privileges are listed.
pub(crate) const TABLES: [&str; 15] = [
    "streams",
    "publish_sessions",
    "publish_attempts",
    "media_server_boots",
    "channels",
    "stream_details",
    "stream_terms",
    "stream_schedules",
    "scheduled_streams",
    "stream_events",
    "live_streams",
    "stream_webhooks",
    "stream_webhook_deliveries",
    "stream_webhook_attempts",
    "stream_blocked_users",
];

/// The columns that were added to tables that were there before.
const COLUMNS: [(&str, &str); 5] = [
    ("streams", "playback_id"),
    ("publish_sessions", "confirmed_at"),
    ("publish_sessions", "stalled_until"),
    ("publish_sessions", "supersedes"),
    ("stream_schedules", "settled_at"),
];

/// The tables whose rows are numbered by the database.
const NUMBERED: [&str; 5] =
    ["streams", "publish_sessions", "stream_schedules", "stream_events", "stream_webhooks"];

/// Columns that are unique by themselves or together, under whatever name an earlier service gave the constraint.
const UNIQUE_COLUMNS: [(&str, &str); 16] = [
    ("streams", "id"),
    ("streams", "stream_key"),
    ("publish_sessions", "id"),
    ("publish_attempts", "stream_id,refusal,server,address"),
    ("media_server_boots", "server,boot_id"),
    ("channels", "user_id"),
    ("stream_details", "stream_id"),
    ("stream_terms", "stream_id,term"),
    ("stream_schedules", "id"),
    ("scheduled_streams", "stream_id"),
    ("stream_events", "id"),
    ("live_streams", "stream_id"),
    ("stream_webhooks", "id"),
    ("stream_webhook_deliveries", "webhook_id,position"),
    ("stream_webhook_attempts", "webhook_id,position,at"),
    ("stream_blocked_users", "user_id"),
];

/// The indexes by table; of those that an earlier service may have made, only the one that lists need.
const INDEXES: [(&str, &str); 28] = [
    ("streams", "idx_streams_user_id"),
    ("streams", "streams_one_active_per_user"),
    ("streams", "streams_active_newest_first"),
    ("streams", "streams_active_by_expiry"),
    ("streams", "streams_playback_id"),
    ("publish_sessions", "publish_sessions_one_open_per_stream"),
    ("publish_sessions", "publish_sessions_one_open_per_server_session"),
    ("publish_sessions", "publish_sessions_by_stream"),
    ("publish_sessions", "publish_sessions_to_cut"),
    ("publish_sessions", "publish_sessions_by_key_expiry"),
    ("publish_sessions", "publish_sessions_by_ordinal"),
    ("publish_sessions", "publish_sessions_by_end"),
    ("publish_attempts", "publish_attempts_by_last"),
    ("stream_terms", "stream_terms_newest_first"),
    ("stream_schedules", "stream_schedules_soonest_first"),
    ("stream_schedules", "stream_schedules_by_user"),
    ("stream_schedules", "stream_schedules_by_end"),
    ("scheduled_streams", "scheduled_streams_by_schedule"),
    ("stream_schedules", "stream_schedules_to_settle"),
    ("stream_events", "stream_events_to_sequence"),
    ("stream_events", "stream_events_by_position"),
    ("stream_events", "stream_events_by_user"),
    ("live_streams", "live_streams_away"),
    ("stream_webhooks", "stream_webhooks_by_user"),
    ("stream_webhooks", "stream_webhooks_due"),
    ("stream_webhooks", "stream_webhooks_to_replay"),
    ("stream_webhook_deliveries", "stream_webhook_deliveries_due"),
    ("stream_webhook_deliveries", "stream_webhook_deliveries_by_position"),
];

/// The triggers by table, which act for every writer.
const TRIGGERS: [(&str, &str); 13] = [
    ("streams", "streams_make_room"),
    ("streams", "streams_cut_publisher"),
    ("publish_sessions", "publish_sessions_heed_stops"),
    ("streams", "streams_tell_start"),
    ("publish_sessions", "publish_sessions_tell"),
    ("publish_sessions", "publish_sessions_tell_start"),
    ("live_streams", "live_streams_tell"),
    ("publish_attempts", "publish_attempts_tell"),
    ("publish_attempts", "publish_attempts_tell_start"),
    ("stream_schedules", "stream_schedules_tell"),
    ("stream_events", "stream_events_fan_out"),
    ("stream_webhooks", "stream_webhooks_tell"),
    ("streams", "streams_heed_blocks"),
];

/// The functions, each with a word that only the latest migration's text of it has: an older version, or a restored dump,
/// may have put an older one in its place.
const FUNCTIONS: [(&str, &str); 3] = [
    ("streams_make_room", "streams_take_details"),
    ("streams_take_details", "scheduled_streams"),
    ("streams_cut_publisher", "live_streams"),
];

/// What must exist, as rows of (kind, table, name).
fn wanted() -> String {
    let row = |kind: &str, table: &str, name: &str| format!("('{kind}', '{table}', '{name}')");
    let mut rows: Vec<String> = TABLES.iter().map(|table| row("table", table, "")).collect();
    rows.extend(COLUMNS.iter().map(|(table, name)| row("column", table, name)));
    rows.push(row("default of the column", "streams", "playback_id"));
    rows.extend(NUMBERED.iter().map(|table| row("numbers of the column", table, "id")));
    rows.extend(UNIQUE_COLUMNS.iter().map(|(table, columns)| row("unique index", table, columns)));
    rows.extend(INDEXES.iter().map(|(table, name)| row("index", table, name)));
    rows.extend(FUNCTIONS.iter().map(|(function, word)| row("latest", function, word)));
    rows.extend(TRIGGERS.iter().map(|(table, name)| row("trigger", table, name)));
    rows.join(", ")
}

/// What is missing, disabled or invalid, each in words; reads only.
pub(crate) async fn missing(connection: &mut AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Missing {
        #[diesel(sql_type = Text)]
        what: String,
    }
    let query = format!(
        "SELECT CASE WHEN kind = 'table' THEN 'the table ' || owner
             WHEN kind = 'latest' THEN 'the latest function ' || owner
             WHEN kind IN ('column', 'default of the column', 'numbers of the column', 'unique index') THEN format('the %s %s (%s)', kind, owner, name)
             ELSE format('the %s %s', kind, name) END AS what
         FROM (VALUES {}) AS wanted (kind, owner, name)
         WHERE NOT CASE kind
             WHEN 'table' THEN to_regclass(owner) IS NOT NULL
             WHEN 'latest' THEN EXISTS (SELECT FROM pg_proc WHERE proname = owner AND strpos(prosrc, name) > 0)
             WHEN 'column' THEN EXISTS (
                 SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = name)
             WHEN 'default of the column' THEN EXISTS (
                 SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = name AND atthasdef)
             WHEN 'numbers of the column' THEN EXISTS (
                 SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = name
                 AND (atthasdef OR attidentity <> ''))
             WHEN 'index' THEN EXISTS (
                 SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE indrelid = to_regclass(owner) AND relname = name AND indisvalid)
             WHEN 'unique index' THEN EXISTS (
                 SELECT FROM pg_index WHERE indrelid = to_regclass(owner)
                 AND indisunique AND indisvalid AND indpred IS NULL AND string_to_array(name, ',') = ARRAY(
                     SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS key (number, place)
                     JOIN pg_attribute ON attrelid = indrelid AND attnum = number
                     WHERE place <= indnkeyatts ORDER BY place))
             ELSE EXISTS (
                 SELECT FROM pg_trigger
                 WHERE tgrelid = to_regclass(owner) AND tgname = name AND tgenabled IN ('O', 'A'))
         END",
        wanted()
    );
    let rows: Vec<Missing> = sql_query(query).load(connection).await.map_err(error::query)?;
    let mut missing: Vec<String> = rows.into_iter().map(|row| row.what).collect();
    let may_look = NUMBERED.map(|table| format!("has_table_privilege('{table}', 'SELECT')")).join(" AND ");
    if missing.is_empty() && is_true(connection, &may_look).await? {
        let behind = NUMBERED.map(|table| {
            format!(
                "SELECT 'further numbers of the column {table} (id)' AS what
                 FROM (SELECT pg_get_serial_sequence('{table}', 'id')::regclass AS numbers, max(id) AS last
                       FROM {table}) AS used
                 WHERE CASE WHEN numbers IS NULL THEN FALSE
                     WHEN NOT has_sequence_privilege(numbers, 'USAGE, SELECT') THEN FALSE
                     ELSE last > COALESCE(pg_sequence_last_value(numbers), 0) END"
            )
        });
        let rows: Vec<Missing> =
            sql_query(behind.join(" UNION ALL ")).load(connection).await.map_err(error::query)?;
        missing.extend(rows.into_iter().map(|row| row.what));
    }
    Ok(missing)
}

/// Takes away what a build that was broken off left behind: an index that is kept up and never used.
///
/// In a block of PL/pgSQL, to be run before the migrations run again.
pub(crate) fn drop_invalid() -> String {
    let names: Vec<String> = INDEXES.iter().map(|(_, name)| format!("'{name}'")).collect();
    format!(
        "DO $$
         DECLARE broken regclass;
         BEGIN
             FOR broken IN SELECT indexrelid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE NOT indisvalid AND relname IN ({})
                 AND indrelid IN ({})
             LOOP
                 EXECUTE format('DROP INDEX %s', broken);
             END LOOP;
         END $$",
        names.join(", "),
        TABLES.map(|table| format!("to_regclass('{table}')")).join(", ")
    )
}
