//! Wiring that `serve` shares with the commands: tokens, media servers, and the ways out.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::broadcasts::BroadcastOptions;
use stream_domain::media_server::ServerProfile;
use stream_domain::ports::{SessionPorts, WebhookSender as _};
use stream_domain::{Broadcasts, MediaServers};
use stream_http::{HookSecrets, HookServer, HookServers};
use stream_jwt::JwtVerifier;
pub(crate) use stream_media::{Probe, Probed, https_connector};
use stream_metrics::Metrics;
use stream_webhooks::WebhookClient;

use crate::config::{BroadcastConfig, TokenConfig, WebhookConfig};
use crate::failure::Failure;
use crate::secret::Secret;
use crate::system::SystemClock;

/// The verifier of tokens.
pub(crate) fn wire_tokens(tokens: &TokenConfig, secret: &Secret) -> Result<JwtVerifier, Failure> {
    let previous = tokens.previous.as_ref().map(Secret::readings).unwrap_or_default();
    let others = secret.readings().iter().skip(1).chain(previous);
    let verifier = JwtVerifier::new(secret.main(), others, tokens.user_id_claims.clone());
    let verifier = verifier.map_err(|error| Failure::new(error.to_string()))?;
    Ok(verifier.requiring(tokens.rules.clone()))
}

/// The way out to endpoints; the operator's has to be one that may be sent to.
pub(crate) fn wire_sender(config: &WebhookConfig) -> Result<Arc<WebhookClient>, Failure> {
    let client = WebhookClient::new(config.networks.clone());
    let client = client.map_err(|error| Failure::new(format!("webhooks cannot be sent: {error}")))?;
    if let Some((url, _)) = &config.operators {
        let refused = |why: String| Failure::wrong_setting(format!("WEBHOOK_URL: {why}"));
        client.check_url(url).map_err(|error| refused(error.0))?;
    }
    Ok(Arc::new(client))
}

/// The use cases of media servers, and the servers that may send hooks.
pub(crate) fn wire_media_servers(
    config: &BroadcastConfig,
    sessions: SessionPorts,
    metrics: Option<&Metrics>,
) -> Result<(Broadcasts, HookServers), Failure> {
    let (mut servers, mut hook_servers) = (Vec::new(), HookServers::new());
    for server in config.media_servers.iter().cloned() {
        let connect = |url: String| {
            stream_media::connect(server.family, &url, &config.application, server.host.as_deref())
        };
        let control = server.control.clone().map(connect);
        let control = control
            .transpose()
            .map_err(|error| Failure::wrong_setting(format!("MEDIA_SERVERS: {}: {error}", server.name)))?;
        let metered = |control| match metrics {
            Some(metrics) => metrics.media_servers().metered(&server.name, server.family, control),
            None => control,
        };
        let control = control.map(metered);
        let secrets = HookSecrets::new(server.secrets);
        let hooks = HookServer { family: server.family, secrets, host: server.host };
        hook_servers.insert(server.name.clone(), hooks);
        servers.push((server.name, ServerProfile { family: server.family, lease: server.lease, control }));
    }
    let options = BroadcastOptions {
        form: config.address_form,
        application: config.application.clone(),
        takeover: config.takeover,
        reconnect_window: config.reconnect_window,
    };
    let servers = Arc::new(MediaServers::new(servers).with_key_lifetime(config.key_lifetime));
    Ok((Broadcasts::new(sessions, Arc::new(SystemClock), servers, options), hook_servers))
}

/// Looks at addresses from here, each for at most `limit`.
pub(crate) fn wire_probe(limit: Duration) -> Result<Probe, Failure> {
    Probe::new(limit).map_err(|error| Failure::new(format!("addresses cannot be looked at: {error}")))
}
