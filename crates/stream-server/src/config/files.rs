//! Settings that stand in files, as secrets of Docker and Kubernetes do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::{Settings, names};
use crate::near_names;
use crate::secret::Secret;
use crate::value;

/// A secret, or an empty setting.
#[derive(Clone)]
pub(super) struct GivenSecret(pub(super) Option<Secret>);

impl Settings {
    /// Reads what the `_FILE` settings name, and notes variables that nobody reads.
    pub(crate) fn complete(mut self, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let file = |name, path: &Option<PathBuf>, is_given: bool| {
            let path = value::file_of(name, path.as_deref(), is_given)?;
            path.map(|path| value::read_file(name, path)).transpose()
        };
        // An empty one of these counts as not set, as compose files pass on what they do not have.
        let has_secret = matches!(self.secret_key, Some(GivenSecret(Some(_))));
        let has_previous = matches!(self.secret_key_previous, Some(GivenSecret(Some(_))));
        let has_servers = self.media_servers.as_deref().is_some_and(|text| !value::plain(text).is_empty());
        let has_url = self.db_url.as_deref().is_some_and(|text| !value::plain(text).is_empty());
        if let Some(url) = file("DB_URL", &self.db_url_file, has_url)? {
            self.db_url = Some(url);
        }
        let empty = |name: &str| format!("{name}_FILE: the file is empty");
        if let Some(text) = file("SECRET_KEY", &self.secret_key_file, has_secret)? {
            let secret = Secret::of_file(&text).map_err(|_| empty("SECRET_KEY"))?;
            self.secret_key = Some(GivenSecret(Some(secret)));
        }
        if matches!(self.secret_key, Some(GivenSecret(None))) {
            return Err(
                "SECRET_KEY (or --secret-key): it is empty; set it to the user-service's secret".to_owned()
            );
        }
        if let Some(text) = file("SECRET_KEY_PREVIOUS", &self.secret_key_previous_file, has_previous)? {
            let secret = Secret::of_file(&text).map_err(|_| empty("SECRET_KEY_PREVIOUS"))?;
            self.secret_key_previous = Some(GivenSecret(Some(secret)));
        }
        if let Some(text) = file("MEDIA_SERVERS", &self.media_servers_file, has_servers)? {
            self.media_servers = Some(text);
        }
        self.near_names = near_names::find(environment, &names());
        Ok(self)
    }

    /// The secret that tokens are signed with, if one was given.
    pub(crate) fn given_secret(&self) -> Option<&Secret> {
        self.secret_key.as_ref().and_then(|given| given.0.as_ref())
    }

    /// The secret before the last rotation.
    pub(crate) fn previous_secret(&self) -> Option<&Secret> {
        self.secret_key_previous.as_ref().and_then(|previous| previous.0.as_ref())
    }
}
