//! What a hook does: the domain decides within a second, and every answer to a publisher is logged.

use std::time::Duration;

use stream_domain::admission::{Admitted, Refusal, Trigger};
use stream_domain::broadcasts::{AdmitError, PublisherReport};
use stream_domain::ports::{SessionSelector, StoreError, chain_of};
use stream_domain::session::EndReason;
use stream_domain::{Broadcasts, StreamId};

use super::event::{HookEvent, Outcome};
use super::request::HookSource;

/// How long an answer may take; some media servers stand still as a whole while they wait for it.
const DEADLINE: Duration = Duration::from_secs(1);

/// Acts on an event, within a second; an admission that takes longer is refused, and withdrawn when it is done.
pub(super) async fn act(broadcasts: Broadcasts, source: HookSource, event: HookEvent) -> Outcome {
    match event {
        HookEvent::Publisher(report) => admit(broadcasts, source, report).await,
        HookEvent::Question(report) => answer(&broadcasts, &source, &report).await,
        HookEvent::Refused { report, refusal } => {
            let noting = broadcasts.refuse(&source.server, &report, refusal);
            let stream = tokio::time::timeout(DEADLINE, noting).await.ok().flatten();
            log_refused(&source, Some(&report), refusal, stream);
            Outcome::Refused(refusal)
        }
        HookEvent::Ignored => Outcome::Accepted(None),
        HookEvent::Privileged => Outcome::Refused(Refusal::MalformedRequest),
        event => {
            // What is lost here shows when the lease ends.
            if let Err(error) = note(&broadcasts, &source, event).await {
                let (server, request_id) = (&source.server, &source.request_id);
                let error = chain_of(&error);
                tracing::warn!(%server, error, request_id, "an event of a media server could not be stored");
            }
            Outcome::Noted
        }
    }
}

async fn admit(broadcasts: Broadcasts, source: HookSource, report: PublisherReport) -> Outcome {
    let trigger = report.trigger;
    let mut admitting = {
        let (broadcasts, server, report) = (broadcasts.clone(), source.server.clone(), report.clone());
        tokio::spawn(async move { broadcasts.admit(&server, &report).await })
    };
    let Ok(joined) = tokio::time::timeout(DEADLINE, &mut admitting).await else {
        let broadcasts = broadcasts.clone();
        tokio::spawn(async move {
            if let Ok(Ok(admitted)) = admitting.await
                && admitted.is_new
                && trigger == Trigger::PublishRequest
            {
                // The publisher that it replaced is still there, unless its server has ended it already.
                let _ = broadcasts.withdraw(admitted.session).await;
            }
        });
        return if trigger == Trigger::Heartbeat { Outcome::Noted } else { too_late(&source, &report) };
    };
    let verdict = joined.unwrap_or_else(|panic| Err(AdmitError::Store(StoreError::failed(panic))));
    match verdict {
        Ok(admitted) => {
            log_admitted(&source, &report, &admitted);
            Outcome::Accepted(admitted.rename.then_some(admitted.playback_id))
        }
        Err(AdmitError::Refused(refusal)) => {
            // The answer does not wait for what only the log needs.
            tokio::spawn(async move {
                let stream = broadcasts.stream_of(&report).await.ok().flatten();
                log_refused(&source, Some(&report), refusal, stream);
            });
            Outcome::Refused(refusal)
        }
        Err(AdmitError::Store(error)) => {
            log_store_failed(&source, &error);
            // A live publisher stays while the store is unavailable; its next heartbeat decides.
            if trigger == Trigger::Heartbeat {
                Outcome::Noted
            } else {
                Outcome::Refused(Refusal::StoreUnavailable)
            }
        }
    }
}

