//! Backup and restore, with the commands of docs/operations.md.

use std::path::Path;
use std::process::Command;

use stream_test_postgres::{Cluster, Database};
use stream_tests::{ServiceBuilder, server_binary, workspace};

/// The commands of the nth block after these words.
fn commands(words: &str, place: usize) -> String {
    let text =
        std::fs::read_to_string(workspace().join("docs/operations.md")).expect("the document is there");
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("{words} is not in the document"));
    let block = rest.split("```sh\n").nth(place).expect("there is a block of commands");
    block.split("```").next().expect("a block ends").to_owned()
}

/// Runs them in a folder.
fn run(commands: &str, folder: &Path, variables: &[(&str, &str)]) {
    let programs = server_binary().parent().expect("the binary is in a folder").display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").expect("there is a PATH"));
    let mut sh = Command::new("sh");
    sh.args(["-e", "-c", commands])
        .current_dir(folder)
        .env("PATH", path)
        .env("SECRET_KEY", stream_tests::SECRET_KEY);
    let output = sh.envs(variables.iter().copied()).output().expect("sh is there");
    assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn platform() -> Database<'static> {
    let database = Cluster::shared().database();
    database.create_users(9);
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_database_is_backed_up_while_in_use_and_restored_elsewhere() {
    for (words, has_users) in
        [("**PostgreSQL, everything.**", true), ("**PostgreSQL, the service's tables alone,**", false)]
    {
        let (source, folder) = (platform(), tempfile::tempdir().expect("a folder"));
        let service = ServiceBuilder::on(&source.url()).start().await;
        let (kept, stopped) = (service.key_of(1).await, service.key_of(2).await);
        assert_eq!(service.post_as(2, "/api/streams/stop").await.status, 200);
        run(&commands(words, 1), folder.path(), &[("DB_URL", &source.url())]);
        let later = service.key_of(3).await;

        let target = if has_users { Cluster::shared().database() } else { platform() };
        let urls = [("DB_URL", source.url()), ("NEW_DB_URL", target.url())];
        let urls = urls.each_ref().map(|(name, url)| (*name, url.as_str()));
        run(&commands(words, 2), folder.path(), &urls);
        let (_, plan, _) = ServiceBuilder::on(&target.url()).run(&["migrate", "--dry-run"]);
        assert_eq!(plan.trim(), "Nothing would change.", "{words}");
        let restored = ServiceBuilder::on(&target.url()).start().await;
        assert_eq!(restored.lookup(&kept).await, 200, "{words}");
        assert_eq!(restored.lookup(&stopped).await, 410, "{words}");
        assert_eq!(restored.lookup(&later).await, 404, "{words}");
        assert_eq!(restored.generate_key(1).await.status, 409, "{words}");
        assert_eq!(restored.generate_key(4).await.status, 201, "{words}");
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
    run(&commands("**SQLite.**", 1), folder.path(), &[]);
    std::fs::write(folder.path().join("data/secret_key"), "another").expect("the folder is writable");
    let later = service.key_of(2).await;
    // The service is killed, so it cannot clean up.
    drop(service);
    assert!(
        file.with_extension("db-wal").exists(),
        "a crash leaves a file that would corrupt the restored one"
    );

    run(&commands("**SQLite.**", 2), folder.path(), &[]);
    let secret = std::fs::read_to_string(folder.path().join("data/secret_key")).expect("a secret");
    assert_eq!(secret, "made at the first start");
    let restored = setup.start().await;
    assert_eq!(restored.lookup(&kept).await, 200);
    assert_eq!(restored.lookup(&later).await, 404);
    assert_eq!(restored.generate_key(2).await.status, 201);
}
