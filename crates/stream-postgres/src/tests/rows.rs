//! Rows that somebody else wrote.

use stream_domain::PageRequest;
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{CatalogStore as _, KeyLookup as _, KeyStore as _, StoreError};

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
        assert_eq!(
            store.list(&CatalogQuery::active(PageRequest::default()), now()).await.unwrap().streams.len(),
            1
        );
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
        assert_eq!(
            store.list(&CatalogQuery::active(PageRequest::default()), now()).await.unwrap().streams.len(),
            2
        );
    });
}

#[test]
fn times_out_of_range_spoil_no_list() {
    block_on(async {
        let (database, store) = migrated().await;
        for (user_number, times) in [
            (1, "'2026-01-02', 'infinity'"),
            (2, "'-infinity', '2026-01-03'"),
            (3, "'infinity', 'infinity'"),
            (4, "'20000-01-01', '20000-01-02'"),
            (5, "'0044-03-15 BC', '9999-01-01'"),
        ] {
            database.sql(&format!(
                "INSERT INTO streams (user_id, stream_key, created_at, expires_at) VALUES ({user_number}, 'odd-{user_number}', {times})"
            ));
            let error = store.find_by_key(&key(&format!("odd-{user_number}"))).await.unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{times}: {error:?}");
        }
        store.start(&new_stream(9, "mine")).await.unwrap();
        let active = store.list(&CatalogQuery::active(PageRequest::default()), now()).await.unwrap();
        assert_eq!(active.streams.len(), 1);
        assert!(store.list_by_user(user(3), &PageRequest::default()).await.unwrap().streams.is_empty());
    });
}

#[test]
fn pages_lose_nothing_to_rows_without_a_time_or_a_sense() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql(
            "INSERT INTO streams (user_id, stream_key, status, created_at, expires_at) VALUES
                 (1, 'timeless-a', 'stopped', NULL, '2026-01-03'), (1, 'new', 'stopped', '2026-01-05', '2026-01-06'),
                 (1, 'nonsense', 'paused', '2026-01-04', '2026-01-05'), (1, 'old', 'stopped', '2025-01-01', '2025-01-02'),
                 (1, 'timeless-b', 'stopped', NULL, '2026-01-03'), (1, 'odd', 'stopped', 'infinity', '2026-01-03')",
        );
        for limit in 1..=7 {
            let mut page = PageRequest { limit: std::num::NonZeroU32::new(limit), after: None };
            let mut keys = Vec::new();
            loop {
                let answer = store.list_by_user(user(1), &page).await.unwrap();
                keys.extend(answer.streams.into_iter().map(|stream| stream.key.expose().to_owned()));
                let Some(next) = answer.next else { break };
                page.after = Some(next);
            }
            assert_eq!(keys, ["new", "old", "timeless-b", "timeless-a"], "pages of {limit}");
        }
    });
}

#[test]
fn an_active_row_without_any_time_does_not_lock_its_user_out() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql("ALTER TABLE streams ALTER COLUMN expires_at DROP NOT NULL");
        database.sql("ALTER TABLE streams DISABLE TRIGGER streams_make_room");
        database.sql("INSERT INTO streams (user_id, stream_key, created_at, expires_at) VALUES (1, 'timeless', NULL, NULL)");
        database.sql("ALTER TABLE streams ENABLE TRIGGER streams_make_room");
        store.start(&new_stream(1, "mine")).await.unwrap();
    });
}
