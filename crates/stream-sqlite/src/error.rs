//! From SQLite's errors to the domain's, with the file's name and what an operator can do.

use std::cell::RefCell;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::PoolError;
use stream_domain::ports::{BoxedSource, ErrorTally, StoreError, chain_of};

/// What went wrong so far, for operators.
pub(crate) static TALLY: ErrorTally = ErrorTally::new();

/// Which of the database's rules a write broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokenRule {
    /// The user has an active stream: the index `streams_one_active_per_user`.
    OneActivePerUser,
    /// The key, or the playback id, belongs to another stream.
    KeyIsUnique,
}

/// Reads the rule from an error; `None` for every other error.
///
/// SQLite names columns, never the index, and Diesel passes only the message on.
pub(crate) fn broken_rule(error: &Error) -> Option<BrokenRule> {
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, details) = error else {
        return None;
    };
    match details.message() {
        "UNIQUE constraint failed: streams.user_id" => Some(BrokenRule::OneActivePerUser),
        "UNIQUE constraint failed: streams.stream_key" | "UNIQUE constraint failed: streams.playback_id" => {
            Some(BrokenRule::KeyIsUnique)
        }
        _ => None,
    }
}

/// What is the matter with the file; SQLite's own words are all that Diesel passes on of its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matter {
    /// Another process, or another connection, keeps it from us for the moment.
    Locked,
    ReadOnly,
    Full,
    CannotOpen,
    Denied,
    Disk,
    NoDatabase,
    Corrupt,
    /// None of these: a defect of a statement, or of the schema.
    Defect,
}

impl Matter {
    fn of(message: &str) -> Self {
        const WORDS: [(&str, Matter); 10] = [
            ("is locked", Matter::Locked),
            ("readonly database", Matter::ReadOnly),
            ("database or disk is full", Matter::Full),
            ("unable to open database", Matter::CannotOpen),
            ("access permission denied", Matter::Denied),
            ("disk I/O error", Matter::Disk),
            ("locking protocol", Matter::Disk),
            ("file is not a database", Matter::NoDatabase),
            ("disk image is malformed", Matter::Corrupt),
            ("interrupted", Matter::Locked),
        ];
        WORDS.iter().find(|(words, _)| message.contains(words)).map_or(Self::Defect, |(_, matter)| *matter)
    }

    /// What an operator can do about it.
    fn advice(self, path: &Path) -> String {
        let (file, folder) = (path.display(), folder_of(path));
        match self {
            Self::Locked => {
                "another process holds it; no other program should keep it open for writing".to_owned()
            }
            Self::ReadOnly => format!("it cannot be written to; {}", owner(&folder)),
            Self::Full => format!("the disk of {} is full; make room there", folder.display()),
            Self::CannotOpen if !path.exists() => {
                "it is gone; restore it, and restart the service".to_owned()
            }
            Self::CannotOpen | Self::Denied => format!("it cannot be opened; {}", owner(&folder)),
            Self::Disk => format!("the disk of {} fails; see the system's log", folder.display()),
            Self::NoDatabase => {
                "it is no SQLite database; set DB_URL to another file, or move this one away".to_owned()
            }
            Self::Corrupt => format!(
                "it is damaged; restore a backup with the service stopped, and remove {file}-wal and {file}-shm before, \
                 which belong to the file that was there"
            ),
            Self::Defect => "a statement does not fit what is in it".to_owned(),
        }
    }

    fn store_error(self, source: Trouble) -> StoreError {
        match self {
            Self::Locked | Self::CannotOpen | Self::Disk => StoreError::unavailable(source),
            Self::ReadOnly | Self::Full => StoreError::read_only(source),
            Self::Denied => StoreError::denied(source),
            Self::NoDatabase | Self::Corrupt | Self::Defect => StoreError::failed(source),
        }
    }
}

