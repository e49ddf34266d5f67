//! Secrets that can be guessed, as far as a program can tell.

use std::fmt;

use stream_jwt::SharedSecret;

/// Secrets that stand in examples: this project's, the earlier service's, and those of widely copied tutorials.
const KNOWN: &[&str] = &[
    "a-string-secret-at-least-256-bits-long",
    "change-me-to-the-user-services-secret",
    "dev-secret-key",
    "development",
    "flask-secret-key",
    "for-development-only",
    "jwt-secret",
    "jwt-secret-key",
    "my-secret",
    "my-secret-key",
    "mysecretkey",
    "password",
    "secret",
    "secret-key",
    "secretkey",
    "shared-secret",
    "super-secret",
    "super-secret-key",
    "supersecret",
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
    "your-secret-key",
    "your-super-secret-key",
    "your-very-secret-key",
];

/// What only a value has that waits to be replaced.
const PLACEHOLDERS: &[&str] = &[
    "change-it",
    "change-me",
    "change-this",
    "changeme",
    "changethis",
    "insert-your",
    "replace-me",
    "replace-this",
    "replaceme",
    "to-be-changed",
    "your-jwt-secret",
    "your-secret",
    "yoursecret",
];

/// Fewer different bytes than this are no randomness, whatever the length.
const FEWEST_DIFFERENT: usize = 8;

/// Why a secret can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// It stands in somebody's documentation.
    Known,
    /// It repeats itself, counts, or has few different characters.
    Monotonous,
    /// It has fewer bytes than HS256 asks for.
    Short,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("is an example that everybody can look up"),
            Self::Monotonous => f.write_str("repeats itself or has few different characters"),
            Self::Short => write!(f, "is shorter than {} bytes", SharedSecret::RECOMMENDED_BYTES),
        }
    }
}

/// Why this secret can be guessed, the worst first; `None` if it looks like a good one.
pub(crate) fn weakness_of(text: &str) -> Option<Weakness> {
    let plain = text.to_lowercase().replace(['_', ' ', '.'], "-");
    let is_placeholder = PLACEHOLDERS.iter().any(|mark| plain.contains(mark))
        || (text.starts_with('<') && text.ends_with('>'));
    if is_placeholder || KNOWN.contains(&plain.trim_matches('-')) {
        return Some(Weakness::Known);
    }
    if is_monotonous(text.as_bytes()) {
        return Some(Weakness::Monotonous);
    }
    (text.len() < SharedSecret::RECOMMENDED_BYTES).then_some(Weakness::Short)
}

fn is_monotonous(bytes: &[u8]) -> bool {
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    let repeats = (1..=bytes.len() / 2).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b));
    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    let counts = bytes.len() > 4 && steps * 4 >= (bytes.len() - 1) * 3;
    different.len() < FEWEST_DIFFERENT || repeats || counts
}
