//! Roles that own the tables, and roles that only use them.

use stream_domain::Details;
use stream_domain::events::LogPosition;
use stream_domain::ports::{
    DetailsStore as _, EventLog as _, KeyStore as _, StoreError, StoreHealth as _, UsersTable,
};
use stream_test_postgres::{Cluster, Database};

use super::{block_on, documented, new_stream, now, store_at, user};

/// Two roles: the owner of the tables and the one that serves.
fn split_roles() -> (Database<'static>, String, String) {
    let database = Cluster::shared().database();
    let (owner, service) = (database.role("owner"), database.role("service"));
    database.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    (database, owner, service)
}

/// The documented statements, for these roles.
fn grants(line: &str, owner: &str, service: &str) -> String {
    documented(line).replace("stream_owner", owner).replace("stream_service", service)
}

#[test]
fn an_owner_migrates_and_a_service_with_the_documented_grants_serves() {
    block_on(async {
        let (database, owner, service) = split_roles();
        database.create_users(9);
        database.sql(&grants("grants-of-the-owner", &owner, &service));
        let ours = store_at(&database.url_as(&owner));
        ours.migrate().await.unwrap();
        assert_eq!(ours.check().await.unwrap(), UsersTable::Referenced);
        database.sql(&grants("grants-of-the-service", &owner, &service));
        let store = store_at(&database.url_as(&service));
        assert!(store.migrate().await.unwrap().is_empty());
        assert_eq!(store.check().await.unwrap(), UsersTable::Referenced);
        store.start(&new_stream(1, "mine")).await.unwrap();
        assert!(store.stop_active(user(1), now()).await.unwrap().is_some());
        assert_eq!(store.expire_overdue(now(), 10).await.unwrap(), 0);
        assert_eq!(store.sequence(10).await.unwrap().last, LogPosition(2));
        assert_eq!(store.note_offline(now(), now(), 10).await.unwrap(), 0);
        assert_eq!(store.settle_schedules(now(), 10).await.unwrap(), 0);
        assert_eq!(store.forget_events(now(), now(), 10).await.unwrap(), 0);
        assert_eq!(store.plan_migration().await.unwrap().to_string(), "Nothing would change.");
    });
}

/// The earlier service has rights on its table alone, and the owner may have taken those on functions from everybody.
#[test]
fn a_writer_with_rights_on_streams_alone_begins_streams_with_details() {
    block_on(async {
        let (database, owner, service) = split_roles();
        database.create_users(9);
        database.sql(&grants("grants-of-the-owner", &owner, &service));
        database.sql(&format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
        ));
        let store = store_at(&database.url_as(&owner));
        store.migrate().await.unwrap();
        let details = Details { title: Some("Weekly".to_owned()), ..Details::default() };
        store.set_channel(user(1), &details, now()).await.unwrap();
        let earlier = database.role("earlier");
        database.sql(&format!(
            "GRANT USAGE ON SCHEMA public TO {earlier};
             GRANT SELECT, INSERT, UPDATE ON streams TO {earlier};
             GRANT USAGE ON SEQUENCE streams_id_seq TO {earlier};
             SET ROLE {earlier};
             INSERT INTO streams (user_id, stream_key, status) VALUES (1, 'of-the-earlier-service', 'active');
             UPDATE streams SET status = 'stopped'"
        ));
        assert_eq!(database.sql("SELECT title FROM stream_details"), "Weekly");
        assert_eq!(database.sql("SELECT count(*) FROM stream_terms"), "0");
        // Only the trigger may call the function.
        database.sql(
            "DO $$ BEGIN PERFORM streams_take_details(7, 1, LOCALTIMESTAMP);
             EXCEPTION WHEN raise_exception THEN NULL; END $$",
        );
        assert_eq!(database.sql("SELECT count(*) FROM stream_details"), "1");
    });
}

#[test]
fn a_service_that_may_not_migrate_names_who_must() {
    block_on(async {
        let (database, owner, service) = split_roles();
        database.create_users(9);
        database.sql(&grants("grants-of-the-owner", &owner, &service));
        store_at(&database.url_as(&owner)).migrate().await.unwrap();
        database.sql(&grants("grants-of-the-service", &owner, &service));
        let store = store_at(&database.url_as(&service));
        database.sql("DROP INDEX streams_playback_id");
        let mend = store.migrate().await.unwrap_err();
        database.sql("DELETE FROM __diesel_schema_migrations WHERE version = '20261125000006'");
        let migrate = store.migrate().await.unwrap_err();
        for error in [mend, migrate] {
            assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
            let cause = error.innermost_cause();
            assert!(cause.contains("stream-server migrate") && cause.contains(&owner), "{cause}");
        }
        let plan = store.plan_migration().await.unwrap().to_string();
        assert!(plan.contains("nothing, until this is mended"), "{plan}");
    });
}

#[test]
fn each_privilege_that_is_missing_is_named() {
    block_on(async {
        let (database, owner, service) = split_roles();
        database.sql(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO {owner}; GRANT USAGE ON SCHEMA public TO {service}"
        ));
        store_at(&database.url_as(&owner)).migrate().await.unwrap();
        database.sql(&format!(
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO {service};
            GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {service}"
        ));
        let store = store_at(&database.url_as(&service));
        store.migrate().await.unwrap();
        for privilege in [
            "SELECT ON streams",
            "INSERT ON streams",
            "UPDATE ON streams",
            "USAGE ON SEQUENCE streams_id_seq",
            "SELECT ON publish_sessions",
            "INSERT ON publish_sessions",
            "UPDATE ON publish_sessions",
            "DELETE ON publish_sessions",
            "INSERT ON publish_attempts",
            "DELETE ON publish_attempts",
        ] {
            database.sql(&format!("REVOKE {privilege} FROM {service}"));
            let error = store.migrate().await.unwrap_err();
            assert!(matches!(error, StoreError::Denied(_)), "{privilege}: {error:?}");
            assert!(
                error.innermost_cause().contains(&format!("GRANT {privilege} TO {service}")),
                "{error:?}"
            );
            database.sql(&format!("GRANT {privilege} TO {service}"));
        }
        store.migrate().await.unwrap();
    });
}

#[test]
fn a_role_that_may_create_nothing_is_told_so_before_anything_changes() {
    block_on(async {
        let (database, owner, _service) = split_roles();
        database.sql(&format!("GRANT USAGE ON SCHEMA public TO {owner}"));
        let error = store_at(&database.url_as(&owner)).migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
        assert!(error.innermost_cause().contains("GRANT CREATE ON SCHEMA public"), "{error:?}");
    });
}
