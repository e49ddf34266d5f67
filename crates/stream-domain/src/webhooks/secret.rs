//! What deliveries are signed with.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::ports::{Entropy, EntropyError};

/// What the text of each secret begins with.
const PREFIX: &str = "whsec_";

/// How many random bytes a new secret has.
const LENGTH: usize = 32;

/// How many bytes a secret may have: as Standard Webhooks says.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// Some tools leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secret that one endpoint shares with this service.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = vec![0; LENGTH];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads `whsec_` and the base64 of 24 to 64 bytes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix(PREFIX)?).ok()?;
        LENGTHS.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The text that the receiver is given.
    pub fn expose(&self) -> String {
        PREFIX.to_owned() + &BASE64.encode(&self.0)
    }

    /// The bytes that messages are signed with.
    pub fn key(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
