//! What a simulated server says to its hook, and how it listens: time limits, redirects, second tries.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::engine::{Counter, Run};
use super::http::{self, Reply, Request};
use super::rules::{Draft, Event, Redirects, Verdict};
use super::session::Session;

/// How many redirects are followed.
const REDIRECTS: usize = 10;

impl Run {
    /// Asks whether a publisher may be let in; a denial comes with its reason, and with the pause before it.
    pub(super) async fn ask(&self, session: &Session) -> Result<(), (String, Duration)> {
        for _ in 0..self.rules.times_asked {
            for draft in (self.rules.drafts)(self, &Event::Ask(session)) {
                if let Verdict::Deny(reason) | Verdict::Fault(reason) =
                    self.exchange(&draft, self.rules.question_limit).await
                {
                    let pauses = self.rules.pauses_before_denial;
                    let pause = pauses.iter().cycle().nth(self.count(Counter::Denials) as usize);
                    return Err((reason, pause.copied().unwrap_or_default()));
                }
            }
        }
        Ok(())
    }

    /// Tells the hook, without caring for its answer.
    pub(super) fn tell(self: &Arc<Self>, event: &Event<'_>) {
        for draft in (self.rules.drafts)(self, event) {
            let run = Arc::clone(self);
            self.spawn(async move {
                run.exchange(&draft, run.rules.event_limit).await;
            });
        }
    }

    /// Sends one request, twice where the family tries again.
    pub(super) async fn exchange(&self, draft: &Draft, limit: Duration) -> Verdict {
        let verdict = self.attempt(draft, limit).await;
        match (&verdict, self.rules.retry) {
            (Verdict::Fault(_), Some(pause)) => {
                sleep(pause).await;
                self.attempt(draft, limit).await
            }
            _ => verdict,
        }
    }

    async fn attempt(&self, draft: &Draft, limit: Duration) -> Verdict {
        let reply = timeout(limit, self.converse(draft(self))).await;
        (self.rules.judge)(reply.ok().flatten().as_ref())
    }

    async fn converse(&self, mut request: Request) -> Option<Reply> {
        for _ in 0..REDIRECTS {
            let reply = http::send(&self.hook.authority, &request).await?;
            let next = match self.rules.redirects {
                Redirects::AreFollowed(follow) => follow(self, &request, &reply),
                Redirects::AreAnswers => None,
            };
            let Some(next) = next else { return Some(reply) };
            request = next;
        }
        None
    }
}
