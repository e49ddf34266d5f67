//! What a publisher shows besides its key: blanks, quotes, slashes, or the address that the key was pasted with.
//!
//! No key and no playback id holds any of that, so what is left without it is the one text that was meant.
//! Stripping it admits no one without a key: what remains must be the key.

use percent_encoding::percent_decode_str;

use super::admission::{AddressForm, Trigger};
use crate::{Family, StreamKey};

/// How often a text may have been percent-encoded.
const ENCODED: usize = 3;

/// The longest text that is searched for keys, in bytes; the longest key in an address with a long host fits.
const SEARCHED: usize = 2_048;

/// A key that was found in a text, with the name that stood before it if the text was an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: StreamKey,
    pub(crate) name: Option<String>,
}

/// Whether it is seen as nothing: blanks, line ends, and what chat programs and web pages put between letters.
fn is_blank(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    is_invisible || character.is_whitespace() || character.is_control()
}

/// Whether it may stand around a text that was copied, without belonging to it.
fn is_wrapping(character: char) -> bool {
    is_blank(character)
        || matches!(
            character,
            '/' | '\\' | '"' | '\'' | '`' | '<' | '>' | '\u{b4}' | '\u{ab}' | '\u{bb}' | '\u{2018}'
                ..='\u{201f}' | '\u{2032}' | '\u{2033}' | '\u{2039}' | '\u{203a}' | '\u{ff02}' | '\u{ff07}'
        )
}

/// The text without what stands around it, plain or percent-encoded, and without line ends and invisible characters
/// inside.
pub(crate) fn unwrapped(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ENCODED {
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        let is_plain = decoded == text;
        text = decoded;
        if is_plain {
            break;
        }
    }
    let inner = text.trim_matches(is_wrapping);
    // A blank inside may part two texts; a line end is where a long one was wrapped.
    inner.chars().filter(|&character| character == ' ' || !is_blank(character)).collect()
}

/// The one key that a text can mean, which may be an address or a part of one; `None` if it means none or several.
pub(crate) fn key_in(text: &str) -> Option<Found> {
    let text = unwrapped(text);
    if let Ok(key) = StreamKey::parse(&text) {
        return Some(Found { key, name: None });
    }
    let is_address = text.contains(['/', '?']);
    let (path, query) = match text.split_once('?') {
        Some(parts) => parts,
        None if text.starts_with("key=") => ("", text.as_str()),
        None => (text.as_str(), ""),
    };
    let mut keys = keys_of_query(query);
    let last = path.rsplit('/').next().map(unwrapped).filter(|segment| !segment.is_empty());
    match keys.next() {
        Some(key) => {
            let is_one = keys.all(|other| other == key);
            let key = StreamKey::parse(&key).ok().filter(|_| is_one)?;
            Some(Found { key, name: last })
        }
        None if is_address => {
            let key = StreamKey::parse(&last?).ok()?;
            Some(Found { key, name: None })
        }
        None => None,
    }
}

/// The name and the key that a publisher means by what it shows.
///
/// What stands around a key is taken away where no viewer sees it: around the key that stands behind the name, and around
/// a name that is to be renamed.
/// Any other name is the one that viewers ask for, so it must be that already.
pub(crate) fn meant(
    form: AddressForm,
    trigger: Trigger,
    family: Family,
    (name, key): (&str, Option<&str>),
) -> (String, Option<String>) {
    let name = family.as_viewed(name);
    if form == AddressForm::Rename && form.shows_key_alone(trigger, family.capabilities().renames, key) {
        let found = key_in(name).filter(|found| found.name.is_none());
        let key = found.map_or_else(|| name.to_owned(), |found| found.key.expose().to_owned());
        return (key, None);
    }
    let key = key.map(|key| {
        // An address that was pasted as the key must be that of the same name.
        let is_same = |found: &Found| found.name.as_deref().is_none_or(|found| found == name);
        key_in(key).filter(is_same).map_or_else(|| key.to_owned(), |found| found.key.expose().to_owned())
    });
    (name.to_owned(), key)
}

/// Every text in these that could be a key, the likeliest first, at most `limit`.
pub(crate) fn keys_in<'a>(texts: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<StreamKey> {
    let mut keys: Vec<StreamKey> = Vec::new();
    for text in texts.into_iter().filter(|text| text.len() <= SEARCHED) {
        let text = unwrapped(text);
        let address = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let of_query = keys_of_query(query).chain(keys_of_query(path));
        let of_path = path.rsplit('/').map(unwrapped);
        // Behind a query's key, an address may go on: `?key=…/name`.
        let behind = query.split(['/', '&', '=']).map(unwrapped);
        for candidate in of_query.chain(of_path).chain(behind) {
            if let Ok(key) = StreamKey::parse(&candidate)
                && !keys.contains(&key)
                && keys.len() < limit
            {
                keys.push(key);
            }
        }
    }
    keys
}

fn keys_of_query(query: &str) -> impl Iterator<Item = String> {
    let fields = query.split('&').filter_map(|field| field.split_once('='));
    fields.filter(|(name, _)| unwrapped(name) == "key").map(|(_, value)| unwrapped(value))
}
