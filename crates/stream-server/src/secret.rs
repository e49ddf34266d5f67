//! The secret that tokens are signed with: given, or made once for the embedded default and kept beside its file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
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
    match &settings.db_url {
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
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // 32 random bytes as text are what a stream key is too.
    let made = StreamKey::generate(entropy).map_err(std::io::Error::other)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(made.expose().as_bytes())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let text = std::fs::read_to_string(path)?;
    SharedSecret::new(text.trim_end()).map_err(|empty| std::io::Error::new(ErrorKind::InvalidData, empty))
}
