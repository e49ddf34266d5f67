//! Sessions in a database that others use as well.

mod round_trips;
mod swaps;

use std::sync::Arc;

use stream_domain::broadcasts::admission::{Admitted, Proof, PublishRequest, Refusal, Trigger, Verdict};
use stream_domain::broadcasts::session::EndReason;
use stream_domain::lifecycle::LIFETIME;
use stream_domain::ports::{
    Admissions as _, History as _, KICK_RETRY_AFTER, KeyLookup as _, KeyStore as _, Kicks as _,
    SessionSelector,
};
use stream_domain::testing::{asking, laws, terms};
use stream_domain::{PlaybackId, ServerName, Timestamp};
use stream_test_postgres::{Cluster, Database, eventually};
use time::Duration;

use super::{block_on, key, migrated, new_stream, now, store_at, user};
use crate::PostgresStore;

fn edge() -> ServerName {
    ServerName::parse("edge").unwrap()
}

async fn admit(store: &PostgresStore, request: &PublishRequest) -> Verdict {
    store.admit(request, &terms(), now()).await.unwrap()
}

async fn admitted(store: &PostgresStore, session: &str, name: &str) -> Admitted {
    match admit(store, &asking(session, name, 1)).await {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

/// Whom the media server is to end, and why.
async fn cuts(store: &PostgresStore, at: Timestamp) -> Vec<(String, EndReason)> {
    let cuts = store.claim_pending_kicks(&edge(), at, at, 10).await.unwrap();
    let mut cuts: Vec<_> = cuts.into_iter().map(|cut| (cut.publisher.session, cut.why)).collect();
    cuts.sort_by(|one, other| one.0.cmp(&other.0));
    cuts
}

/// A role that may do to streams what the earlier service does, and knows of nothing else.
fn create_earlier_role(database: &Database<'_>, role: &str) {
    database.sql(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON streams TO {role}; GRANT USAGE ON SEQUENCE streams_id_seq TO {role}"
    ));
}

#[test]
fn the_earlier_service_takes_publishers_off_air_without_a_right_to_their_table() {
    block_on(async {
        let (database, store) = migrated().await;
        create_earlier_role(&database, "earlier");
        let rights = "SELECT has_table_privilege('earlier', 'publish_sessions', 'SELECT'),
                      has_table_privilege('earlier', 'publish_sessions', 'UPDATE')";
        assert_eq!(database.sql(rights), "f|f");
        let as_earlier = |statement: &str| database.sql(&format!("SET ROLE earlier; {statement}"));
        for (number, name) in [(1, "stopped"), (2, "deleted"), (3, "expired"), (4, "untouched")] {
            store.start(&new_stream(number, name)).await.unwrap();
            admitted(&store, name, name).await;
        }
        as_earlier("UPDATE streams SET status = 'stopped', updated_at = now() WHERE stream_key = 'stopped'");
        as_earlier("DELETE FROM streams WHERE stream_key = 'deleted'");
        as_earlier("UPDATE streams SET status = 'expired' WHERE stream_key = 'expired'");
        as_earlier("UPDATE streams SET updated_at = now() WHERE stream_key = 'untouched'");
        let due = [
            ("deleted", EndReason::Deleted),
            ("expired", EndReason::Expired),
            ("stopped", EndReason::Stopped),
        ];
        assert_eq!(cuts(&store, now()).await, due.map(|(session, why)| (session.to_owned(), why)));
        let listed =
            store.list_sessions(user(1), find_id(&store, "stopped").await, 10).await.unwrap().unwrap();
        assert_eq!(listed[0].ended, None, "its publisher is still there, as far as anybody knows");
        for (name, refusal) in
            [("stopped", Refusal::Stopped), ("deleted", Refusal::UnknownKey), ("expired", Refusal::Expired)]
        {
            let update = PublishRequest { trigger: Trigger::Heartbeat, ..asking(name, name, 1) };
            assert_eq!(admit(&store, &update).await, Verdict::Refused(refusal), "{name}");
        }
        database.sql("DROP OWNED BY earlier; DROP ROLE earlier");
    });
}

async fn find_id(store: &PostgresStore, name: &str) -> stream_domain::StreamId {
    store.find_by_key(&key(name)).await.unwrap().unwrap().id
}

#[test]
fn the_earlier_service_makes_way_for_a_new_stream_and_so_cuts_the_old_one() {
    block_on(async {
        let (database, store) = migrated().await;
        create_earlier_role(&database, "maker");
        store.start(&new_stream(1, "ours")).await.unwrap();
        admitted(&store, "s1", "ours").await;
        // The trigger that makes room marks the overdue one as expired.
        database.sql(
            "SET ROLE maker; INSERT INTO streams (user_id, stream_key, created_at, expires_at)
             VALUES (1, 'theirs', '2026-01-04 00:00:00', '2026-01-05 00:00:00')",
        );
        assert_eq!(database.sql("SELECT status FROM streams WHERE stream_key = 'ours'"), "expired");
        assert_eq!(cuts(&store, now()).await, [("s1".to_owned(), EndReason::Expired)]);
        database.sql("DROP OWNED BY maker; DROP ROLE maker");
    });
}

#[test]
fn a_moved_expiry_moves_the_cut() {
    block_on(async {
        let (database, store) = migrated().await;
        for (number, name) in [(1, "longer"), (2, "shorter")] {
            store.start(&new_stream(number, name)).await.unwrap();
            admitted(&store, name, name).await;
        }
        let moved = |by: &str, name: &str| {
            database
                .sql(&format!("UPDATE streams SET expires_at = expires_at {by} WHERE stream_key = '{name}'"));
        };
        moved("+ INTERVAL '1 hour'", "longer");
        moved("- INTERVAL '1 hour'", "shorter");
        let end = now().plus(LIFETIME);
        let hour = Duration::HOUR;
        assert_eq!(cuts(&store, end.plus(-hour).plus(-Duration::MICROSECOND)).await, []);
        assert_eq!(cuts(&store, end.plus(-hour)).await, [("shorter".to_owned(), EndReason::Expired)]);
        store.mark_kicked(stream_domain::SessionId(2), end.plus(-hour)).await.unwrap();
        assert_eq!(cuts(&store, end.plus(hour).plus(-Duration::MICROSECOND)).await, []);
        assert_eq!(cuts(&store, end.plus(hour)).await, [("longer".to_owned(), EndReason::Expired)]);
    });
}

#[test]
fn a_deleted_user_takes_streams_and_publishers_along() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(2);
        database.create_old_streams(true);
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        for (number, name) in [(1, "gone"), (2, "stays")] {
            store.start(&new_stream(number, name)).await.unwrap();
            admitted(&store, name, name).await;
        }
        database.sql("DELETE FROM users WHERE id = 1");
        assert_eq!(store.find_by_key(&key("gone")).await.unwrap(), None);
        assert_eq!(cuts(&store, now()).await, [("gone".to_owned(), EndReason::Deleted)]);
        let update = PublishRequest { trigger: Trigger::Heartbeat, ..asking("gone", "gone", 1) };
        assert_eq!(admit(&store, &update).await, Verdict::Refused(Refusal::UnknownKey));
        let gone = SessionSelector::Session { server: edge(), session: "gone".to_owned(), name: None };
        assert!(store.end(&gone, EndReason::Left, now()).await.unwrap());
        let ends = "SELECT name, end_reason, cut_because FROM publish_sessions ORDER BY id";
        assert_eq!(database.sql(ends), "gone|deleted|\nstays||");
        assert_eq!(cuts(&store, now().plus(KICK_RETRY_AFTER)).await, []);
    });
}

