//! Rows that somebody else wrote.

use stream_domain::PageRequest;
use stream_domain::ports::{StoreError, StreamRepository as _};

use super::{block_on, key, migrated, new_stream, now, user};

#[test]
fn an_unreadable_row_is_an_error_that_names_it_and_spoils_no_list() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql(
            "INSERT INTO streams (user_id, stream_key, status) VALUES
                 (1, 'paused', 'paused'), (1, 'null-status', NULL), (1, 'not a key!', 'stopped'), (-5, 'nobody', 'active')",
        );
        for name in ["paused", "null-status", "nobody"] {
            let error = store.find_by_key(&key(name)).await.unwrap_err();
            assert!(
                matches!(error, StoreError::Corrupt { table: "streams", id: 1..=4, .. }),
                "{name}: {error:?}"
            );
        }
        store.start(&new_stream(1, "mine")).await.unwrap();
        let own = store.list_by_user(user(1), &PageRequest::default()).await.unwrap();
        assert_eq!(own.streams.len(), 1);
        assert_eq!(store.list_active(now(), &PageRequest::default()).await.unwrap().streams.len(), 1);
    });
}

#[test]
fn missing_times_follow_from_those_that_are_there() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
             VALUES (1, 'no-creation', 'stopped', NULL, NULL, '2026-01-03 00:00:00')",
        );
        let stream = store.find_by_key(&key("no-creation")).await.unwrap().unwrap();
        assert_eq!(stream.created_at, stream.expires_at.plus(-time::Duration::DAY));
        assert_eq!(stream.updated_at, stream.created_at);
    });
}

#[test]
fn a_stream_without_a_user_is_kept_and_found() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql(
            "INSERT INTO streams (user_id, stream_key, created_at, expires_at) VALUES
                 (NULL, 'a', '2026-01-02 00:00:00', '2026-01-03 00:00:00'), (NULL, 'b', '2026-01-02 00:00:00', '2026-01-03 00:00:00')",
        );
        assert_eq!(store.find_by_key(&key("a")).await.unwrap().unwrap().user_id, None);
        assert_eq!(store.list_active(now(), &PageRequest::default()).await.unwrap().streams.len(), 2);
    });
}
