//! Whether the settings can be read, and which of them are probably a mistake.

use std::path::Path;
use std::sync::Arc;

use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::{Authenticator, BearerToken, Finding};

use crate::commands::output::argument;
use crate::config::{Config, Examination};
use crate::secret::{Secret, SecretSource, Weakness, weakness_of};
use crate::system::SystemClock;
use crate::wiring;

/// What makes a good secret.
const GOOD_SECRET: &str = "choose 32 random bytes, here and in the user-service: openssl rand -hex 32";

/// Examines the settings alone; asks nobody.
pub(super) fn examine(examination: &Examination) -> Vec<Finding> {
    match &examination.config {
        Ok(config) => examine_read(config, examination.token_file.as_deref()),
        Err(reason) => vec![Finding::failure("settings", reason, "correct the setting that is named")],
    }
}

/// The same of settings that could be read, with a token of the user-service to try.
pub(super) fn examine_read(config: &Config, token_file: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", "every setting can be read")];
    findings.extend(doubts(config));
    match config.tokens.secret.peek() {
        Ok(None) => findings.push(Finding::ok("SECRET_KEY", "is made at start, beside the database")),
        Ok(Some(secret)) => {
            findings.push(strength("SECRET_KEY", &secret));
            if let Some(path) = token_file {
                findings.push(try_token(config, &secret, &path.to_string_lossy()));
            }
        }
        Err(reason) => findings.push(Finding::failure(
            "SECRET_KEY",
            reason,
            "let the service read it, or set SECRET_KEY or SECRET_KEY_FILE",
        )),
    }
    findings.extend(config.admin_token.as_ref().map(|token| match weakness_of(token.expose()) {
        Some(weakness @ (Weakness::Known | Weakness::Monotonous)) => Finding::failure(
            "ADMIN_TOKEN",
            format!("{weakness}, so anybody can be an operator"),
            "make another with: openssl rand -hex 32",
        ),
        Some(Weakness::Short) | None => Finding::ok("ADMIN_TOKEN", "looks like a random one"),
    }));
    findings
        .extend(config.tokens.previous.as_ref().map(|previous| strength("SECRET_KEY_PREVIOUS", previous)));
    findings
}

/// Settings that are valid and probably a mistake.
fn doubts(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<Finding> = config
        .near_names
        .iter()
        .map(|near| {
            let what = format!("{} is set and read by nobody", near.name);
            Finding::warning("settings", what, format!("rename it to {}, or unset it", near.setting))
        })
        .collect();
    if config.database.is_default {
        findings.push(Finding::warning(
            "DB_URL",
            format!("is not set, so streams are kept in {}", config.database.url),
            "set DB_URL to the platform's database, or to that file if it is meant",
        ));
    }
    if config.broadcasts.address_form == AddressForm::Key {
        findings.push(Finding::warning(
            "ADDRESSES",
            "is key: every viewer learns the stream key from the address, and could publish with it",
            "set ADDRESSES=playback; docs/media-servers says how",
        ));
    }
    if config.hook_networks.are_all() {
        findings.push(Finding::warning(
            "HOOK_NETWORKS",
            "holds every address: whatever reaches this service can begin and end broadcasts without a secret",
            "name the networks of the media servers alone, or give these a secret",
        ));
    }
    findings
}

fn strength(setting: &str, secret: &Secret) -> Finding {
    match secret.weakness() {
        Some(weakness) => Finding::warning(setting, format!("{weakness}, so it can be guessed"), GOOD_SECRET),
        None if secret.is_untidy() => Finding::warning(
            setting,
            "has blanks, a line end or quotes around it",
            "take them off, here and in the user-service",
        ),
        None => Finding::ok(setting, "is long and random enough"),
    }
}

/// Whether a token of the user-service is accepted.
fn try_token(config: &Config, secret: &Secret, path: &str) -> Finding {
    let subject = "token";
    let text = match path {
        "-" => argument("-").map_err(|failure| failure.to_string()),
        path => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}")),
    };
    let text = match text {
        Ok(text) => text.trim().trim_start_matches("Bearer ").to_owned(),
        Err(reason) => {
            return Finding::failure(subject, reason, "name a file that can be read by --token-file");
        }
    };
    let verifier = match wiring::wire_tokens(&config.tokens, secret) {
        Ok(verifier) => verifier,
        Err(failure) => return Finding::failure(subject, failure.to_string(), GOOD_SECRET),
    };
    match Authenticator::new(Arc::new(verifier), Arc::new(SystemClock)).authenticate(&BearerToken::new(text))
    {
        Ok(user) => Finding::ok(subject, format!("is accepted, as user {}", user.get())),
        Err(error) => Finding::failure(subject, error.to_string(), cure(&config.tokens.secret, &error)),
    }
}

fn cure(source: &SecretSource, error: &stream_domain::token::TokenError) -> &'static str {
    match (error, source) {
        (stream_domain::token::TokenError::WrongSignature, SecretSource::Given(_)) => {
            "set SECRET_KEY to the secret that the user-service signs with; while both change, name the old one in \
             SECRET_KEY_PREVIOUS"
        }
        (stream_domain::token::TokenError::WrongSignature, SecretSource::File(_)) => {
            "set SECRET_KEY to the secret that the user-service signs with, in the place of the one that was made here"
        }
        _ => {
            "have the user-service issue tokens as docs/http-api.md describes them, or correct TOKEN_AUDIENCE, TOKEN_ISSUER, \
              TOKEN_REQUIRED_CLAIMS and USER_ID_CLAIMS"
        }
    }
}
