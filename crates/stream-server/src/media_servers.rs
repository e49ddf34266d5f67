//! `MEDIA_SERVERS`: the media servers of this platform, in one setting.

use stream_domain::lifecycle::KeyLifetime;
use stream_domain::{Family, ServerName};
use time::Duration;

/// One media server, as the setting describes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: ServerName,
    pub(crate) family: Family,
    /// What its hooks show; several while one is being replaced.
    pub(crate) secrets: Vec<String>,
    /// Its control interface, credentials and all.
    pub(crate) control: Option<String>,
    /// How long its sessions count as live after they were last seen.
    pub(crate) lease: Duration,
    /// The virtual host that streams are published to.
    pub(crate) host: Option<String>,
}

/// Reads the setting: entries separated by blanks, `name=family;option=value;…`; `keys` is how long keys live.
///
/// What is wrong is said by the entry's place and name, never with its secrets.
pub(crate) fn parse(text: &str, keys: KeyLifetime) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    for (place, part) in text.split_whitespace().enumerate() {
        let entry = parse_entry(part, keys).map_err(|reason| format!("entry {}: {reason}", place + 1))?;
        if entries.iter().any(|known| known.name == entry.name) {
            return Err(format!("entry {}: {} stands there twice", place + 1, entry.name));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn parse_entry(text: &str, keys: KeyLifetime) -> Result<Entry, String> {
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
    let mut entry = Entry { name, family, secrets, control, lease, host };
    for part in parts {
        let (option, value) = part.split_once('=').unwrap_or((part, ""));
        let fault = |wanted: &str| format!("{}: {option} must be {wanted}", entry.name);
        match option {
            "secret" if value.is_empty() => return Err(fault("a text without blanks and ;")),
            // It stands in addresses, where other characters would be read as something else.
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
