//! How a simulated server calls its hook: timeouts, redirects, retries.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::http::{self, Reply, Request};
use crate::process::{Counter, Process};
use crate::rules::{Draft, Event, Redirects, Rules, Verdict};
use crate::session::Session;

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// Asks whether a publisher is admitted; a denial has a reason, and a pause before it takes effect.
pub(crate) async fn ask(
    rules: &Rules,
    process: &Process,
    session: &Session,
) -> Result<(), (String, Duration)> {
    for _ in 0..rules.requests_per_publisher {
        for draft in (rules.drafts)(process, &Event::PublishRequest(session)) {
            if let Verdict::Deny(reason) | Verdict::Fault(reason) =
                exchange(rules, process, &draft, rules.request_timeout).await
            {
                let pauses = rules.pauses_before_denial;
                let pause = pauses.iter().cycle().nth(process.count(Counter::Denials) as usize);
                return Err((reason, pause.copied().unwrap_or_default()));
            }
        }
    }
    Ok(())
}

/// Sends one request, and once more where the family retries.
pub(crate) async fn exchange(rules: &Rules, process: &Process, draft: &Draft, limit: Duration) -> Verdict {
    let verdict = attempt(rules, process, draft, limit).await;
    match (&verdict, rules.retry) {
        (Verdict::Fault(_), Some(pause)) => {
            sleep(pause).await;
            attempt(rules, process, draft, limit).await
        }
        _ => verdict,
    }
}

async fn attempt(rules: &Rules, process: &Process, draft: &Draft, limit: Duration) -> Verdict {
    let reply = timeout(limit, converse(rules, process, draft(process))).await;
    (rules.judge)(reply.ok().flatten().as_ref())
}

async fn converse(rules: &Rules, process: &Process, mut request: Request) -> Option<Reply> {
    for _ in 0..REDIRECTS {
        let reply = http::send(&process.hook.authority, &request).await?;
        let next = match rules.redirects {
            Redirects::AreFollowed(follow) => follow(process, &request, &reply),
            Redirects::AreAnswers => None,
        };
        let Some(next) = next else { return Some(reply) };
        request = next;
    }
    None
}
