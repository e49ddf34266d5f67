//! `WEBHOOK_URL` and what belongs to it: the operator's endpoint, and where endpoints may be.

use ipnet::IpNet;
use stream_domain::webhooks::WebhookSecret;

use crate::config::flags::Flags;
use crate::value;

/// How a secret is made at a terminal.
const MAKE_ONE: &str = "make one with: echo whsec_$(openssl rand -base64 32)";

/// Where events are delivered to, and may be.
#[derive(Clone, Default)]
pub(crate) struct WebhookConfig {
    /// The operator's endpoint, for every event of everybody, and its secret.
    pub(crate) operators: Option<(String, WebhookSecret)>,
    /// Networks that are not public, and may be sent to.
    pub(crate) networks: Vec<IpNet>,
}

impl WebhookConfig {
    /// Parses the settings; an error names the setting, and never shows the secret.
    pub(super) fn parse(flags: &Flags) -> Result<Self, String> {
        let text = |text: &Option<String>| {
            text.as_deref().map(value::plain).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let operators = match (text(&flags.webhook_url), text(&flags.webhook_secret)) {
            (None, None) => None,
            (None, Some(_)) => return Err("WEBHOOK_SECRET is set without WEBHOOK_URL".to_owned()),
            (Some(_), None) => {
                return Err(format!("WEBHOOK_URL is set without WEBHOOK_SECRET; {MAKE_ONE}"));
            }
            (Some(url), Some(secret)) => {
                let secret = WebhookSecret::parse(&secret).ok_or_else(|| {
                    format!("WEBHOOK_SECRET: it must be whsec_ and the base64 of 24 to 64 random bytes; {MAKE_ONE}")
                })?;
                Some((url, secret))
            }
        };
        Ok(Self { operators, networks: flags.webhook_networks.0.clone() })
    }
}
