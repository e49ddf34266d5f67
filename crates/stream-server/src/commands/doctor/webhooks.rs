//! Webhooks: whether the operator's endpoint may be sent to, and whether endpoints fail.

use stream_domain::Finding;
use stream_domain::ports::DeliveryStore;

use crate::config::WebhookConfig;
use crate::failure::Failure;
use crate::wiring;

/// Examines the setting, and what the database says of all endpoints; nothing is sent.
pub(super) async fn examine(
    config: &WebhookConfig,
    deliveries: Option<&dyn DeliveryStore>,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let sender = wiring::wire_sender(config)?;
    if let Some((url, _)) = &config.operators {
        findings.push(match sender.look_up(url).await {
            Ok(()) => Finding::ok("WEBHOOK_URL", "its address may be sent to"),
            Err(why) => Finding::failure(
                "WEBHOOK_URL",
                format!("nothing can be sent there: {why}"),
                "correct WEBHOOK_URL, or allow its network by WEBHOOK_NETWORKS",
            ),
        });
    }
    // What is wrong with the database is told by its own checks.
    if let Some(deliveries) = deliveries
        && let Ok(counts) = deliveries.count_webhooks().await
        && (counts.enabled > 0 || counts.disabled > 0)
    {
        let what = format!(
            "{} are sent to, {} were switched off by the service, {} deliveries are pending",
            counts.enabled, counts.disabled, counts.pending
        );
        let cure = "tell their owners; GET /api/webhooks/{id}/deliveries shows them what was answered";
        findings.push(match counts.disabled {
            0 => Finding::ok("webhooks", what),
            _ => Finding::warning("webhooks", what, cure),
        });
    }
    Ok(findings)
}
