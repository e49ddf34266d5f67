//! `CORS_ORIGINS`: whose pages may call the API with credentials.

use url::Url;

use crate::value;

/// The default of `CORS_ORIGINS`: the frontend on a developer's machine.
pub(super) const CORS_ORIGINS: &str = "http://localhost:3000,http://127.0.0.1:3000,http://localhost:3001";

/// Origins as browsers send them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Origins(pub(super) Vec<String>);

impl Origins {
    /// Reads origins separated by commas, or `none`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match value::plain(text) {
            "none" => Ok(Self(Vec::new())),
            // Compose files pass an unset variable on as an empty one.
            "" => Self::parse(CORS_ORIGINS),
            text => {
                text.split(',').map(|part| Self::parse_one(part.trim())).collect::<Result<_, _>>().map(Self)
            }
        }
    }

    fn parse_one(text: &str) -> Result<String, String> {
        if text == "*" {
            return Err("* is not allowed, because these origins may send credentials; list them one by one"
                .to_owned());
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let origin = url.map(|url| url.origin().ascii_serialization());
        match origin {
            Some(origin) if origin.eq_ignore_ascii_case(text) => Ok(origin),
            _ => Err(format!("{text} is no origin of the form https://example.org or http://localhost:3000")),
        }
    }
}
