//! `sessions`: the sessions of publishers of all users, and an end to one.

use serde_json::{Value, json};
use stream_domain::broadcasts::KickOrder;
use stream_domain::broadcasts::session::{EndReason, SessionState};
use stream_domain::ports::{SessionFilter, chain_of};
use stream_domain::{Session, SessionId, Timestamp};

use crate::commands::desk::Desk;
use crate::commands::output::{Format, instant, or_dash, second, show, table};
use crate::failure::Failure;

/// Lists sessions, newest first.
pub(super) async fn list(
    desk: &Desk,
    filter: &SessionFilter,
    limit: u32,
    format: Format,
) -> Result<(), Failure> {
    let (listed, now) = desk.broadcasts.list_sessions_of_all(filter, limit).await?;
    let json = json!({ "sessions": listed.iter().map(|session| view(session, now)).collect::<Vec<_>>() });
    show(format, &json, || table_of(&listed, now))
}

/// Orders a kick, and has it carried out.
pub(super) async fn kick(desk: &Desk, session: SessionId, format: Format) -> Result<(), Failure> {
    let number = session.0;
    let ordered = match desk.broadcasts.order_kick(session).await? {
        KickOrder::Ordered(ordered) => ordered,
        KickOrder::NotOpen => return Err(Failure::new(format!("no session {number} is open"))),
        KickOrder::NoControl(server) => {
            return Err(Failure::new(format!(
                "nobody can tell the media server {server} to end a publisher: it has no control= in MEDIA_SERVERS; stop \
                 the stream instead, so that its next report is refused"
            )));
        }
    };
    // A service that runs does the same within half a second; each kick is claimed by one of them.
    let server = &ordered.publisher.server;
    let told = desk.broadcasts.kick_pending(server).await;
    if let Err(error) = told {
        return Err(Failure::new(format!(
            "session {number} is to be kicked, and {server} could not be told yet: {}; a service that runs tries again \
             every second",
            chain_of(&error)
        )));
    }
    let now = desk.keys.now();
    show(format, &view(&ordered, now), || {
        format!(
            "Told {server} to end session {number}. The key of stream {} stays valid, so an encoder may come back; \
             `stream-server streams stop {}` keeps it out.",
            ordered.stream_id.0, ordered.stream_id.0
        )
    })
}

/// A table of sessions.
pub(super) fn table_of(sessions: &[Session], now: Timestamp) -> String {
    let header =
        ["SESSION", "STREAM", "SERVER", "PROTOCOL", "FROM", "STATE", "STARTED", "LAST SEEN", "ENDED"];
    let row = |session: &Session| {
        vec![
            session.id.0.to_string(),
            session.stream_id.0.to_string(),
            session.publisher.server.to_string(),
            session.publisher.protocol.clone(),
            or_dash(session.publisher.address),
            state(session, now).to_owned(),
            second(Some(session.started_at)),
            second(Some(session.last_seen_at)),
            second(session.ended.map(|(at, _)| at)),
        ]
    };
    table(&header, sessions.iter().map(row).collect())
}

/// A session without the names at its media server, which may be keys.
pub(super) fn view(session: &Session, now: Timestamp) -> Value {
    json!({
        "id": session.id.0,
        "stream_id": session.stream_id.0,
        "server": session.publisher.server.as_str(),
        "application": session.publisher.application,
        "protocol": session.publisher.protocol,
        "address": session.publisher.address.map(|address| address.to_string()),
        "state": state(session, now),
        "epoch": session.epoch,
        "live_since": instant(session.live_since),
        "started_at": instant(session.started_at),
        "confirmed_at": session.confirmed_at.map(instant),
        "last_seen_at": instant(session.last_seen_at),
        "lease_until": instant(session.lease_until),
        "kick": session.kick.map(EndReason::as_str),
        "ended_at": session.ended.map(|(at, _)| instant(at)),
        "end_reason": session.ended.map(|(_, reason)| reason.as_str()),
    })
}

/// A few words for where a session stands.
fn state(session: &Session, now: Timestamp) -> &'static str {
    match (session.ended, session.state_at(now)) {
        (Some((_, reason)), _) => reason.as_str(),
        (None, SessionState::ToBeKicked) => "to be kicked",
        (None, state) => state.as_str(),
    }
}
