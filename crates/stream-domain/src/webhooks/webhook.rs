//! An endpoint, and how it changes.

use time::Duration;

use super::form::WebhookTerms;
use super::id::WebhookId;
use super::secret::WebhookSecret;
use crate::events::LogPosition;
use crate::{Timestamp, UserId};

/// How many endpoints a user may have.
pub const MAX_WEBHOOKS: u32 = 10;

/// How long the former secret signs along after a rotation.
pub const ROTATION: Duration = Duration::hours(24);

/// Where events are delivered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its number.
    pub id: WebhookId,
    /// Whose events it gets; the operator's gets everybody's.
    pub user: Option<UserId>,
    /// What its owner has said of it.
    pub terms: WebhookTerms,
    /// What deliveries are signed with.
    pub secret: WebhookSecret,
    /// What they are signed with as well, until that time.
    pub previous: Option<(WebhookSecret, Timestamp)>,
    /// Since when nothing is sent there, and why.
    pub disabled: Option<(Timestamp, DisableReason)>,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
    /// The part of the log that is delivered once more: behind the first position, to the second.
    pub replay: Option<(LogPosition, LogPosition)>,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisableReason {
    /// Its owner has switched it off.
    Owner,
    /// It answered 410 Gone.
    Gone,
    /// Every attempt failed for five days.
    Failing,
}

/// A change of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookChange {
    /// Everything that its owner has said of it is said anew, and whether anything is sent there.
    Replace(WebhookTerms, bool),
    /// It gets another secret.
    Rotate(WebhookSecret),
    /// Events behind the first position are delivered once more, up to the second.
    Replay(LogPosition, LogPosition),
}

impl DisableReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Gone, Self::Failing];

    /// The word that is stored, and that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason of this word; one that only a newer version knows is as good as the owner's.
    pub fn read(word: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).unwrap_or(Self::Owner)
    }
}

impl Webhook {
    /// A new endpoint, which has no number yet.
    pub fn added(user: Option<UserId>, terms: WebhookTerms, secret: WebhookSecret, now: Timestamp) -> Self {
        Self {
            id: WebhookId(0),
            user,
            terms,
            secret,
            previous: None,
            disabled: None,
            failing_since: None,
            created_at: now,
            updated_at: now,
            replay: None,
        }
    }

    /// The endpoint after a change.
    #[must_use]
    pub fn changed(self, change: WebhookChange, now: Timestamp) -> Self {
        match change {
            WebhookChange::Replace(terms, is_enabled) => {
                let disabled = match (is_enabled, self.disabled) {
                    (true, _) => None,
                    (false, Some(disabled)) => Some(disabled),
                    (false, None) => Some((now, DisableReason::Owner)),
                };
                // What comes back, or lives elsewhere now, is given five days anew.
                let is_same = self.disabled == disabled && self.terms.url == terms.url;
                let failing_since = self.failing_since.filter(|_| is_same);
                Self { terms, disabled, failing_since, updated_at: now, ..self }
            }
            WebhookChange::Rotate(secret) => {
                let previous = Some((self.secret, now.plus(ROTATION)));
                Self { secret, previous, updated_at: now, ..self }
            }
            WebhookChange::Replay(after, to) => {
                // One that is under way goes on.
                let (first, last) = self.replay.unwrap_or((after, to));
                Self { replay: Some((after.min(first), to.max(last))), ..self }
            }
        }
    }

    /// The operator's endpoint as the settings have it: sent to in any case, and signed by the former secret as well
    /// for a while where that was another.
    pub fn operators(kept: Option<Self>, url: String, secret: WebhookSecret, now: Timestamp) -> Self {
        let terms = WebhookTerms { url, kinds: Vec::new(), description: None };
        let Some(kept) = kept else {
            return Self::added(None, terms, secret, now);
        };
        let kept =
            if kept.secret == secret { kept } else { kept.changed(WebhookChange::Rotate(secret), now) };
        let is_same = kept.terms == terms && kept.disabled.is_none();
        if is_same { kept } else { kept.changed(WebhookChange::Replace(terms, true), now) }
    }

    /// The endpoint, switched off by its owner.
    #[must_use]
    pub fn switched_off(self, now: Timestamp) -> Self {
        let terms = self.terms.clone();
        self.changed(WebhookChange::Replace(terms, false), now)
    }

    /// What deliveries are signed with at `now`: the present secret first.
    pub fn secrets_at(&self, now: Timestamp) -> Vec<WebhookSecret> {
        let previous = self.previous.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(previous).cloned().collect()
    }
}