#[test]
fn sessions_live_in_the_schema_of_the_streams() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(3);
        database.create_old_streams(true);
        database.sql("CREATE SCHEMA empty; CREATE SCHEMA platform");
        database.sql("ALTER TABLE streams SET SCHEMA platform; ALTER TABLE users SET SCHEMA platform");
        let store = store_at(&format!("{}?options=-csearch_path%3Dempty,platform", database.url()));
        store.migrate().await.unwrap();
        let schemas = "SELECT relname, relnamespace::regnamespace FROM pg_class
                       WHERE relname IN ('publish_sessions', 'publish_attempts') ORDER BY 1";
        assert_eq!(database.sql(schemas), "publish_attempts|platform\npublish_sessions|platform");
        for (number, name) in [(1, "one"), (2, "two"), (3, "three")] {
            store.start(&new_stream(number, name)).await.unwrap();
            assert!(admitted(&store, name, name).await.is_new);
            assert!(!admitted(&store, name, name).await.is_new);
        }
        let refused = admit(&store, &asking("other", "one", 9)).await;
        assert_eq!(refused, Verdict::Refused(Refusal::AlreadyLive));
        assert_eq!(store.list_attempts(user(1), 10).await.unwrap().len(), 1);
        // The trigger fires for a client with another search path too.
        database.sql("SET search_path = pg_catalog; UPDATE platform.streams SET status = 'stopped' WHERE stream_key = 'one'");
        database.sql("SET search_path = empty; DELETE FROM platform.users WHERE id = 2");
        store.stop_active(user(3), now()).await.unwrap().unwrap();
        let due = [("one", EndReason::Stopped), ("three", EndReason::Stopped), ("two", EndReason::Deleted)];
        assert_eq!(cuts(&store, now()).await, due.map(|(session, why)| (session.to_owned(), why)));
        assert!(store.migrate().await.unwrap().is_empty());
    });
}

