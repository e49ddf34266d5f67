//! `DB_URL` as libpq reads it: what is taken, what means nothing here, and what is refused, each by name.
//!
//! No error shows a value: the URL holds a password, and one that was not percent-encoded may stand anywhere in it.

use tokio_postgres::Config;
use url::form_urlencoded;

/// Where trusted certificates come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The operating system.
    System,
    /// A file of PEM certificates.
    File(String),
}

/// What a URL says of TLS.
#[derive(Debug, Default)]
pub(crate) struct TlsParameters {
    /// `sslmode`, if it is given.
    pub(crate) mode: Option<String>,
    /// `requiressl=1`, which libpq still takes.
    pub(crate) requires: bool,
    /// `sslrootcert`.
    pub(crate) roots: Option<Roots>,
    /// `sslcert`.
    pub(crate) certificate: Option<String>,
    /// `sslkey`.
    pub(crate) key: Option<String>,
    /// `sslnegotiation=direct`.
    pub(crate) is_direct: bool,
    /// `ssl_min_protocol_version=TLSv1.3`.
    pub(crate) is_1_3_only: bool,
    /// `sslsni=0`.
    pub(crate) hides_name: bool,
}

/// The parameters that have a meaning here, in the order of docs/operations/postgresql.md.
pub(crate) const TAKEN: [&str; 25] = [
    "host",
    "hostaddr",
    "port",
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "fallback_application_name",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "target_session_attrs",
    "load_balance_hosts",
    "channel_binding",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslsni",
    "ssl_min_protocol_version",
];

/// Parameters that change nothing here, whatever their value.
const WITHOUT_MEANING: [&str; 8] = [
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "sslcompression",
    "max_protocol_version",
    "ssl_max_protocol_version",
    "pgbouncer",
    "uselibpqcompat",
];

/// Parameters that are taken with those values alone that change nothing here; else what to do instead.
const ONE_VALUE: [(&str, &[&str], &str); 7] = [
    ("sslcertmode", &["allow"], "leave it out; sslcert and sslkey are shown where they are given"),
    ("gssencmode", &["disable", "prefer"], "connections are encrypted by TLS alone; leave it out"),
    ("client_encoding", &["utf8", "utf-8", "unicode", "auto"], "it is always UTF8; leave it out"),
    ("replication", &["false", "off", "no", "0"], "leave it out"),
    ("min_protocol_version", &["3.0"], "leave it out"),
    ("schema", &["public"], "name the schema by options=-c%20search_path%3DNAME"),
    ("requiressl", &["0"], "use sslmode=require"),
];

/// Parameters that would be unsafe or misleading to pass over, and what to do instead.
const REFUSED: [(&str, &str); 16] = [
    ("passfile", "put the password into the URL"),
    ("service", "write the service's parameters into the URL"),
    ("servicefile", "write the service's parameters into the URL"),
    ("sslpassword", "name a key file that is not encrypted by sslkey"),
    ("sslcrl", "lists of revoked certificates are not looked at"),
    ("sslcrldir", "lists of revoked certificates are not looked at"),
    ("sslkeylogfile", "keys of connections are not written down"),
    ("requirepeer", "the owner of a socket is not looked at; protect its folder"),
    ("require_auth", "use sslmode=verify-full, or channel_binding=require, which wants SCRAM"),
    ("scram_client_key", "put the password into the URL"),
    ("scram_server_key", "put the password into the URL"),
    ("oauth_issuer", "put user and password into the URL"),
    ("ssl", "use sslmode, such as sslmode=require"),
    ("connection_limit", "use the setting DB_POOL_SIZE"),
    ("pool_timeout", "use the setting DB_TIMEOUT"),
    ("statement_cache_size", "leave it out; behind PgBouncer set max_prepared_statements there"),
];

/// Why a database URL cannot be used; shows nothing of it, since it holds a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// It is not of the form that libpq reads.
    #[error(
        "not a PostgreSQL URL of the form postgresql://user:password@host:5432/database; percent-encode what is \
         special in user and password (@ is %40, : is %3A, / is %2F, # is %23, ? is %3F, % is %25)"
    )]
    Malformed(#[source] tokio_postgres::Error),
    /// Something that only a password can hold stands where it ends the password.
    #[error(
        "percent-encode the password: it seems to hold one of @ : / # ? % as it is (@ is %40, : is %3A, / is %2F, # \
         is %23, ? is %3F, % is %25)"
    )]
    RawPassword,
    /// A parameter of libpq's, or of another driver's, that is not taken.
    #[error("the parameter {name} is not taken with this value: {instead}")]
    NotTaken {
        /// Which.
        name: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// An unknown parameter.
    #[error("there is no parameter {name}; taken are {}", TAKEN.join(", "))]
    Unknown {
        /// Which, if it looks like a name and not like a part of a password.
        name: String,
    },
    /// Its `sslmode` is none of libpq's.
    #[error("sslmode is one of disable, allow, prefer, require, verify-ca, verify-full")]
    SslMode,
    /// Its `sslrootcert` is no file of PEM certificates.
    #[error(
        "sslrootcert names no readable file of PEM certificates; `system` stands for the operating system's"
    )]
    RootCertificates,
    /// Its `sslcert` or `sslkey` is no file of the kind, or one of them is missing, or they do not fit.
    #[error(
        "sslcert and sslkey name a file of PEM certificates and a file with their key, in PEM and not encrypted; one \
         of them is missing or unreadable, or they do not fit together"
    )]
    ClientCertificate,
    /// Parameters that libpq refuses together.
    #[error("{0}")]
    Weak(&'static str),
}

