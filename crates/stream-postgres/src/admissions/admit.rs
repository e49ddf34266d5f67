//! The parameters and the row of `admit.sql`.

use diesel::Queryable;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use stream_domain::broadcasts::admission::{
    ALTERNATION_WINDOW, Admitted, Proof, PublishRequest, RESUME_MARGIN, Refusal, Terms, Trigger, Verdict,
};
use stream_domain::broadcasts::session::CLOCK_MARGIN;
use stream_domain::ports::{RESTART_MARGIN, StoreError};
use stream_domain::{PlaybackId, SessionId, StreamId, Timestamp};

use crate::session_row::{PublisherRow, corrupt};
use crate::statement::Parameter;

/// What `admit.sql` selects: the decision, the stream and the session, and the publisher that gave way.
pub(super) type Decided = (
    Text,
    Integer,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
);

#[derive(Queryable)]
pub(super) struct DecidedRow {
    word: String,
    stream_id: i32,
    playback_id: Option<String>,
    session: Option<i64>,
    superseded: Option<i64>,
    server: Option<String>,
    server_session: Option<String>,
    application: Option<String>,
    name: Option<String>,
    protocol: Option<String>,
    address: Option<String>,
}

pub(super) fn admit_parameters(request: &PublishRequest, terms: &Terms, now: Timestamp) -> Vec<Parameter> {
    let (key, playback_id) = match &request.proof {
        Proof::Key(key) => (Some(key), None),
        Proof::KeyOf(id, key) => (Some(key), Some(id)),
        Proof::Name(id) => (None, Some(id)),
    };
    let trigger = match request.trigger {
        Trigger::PublishRequest => "publish_request",
        Trigger::Heartbeat => "heartbeat",
        Trigger::Poll => "poll",
        Trigger::GatedPoll => "gated_poll",
    };
    let publisher = &request.publisher;
    vec![
        Parameter::Text(key.map(|key| key.expose().to_owned())),
        Parameter::Text(playback_id.map(ToString::to_string)),
        trigger.into(),
        publisher.server.as_str().into(),
        publisher.session.as_str().into(),
        Parameter::Text(request.boot_id.clone()),
        Parameter::Number(request.connection_number),
        publisher.application.as_str().into(),
        publisher.name.expose().into(),
        publisher.protocol.as_str().into(),
        Parameter::Text(publisher.address.map(|address| address.to_string())),
        terms.takeover.as_str().into(),
        now.into(),
        now.plus(terms.lease).into(),
        now.plus(-terms.reconnect_window).into(),
        now.plus(-RESTART_MARGIN).into(),
        request.seen_at.plus(-RESUME_MARGIN).into(),
        Parameter::Flag(request.confirmed),
        now.plus(CLOCK_MARGIN).into(),
        now.plus(-ALTERNATION_WINDOW).into(),
    ]
}

/// What was decided; `None` if another admission came between the look and the writing.
pub(super) fn verdict_of(row: Option<DecidedRow>) -> Result<Option<Verdict>, StoreError> {
    let Some(row) = row else {
        return Ok(Some(Verdict::Refused(Refusal::UnknownKey)));
    };
    if let Some(refusal) = Refusal::parse(&row.word) {
        return Ok(Some(Verdict::Refused(refusal)));
    }
    if row.word == "corrupt" {
        let reason = "status is none of active, stopped, expired";
        return Err(StoreError::Corrupt { table: "streams", id: row.stream_id.into(), reason });
    }
    let Some(session) = row.session else {
        return Ok(None);
    };
    let playback_id = match row.playback_id.as_deref().map(PlaybackId::parse) {
        Some(Ok(id)) => id,
        Some(Err(_)) => return Err(corrupt("streams", row.stream_id.into(), "playback_id is none")),
        None => PlaybackId::for_legacy_stream(StreamId(row.stream_id)),
    };
    let superseded =
        match (row.superseded, row.server, row.server_session, row.application, row.name, row.protocol) {
            (Some(id), Some(server), Some(session), Some(application), Some(name), Some(protocol)) => {
                let address = row.address;
                let publisher = PublisherRow { server, session, application, name, protocol, address };
                Some((SessionId(id), publisher.publisher(id)?))
            }
            _ => None,
        };
    let is_new = row.word == "start";
    Ok(Some(Verdict::Admitted(Admitted {
        session: SessionId(session),
        stream_id: StreamId(row.stream_id),
        is_new,
        playback_id,
        rename: false,
        superseded,
    })))
}
