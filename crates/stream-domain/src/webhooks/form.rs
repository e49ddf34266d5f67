//! Endpoints as clients send them, and what is wrong with them.

use crate::details::normalized;
use crate::events::EventKind;
use crate::ports::WebhookSender;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 200;

/// An endpoint as a client sends it: what is `None` was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookForm {
    /// Where to.
    pub url: Option<String>,
    /// Which types of events; all without any.
    pub types: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether anything is sent there.
    pub enabled: Option<bool>,
}

/// What an owner says of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTerms {
    /// Where to.
    pub url: String,
    /// Only these kinds of events; none means all.
    pub kinds: Vec<EventKind>,
    /// What it is for.
    pub description: Option<String>,
}

/// A field of an endpoint cannot be taken as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the variants are the fields")]
pub enum InvalidWebhook {
    #[error("url: {0}")]
    Url(String),
    #[error("types: there is no type {0:?}")]
    Types(String),
    #[error("{0}")]
    Description(String),
}

impl WebhookForm {
    /// The terms that it describes, and whether anything is sent there; `sender` knows which addresses may be sent to.
    pub fn read(self, sender: &dyn WebhookSender) -> Result<(WebhookTerms, bool), InvalidWebhook> {
        let url = self.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| InvalidWebhook::Url("is missing".to_owned()))?;
        let url = sender.check_url(url).map_err(|refused| InvalidWebhook::Url(refused.0))?;
        let mut kinds = Vec::new();
        for word in self.types.unwrap_or_default() {
            let kind = EventKind::parse(&word).ok_or(InvalidWebhook::Types(word))?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let description = normalized(self.description.as_deref().unwrap_or_default(), false, MAX_DESCRIPTION)
            .map_err(|unfit| InvalidWebhook::Description(unfit.sentence("description", MAX_DESCRIPTION)))?;
        Ok((WebhookTerms { url, kinds, description }, self.enabled.unwrap_or(true)))
    }
}

impl WebhookTerms {
    /// The kinds as they are stored: words with commas between them.
    pub fn stored_kinds(&self) -> String {
        let words: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        words.join(",")
    }

    /// Reads them; a word that only a newer version knows is left out.
    pub fn read_kinds(stored: &str) -> Vec<EventKind> {
        stored.split(',').filter_map(EventKind::parse).collect()
    }
}
