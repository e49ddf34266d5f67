//! What the laws of sessions share: a publisher asked about, and what became of it.

use time::Duration;

use super::streams::{found, user};
use crate::Timestamp;
use crate::broadcasts::admission::{Admitted, PublishRequest, Refusal, Terms, Trigger, Verdict};
use crate::broadcasts::session::{EndReason, Session};
use crate::broadcasts::{Absent, PublisherList};
use crate::media_server::ServerName;
use crate::ports::SessionSelector;
use crate::testing::{Store, terms};

pub(super) const SECOND: Duration = Duration::SECOND;

pub(super) async fn verdict(store: &impl Store, request: &PublishRequest, at: Timestamp) -> Verdict {
    verdict_on(store, request, &terms(), at).await
}

pub(super) async fn verdict_on(
    store: &impl Store,
    request: &PublishRequest,
    terms: &Terms,
    at: Timestamp,
) -> Verdict {
    store.admit(request, terms, at).await.expect("the store is there")
}

pub(super) async fn admitted(store: &impl Store, request: &PublishRequest, at: Timestamp) -> Admitted {
    match verdict(store, request, at).await {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

pub(super) async fn refused(store: &impl Store, request: &PublishRequest, at: Timestamp) -> Refusal {
    match verdict(store, request, at).await {
        Verdict::Refused(refusal) => refusal,
        Verdict::Admitted(admitted) => panic!("admitted: {admitted:?}"),
    }
}

pub(super) fn updating(request: &PublishRequest) -> PublishRequest {
    PublishRequest { trigger: Trigger::Heartbeat, confirmed: true, ..request.clone() }
}

pub(super) fn edge() -> ServerName {
    ServerName::parse("edge").expect("a plain name")
}

pub(super) fn session(id: &str) -> SessionSelector {
    SessionSelector::Session { server: edge(), session: id.to_owned(), name: None }
}

pub(super) fn list(sessions: &[&str], asked_at: Timestamp) -> PublisherList {
    PublisherList {
        server: edge(),
        sessions: sessions.iter().map(|&session| session.to_owned()).collect(),
        names: Vec::new(),
        stalled: Vec::new(),
        asked_at,
        settled_before: asked_at.plus(-5 * SECOND),
        absent: Absent::Ended(EndReason::Left),
    }
}

/// The sessions of the stream with this key, oldest first.
pub(super) async fn sessions(store: &impl Store, user_number: i64, name: &str) -> Vec<Session> {
    let stream = found(store, name).await.expect("the stream is there");
    let listed = store.list_sessions(user(user_number), stream.id, 100).await.expect("the store is there");
    let mut sessions = listed.expect("the stream is the user's");
    sessions.reverse();
    sessions
}

pub(super) async fn live_since(store: &impl Store, name: &str, at: Timestamp) -> Option<Timestamp> {
    found(store, name).await.expect("the stream is there").live_since_at(at)
}

/// The session ids of those who are to be kicked.
pub(super) async fn pending_kicks(store: &impl Store, at: Timestamp) -> Vec<String> {
    let pending = store.claim_pending_kicks(&edge(), at, at, 100).await.expect("the store is there");
    pending.into_iter().map(|kick| kick.publisher.session).collect()
}
