//! The secret that tokens are signed with: given, or made once for the embedded database and kept beside its file.

mod strength;

use std::fs::DirBuilder;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use stream_domain::ports::Entropy;
use stream_jwt::{EmptySecret, SharedSecret};

use crate::failure::Failure;
use crate::value;

pub(crate) use strength::{Weakness, weakness_of};

/// How many random bytes a generated secret has: what HS256 asks for.
const BYTES: usize = SharedSecret::RECOMMENDED_BYTES;

/// A secret as it was given, in each way that another service may read the same setting or file.
///
/// One service takes a variable byte for byte and another trims it; one reads a file with its last line end and another
/// without. To the operator these are the same secret, so tokens signed with any of them are accepted.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    readings: Vec<SharedSecret>,
    is_untidy: bool,
}

impl Secret {
    /// The value of a variable or flag: as it is, and without blanks, line ends and quotes around it.
    pub(crate) fn given(text: &str) -> Result<Self, EmptySecret> {
        Self::of(&[text, value::plain(text)], value::plain(text) != text)
    }

    /// The content of a file: without its last line end, with it, and without anything else around it.
    pub(crate) fn of_file(content: &str) -> Result<Self, EmptySecret> {
        let text = value::without_line_end(content);
        Self::of(&[text, content, value::plain(text)], value::plain(text) != text)
    }

    fn of(readings: &[&str], is_untidy: bool) -> Result<Self, EmptySecret> {
        if readings.iter().any(|text| text.is_empty()) {
            return Err(EmptySecret);
        }
        let mut different: Vec<&str> = Vec::new();
        for text in readings {
            if !different.contains(text) {
                different.push(text);
            }
        }
        let readings = different.into_iter().map(SharedSecret::new).collect::<Result<_, _>>()?;
        Ok(Self { readings, is_untidy })
    }

    /// The reading that this service signs with.
    pub(crate) fn main(&self) -> &SharedSecret {
        self.readings.first().expect("a secret has a reading")
    }

    /// Every reading, the main one first.
    pub(crate) fn readings(&self) -> &[SharedSecret] {
        &self.readings
    }

    /// Whether blanks, line ends or quotes surround it, probably by mistake.
    pub(crate) fn is_untidy(&self) -> bool {
        self.is_untidy
    }

    /// Whether it can be guessed.
    pub(crate) fn weakness(&self) -> Option<Weakness> {
        weakness_of(value::plain(self.main().expose()))
    }
}

/// Where the signing secret comes from.
#[derive(Debug, Clone)]
pub(crate) enum SecretSource {
    /// The settings.
    Given(Secret),
    /// This file beside the embedded database; it is made if it does not exist.
    File(PathBuf),
}

impl SecretSource {
    /// The secret as it is now; `None` where the file does not exist yet. Makes nothing.
    pub(crate) fn peek(&self) -> Result<Option<Secret>, String> {
        match self {
            Self::Given(secret) => Ok(Some(secret.clone())),
            Self::File(path) if !path.exists() => Ok(None),
            Self::File(path) => match read(path) {
                Ok(secret) => Ok(Some(secret)),
                Err(error) => Err(format!("the secret in {} cannot be used: {error}", path.display())),
            },
        }
    }

    /// The secret; makes the file, with random bytes, if there is none.
    pub(crate) fn read(&self, entropy: &dyn Entropy) -> Result<Secret, Failure> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => read_or_make(path, entropy).map_err(|error| {
                Failure::new(format!("the secret in {} cannot be used: {error}", path.display()))
            }),
        }
    }
}

fn read_or_make(path: &Path, entropy: &dyn Entropy) -> std::io::Result<Secret> {
    if !path.exists() {
        make(path, entropy)?;
    }
    read(path)
}

fn read(path: &Path) -> std::io::Result<Secret> {
    let content = std::fs::read_to_string(path)?;
    Secret::given(content.trim_end()).map_err(|empty| std::io::Error::new(ErrorKind::InvalidData, empty))
}

/// Makes the file in one step, readable by its owner alone, so that a crash or a second start never meets half of it.
///
/// A file that another start made meanwhile is kept.
fn make(path: &Path, entropy: &dyn Entropy) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut random = [0; BYTES];
    entropy.fill(&mut random).map_err(std::io::Error::other)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(path) {
        Err(taken) if taken.error.kind() != ErrorKind::AlreadyExists => Err(taken.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
