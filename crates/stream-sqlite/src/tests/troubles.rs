//! What an operator is told when the file is not as it should be: which file, and what to do.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{
    CatalogStore as _, Clock as _, KeyLookup as _, KeyStore as _, StoreError, StoreHealth as _, UsersTable,
    chain_of,
};
use stream_domain::testing::ManualClock;
use stream_domain::{PageRequest, StreamKey, UserId};

use super::{block_on, migrated, store_at};
use crate::error;
use crate::pool::{self, Mode};

/// The whole of what the log says; it must name the file.
fn told(error: &StoreError, path: &Path) -> String {
    let text = chain_of(error);
    assert!(text.contains(&path.display().to_string()), "{text}");
    text
}

fn key(name: &str) -> StreamKey {
    StreamKey::parse(name).unwrap()
}

#[test]
fn nothing_is_set_aside_in_a_temporary_folder() {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Integer)]
        temp_store: i32,
    }
    let folder = tempfile::tempdir().unwrap();
    for mode in [Mode::Create, Mode::Write, Mode::Look] {
        let opened = pool::open(&folder.path().join("x.db"), mode, Duration::from_secs(1));
        let setting: Setting = sql_query("PRAGMA temp_store").get_result(&mut opened.unwrap()).unwrap();
        assert_eq!(setting.temp_store, 2, "MEMORY");
    }
}

#[test]
fn a_file_that_is_no_database_is_said_to_be_none() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("streams.db");
        std::fs::write(&path, "this is a letter to somebody, and no database at all".repeat(100)).unwrap();
        let error = store_at(&path).migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(told(&error, &path).contains("no SQLite database"));
        assert!(
            told(&store_at(&path).plan_migration().await.unwrap_err(), &path).contains("no SQLite database")
        );
    });
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let path = folder.path().join("file/streams.db");
        told(&store_at(&path).migrate().await.unwrap_err(), &path);
        // A folder in the file's place.
        let path = folder.path().join("folder.db");
        std::fs::create_dir(&path).unwrap();
        told(&store_at(&path).migrate().await.unwrap_err(), &path);
    });
}

#[test]
fn what_the_system_refuses_is_told_with_the_user_and_the_folder() {
    let path = Path::new("/nowhere/at/all/streams.db");
    let error = error::file(path, std::io::ErrorKind::PermissionDenied.into());
    assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    let text = told(&error, path);
    assert!(text.contains("user ") && text.contains("the folder /nowhere/at/all"), "{text}");
    for (kind, words) in [
        (std::io::ErrorKind::ReadOnlyFilesystem, "cannot be written to"),
        (std::io::ErrorKind::StorageFull, "is full"),
    ] {
        let error = error::file(path, kind.into());
        assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
        assert!(told(&error, path).contains(words));
    }
}

#[test]
fn a_file_that_takes_no_writes_is_read_only_and_not_away() {
    block_on(async {
        let (folder, _store) = migrated().await;
        let path = folder.path().join("streams.db");
        let insert = "INSERT INTO streams (stream_key, created_at, updated_at, expires_at) \
                      SELECT hex(randomblob(100)), '', '', '' FROM pragma_function_list LIMIT 200";
        for (setting, words) in
            [("max_page_count = 10", "is full"), ("query_only = 1", "cannot be written to")]
        {
            let mut connection = pool::open(&path, Mode::Write, Duration::from_secs(1)).unwrap();
            connection.batch_execute(&format!("PRAGMA {setting}")).unwrap();
            let failure = sql_query(insert).execute(&mut connection).unwrap_err();
            let error = error::naming(&path, || error::query(failure));
            assert!(matches!(error, StoreError::ReadOnly(_)), "{setting}: {error:?}");
            assert!(told(&error, &path).contains(words), "{error:?}");
        }
    });
}

#[test]
fn a_file_that_is_removed_or_replaced_below_the_service_is_noticed() {
    block_on(async {
        let (folder, store) = migrated().await;
        let path = folder.path().join("streams.db");
        assert_eq!(store.check().await.unwrap(), UsersTable::NotUsed);
        std::fs::rename(&path, folder.path().join("kept.db")).unwrap();
        let error = store.check().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(told(&error, &path).contains("was removed"));
        std::fs::copy(folder.path().join("kept.db"), &path).unwrap();
        assert!(told(&store.check().await.unwrap_err(), &path).contains("another file"));
        std::fs::rename(folder.path().join("kept.db"), &path).unwrap();
        assert_eq!(store.check().await.unwrap(), UsersTable::NotUsed, "what is right again is healthy again");
    });
}

#[test]
fn a_damaged_file_is_refused_at_start_with_the_way_to_restore_it() {
    block_on(async {
        let (folder, store) = migrated().await;
        let path = folder.path().join("streams.db");
        let at = ManualClock::default().now();
        for number in 1..=300 {
            let new = stream_domain::testing::new_stream(
                UserId::new(number).unwrap(),
                key(&format!("key-{number}")),
                at,
            );
            store.start(&new).await.unwrap();
        }
        store.close();
        drop(store);
        let mut connection = pool::open(&path, Mode::Write, Duration::from_secs(1)).unwrap();
        connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(connection);
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        bytes[length / 3..length / 2].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        let error = store_at(&path).migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        let text = told(&error, &path);
        assert!(text.contains("damaged") && text.contains("streams.db-wal"), "{text}");
    });
}

#[test]
fn a_schema_that_does_not_fit_is_a_defect_and_not_an_outage() {
    block_on(async {
        let (folder, store) = migrated().await;
        let path = folder.path().join("streams.db");
        let mut connection = pool::open(&path, Mode::Write, Duration::from_secs(1)).unwrap();
        connection
            .batch_execute(
                "DROP TRIGGER streams_make_room; DROP TRIGGER streams_take_details; DROP TRIGGER stream_schedules_tell_absence;
                 ALTER TABLE streams DROP COLUMN updated_at",
            )
            .unwrap();
        let lookup = store.find_by_key(&key("mine")).await.unwrap_err();
        let list = store
            .list(&CatalogQuery::active(PageRequest::default()), ManualClock::default().now())
            .await
            .unwrap_err();
        let health = store.check().await.unwrap_err();
        for error in [lookup, list, health] {
            assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
            assert!(told(&error, &path).contains("no such column"), "{error:?}");
        }
    });
}
