//! Variables that look like misspelt settings, so that the start can refuse or warn.
//!
//! They are never read in place of the setting. `DATABASE_URL` without `DB_URL` would start a service that looks healthy
//! on an empty store of its own.

use std::collections::BTreeMap;

use crate::value;

/// Each setting, with the names that other services have for it.
const ALIASES: &[(&str, &[&str])] = &[
    (
        DB_URL,
        &[
            "DATABASE",
            "DATABASE_CONNECTION",
            "DATABASE_CONNECTION_STRING",
            "DATABASE_DSN",
            "DATABASE_URI",
            "DATABASE_URL",
            "DB",
            "DB_CONNECTION_STRING",
            "DB_CONNECTION_URL",
            "DB_CONN",
            "DB_DSN",
            "DB_URI",
            "DSN",
            "JDBC_DATABASE_URL",
            "PG_CONNECTION_STRING",
            "PG_DSN",
            "PG_URI",
            "PG_URL",
            "POSTGRESQL_DSN",
            "POSTGRESQL_URI",
            "POSTGRESQL_URL",
            "POSTGRES_CONNECTION_STRING",
            "POSTGRES_DSN",
            "POSTGRES_PRISMA_URL",
            "POSTGRES_URI",
            "POSTGRES_URL",
            "SQLALCHEMY_DATABASE_URI",
            "SQLALCHEMY_DATABASE_URL",
        ],
    ),
    (
        "SECRET_KEY",
        &[
            "APP_KEY",
            "APP_SECRET",
            "APP_SECRET_KEY",
            "AUTH_SECRET",
            "FLASK_SECRET",
            "FLASK_SECRET_KEY",
            "JWT_KEY",
            "JWT_SECRET",
            "JWT_SECRET_KEY",
            "JWT_SIGNING_KEY",
            "SECRET",
            "SECRET_KEY_BASE",
            "SECRET_TOKEN",
            "SIGNING_KEY",
            "SIGNING_SECRET",
            "TOKEN_SECRET",
            "TOKEN_SECRET_KEY",
        ],
    ),
    (
        "SECRET_KEY_PREVIOUS",
        &[
            "OLD_SECRET_KEY",
            "PREVIOUS_SECRET_KEY",
            "SECRET_KEY_FALLBACK",
            "SECRET_KEY_OLD",
            "SECRET_KEY_PREV",
        ],
    ),
    (
        "CORS_ORIGINS",
        &["ALLOWED_ORIGINS", "CORS", "CORS_ALLOWED_ORIGINS", "CORS_ALLOW_ORIGIN", "CORS_ALLOW_ORIGINS"],
    ),
    ("HLS_BASE_URL", &["HLS_BASE", "HLS_URL"]),
    ("HOST", &["BIND_ADDRESS", "BIND_HOST", "FLASK_RUN_HOST", "LISTEN_ADDRESS", "SERVER_HOST"]),
    ("LOG_LEVEL", &["LOGGING_LEVEL", "RUST_LOG"]),
    ("MEDIA_SERVERS", &["RTMP_SERVERS"]),
    ("PORT", &["APP_PORT", "FLASK_RUN_PORT", "HTTP_PORT", "LISTEN_PORT", "SERVER_PORT"]),
    ("RTMP_BASE_URL", &["RTMP_BASE", "RTMP_URL"]),
];

/// The setting that names the database.
pub(super) const DB_URL: &str = "DB_URL";

/// Names below this length have too many neighbours that mean something else, such as `POST` and `SORT`.
const SHORT: usize = 5;

/// A variable that was probably meant for this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NearName {
    /// The variable, as it is spelt in the environment.
    pub(crate) name: String,
    /// The setting that was probably meant.
    pub(crate) setting: String,
}

/// The variables of an environment that look like one of `settings` and are not.
///
/// A variable that repeats the value of its setting is left out, because renaming it would change nothing.
pub(super) fn find(environment: &BTreeMap<String, String>, settings: &[String]) -> Vec<NearName> {
    let is_setting = |name: &str| settings.iter().any(|setting| setting == name);
    let others = environment.iter().filter(|(name, value)| {
        !is_setting(name.as_str()) && !value::plain(value).is_empty() && !is_service_link(value)
    });
    let near = others.filter_map(|(name, value)| {
        let setting = setting_of(name, value, settings)?;
        let is_repeated =
            environment.get(&setting).is_some_and(|own| value::plain(own) == value::plain(value));
        (!is_repeated).then(|| NearName { name: name.clone(), setting })
    });
    near.collect()
}

