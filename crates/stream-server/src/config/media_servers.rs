//! `MEDIA_SERVERS`: the media servers of this platform, in one setting.

use stream_domain::lifecycle::KeyLifetime;
use stream_domain::{Family, ServerName};
use time::Duration;

use crate::value;

/// One media server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MediaServerConfig {
    /// What hooks and logs call it.
    pub(crate) name: ServerName,
    /// Which software it is.
    pub(crate) family: Family,
    /// Secrets that its hooks may show; several while one is being replaced.
    pub(crate) secrets: Vec<String>,
    /// The URL of its control interface, with credentials.
    pub(crate) control: Option<String>,
    /// How long a session stays live after the server last reported it.
    pub(crate) lease: Duration,
    /// The virtual host that streams are published to.
    pub(crate) host: Option<String>,
}

/// Reads entries separated by blanks, `name=family;option=value;…`.
///
/// `keys` is how long keys live, which is the default lease of a family that sends no heartbeats.
/// An error names the entry by its position and name, and never shows its secrets.
pub(super) fn parse(text: &str, keys: KeyLifetime) -> Result<Vec<MediaServerConfig>, String> {
    let mut entries: Vec<MediaServerConfig> = Vec::new();
    for (place, part) in value::plain(text).split_whitespace().enumerate() {
        let entry = parse_entry(part, keys).map_err(|reason| format!("entry {}: {reason}", place + 1))?;
        if entries.iter().any(|known| known.name == entry.name) {
            return Err(format!("entry {}: {} stands there twice", place + 1, entry.name));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn parse_entry(text: &str, keys: KeyLifetime) -> Result<MediaServerConfig, String> {
    let mut parts = text.split(';').filter(|part| !part.is_empty());
    let (name, family) = parts
        .next()
        .and_then(|first| first.split_once('='))
        .ok_or("it must begin with name=family, such as edge-1=nginx-rtmp")?;
    let name = ServerName::parse(name).map_err(|error| error.to_string())?;
    let family = Family::parse(family).ok_or_else(|| {
        let known = Family::ALL.map(Family::as_str).join(", ");
        format!("{name} has no known family; it must be one of {known}")
    })?;
    let (secrets, control, lease, host) = (Vec::new(), None, family.lease(keys), None);
    let mut entry = MediaServerConfig { name, family, secrets, control, lease, host };
    for part in parts {
        let (option, value) = part.split_once('=').unwrap_or((part, ""));
        let fault = |wanted: &str| format!("{}: {option} must be {wanted}", entry.name);
        match option {
            "secret" if value.is_empty() => return Err(fault("a text without blanks and ;")),
            // It is part of URLs, where other characters mean something else.
            "secret" if family != Family::OvenMediaEngine && !value.bytes().all(is_plain) => {
                return Err(fault("letters, digits, and . _ ~ -"));
            }
            "secret" => entry.secrets.push(value.to_owned()),
            "control" => entry.control = Some(value.to_owned()),
            "vhost" if value.is_empty() => return Err(fault("the name of a virtual host")),
            "vhost" => entry.host = Some(value.to_owned()),
            "lease" => {
                let seconds = value.parse().ok().filter(|seconds| (6..=86_400).contains(seconds));
                entry.lease = Duration::seconds(seconds.ok_or_else(|| fault("seconds, 6 to 86400"))?);
            }
            _ => {
                return Err(format!(
                    "{}: it has an option that is none of secret, control, lease, vhost",
                    entry.name
                ));
            }
        }
    }
    Ok(entry)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-')
}

#[cfg(test)]
mod tests;