/// Runs the law of racing publishers with all of them at the point of writing at once; what it says if it fails.
async fn race_at_the_gate(database: &Database<'_>, store: &Arc<PostgresStore>) -> Result<(), String> {
    database.sql(
        "CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
         CREATE TRIGGER wait_at_the_gate BEFORE INSERT ON publish_sessions
         FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate()",
    );
    let mut keeper = std::process::Command::new("psql");
    keeper.args(["-X", "-q", "-d", &database.url(), "-c", "SELECT pg_advisory_lock(1); SELECT pg_sleep(60)"]);
    let quiet = std::process::Stdio::null;
    let mut keeper = keeper.stdout(quiet()).stderr(quiet()).spawn().unwrap();
    let at_the_gate = |granted: bool| {
        database.sql(&format!(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database =
             (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted = {granted}"
        ))
    };
    eventually("the gate", || at_the_gate(true) == "1");
    let racing = {
        let store = store.clone();
        tokio::spawn(async move { laws::one_of_many_publishers_wins(&*store).await })
    };
    eventually("the race", || at_the_gate(false) != "0" && at_the_gate(false) != "1");
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database =
                  (SELECT oid FROM pg_database WHERE datname = current_database())");
    keeper.wait().unwrap();
    racing.await.map_err(|failure| {
        let panic = failure.into_panic();
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    })
}

#[test]
fn with_its_index_one_of_many_publishers_wins_at_the_very_point_of_writing() {
    block_on(async {
        let (database, store) = migrated().await;
        assert_eq!(race_at_the_gate(&database, &store).await, Ok(()));
    });
}

#[test]
fn without_its_index_several_publishers_win_until_the_service_makes_it_again() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql("DROP INDEX publish_sessions_one_open_per_stream");
        let failure = race_at_the_gate(&database, &store).await.unwrap_err();
        // All that waited are let in; the next one finds several rows where one is allowed, and fails.
        let (law, next) = ("right: 1", "cannot affect row a second time");
        assert!(failure.contains(law) || failure.contains(next), "{failure}");
        let open = "SELECT count(*) > 1 FROM publish_sessions WHERE ended_at IS NULL";
        assert_eq!(database.sql(open), "t", "nothing but the index keeps the rule");
        assert!(store_at(&database.url()).migrate().await.unwrap().is_empty());
        let open = "SELECT count(*), max(id) = (SELECT max(id) FROM publish_sessions) FROM publish_sessions WHERE ended_at IS NULL";
        assert_eq!(database.sql(open), "1|t", "the newest stays, as after a takeover");
        let to_kick = "SELECT count(*) > 0 FROM publish_sessions WHERE ended_at IS NOT NULL AND cut_because = 'superseded'";
        assert_eq!(database.sql(to_kick), "t");
    });
}

