//! Events as clients see them.

use serde::Serialize;
use serde_json::{Map, Value};
use stream_domain::Event;
use stream_domain::events::{EventKind, EventPage};
use stream_domain::ports::StoreError;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::rfc3339::Rfc3339;
use crate::schemas::words;

/// Something that happened; it never changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventView<'a> {
    /// Its place in the log of everybody's events; the positions of one's own have gaps.
    position: i64,
    #[serde(rename = "type")]
    #[schema(schema_with = kinds)]
    kind: &'a str,
    /// When it was written down.
    at: Rfc3339,
    /// The facts, by type, as docs/http-api.md lists them; never a key. Fields may be added.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

/// The words of `type`.
fn kinds() -> Object {
    words("What happened; further types may be added.", EventKind::ALL.map(EventKind::as_str))
}

/// A part of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventPage)]
pub(super) struct EventPageView {
    /// The events, the first ones first.
    #[schema(value_type = Vec<EventView<'_>>)]
    events: Vec<Box<serde_json::value::RawValue>>,
    /// Where to go on: the `after` of the next request.
    next: i64,
}

impl<'a> EventView<'a> {
    /// The view of an event; facts that are no JSON object are those of a row that somebody else has changed.
    pub(super) fn of(event: &'a Event) -> Result<Self, StoreError> {
        let data = serde_json::from_str(&event.data).map_err(StoreError::failed)?;
        Ok(Self { position: event.position.0, kind: &event.kind, at: Rfc3339(event.at), data })
    }
}

impl EventPageView {
    pub(super) fn of(page: &EventPage) -> Result<Self, StoreError> {
        let view =
            |event| serde_json::value::to_raw_value(&EventView::of(event)?).map_err(StoreError::failed);
        let events = page.events.iter().map(view).collect::<Result<_, _>>()?;
        Ok(Self { events, next: page.next.0 })
    }
}
