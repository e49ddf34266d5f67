//! Databases, roles and writers whose time zone is not UTC.

use stream_domain::ports::{KeyLookup as _, KeyStore as _};
use stream_domain::testing::new_stream;
use stream_test_postgres::{Cluster, Database};

use super::{block_on, key, migrated, now, store_at, user};

const ZONES: [&str; 3] = ["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"];

/// A migrated database whose writers are in that zone; with the table of the earlier service, or a fresh one.
async fn database_in(zone: &str, old: bool) -> Database<'static> {
    let database = Cluster::shared().database();
    database.sql(&format!("ALTER DATABASE {} SET timezone = '{zone}'", database.name()));
    if old {
        database.create_users(10);
        database.create_old_streams(true);
    }
    store_at(&database.url()).migrate().await.unwrap();
    database
}

/// Whether the times of a stream are right: made now, for 24 hours.
fn is_right(database: &Database<'_>, stream: &str) -> String {
    database.sql(&format!(
        "SELECT abs(extract(epoch FROM created_at - timezone('UTC', now()))) < 60,
                abs(extract(epoch FROM updated_at - timezone('UTC', now()))) < 60, expires_at - created_at
         FROM streams WHERE stream_key = '{stream}'"
    ))
}

#[test]
fn a_writer_in_another_time_zone_gives_right_times_and_24_hours() {
    block_on(async {
        for (zone, old) in ZONES.into_iter().flat_map(|zone| [(zone, true), (zone, false)]) {
            let database = database_in(zone, old).await;
            for (number, (columns, values)) in [
                ("", ""),
                (", created_at", ", CURRENT_TIMESTAMP"),
                (", created_at, updated_at", ", now(), now()"),
                (", created_at, updated_at, expires_at", ", now(), now(), now() + INTERVAL '24 hours'"),
                (", expires_at", ", timezone('UTC', now()) + INTERVAL '24 hours'"),
            ]
            .into_iter()
            .enumerate()
            {
                let number = number + 1;
                // An earlier table's expires_at may be missing, a fresh one's is filled in before it is checked.
                database.sql(&format!(
                    "INSERT INTO streams (user_id, stream_key{columns}) VALUES ({number}, 'theirs-{number}'{values})"
                ));
                let right = is_right(&database, &format!("theirs-{number}"));
                assert_eq!(right, "t|t|1 day", "{zone} {old}{columns}");
            }
            // One that ended says so too, and by an update of somebody else's row.
            database
                .sql("INSERT INTO streams (user_id, stream_key, status) VALUES (9, 'stopped', 'stopped')");
            assert_eq!(is_right(&database, "stopped"), "t|t|1 day", "{zone}");
        }
    });
}

#[test]
fn times_that_a_writer_in_another_time_zone_gives_in_utc_stay_as_they_are() {
    block_on(async {
        let database = database_in("Asia/Kolkata", true).await;
        database.sql(
            "INSERT INTO streams (user_id, stream_key, created_at, updated_at, expires_at)
             VALUES (1, 'theirs', '2026-01-02 03:04:05', '2026-01-02 03:04:06', '2026-01-03 03:04:05')",
        );
        let times = "SELECT created_at, updated_at, expires_at FROM streams WHERE stream_key = 'theirs'";
        assert_eq!(database.sql(times), "2026-01-02 03:04:05|2026-01-02 03:04:06|2026-01-03 03:04:05");
        let store = store_at(&database.url());
        let ours = store.start(&new_stream(user(2), key("ours"), now())).await.unwrap();
        assert_eq!(store.find_by_key(&key("ours")).await.unwrap(), Some(ours));
    });
}

#[test]
fn a_default_that_an_earlier_service_gave_is_changed_only_if_it_is_local() {
    block_on(async {
        let defaults =
            "SELECT string_agg(column_default, ' ' ORDER BY column_name) FROM information_schema.columns
                        WHERE table_name = 'streams' AND column_name IN ('created_at', 'updated_at')";
        let utc = "timezone('UTC'::text, now())";
        for (given, kept) in [
            ("now()", utc),
            ("LOCALTIMESTAMP", utc),
            ("CURRENT_TIMESTAMP(3)", utc),
            ("clock_timestamp()", utc),
            ("now() AT TIME ZONE 'utc'", "timezone('utc'::text, now())"),
            ("'2026-01-01'", "'2026-01-01 00:00:00'::timestamp without time zone"),
        ] {
            let database = Cluster::shared().database();
            database.create_users(1);
            database.create_old_streams(true);
            database.sql(&format!(
                "ALTER TABLE streams ALTER created_at SET DEFAULT ({given}), ALTER updated_at DROP DEFAULT"
            ));
            store_at(&database.url()).migrate().await.unwrap();
            // PostgreSQL 14 and later write the words of the standard.
            let found = database
                .sql(defaults)
                .replace("(now() AT TIME ZONE 'utc'::text)", "timezone('utc'::text, now())");
            assert_eq!(found, kept, "{given}");
        }
    });
}

#[test]
fn a_stale_stream_makes_room_by_utc_wherever_the_writer_is() {
    block_on(async {
        let (database, _store) = migrated().await;
        for (user_number, zone) in (1..).zip(ZONES) {
            database.sql(&format!(
                "SET timezone = '{zone}';
                 INSERT INTO streams (user_id, stream_key, created_at, expires_at) VALUES
                     ({user_number}, 'old-{user_number}', timezone('UTC', now()) - INTERVAL '25 hours',
                      timezone('UTC', now()) - INTERVAL '1 hour');
                 INSERT INTO streams (user_id, stream_key) VALUES ({user_number}, 'new-{user_number}')"
            ));
            let ahead = format!(
                "SELECT status, updated_at - timezone('UTC', now()) < INTERVAL '1 minute' FROM streams
                                 WHERE stream_key = 'old-{user_number}'"
            );
            assert_eq!(database.sql(&ahead), "expired|t", "{zone}");
        }
    });
}