/// What went wrong with which file, and what to do.
#[derive(Debug)]
struct Trouble {
    path: PathBuf,
    advice: String,
    cause: BoxedSource,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the SQLite file {}: {}", self.path.display(), self.advice)
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

thread_local! {
    /// The file that this thread is at work on.
    static FILE: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Runs a step, whose errors name this file.
pub(crate) fn naming<T>(path: &Path, step: impl FnOnce() -> T) -> T {
    FILE.with_borrow_mut(|file| {
        if file.as_deref() != Some(path) {
            *file = Some(path.to_owned());
        }
    });
    step()
}

fn trouble(matter: Matter, path: &Path, cause: impl Into<BoxedSource>) -> StoreError {
    let trouble = Trouble { path: path.to_owned(), advice: matter.advice(path), cause: cause.into() };
    TALLY.counted(matter.store_error(trouble))
}

/// A query failed: is the file out of reach, may it not be written to, or is it us?
///
/// Call it where [`naming`] has said which file it is.
pub(crate) fn query(error: Error) -> StoreError {
    let matter = match &error {
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation,
            _,
        ) => Matter::Defect,
        // What made the transaction's end fail counts, not that it could not be undone either.
        Error::RollbackErrorOnCommit { commit_error, .. } => Matter::of(&commit_error.to_string()),
        // The connection is of no use any more, and the next one may be.
        Error::BrokenTransactionManager | Error::NotInTransaction | Error::AlreadyInTransaction => {
            Matter::Disk
        }
        error => Matter::of(&error.to_string()),
    };
    let path = FILE.with_borrow(Clone::clone).unwrap_or_default();
    trouble(matter, &path, error)
}

/// The file could not be opened.
pub(crate) fn connection(path: &Path, error: ConnectionError) -> StoreError {
    trouble(opened(path, &error.to_string()), path, error)
}

/// No connection was to be had.
pub(crate) fn pool(path: &Path, error: PoolError) -> StoreError {
    match &error {
        PoolError::Backend(cause) => trouble(opened(path, &chain_of(cause)), path, error),
        _ => trouble(Matter::Locked, path, error),
    }
}

/// A message of opening: a file that may not be opened needs the operator, and not time.
fn opened(path: &Path, message: &str) -> Matter {
    let is_denied =
        || std::fs::File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    match Matter::of(message) {
        Matter::CannotOpen if is_denied() => Matter::Denied,
        matter => matter,
    }
}

/// The system refused something with a file or folder.
pub(crate) fn file(path: &Path, error: std::io::Error) -> StoreError {
    let matter = match error.kind() {
        ErrorKind::PermissionDenied => Matter::Denied,
        ErrorKind::ReadOnlyFilesystem => Matter::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Matter::Full,
        ErrorKind::NotFound => Matter::CannotOpen,
        _ => Matter::Disk,
    };
    trouble(matter, path, error)
}

/// The file is not the one that the service works with.
pub(crate) fn gone(path: &Path) -> StoreError {
    let advice = if path.exists() {
        "another file was put in its place while the service ran; restart the service to work with it"
    } else {
        "it was removed while the service ran; what is written now is lost when it ends: restore it, and restart"
    };
    TALLY.counted(StoreError::unavailable(Trouble {
        path: path.to_owned(),
        advice: advice.to_owned(),
        cause: "the open file is not the one at this path".into(),
    }))
}

/// The file is damaged, by its own check.
pub(crate) fn damaged(path: &Path, found: &str) -> StoreError {
    trouble(Matter::Corrupt, path, format!("its check says: {found}"))
}

/// Who must be able to write where: an operator who mounts a folder has to give it to the service's user.
pub(crate) fn owner(folder: &Path) -> String {
    let user = std::fs::metadata("/proc/self").map(|me| format!("user {}", me.uid()));
    let user = user.unwrap_or_else(|_| "the service's user".to_owned());
    let owner = std::fs::metadata(folder).map(|found| format!(", which belongs to user {}", found.uid()));
    let owner = owner.unwrap_or_default();
    format!(
        "{user} must be able to write to it, to its -wal and -shm beside it, and to the folder {}{owner}: chown it, or \
         mount it writable",
        folder.display()
    )
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// An operation took longer than the store's time-out.
pub(crate) fn too_slow() -> StoreError {
    TALLY.counted(StoreError::unavailable("the database took too long"))
}
