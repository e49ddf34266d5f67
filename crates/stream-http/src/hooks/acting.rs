//! What a hook does: the domain decides, and every answer to a publisher is logged.

use stream_domain::broadcasts::admission::{Admitted, Refusal};
use stream_domain::broadcasts::{HookAnswer, HookEvent, Hooks, Permitted, PublisherReport};
use stream_domain::ports::{StoreError, chain_of};
use stream_domain::{Broadcasts, StreamId};

use super::outcome::Outcome;
use super::request::HookSource;
use crate::trace::use_case;

/// Acts on an event, logs what the domain answers, and says it in the terms of the dialects.
pub(super) async fn act(hooks: &Hooks, source: HookSource, event: HookEvent) -> Outcome {
    let answer = use_case("hooks.handle", hooks.handle(&source.server, source.family, &event)).await;
    // A publisher that is refused in any case was looked up for its owner.
    let is_looked_up = matches!(event, HookEvent::Refused { .. });
    let report = match event {
        HookEvent::Publisher(report) | HookEvent::Question(report) | HookEvent::Refused { report, .. } => {
            Some(report)
        }
        _ => None,
    };
    match answer {
        HookAnswer::Admitted(admitted) => {
            log_admitted(&source, report.as_ref(), &admitted);
            Outcome::Accepted(admitted.rename.then_some(admitted.playback_id))
        }
        HookAnswer::Permitted(permitted) => {
            log_permitted(&source, &permitted);
            Outcome::Accepted(permitted.rename.then_some(permitted.playback_id))
        }
        HookAnswer::Refused { refusal, stream } => {
            match report {
                Some(report) if !is_looked_up => {
                    log_with_stream(hooks.broadcasts().clone(), source, report, refusal);
                }
                Some(report) => log_refused(&source, Some(&report), refusal, stream),
                // Such a request is logged where it is rejected.
                None => {}
            }
            Outcome::Refused(refusal)
        }
        HookAnswer::TooLate => {
            let (server, request_id) = (&source.server, &source.request_id);
            tracing::warn!(%server, request_id, "an admission took longer than a second");
            log_refused(&source, report.as_ref(), Refusal::TooLate, None);
            Outcome::Refused(Refusal::TooLate)
        }
        HookAnswer::Unavailable(error) => {
            log_store_failed(&source, &error);
            Outcome::Refused(Refusal::StoreUnavailable)
        }
        HookAnswer::Noted => Outcome::Noted,
        HookAnswer::Ignored => Outcome::Accepted(None),
        HookAnswer::NotStored(error) => {
            let (server, request_id, error) = (&source.server, &source.request_id, chain_of(&error));
            tracing::warn!(%server, error, request_id, "an event of a media server could not be stored");
            Outcome::Noted
        }
    }
}

/// Logs a refused publisher together with its stream; the answer does not wait for what only the log needs.
fn log_with_stream(broadcasts: Broadcasts, source: HookSource, report: PublisherReport, refusal: Refusal) {
    tokio::spawn(async move {
        let stream = broadcasts.stream_of(&report).await.ok().flatten();
        log_refused(&source, Some(&report), refusal, stream);
    });
}

fn log_permitted(source: &HookSource, permitted: &Permitted) {
    let HookSource { server, family, peer, request_id } = source;
    let (family, stream_id, peer) =
        (family.as_str(), permitted.stream_id.0, peer.map(tracing::field::display));
    tracing::info!(%server, family, stream_id, peer, request_id, "answered by the key alone");
}

fn log_admitted(source: &HookSource, report: Option<&PublisherReport>, admitted: &Admitted) {
    let HookSource { server, family, peer, request_id } = source;
    let (family, session, stream_id) = (family.as_str(), admitted.session.0, admitted.stream_id.0);
    let peer = peer.map(tracing::field::display);
    if !admitted.is_new {
        return tracing::debug!(%server, family, session, stream_id, peer, request_id, "a publisher goes on");
    }
    let protocol = report.map(|report| &report.protocol);
    let address = report.and_then(|report| report.address).map(tracing::field::display);
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
