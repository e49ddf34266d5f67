//! What is done about a hook: the domain is asked within a second, and every answer to a publisher stands in the log.

use std::time::Duration;

use stream_domain::admission::{Admitted, Refusal, Trigger};
use stream_domain::broadcasts::{AdmitError, PublisherReport};
use stream_domain::ports::{SessionSelector, StoreError, chain_of};
use stream_domain::session::EndReason;
use stream_domain::{Broadcasts, StreamId, Streams};

use super::{Hook, Outcome, Told};

/// How long the answer to a media server may take; some of them stand still as a whole until it comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Does what is told, within a second; what is not done by then is refused, and undone when it ends.
pub(super) async fn act(broadcasts: Broadcasts, streams: Streams, hook: Hook, told: Told) -> Outcome {
    match told {
        Told::Publisher(report) => admit(broadcasts, streams, hook, report).await,
        Told::Question(report) => answer(&broadcasts, &streams, &hook, &report).await,
        Told::Refused(report, refusal) => {
            let telling = broadcasts.refuse(&hook.server, &report, refusal);
            let stream = tokio::time::timeout(ANSWER_WITHIN, telling).await.ok().flatten();
            tell_refused(&hook, Some(&report), refusal, stream);
            Outcome::Refused(refusal)
        }
        Told::Unconcerned => Outcome::Accepted(None),
        Told::Foreign => Outcome::Refused(Refusal::MalformedRequest),
        told => {
            // Whatever is lost here comes to light by the lease.
            if let Err(error) = note(&broadcasts, &hook, told).await {
                let (server, request_id) = (&hook.server, &hook.request_id);
                let error = chain_of(&error);
                tracing::warn!(%server, error, request_id, "what a media server told could not be written down");
            }
            Outcome::Noted
        }
    }
}

async fn admit(broadcasts: Broadcasts, streams: Streams, hook: Hook, report: PublisherReport) -> Outcome {
    let trigger = report.trigger;
    let mut admitting = {
        let (broadcasts, server, report) = (broadcasts.clone(), hook.server.clone(), report.clone());
        tokio::spawn(async move { broadcasts.admit(&server, &report).await })
    };
    let Ok(joined) = tokio::time::timeout(ANSWER_WITHIN, &mut admitting).await else {
        let broadcasts = broadcasts.clone();
        tokio::spawn(async move {
            if let Ok(Ok(admitted)) = admitting.await
                && admitted.is_new
                && trigger == Trigger::PublishRequest
            {
                // The publisher that gave way to it is still there, unless it was ended at its server already.
                let _ = broadcasts.withdraw(admitted.session).await;
            }
        });
        return if trigger == Trigger::Heartbeat { Outcome::Noted } else { too_late(&hook, &report) };
    };
    let verdict = joined.unwrap_or_else(|panic| Err(AdmitError::Store(StoreError::failed(panic))));
    match verdict {
        Ok(admitted) => {
            tell_admitted(&hook, &report, &admitted);
            Outcome::Accepted(admitted.rename.then_some(admitted.playback_id))
        }
        Err(AdmitError::Refused(refusal)) => {
            // The answer does not wait for what only the log wants to know.
            tokio::spawn(async move {
                let stream = broadcasts.stream_of(&streams, &report).await.ok().flatten();
                tell_refused(&hook, Some(&report), refusal, stream);
            });
            Outcome::Refused(refusal)
        }
        Err(AdmitError::Store(error)) => {
            tell_store_failed(&hook, &error);
            // Nobody said that one that is on air may not stay; what cannot be known now is known at its next word.
            if trigger == Trigger::Heartbeat {
                Outcome::Noted
            } else {
                Outcome::Refused(Refusal::StoreUnavailable)
            }
        }
    }
}

/// Answers by the key alone; no session begins.
async fn answer(
    broadcasts: &Broadcasts,
    streams: &Streams,
    hook: &Hook,
    report: &PublisherReport,
) -> Outcome {
    let asking = broadcasts.may_publish(streams, &hook.server, report);
    let Ok(verdict) = tokio::time::timeout(ANSWER_WITHIN, asking).await else {
        return too_late(hook, report);
    };
    match verdict {
        Ok(permitted) => {
            let Hook { server, family, peer, request_id } = hook;
            let (family, stream_id) = (family.as_str(), permitted.stream_id.0);
            tracing::info!(%server, family, stream_id, peer = peer.map(tracing::field::display), request_id, "answered by the key alone");
            Outcome::Accepted(permitted.rename.then_some(permitted.playback_id))
        }
        Err(AdmitError::Refused(refusal)) => {
            // The answer does not wait long for what only the log wants to know.
            let finding = broadcasts.stream_of(streams, report);
            let found = tokio::time::timeout(ANSWER_WITHIN, finding).await;
            tell_refused(hook, Some(report), refusal, found.ok().and_then(Result::ok).flatten());
            Outcome::Refused(refusal)
        }
        Err(AdmitError::Store(error)) => {
            tell_store_failed(hook, &error);
            Outcome::Refused(Refusal::StoreUnavailable)
        }
    }
}

async fn note(broadcasts: &Broadcasts, hook: &Hook, told: Told) -> Result<(), StoreError> {
    let server = hook.server.clone();
    match told {
        Told::Left(session, name) => broadcasts
            .end(&SessionSelector::Session { server, session, name }, EndReason::Left)
            .await
            .map(drop),
        Told::NameLeft(name) => {
            broadcasts.end(&SessionSelector::Name { server, name }, EndReason::Left).await.map(drop)
        }
        Told::Alive(boot_id) => broadcasts.heartbeat(&server, hook.family, boot_id).await,
        Told::Restarted => broadcasts.restarted(&server).await,
        Told::Publisher(_) | Told::Question(_) | Told::Refused(..) | Told::Unconcerned | Told::Foreign => {
            Ok(())
        }
    }
}

fn too_late(hook: &Hook, report: &PublisherReport) -> Outcome {
    tracing::warn!(server = %hook.server, request_id = hook.request_id, "an admission took longer than a second");
    tell_refused(hook, Some(report), Refusal::TooLate, None);
    Outcome::Refused(Refusal::TooLate)
}

fn tell_admitted(hook: &Hook, report: &PublisherReport, admitted: &Admitted) {
    let Hook { server, family, peer, request_id } = hook;
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

/// One line for each publisher that is refused, and for each hook that cannot be read; names and keys stay out of it.
pub(super) fn tell_refused(
    hook: &Hook,
    report: Option<&PublisherReport>,
    refusal: Refusal,
    stream: Option<StreamId>,
) {
    let Hook { server, family, peer, request_id } = hook;
    let (family, reason, stream_id) = (family.as_str(), refusal.as_str(), stream.map(|stream| stream.0));
    let address = report.and_then(|report| report.address).map(tracing::field::display);
    let peer = peer.map(tracing::field::display);
    tracing::info!(%server, family, reason, stream_id, address, peer, request_id, "refused a publisher");
}

fn tell_store_failed(hook: &Hook, error: &StoreError) {
    let Hook { server, family, peer, request_id } = hook;
    let (family, error, peer) = (family.as_str(), chain_of(error), peer.map(tracing::field::display));
    let reason = Refusal::StoreUnavailable.as_str();
    tracing::warn!(
        %server, family, reason, error, peer, request_id, "refused a publisher: the store does not answer"
    );
}
