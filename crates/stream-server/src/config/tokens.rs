//! `SECRET_KEY` and what a token must say.

use stream_jwt::ClaimRules;

use crate::config::claims::Names;
use crate::config::database::{DatabaseConfig, DbUrl};
use crate::config::flags::Flags;
use crate::config::near_names::NearName;
use crate::config::values::GivenSecret;
use crate::secret::{Secret, SecretSource};

/// How tokens are signed and verified.
pub(crate) struct TokenConfig {
    /// Where the secret that tokens are signed with comes from.
    pub(crate) secret: SecretSource,
    /// The secret before the last rotation; tokens signed with it are accepted too.
    pub(crate) previous: Option<Secret>,
    /// Claims that may hold the user id, in the order in which they are tried; never empty.
    pub(crate) user_id_claims: Vec<String>,
    /// What a token must say besides its user.
    pub(crate) rules: ClaimRules,
}

impl TokenConfig {
    /// Parses the settings of tokens; an error names the setting.
    ///
    /// The database is needed only where no secret is given.
    pub(super) fn parse(flags: &Flags, near_names: &[NearName]) -> Result<Self, String> {
        let secret = |given: &Option<GivenSecret>| given.as_ref().and_then(|given| given.0.clone());
        let names = |names: &Option<Names>| names.as_ref().map(|names| names.0.clone()).unwrap_or_default();
        let source = match secret(&flags.secret_key) {
            Some(given) => SecretSource::Given(given),
            None => default_source(&DatabaseConfig::parse(flags, near_names)?.url, near_names)?,
        };
        let required = flags.token_required_claims.as_ref();
        Ok(Self {
            secret: source,
            previous: secret(&flags.secret_key_previous),
            user_id_claims: flags.user_id_claims.0.clone(),
            rules: ClaimRules {
                audiences: names(&flags.token_audience),
                issuers: names(&flags.token_issuer),
                required: required.map(|claims| claims.0.clone()).unwrap_or_default(),
            },
        })
    }
}

/// Where the secret comes from when none is given: a file beside the embedded database.
///
/// With PostgreSQL it must be given, because the user-service signs with a secret of its own.
fn default_source(database: &DbUrl, near_names: &[NearName]) -> Result<SecretSource, String> {
    match database {
        DbUrl::Postgres(_) => {
            let near = near_names.iter().find(|near| near.setting.starts_with("SECRET_KEY"));
            let near = near.map(|near| format!(" {} is set, and read by nobody; rename it.", near.name));
            Err(format!(
                "SECRET_KEY is not set. With PostgreSQL it is required: set it, or SECRET_KEY_FILE, to the secret that \
                 the user-service signs its tokens with.{}",
                near.unwrap_or_default()
            ))
        }
        DbUrl::Sqlite(database) => Ok(SecretSource::File(database.with_file_name("secret_key"))),
    }
}
