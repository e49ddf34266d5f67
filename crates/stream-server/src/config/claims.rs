//! `USER_ID_CLAIMS`, `TOKEN_AUDIENCE`, `TOKEN_ISSUER` and `TOKEN_REQUIRED_CLAIMS`: what a token must say.

use crate::value;

/// Names of claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ClaimNames(pub(super) Vec<String>);

impl ClaimNames {
    /// Reads one or more names separated by commas.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let names: Vec<String> = value::plain(text).split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err("it must be one or more names of claims, separated by commas".to_owned());
        }
        Ok(Self(names))
    }
}

/// Names of services; none if the setting is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Names(pub(super) Vec<String>);

impl Names {
    /// Reads names separated by commas.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = value::plain(text);
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err("it must be one or more names, separated by commas".to_owned());
        }
        Ok(Self(names))
    }
}

/// Claims with the value that each must have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RequiredClaims(pub(super) Vec<(String, String)>);

impl RequiredClaims {
    /// Reads `name=value` pairs separated by commas.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        let claims = Names::parse(text)?.0.into_iter().map(|claim| {
            let (name, value) = claim.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            // The name is shown in answers; `aud` and `iss` have settings of their own.
            let is_good = !name.is_empty() && name.bytes().all(plain) && !value.is_empty();
            (is_good && !["aud", "iss"].contains(&name)).then(|| (name.to_owned(), value.to_owned()))
        });
        let claims: Option<Vec<_>> = claims.collect();
        claims.map(Self).ok_or_else(|| {
            "it must be one or more claims with their values, separated by commas, such as type=access; for aud and iss \
             there are TOKEN_AUDIENCE and TOKEN_ISSUER"
                .to_owned()
        })
    }
}
