//! Settings that are read from files, as secrets of Docker and Kubernetes are: `DB_URL_FILE` and its like.

use std::path::Path;

use crate::config::flags::Flags;
use crate::config::values::GivenSecret;
use crate::secret::Secret;
use crate::value;

/// Reads what the `_FILE` settings name into the settings themselves.
///
/// A setting that is given both ways is refused; an empty one counts as not given, because compose files pass unset
/// variables on as empty ones.
pub(super) fn read_into(flags: &mut Flags) -> Result<(), String> {
    let is_text = |text: &Option<String>| text.as_deref().is_some_and(|text| !value::plain(text).is_empty());
    if let Some(url) = content("DB_URL", flags.db_url_file.as_deref(), is_text(&flags.db_url))? {
        flags.db_url = Some(url);
    }
    read_secret("SECRET_KEY", flags.secret_key_file.as_deref(), &mut flags.secret_key)?;
    if matches!(flags.secret_key, Some(GivenSecret(None))) {
        return Err(
            "SECRET_KEY (or --secret-key): it is empty; set it to the user-service's secret".to_owned()
        );
    }
    let previous = flags.secret_key_previous_file.as_deref();
    read_secret("SECRET_KEY_PREVIOUS", previous, &mut flags.secret_key_previous)?;
    let secret = flags.webhook_secret_file.as_deref();
    if let Some(text) = content("WEBHOOK_SECRET", secret, is_text(&flags.webhook_secret))? {
        flags.webhook_secret = Some(text);
    }
    let token = flags.admin_token_file.as_deref();
    if let Some(text) = content("ADMIN_TOKEN", token, is_text(&flags.admin_token))? {
        // Without a token the API would be off, which nobody means who names a file for it.
        if value::plain(&text).is_empty() {
            return Err("ADMIN_TOKEN_FILE: the file is empty".to_owned());
        }
        flags.admin_token = Some(text);
    }
    let servers = flags.media_servers_file.as_deref();
    if let Some(text) = content("MEDIA_SERVERS", servers, is_text(&flags.media_servers))? {
        flags.media_servers = Some(text);
    }
    Ok(())
}

fn read_secret(name: &str, file: Option<&Path>, secret: &mut Option<GivenSecret>) -> Result<(), String> {
    let is_given = matches!(secret, Some(GivenSecret(Some(_))));
    if let Some(text) = content(name, file, is_given)? {
        let read = Secret::of_file(&text).map_err(|_| format!("{name}_FILE: the file is empty"))?;
        *secret = Some(GivenSecret(Some(read)));
    }
    Ok(())
}

/// The content of the file that `{name}_FILE` names; `None` where it is not set or empty.
///
/// Refused where `name` is set as well, and where the file cannot be read; the error names variable and path.
fn content(name: &str, file: Option<&Path>, is_given: bool) -> Result<Option<String>, String> {
    let Some(path) = file.filter(|path| !path.as_os_str().is_empty()) else { return Ok(None) };
    if is_given {
        return Err(format!("{name} and {name}_FILE are both set; keep one of them"));
    }
    let content = std::fs::read(path)
        .map_err(|error| format!("{name}_FILE: {} cannot be read: {error}", path.display()))?;
    let content = String::from_utf8(content);
    content.map(Some).map_err(|_| format!("{name}_FILE: {} is not UTF-8 text", path.display()))
}
