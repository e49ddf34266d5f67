//! `RTMP_BASE_URL` and `HLS_BASE_URL`: where publishers and viewers go.

use url::Url;

/// The default of `RTMP_BASE_URL`.
pub(super) const RTMP_BASE: &str = "rtmp://localhost:1935/live";

/// The default of `HLS_BASE_URL`.
pub(super) const HLS_BASE: &str = "http://localhost:8083/live";

/// Reads `RTMP_BASE_URL`.
pub(super) fn parse_rtmp_base(text: &str) -> Result<String, String> {
    parse_base(if text.is_empty() { RTMP_BASE } else { text }, &["rtmp", "rtmps"])
}

/// Reads `HLS_BASE_URL`.
pub(super) fn parse_hls_base(text: &str) -> Result<String, String> {
    parse_base(if text.is_empty() { HLS_BASE } else { text }, &["http", "https"])
}

fn parse_base(text: &str, schemes: &[&str]) -> Result<String, String> {
    let right = |url: &Url| {
        let plain = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let named = url.host_str().is_some_and(|host| !host.is_empty());
        plain && anonymous && named && schemes.contains(&url.scheme())
    };
    let has_blanks = text.chars().any(|character| character.is_whitespace() || character.is_control());
    match Url::parse(text) {
        Ok(url) if right(&url) && !has_blanks => Ok(text.to_owned()),
        _ => Err(format!(
            "it must be a URL of the form {}://host/path, without user, ?, # and blanks",
            schemes.join(":// or ")
        )),
    }
}

/// The application that publishers go to: the path of `RTMP_BASE_URL`, without slashes around it.
pub(super) fn application_of(rtmp_base: &str) -> Result<String, String> {
    let path = Url::parse(rtmp_base).map(|url| url.path().trim_matches('/').to_owned());
    path.map_err(|_| "it must be a URL".to_owned())
}