/// Answers by the key alone; no session begins.
async fn answer(broadcasts: &Broadcasts, source: &HookSource, report: &PublisherReport) -> Outcome {
    let asking = broadcasts.may_publish(&source.server, report);
    let Ok(verdict) = tokio::time::timeout(DEADLINE, asking).await else {
        return too_late(source, report);
    };
    match verdict {
        Ok(permitted) => {
            let HookSource { server, family, peer, request_id } = source;
            let (family, stream_id) = (family.as_str(), permitted.stream_id.0);
            tracing::info!(%server, family, stream_id, peer = peer.map(tracing::field::display), request_id, "answered by the key alone");
            Outcome::Accepted(permitted.rename.then_some(permitted.playback_id))
        }
        Err(AdmitError::Refused(refusal)) => {
            // The answer does not wait long for what only the log needs.
            let finding = broadcasts.stream_of(report);
            let found = tokio::time::timeout(DEADLINE, finding).await;
            log_refused(source, Some(report), refusal, found.ok().and_then(Result::ok).flatten());
            Outcome::Refused(refusal)
        }
        Err(AdmitError::Store(error)) => {
            log_store_failed(source, &error);
            Outcome::Refused(Refusal::StoreUnavailable)
        }
    }
}

async fn note(broadcasts: &Broadcasts, source: &HookSource, event: HookEvent) -> Result<(), StoreError> {
    let server = source.server.clone();
    match event {
        HookEvent::Left { session, name } => broadcasts
            .end(&SessionSelector::Session { server, session, name }, EndReason::Left)
            .await
            .map(drop),
        HookEvent::NameLeft { name } => {
            broadcasts.end(&SessionSelector::Name { server, name }, EndReason::Left).await.map(drop)
        }
        HookEvent::Heartbeat { boot_id } => broadcasts.heartbeat(&server, source.family, boot_id).await,
        HookEvent::Restarted => broadcasts.restarted(&server).await,
        HookEvent::Publisher(_)
        | HookEvent::Question(_)
        | HookEvent::Refused { .. }
        | HookEvent::Ignored
        | HookEvent::Privileged => Ok(()),
    }
}

fn too_late(source: &HookSource, report: &PublisherReport) -> Outcome {
    tracing::warn!(server = %source.server, request_id = source.request_id, "an admission took longer than a second");
    log_refused(source, Some(report), Refusal::TooLate, None);
    Outcome::Refused(Refusal::TooLate)
}

fn log_admitted(source: &HookSource, report: &PublisherReport, admitted: &Admitted) {
    let HookSource { server, family, peer, request_id } = source;
    let (family, session, stream_id) = (family.as_str(), admitted.session.0, admitted.stream_id.0);
    let peer = peer.map(tracing::field::display);
    if !admitted.is_new {
        return tracing::debug!(%server, family, session, stream_id, peer, request_id, "a publisher goes on");
    }
    let (protocol, address) = (&report.protocol, report.address.map(tracing::field::display));
    tracing::info!(
        %server, family, session, stream_id, protocol, address, peer, request_id, "admitted a publisher"
    );
}

/// Logs a refused publisher, or a hook that cannot be read, without names and keys.
pub(super) fn log_refused(
    source: &HookSource,
    report: Option<&PublisherReport>,
    refusal: Refusal,
    stream: Option<StreamId>,
) {
    let HookSource { server, family, peer, request_id } = source;
    let (family, reason, stream_id) = (family.as_str(), refusal.as_str(), stream.map(|stream| stream.0));
    let address = report.and_then(|report| report.address).map(tracing::field::display);
    let peer = peer.map(tracing::field::display);
    tracing::info!(%server, family, reason, stream_id, address, peer, request_id, "refused a publisher");
}

fn log_store_failed(source: &HookSource, error: &StoreError) {
    let HookSource { server, family, peer, request_id } = source;
    let (family, error, peer) = (family.as_str(), chain_of(error), peer.map(tracing::field::display));
    let reason = Refusal::StoreUnavailable.as_str();
    tracing::warn!(
        %server, family, reason, error, peer, request_id, "refused a publisher: the store is unavailable"
    );
}
