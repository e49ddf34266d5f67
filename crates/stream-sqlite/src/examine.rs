//! An examination of the file for operators: what is there, what is missing, and what to do about each.
//!
//! It changes nothing: no file is made, neither the database nor what SQLite keeps beside it.

mod told;

use std::path::Path;
use std::time::Duration;

use diesel::SqliteConnection;
use rustix::fs::{Access, access, statvfs};
use stream_domain::Finding;
use stream_domain::ports::{StoreError, chain_of};
use tokio::time::timeout;

use crate::error::{self, folder_of};
use crate::migrate::{self, pending};
use crate::pool::Mode;
use crate::store::SqliteStore;
use crate::{objects, pool};
use told::{failed, timed_out};

/// Below this much free space, in bytes, no write can be relied on.
const FULL_BELOW: u64 = 1024 * 1024;

/// Below this much free space, in bytes, the disk is full soon.
const SCARCE_BELOW: u64 = 256 * 1024 * 1024;

impl SqliteStore {
    /// Examines the file and its folder, within `limit`.
    pub async fn examine(&self, limit: Duration) -> Vec<Finding> {
        let (path, patience) = (self.path.clone(), self.timeout.min(limit));
        let run = self.runtime.spawn_blocking(move || examine(&path, patience));
        match timeout(limit, run).await {
            Ok(Ok(findings)) => findings,
            Ok(Err(panic)) => vec![failed("database", &StoreError::failed(panic))],
            Err(_elapsed) => vec![timed_out("database", limit)],
        }
    }
}

fn examine(path: &Path, patience: Duration) -> Vec<Finding> {
    let mut findings = vec![look_at_folder(path)];
    findings.extend(look_at_space(path));
    if !path.exists() {
        let what = format!("{} does not exist yet; the service makes it at start", path.display());
        findings.push(Finding::ok("database", what));
        return findings;
    }
    if access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        let denied = error::file(path, std::io::ErrorKind::PermissionDenied.into());
        findings.push(failed("database", &denied));
        return findings;
    }
    let looked = error::naming(path, || {
        let opened = pool::open(path, Mode::Examine, patience);
        let mut connection = opened.map_err(|error| error::connection(path, error))?;
        look(&mut connection, path)
    });
    match looked {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(failed("database", &error)),
    }
    findings
}

/// Whether the service can make files beside the database, as SQLite does for each write.
fn look_at_folder(path: &Path) -> Finding {
    let subject = "database folder";
    let folder = folder_of(path);
    // What is missing is made, in the nearest folder that is there.
    let existing = folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
    let existing = existing.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !existing.is_dir() {
        let what = format!("{} is no folder", existing.display());
        return Finding::failure(subject, what, "set DB_URL to a file in a folder, or move that file away");
    }
    match access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Finding::ok(subject, format!("{} is writable", existing.display())),
        Err(refusal) => {
            let told = error::file(path, refusal.into());
            let text = chain_of(&told);
            let cure = error::owner(existing);
            Finding::failure(subject, format!("{} is not writable: {text}", existing.display()), cure)
        }
    }
}

/// How much room there is for writes.
fn look_at_space(path: &Path) -> Option<Finding> {
    let subject = "database disk";
    let folder = folder_of(path);
    let existing = folder.ancestors().find(|folder| folder.exists())?;
    let found = statvfs(existing).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let what = format!("{} MiB are free at {}", free / (1024 * 1024), existing.display());
    let cure = "make room there, or move the file to a larger disk and correct DB_URL";
    Some(match free {
        ..FULL_BELOW => Finding::failure(
            subject,
            format!("the disk is full: {} KiB are free at {}", free / 1024, existing.display()),
            cure,
        ),
        FULL_BELOW..SCARCE_BELOW => Finding::warning(subject, what, cure),
        _ => Finding::ok(subject, what),
    })
}

/// What the file itself says.
fn look(connection: &mut SqliteConnection, path: &Path) -> Result<Vec<Finding>, StoreError> {
    migrate::check(connection, path)?;
    let mut findings = vec![Finding::ok("database", format!("{} is sound", path.display()))];
    let pending = pending(connection)?;
    if !pending.is_empty() {
        let what = format!("{} have not run: {}", pending.len(), pending.join(", "));
        let cure = "start the service, which runs them, or run `stream-server migrate`";
        findings.push(Finding::warning("database migrations", what, cure));
        return Ok(findings);
    }
    findings.push(Finding::ok("database migrations", "all have run"));
    let missing = objects::missing(connection).map_err(StoreError::Failed)?;
    for (subject, word) in [
        ("database schema", "the table"),
        ("database indexes", "the index"),
        ("database triggers", "the trigger"),
    ] {
        let missing: Vec<&str> =
            missing.iter().map(String::as_str).filter(|what| what.starts_with(word)).collect();
        findings.push(if missing.is_empty() {
            Finding::ok(subject, "all are there")
        } else {
            Finding::failure(
                subject,
                format!("missing: {}", missing.join(", ")),
                "run `stream-server migrate`, or restart the service: it makes them again",
            )
        });
    }
    Ok(findings)
}
