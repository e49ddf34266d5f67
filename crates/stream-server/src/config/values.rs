//! Values that clap parses: numbers, words, addresses, paths, secrets.

use std::convert::Infallible;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use stream_domain::broadcasts::admission::{AddressForm, Takeover};

use crate::secret::Secret;
use crate::value;

/// A secret; `None` where the setting is empty.
#[derive(Clone)]
pub(super) struct GivenSecret(pub(super) Option<Secret>);

/// Makes a parser of whole numbers in this range.
pub(super) fn number<N>(
    range: RangeInclusive<N>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static
where
    N: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = value::plain(text).parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("it must be a whole number from {} to {}", range.start(), range.end()))
    }
}

/// Reads `ADDRESSES`.
pub(super) fn parse_addresses(text: &str) -> Result<AddressForm, String> {
    match value::plain(text) {
        "key" | "" => Ok(AddressForm::Key),
        "playback" => Ok(AddressForm::Playback),
        "rename" => Ok(AddressForm::Rename),
        _ => Err("it must be key, playback or rename".to_owned()),
    }
}

/// Reads `TAKEOVER`.
pub(super) fn parse_takeover(text: &str) -> Result<Takeover, String> {
    let all = [Takeover::Overdue, Takeover::SameAddress, Takeover::Newest];
    let text = value::plain(text);
    let text = if text.is_empty() { Takeover::SameAddress.as_str() } else { text };
    let known = all.into_iter().find(|takeover| takeover.as_str() == text);
    known.ok_or_else(|| "it must be overdue, same-address or newest".to_owned())
}

/// Reads an IP address.
pub(super) fn parse_host(text: &str) -> Result<IpAddr, String> {
    value::plain(text)
        .parse()
        .map_err(|_| "it must be an IP address, such as 0.0.0.0, 127.0.0.1 or ::".to_owned())
}

/// Reads a secret; an empty one is refused later, unless a file holds it.
pub(super) fn parse_secret(text: &str) -> Result<GivenSecret, Infallible> {
    Ok(GivenSecret(Secret::given(text).ok()))
}

/// Reads a bool that must not be empty: a guard that is set to nothing is a mistake, not a guard that is off.
pub(super) fn parse_guard(text: &str) -> Result<bool, String> {
    if value::plain(text).is_empty() { Err("it must be true or false".to_owned()) } else { parse_bool(text) }
}

/// Reads a path.
pub(super) fn parse_path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(PathBuf::from(value::plain(text)))
}

/// Reads a bool in any usual spelling; an empty one is `false`.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match value::plain(text).to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err("it must be true or false".to_owned()),
    }
}
