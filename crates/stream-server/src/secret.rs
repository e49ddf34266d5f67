//! The secret that tokens are signed with: given, or made once for the embedded default and kept beside its file.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use stream_domain::StreamKey;
use stream_domain::ports::Entropy;
use stream_jwt::SharedSecret;

use crate::app::Failure;
use crate::config::{DbUrl, Settings};

/// Where a secret came from.
pub(crate) enum Origin {
    /// The settings.
    Given,
    /// This file, made now or earlier.
    File(PathBuf),
}

/// The secret of these settings.
pub(crate) fn find(settings: &Settings, entropy: &dyn Entropy) -> Result<(SharedSecret, Origin), Failure> {
    if let Some(secret) = &settings.secret_key {
        return Ok((secret.clone(), Origin::Given));
    }
    match settings.database().map_err(Failure::new)? {
        DbUrl::Postgres(_) => Err(Failure::new(
            "SECRET_KEY is not set. With PostgreSQL it is required: set it to the secret that the user-service signs \
             its tokens with.",
        )),
        DbUrl::Sqlite(database) => {
            let path = database.with_file_name("secret_key");
            let secret = read_or_make(&path, entropy).map_err(|error| {
                Failure::new(format!("the secret in {} cannot be used: {error}", path.display()))
            })?;
            Ok((secret, Origin::File(path)))
        }
    }
}

fn read_or_make(path: &Path, entropy: &dyn Entropy) -> std::io::Result<SharedSecret> {
    if !path.exists() {
        make(path, entropy)?;
    }
    let text = std::fs::read_to_string(path)?;
    SharedSecret::new(text.trim_end()).map_err(|empty| std::io::Error::new(ErrorKind::InvalidData, empty))
}

/// Makes the file all at once, so that neither a crash nor a second start meets half of it.
fn make(path: &Path, entropy: &dyn Entropy) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // 32 random bytes as text are what a stream key is too.
    let made = StreamKey::generate(entropy).map_err(std::io::Error::other)?;
    let draft = path.with_extension(format!(
        "draft-{}",
        &StreamKey::generate(entropy).map_err(std::io::Error::other)?.expose()[..8]
    ));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(made.expose().as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
