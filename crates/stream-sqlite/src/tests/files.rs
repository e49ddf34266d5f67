//! Files: making them, sharing them, and what survives.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel::{QueryableByName, sql_query};
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{
    CatalogStore as _, Clock as _, KeyLookup as _, KeyStore as _, StartError, StoreHealth as _, UsersTable,
};
use stream_domain::testing::ManualClock;
use stream_domain::{NewStream, PageRequest, StreamKey, UserId};

use super::{block_on, migrated, store_at};
use crate::pool::{self, Mode};

fn new_stream(number: i64, name: &str) -> NewStream {
    let key = StreamKey::parse(name).unwrap();
    stream_domain::testing::new_stream(UserId::new(number).unwrap(), key, ManualClock::default().now())
}

/// How many migrations there are.
fn migrations() -> usize {
    MigrationSource::<diesel::sqlite::Sqlite>::migrations(&crate::objects::MIGRATIONS).unwrap().len()
}

#[test]
fn a_missing_folder_and_file_are_made_for_the_owner_alone() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/streams.db");
        let store = store_at(&path);
        assert!(store.plan_migration().await.unwrap().to_string().contains("make the file"));
        assert!(!path.exists());
        assert_eq!(store.migrate().await.unwrap().len(), migrations());
        assert!(store.migrate().await.unwrap().is_empty());
        assert_eq!(store.plan_migration().await.unwrap().to_string(), "Nothing would change.");
        store.start(&new_stream(1, "mine")).await.unwrap();
        for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", file.path());
        }
    });
}

#[test]
fn many_instances_may_make_the_file_at_once() {
    block_on(async {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("streams.db");
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let store = store_at(&path);
                    tokio::spawn(async move { store.migrate().await })
                })
                .collect();
            let mut ran = 0;
            for task in tasks {
                ran += task.await.unwrap().unwrap().len();
            }
            assert_eq!(ran, migrations());
        }
    });
}

#[test]
fn two_instances_share_a_file_and_the_rule() {
    block_on(async {
        let (folder, first) = migrated().await;
        let second = store_at(&folder.path().join("streams.db"));
        first.start(&new_stream(1, "first")).await.unwrap();
        let refusal = second.start(&new_stream(1, "second")).await;
        assert!(matches!(refusal, Err(StartError::AlreadyActive(_))), "{refusal:?}");
        assert_eq!(second.check().await.unwrap(), UsersTable::NotUsed);
    });
}

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    block_on(async {
        let (folder, store) = migrated().await;
        let stream = store.start(&new_stream(1, "mine")).await.unwrap();
        store.close();
        drop(store);
        let again = store_at(&folder.path().join("streams.db"));
        assert_eq!(again.find_by_key(&stream.key).await.unwrap(), Some(stream));
    });
}

#[test]
fn commits_reach_the_disk_before_they_are_acknowledged() {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Integer)]
        synchronous: i32,
    }
    #[derive(QueryableByName)]
    struct Journal {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    let folder = tempfile::tempdir().unwrap();
    let mut connection =
        pool::open(&folder.path().join("x.db"), Mode::Create, Duration::from_secs(1)).unwrap();
    let setting: Setting = sql_query("PRAGMA synchronous").get_result(&mut connection).unwrap();
    assert_eq!(setting.synchronous, 2, "FULL");
    let mode: Journal = sql_query("PRAGMA journal_mode").get_result(&mut connection).unwrap();
    assert_eq!(mode.journal_mode, "wal");
}

#[test]
fn a_step_that_its_caller_abandons_on_a_single_thread_runtime_is_finished() {
    let main = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_folder, store) = main.block_on(migrated());
    let worker = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    worker.block_on(async {
        for number in 1..=50 {
            let new = new_stream(number, &format!("key-{number}"));
            let patience = Duration::from_micros(u64::try_from(number).unwrap() * 30);
            let _ = tokio::time::timeout(patience, store.start(&new)).await;
        }
    });
    let at = new_stream(1, "x").created_at;
    eventually(|| {
        let active = main.block_on(store.list(&CatalogQuery::active(PageRequest::default()), at)).unwrap();
        active.streams.len() == 50
    });
}

fn eventually(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not come about within 10 seconds");
}

#[test]
fn without_the_index_the_rule_would_be_gone() {
    block_on(async {
        let (folder, store) = migrated().await;
        let mut connection =
            pool::open(&folder.path().join("streams.db"), Mode::Write, Duration::from_secs(1)).unwrap();
        sql_query("DROP INDEX streams_one_active_per_user").execute(&mut connection).unwrap();
        store.start(&new_stream(1, "first")).await.unwrap();
        store.start(&new_stream(1, "second")).await.unwrap();
    });
}

#[test]
fn a_dry_run_leaves_the_file_as_it_is() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file with % and # in its name.db");
        std::fs::write(&path, b"").unwrap();
        let plan = store_at(&path).plan_migration().await.unwrap();
        assert_eq!(plan.changes.len(), migrations());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        store_at(&path).migrate().await.unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(store_at(&path).plan_migration().await.unwrap().changes.is_empty());
        assert_eq!(std::fs::read(&path).unwrap(), before);
        // The file and its lock.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    });
}

#[test]
fn an_absolute_path_may_begin_with_two_slashes() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("/{}/streams.db", folder.path().display());
        store_at(Path::new(&path)).migrate().await.unwrap();
        assert!(folder.path().join("streams.db").exists());
    });
}

#[test]
fn a_file_that_was_lost_is_not_made_anew_under_the_service() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("streams.db");
        store_at(&path).migrate().await.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        let error = store_at(&path).start(&new_stream(1, "mine")).await.unwrap_err();
        assert!(matches!(error, StartError::Store(_)), "{error:?}");
        assert!(!path.exists());
    });
}
