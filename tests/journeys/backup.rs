//! Backup and restore, with the commands of docs/operations/backup.md.

use stream_test_postgres::{Cluster, Database};
use stream_tests::ServiceBuilder;
use stream_tests::documents::{block, run};

fn platform() -> Database<'static> {
    let database = Cluster::shared().database();
    database.create_users(9);
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_database_is_backed_up_while_in_use_and_restored_elsewhere() {
    for (backup, restore, users) in [
        ("backup-database", "restore-database", None),
        ("backup-tables", "restore-tables", Some(9)),
        ("backup-rows", "restore-rows", Some(0)),
    ] {
        let (source, folder) = (platform(), tempfile::tempdir().expect("a folder"));
        let service = ServiceBuilder::on(&source.url()).start().await;
        let (kept, stopped) = (service.key_of(1).await, service.key_of(2).await);
        assert_eq!(service.post_as(2, "/api/streams/stop").await.status, 200);
        run(&block(backup), folder.path(), &[("DB_URL", &source.url())]);
        let later = service.key_of(3).await;

        let target = Cluster::shared().database();
        users.iter().for_each(|count| target.create_users(*count));
        let urls = [("DB_URL", source.url()), ("NEW_DB_URL", target.url())];
        let urls = urls.each_ref().map(|(name, url)| (*name, url.as_str()));
        run(&block(restore), folder.path(), &urls);
        let (_, plan, _) = ServiceBuilder::on(&target.url()).run(&["migrate", "--dry-run"]);
        assert_eq!(plan.trim(), "Nothing would change.", "{backup}");
        let restored = ServiceBuilder::on(&target.url()).start().await;
        assert_eq!(restored.lookup(&kept).await, 200, "{backup}");
        assert_eq!(restored.lookup(&stopped).await, 410, "{backup}");
        assert_eq!(restored.lookup(&later).await, 404, "{backup}");
        assert_eq!(restored.generate_key(1).await.status, 409, "{backup}");
        assert_eq!(restored.generate_key(4).await.status, 201, "{backup}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_file_is_backed_up_while_in_use_and_restored_after_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data/streams.db");
    let setup = ServiceBuilder::on(&format!("sqlite://{}", file.display()));
    let service = setup.start().await;
    let kept = service.key_of(1).await;
    std::fs::write(folder.path().join("data/secret_key"), "made at the first start")
        .expect("the folder is writable");
    run(&block("backup-sqlite"), folder.path(), &[]);
    std::fs::write(folder.path().join("data/secret_key"), "another").expect("the folder is writable");
    let later = service.key_of(2).await;
    // The service is killed, so it cannot clean up.
    drop(service);
    assert!(
        file.with_extension("db-wal").exists(),
        "a crash leaves a file that would corrupt the restored one"
    );

    run(&block("restore-sqlite"), folder.path(), &[]);
    let secret = std::fs::read_to_string(folder.path().join("data/secret_key")).expect("a secret");
    assert_eq!(secret, "made at the first start");
    let restored = setup.start().await;
    assert_eq!(restored.lookup(&kept).await, 200);
    assert_eq!(restored.lookup(&later).await, 404);
    assert_eq!(restored.generate_key(2).await.status, 201);
}