/// Reads a URL into what the driver takes and what is done about TLS.
pub(crate) fn read(url: &str) -> Result<(Config, TlsParameters), InvalidUrl> {
    if has_raw_password(url) {
        return Err(InvalidUrl::RawPassword);
    }
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters = TlsParameters::default();
    let mut fallback_name = None;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let text = || Some(value.to_string()).filter(|value| !value.is_empty());
        match &*name {
            "sslmode" => parameters.mode = text(),
            "sslnegotiation" => match &*value {
                "postgres" | "direct" => parameters.is_direct = value == "direct",
                _ => return Err(not_taken("sslnegotiation", "it is postgres or direct")),
            },
            "sslrootcert" if value == "system" => parameters.roots = Some(Roots::System),
            "sslrootcert" => parameters.roots = text().map(Roots::File),
            "sslcert" => parameters.certificate = text(),
            "sslkey" => parameters.key = text(),
            "sslsni" => parameters.hides_name = value == "0",
            "ssl_min_protocol_version" => match &*value {
                "" | "TLSv1" | "TLSv1.1" | "TLSv1.2" => {}
                "TLSv1.3" => parameters.is_1_3_only = true,
                _ => return Err(not_taken("ssl_min_protocol_version", "it is TLSv1.2 or TLSv1.3")),
            },
            "requiressl" if value == "1" => parameters.requires = true,
            "fallback_application_name" => fallback_name = text(),
            "keepalives_count" | "keepalives_retries" => {
                rest.append_pair("keepalives_retries", &value);
            }
            "target_session_attrs" => {
                let wanted = match &*value {
                    "primary" => "read-write",
                    "standby" | "prefer-standby" => {
                        return Err(not_taken("target_session_attrs", "this service writes; use read-write"));
                    }
                    other => other,
                };
                rest.append_pair(&name, wanted);
            }
            taken if TAKEN.contains(&taken) => {
                rest.append_pair(&name, &value);
            }
            other => judge(other, &value)?,
        }
    }
    // The form writes a blank as `+`, which PostgreSQL's URLs do not know.
    let rest = rest.finish().replace('+', "%20");
    let mut config: Config = format!("{base}?{rest}").parse().map_err(InvalidUrl::Malformed)?;
    if let Some(name) = fallback_name.filter(|_| config.get_application_name().is_none()) {
        config.application_name(name);
    }
    Ok((config, parameters))
}

/// A parameter that has no meaning here is passed over, or refused.
fn judge(name: &str, value: &str) -> Result<(), InvalidUrl> {
    if WITHOUT_MEANING.contains(&name) {
        return Ok(());
    }
    if let Some((name, values, instead)) = ONE_VALUE.into_iter().find(|(known, ..)| *known == name) {
        let is_harmless = value.is_empty() || values.contains(&value.to_ascii_lowercase().as_str());
        return if is_harmless { Ok(()) } else { Err(not_taken(name, instead)) };
    }
    if let Some((name, instead)) = REFUSED.into_iter().find(|(known, _)| *known == name) {
        return Err(not_taken(name, instead));
    }
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let name = if is_name { format!("\"{name}\"") } else { "of that name".to_owned() };
    Err(InvalidUrl::Unknown { name })
}

fn not_taken(name: &'static str, instead: &'static str) -> InvalidUrl {
    InvalidUrl::NotTaken { name, instead }
}

/// Whether a password stands in the URL with a character that ends it too early.
fn has_raw_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
    // A second `@` belongs to the password, or to the user.
    if authority.matches('@').count() > 1 || path.contains('@') {
        return true;
    }
    // What looks like hosts and ends before the `@` is the user with the password's beginning.
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    let has_odd_port = hosts.split(',').filter(|host| !host.contains(']')).any(|host| {
        host.split_once(':').is_some_and(|(_, port)| port.bytes().any(|byte| !byte.is_ascii_digit()))
    });
    let (before, after) = query.split_once('@').unwrap_or((query, ""));
    !after.is_empty() && (has_odd_port || !before.contains('='))
}
