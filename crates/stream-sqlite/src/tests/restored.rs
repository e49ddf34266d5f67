//! Files that were restored in part, or edited.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use stream_domain::ports::{Clock as _, KeyStore as _, StartError};
use stream_domain::testing::ManualClock;
use stream_domain::{StreamKey, UserId};

use super::{block_on, migrated, store_at};
use crate::pool::{self, Mode};

fn open(path: &Path) -> SqliteConnection {
    pool::open(path, Mode::Write, Duration::from_secs(5)).unwrap()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(path: &Path, query: &str) -> Vec<String> {
    let rows: Vec<Line> = sql_query(query).load(&mut open(path)).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

const OBJECTS: &str = "SELECT type || ' ' || name AS line FROM sqlite_master
                       WHERE sql IS NOT NULL AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY 1";

#[test]
fn all_that_the_migrations_make_is_made_again() {
    block_on(async {
        let (folder, store) = migrated().await;
        let path = folder.path().join("streams.db");
        let objects = lines(&path, OBJECTS);
        assert!(objects.len() > 15, "{objects:?}");
        for object in objects.iter().filter(|object| *object != "table streams") {
            open(&path).batch_execute(&format!("DROP {object}")).unwrap();
            let plan = store.plan_migration().await.unwrap().to_string();
            assert!(
                plan.contains(&format!("make again, since it is missing: the {object}")),
                "{object}: {plan}"
            );
            assert!(store.migrate().await.unwrap().is_empty());
            assert_eq!(lines(&path, OBJECTS), objects, "{object}");
            assert_eq!(store.plan_migration().await.unwrap().to_string(), "Nothing would change.");
        }
    });
}

#[test]
fn rows_that_came_while_a_rule_was_missing_are_settled() {
    block_on(async {
        let (folder, store) = migrated().await;
        let path = folder.path().join("streams.db");
        let time = "'2026-01-02 00:00:00.000000'";
        let session = |id: u32| {
            format!("INSERT INTO publish_sessions (stream_id, server, server_session, application, name, protocol, epoch,
                live_since, started_at, last_seen_at, lease_until, key_expires_at)
                VALUES (3, 'edge', 'session-{id}', 'live', 'key', 'rtmp', 1, {time}, {time}, {time}, {time}, {time});")
        };
        open(&path).batch_execute(&format!(
            "DROP INDEX streams_one_active_per_user; DROP INDEX publish_sessions_one_open_per_stream;
             INSERT INTO streams (user_id, stream_key, created_at, updated_at, expires_at, playback_id)
             SELECT 1, 'key-' || value, '2026-01-0' || value || ' 00:00:00.000000', '2026-01-01 00:00:00.000000', '2026-02-01 00:00:00.000000', 'id-' || value
             FROM json_each('[1, 2, 3]'); {}{}", session(1), session(2))).unwrap();
        store.migrate().await.unwrap();
        let active = "SELECT stream_key AS line FROM streams WHERE status = 'active'";
        assert_eq!(lines(&path, active), ["key-3"]);
        let open_sessions = "SELECT server_session AS line FROM publish_sessions WHERE ended_at IS NULL";
        assert_eq!(lines(&path, open_sessions), ["session-2"]);
        let key = StreamKey::parse("new").unwrap();
        let new =
            stream_domain::testing::new_stream(UserId::new(1).unwrap(), key, ManualClock::default().now());
        assert!(matches!(store.start(&new).await, Err(StartError::AlreadyActive(_))));
        let stopped = "SELECT updated_at AS line FROM streams WHERE status = 'stopped'";
        assert!(lines(&path, stopped).iter().all(|time| time.len() == "2026-01-01 00:00:00.000000".len()));
    });
}

#[test]
fn a_file_of_a_newer_version_is_served() {
    block_on(async {
        let (folder, store) = migrated().await;
        let path = folder.path().join("streams.db");
        open(&path)
            .batch_execute(
                "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000001');
                            CREATE INDEX of_tomorrow ON streams (status)",
            )
            .unwrap();
        assert!(store_at(&path).migrate().await.unwrap().is_empty());
        assert_eq!(store.plan_migration().await.unwrap().to_string(), "Nothing would change.");
    });
}
