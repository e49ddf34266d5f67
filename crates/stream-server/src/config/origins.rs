//! `CORS_ORIGINS`: whose pages may call the API with credentials.

use url::Url;

use super::CORS_ORIGINS;
use crate::value;

/// Origins as browsers send them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Origins(pub(crate) Vec<String>);

impl Origins {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match value::plain(text) {
            "none" => Ok(Self(Vec::new())),
            // Compose files pass a variable that is not set on as an empty one.
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