#[test]
fn a_connection_that_is_heard_to_publish_something_else_publishes_one_thing() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        store.start(&new_stream(2, "two")).await.unwrap();
        admitted(&store, "s1", "one").await;
        let update = PublishRequest { trigger: Trigger::Heartbeat, ..asking("s1", "two", 1) };
        let verdict = store.admit(&update, &terms(), now()).await;
        assert!(verdict.is_ok(), "a rule, not a store that is away: {verdict:?}");
        let open = "SELECT count(*) FROM publish_sessions WHERE ended_at IS NULL";
        assert_eq!(database.sql(open), "1");
    });
}

#[test]
fn a_row_that_somebody_else_inserts_gets_a_public_name() {
    block_on(async {
        let (database, store) = migrated().await;
        create_earlier_role(&database, "namer");
        database.sql(
            "SET ROLE namer; INSERT INTO streams (user_id, stream_key, created_at, expires_at) VALUES
             (1, 'first', '2026-01-02 03:00:00', '2026-01-03 03:00:00'),
             (2, 'second', '2026-01-02 03:00:00', '2026-01-03 03:00:00')",
        );
        let named = "SELECT count(DISTINCT playback_id) FROM streams WHERE playback_id ~ '^[0-9a-f]{32}$'";
        assert_eq!(database.sql(named), "2");
        let stream = store.find_by_key(&key("first")).await.unwrap().unwrap();
        assert_eq!(store.find_by_playback_id(&stream.playback_id).await.unwrap(), Some(stream.clone()));
        let proof = Proof::KeyOf(stream.playback_id.clone(), key("first"));
        let by_both = PublishRequest { proof, ..asking("s1", "first", 1) };
        assert!(
            matches!(admit(&store, &by_both).await, Verdict::Admitted(of) if of.playback_id == stream.playback_id)
        );
        database.sql("DROP OWNED BY namer; DROP ROLE namer");
    });
}

#[test]
fn adopted_active_rows_get_a_public_name_and_ended_ones_are_called_so() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(3);
        database.create_old_streams(true);
        database.sql(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at) VALUES
             (1, 'active', 'active', '2026-01-02 03:00:00', '2026-01-02 03:00:00', '2026-01-03 03:00:00'),
             (2, 'stopped', 'stopped', '2026-01-01 03:00:00', '2026-01-01 04:00:00', '2026-01-02 03:00:00'),
             (3, 'expired', 'expired', '2026-01-01 03:00:00', '2026-01-01 03:00:00', '2026-01-02 03:00:00')",
        );
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        let named = "SELECT stream_key, playback_id ~ '^[0-9a-f]{32}$' FROM streams ORDER BY id";
        assert_eq!(database.sql(named), "active|t\nstopped|\nexpired|");
        let id = admitted(&store, "s1", "active").await.playback_id;
        assert_eq!(store.find_by_playback_id(&id).await.unwrap().unwrap().key, key("active"));
        for (name, id) in [("stopped", "ended-2"), ("expired", "ended-3")] {
            let stream = store.find_by_key(&key(name)).await.unwrap().unwrap();
            assert_eq!(stream.playback_id.as_str(), id);
            assert_eq!(store.find_by_playback_id(&PlaybackId::parse(id).unwrap()).await.unwrap(), None);
        }
    });
}
