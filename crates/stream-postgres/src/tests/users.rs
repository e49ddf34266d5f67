//! The tie to the user-service's table.

use stream_domain::PageRequest;
use stream_domain::ports::{
    StartError, StoreHealth as _, StreamRepository as _, UserStreamsError, UsersTable,
};
use stream_test_postgres::Cluster;

use super::{block_on, key, migrated, new_stream, now, store_at, user};

const FOREIGN_KEYS: &str = "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conrelid = 'streams'::regclass AND contype = 'f'";

#[test]
fn without_a_users_table_any_user_may_stream() {
    block_on(async {
        let (database, store) = migrated().await;
        assert_eq!(store.check().await.unwrap(), UsersTable::Missing);
        assert_eq!(database.sql(FOREIGN_KEYS), "");
        store.start(&new_stream(4_711, "mine")).await.unwrap();
        assert!(store.list_by_user(user(9), &PageRequest::default()).await.unwrap().streams.is_empty());
    });
}

#[test]
fn the_foreign_key_is_added_once_the_users_table_appears() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        assert_eq!(store.tie_to_users().await.unwrap(), UsersTable::Missing);
        database.create_users(2);
        assert_eq!(store.tie_to_users().await.unwrap(), UsersTable::Referenced);
        assert_eq!(
            database.sql(FOREIGN_KEYS),
            "streams_user_id_fkey|t|FOREIGN KEY (user_id) REFERENCES users(id)"
        );
        assert_eq!(store.check().await.unwrap(), UsersTable::Referenced);
        assert_eq!(store.tie_to_users().await.unwrap(), UsersTable::Referenced);
    });
}

#[test]
fn rows_of_unknown_users_do_not_keep_new_rows_from_being_checked() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(77, "theirs")).await.unwrap();
        database.create_users(2);
        assert_eq!(store.tie_to_users().await.unwrap(), UsersTable::ReferencedByNewStreams);
        let refusal = store.start(&new_stream(78, "mine")).await;
        assert!(matches!(refusal, Err(StartError::UnknownUser)), "{refusal:?}");
        assert!(store.find_by_key(&key("theirs")).await.unwrap().is_some());
        database.sql("INSERT INTO users (id) VALUES (77)");
        assert_eq!(store.tie_to_users().await.unwrap(), UsersTable::Referenced);
    });
}

#[test]
fn a_user_whom_the_platform_does_not_know_is_refused() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(2);
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        let refusal = store.start(&new_stream(3, "mine")).await;
        assert!(matches!(refusal, Err(StartError::UnknownUser)), "{refusal:?}");
        let refusal = store.stop_active(user(3), now()).await;
        assert!(matches!(refusal, Err(UserStreamsError::UnknownUser)), "{refusal:?}");
        let refusal = store.list_by_user(user(3), &PageRequest::default()).await;
        assert!(matches!(refusal, Err(UserStreamsError::UnknownUser)), "{refusal:?}");
        assert_eq!(store.stop_active(user(2), now()).await.unwrap(), None);
        assert!(store.list_by_user(user(2), &PageRequest::default()).await.unwrap().streams.is_empty());
    });
}

#[test]
fn a_deleted_users_streams_follow_the_existing_foreign_key() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(2);
        database.create_old_streams(true);
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        assert!(database.sql(FOREIGN_KEYS).ends_with("ON DELETE CASCADE"));
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql("DELETE FROM users WHERE id = 1");
        assert_eq!(store.find_by_key(&key("mine")).await.unwrap(), None);
    });
}

#[test]
fn an_existing_key_of_another_name_is_validated() {
    block_on(async {
        let (database, store) = migrated().await;
        database.create_users(2);
        database.sql("ALTER TABLE streams ADD CONSTRAINT \"Fk Streams\" FOREIGN KEY (user_id) REFERENCES users(id) NOT VALID");
        assert_eq!(store.tie_to_users().await.unwrap(), UsersTable::Referenced);
        assert!(database.sql(FOREIGN_KEYS).starts_with("Fk Streams|t|"));
    });
}

#[test]
fn a_users_table_that_cannot_be_referred_to_is_no_reason_not_to_serve() {
    block_on(async {
        let database = Cluster::shared().database();
        database.sql("CREATE VIEW users AS SELECT 1 AS id");
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        assert_eq!(store.check().await.unwrap(), UsersTable::NotReferenced);
        store.start(&new_stream(7, "mine")).await.unwrap();
    });
}
