//! A disk that is full and folders that cannot be written to, each a real file system that is mounted for the doctor alone.

use std::process::Command;

use stream_tests::{ServiceBuilder, server_binary};

use super::Report;

/// Runs the doctor on `{folder}/data/streams.db` in a mount namespace of its own, after `prepare` has mounted something
/// at `data`.
fn examine_with(prepare: &str) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("the folder is writable");
    let setup = ServiceBuilder::on("sqlite://data/streams.db");
    let plain = setup.command(&folder);
    let mut command = Command::new("unshare");
    command.current_dir(folder.path()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let script = format!("set -e; {prepare}; exec \"$1\" doctor --json");
    let output = command
        .args(["--map-root-user", "--mount", "--", "sh", "-c", &script, "sh"])
        .arg(server_binary())
        .output()
        .expect("unshare is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Report::read(output.status.code(), &text(&output.stdout), &text(&output.stderr))
}

#[test]
fn a_full_disk_is_named() {
    let report = examine_with(
        "mount -t tmpfs -o size=2m tmpfs data; \"$1\" migrate >/dev/null; \
         dd if=/dev/zero of=data/filler bs=4k >/dev/null 2>&1 || true",
    );
    report.must_fail("database disk", "the disk is full", "make room there");
    report.must_be_ok("database folder");
}

#[test]
fn a_disk_with_little_room_is_a_warning() {
    let report = examine_with("mount -t tmpfs -o size=16m tmpfs data");
    report.must_warn("database disk", "MiB are free", "make room there");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let report = examine_with("mount -t tmpfs -o size=16m tmpfs data; mount -o remount,ro data");
    report.must_fail("database folder", "data is not writable", "must be able to write to it");
}

#[test]
fn a_file_that_cannot_be_written_to_is_named() {
    let report = examine_with(
        "mount -t tmpfs -o size=16m tmpfs data; \"$1\" migrate >/dev/null; mount -o remount,ro data",
    );
    report.must_fail("database folder", "data is not writable", "must be able to write to it");
    report.must_fail("database", "", "must be able to write to it");
}

#[test]
fn a_damaged_file_is_named() {
    let report = examine_with("echo 'this is a letter, and no database' >data/streams.db");
    report.must_fail("database", "not a database", "it is no SQLite database");
}
