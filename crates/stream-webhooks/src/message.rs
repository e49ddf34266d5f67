//! A message: the event as JSON, and its signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use stream_domain::Event;
use stream_domain::webhooks::WebhookSecret;
use time::format_description::well_known::Rfc3339;

/// The body of a message.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    position: i64,
    data: Box<RawValue>,
}

/// The body of an event's message: the same at each attempt; `None` where its facts are no JSON.
pub(crate) fn body_of(event: &Event) -> Option<String> {
    let body = Body {
        kind: &event.kind,
        timestamp: event.at.to_utc().format(&Rfc3339).ok()?,
        position: event.position.0,
        data: RawValue::from_string(event.data.clone()).ok()?,
    };
    serde_json::to_string(&body).ok()
}

/// The value of `webhook-signature`: one signature for each secret, the present one first.
pub(crate) fn signatures(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &str) -> String {
    let sign = |secret: &WebhookSecret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.key()).expect("HMAC takes keys of any length");
        let mac = mac.chain_update(format!("{id}.{timestamp}.{body}"));
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}