/// Kubernetes and Docker describe other services so: `STREAM_SERVICE_PORT=tcp://10.0.0.1:80`.
fn is_service_link(value: &str) -> bool {
    value.starts_with("tcp://") || value.starts_with("udp://")
}

fn setting_of(name: &str, value: &str, settings: &[String]) -> Option<String> {
    let upper = name.to_ascii_uppercase().replace(['-', '.'], "_");
    // A name and its `_FILE` are treated alike.
    if let Some(of_file) = upper.strip_suffix("_FILE").filter(|rest| !rest.is_empty()) {
        let file = setting_of(of_file, value, settings)
            .or_else(|| settings.iter().find(|setting| *setting == of_file && name != upper).cloned());
        let file = file.map(|setting| format!("{setting}_FILE")).filter(|file| settings.contains(file));
        if file.is_some() {
            return file;
        }
    }
    let alias = ALIASES.iter().find(|(_, aliases)| aliases.contains(&upper.as_str()));
    let misspelt = || settings.iter().find(|setting| is_misspelt(&upper, setting)).cloned();
    let found = alias.map(|(setting, _)| (*setting).to_owned()).or_else(misspelt).or_else(|| {
        // A name with a prefix, such as PLATFORM_DATABASE_URL, that holds a URL which DB_URL takes.
        let (_, aliases) = ALIASES.iter().find(|(setting, _)| *setting == DB_URL)?;
        let ends_so = aliases.iter().chain(&[DB_URL]).any(|alias| upper.ends_with(&format!("_{alias}")));
        (ends_so && is_postgres(value)).then(|| DB_URL.to_owned())
    })?;
    let is_meant = match (found.as_str(), upper.as_str()) {
        // Anything but a number is another program's address.
        ("PORT", _) => value::plain(value).parse::<u16>().is_ok(),
        // `FB_URL` and the like differ by a letter, and hold the address of something else.
        (DB_URL, _) if alias.is_none() => is_database(value),
        // These names are too general; only the value tells.
        (DB_URL, "DATABASE" | "DATABASE_CONNECTION" | "DB" | "DB_CONN" | "DSN") => value.contains("://"),
        _ => true,
    };
    is_meant.then_some(found)
}

/// Whether a value may name a database: it has the scheme of one, or no scheme.
fn is_database(value: &str) -> bool {
    value::plain(value).split_once("://").is_none_or(|(scheme, _)| {
        ["postgres", "sqlite", "mysql", "jdbc"].iter().any(|known| scheme.starts_with(known))
    })
}

fn is_postgres(value: &str) -> bool {
    value::plain(value).split_once("://").is_some_and(|(scheme, _)| scheme.starts_with("postgres"))
}

/// Whether a name differs from a setting's only by underscores, case, or one letter missing, extra, wrong or swapped.
fn is_misspelt(upper: &str, setting: &str) -> bool {
    let letters = |name: &str| name.bytes().filter(|byte| *byte != b'_').collect::<Vec<u8>>();
    let (name, setting) = (letters(upper), letters(setting));
    if name == setting {
        return true;
    }
    match name.len().abs_diff(setting.len()) {
        0 => {
            let differing: Vec<usize> =
                (0..name.len()).filter(|&place| name[place] != setting[place]).collect();
            match differing[..] {
                [_] => name.len() >= SHORT,
                [first, second] => {
                    second == first + 1 && name[first] == setting[second] && name[second] == setting[first]
                }
                _ => false,
            }
        }
        1 => {
            let (long, short) =
                if name.len() > setting.len() { (&name, &setting) } else { (&setting, &name) };
            let is_plural = name.len() > setting.len() && name.last() == Some(&b'S');
            let is_long = setting.len() >= SHORT;
            (is_long || is_plural)
                && (0..long.len())
                    .any(|gone| long[..gone] == short[..gone] && long[gone + 1..] == short[gone..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
