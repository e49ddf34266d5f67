//! Tokens as the user-service issues them, signed here independently of the code under test.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;

/// The secret that tests share with the services they start.
pub const SECRET_KEY: &str = "a secret that is shared by this test and its service";

/// Signs any header and claims.
pub fn sign(secret: &str, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    let signature = mac.chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a user-service token that was issued just now and lives one hour.
pub fn claims_of(user: u32) -> Value {
    #[expect(clippy::disallowed_methods, reason = "a token for a real process expires in real time")]
    let now = OffsetDateTime::now_utc().unix_timestamp();
    json!({ "id": user, "email": format!("user{user}@example.org"), "exp": now + 3600 })
}

/// A user's token, signed with [`SECRET_KEY`].
pub fn token_of(user: u32) -> String {
    sign(SECRET_KEY, &json!({"alg": "HS256", "typ": "JWT"}), &claims_of(user))
}
