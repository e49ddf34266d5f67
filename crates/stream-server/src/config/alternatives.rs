//! `INGEST_ALTERNATIVES`: other ways to publish, by protocol.

use stream_domain::broadcasts::admission::AddressForm;
use url::Url;

use crate::value;

/// Reads templates separated by blanks; returns each protocol with its template, in the order given.
pub(super) fn parse(text: &str, form: AddressForm) -> Result<Vec<(String, String)>, String> {
    value::plain(text).split_whitespace().map(|template| parse_one(template, form)).collect()
}

/// Reads `srt=srt://host…{stream_key}…`: the protocol and its template.
fn parse_one(text: &str, form: AddressForm) -> Result<(String, String), String> {
    let known = [
        ("srt", &["srt"][..]),
        ("whip", &["http", "https"]),
        ("rtsp", &["rtsp", "rtsps"]),
        ("rtmp", &["rtmp", "rtmps"]),
    ];
    let (protocol, template) = text.split_once('=').unwrap_or((text, ""));
    let schemes = known.iter().find(|(name, _)| *name == protocol).map(|(_, schemes)| *schemes);
    let schemes = schemes.ok_or("each must begin with srt=, whip=, rtsp= or rtmp=")?;
    let filled = template.replace("{stream_key}", "k").replace("{playback_id}", "p");
    let is_right = |url: &Url| schemes.contains(&url.scheme()) && url.has_host() && url.password().is_none();
    if filled.contains(['{', '}']) || !Url::parse(&filled).is_ok_and(|url| is_right(&url)) {
        let schemes = schemes.join(":// or ");
        return Err(format!(
            "{protocol} must be a {schemes}:// URL with {{stream_key}} and {{playback_id}} in it"
        ));
    }
    let wanted: &[&str] = match form {
        AddressForm::Playback => &["{stream_key}", "{playback_id}"],
        AddressForm::Key | AddressForm::Rename => &["{stream_key}"],
    };
    match wanted.iter().find(|name| !template.contains(**name)) {
        Some(missing) => Err(format!("{protocol} must have {missing} in it, as ADDRESSES is")),
        None => Ok((protocol.to_owned(), template.to_owned())),
    }
}
