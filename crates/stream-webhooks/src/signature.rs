//! The signatures of a message, as Standard Webhooks has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use stream_domain::webhooks::WebhookSecret;

/// The value of `webhook-signature`: one signature a secret, with spaces between them.
///
/// `timestamp` is in whole seconds since 1970.
pub(crate) fn signatures(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let signatures: Vec<_> = secrets.iter().map(|secret| signature(secret, &signed)).collect();
    signatures.join(" ")
}

fn signature(secret: &WebhookSecret, signed: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.key()).expect("HMAC takes a key of any length");
    format!("v1,{}", STANDARD.encode(mac.chain_update(signed).finalize().into_bytes()))
}
