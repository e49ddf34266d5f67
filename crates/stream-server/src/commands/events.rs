//! `events`: what has happened, and what happens.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::{Value, json};
use stream_domain::events::{EventQuery, LogPosition, ReadEventsError};
use stream_domain::{Event, UserId};
use tokio::time::sleep;

use crate::commands::desk::Desk;
use crate::commands::output::{instant, or_dash, print_on, second};
use crate::failure::Failure;

/// How many events are read at once.
const PAGE: u32 = 1_000;

/// The pause between looks at the log.
const PAUSE: Duration = Duration::from_millis(250);

/// Prints events as they happen, a line each, after those that happened last or after a position; until it is stopped, or
/// its reader is gone.
pub(super) async fn tail(
    desk: &Desk,
    user: Option<UserId>,
    after: Option<i64>,
    is_ended: bool,
    is_json: bool,
) -> Result<(), Failure> {
    let is_table = !is_json && std::io::stdout().is_terminal();
    let mut query = EventQuery { user, after: LogPosition(0), kinds: Vec::new(), limit: PAGE };
    // The service may not be running, and what was written since may be more than one step numbers.
    let mut extent = desk.events.sequence().await?;
    loop {
        let next = desk.events.sequence().await?;
        if next.last == extent.last {
            break;
        }
        extent = next;
    }
    query.after = after.map_or(extent.forgotten, LogPosition);
    if after.is_none() && !is_ended {
        query.after = extent.last;
    }
    loop {
        let page = desk.events.read(&query).await.map_err(|error| match error {
            ReadEventsError::Forgotten(forgotten) => {
                Failure::new(format!("{forgotten}; name one of these by --after, or none"))
            }
            ReadEventsError::Store(error) => error.into(),
        })?;
        for event in &page.events {
            if !print_on(&if is_table { line(event) } else { view(event)?.to_string() })? {
                return Ok(());
            }
        }
        query.after = page.next;
        if page.events.is_empty() {
            if is_ended {
                return Ok(());
            }
            sleep(PAUSE).await;
            desk.events.sequence().await?;
        }
    }
}

fn view(event: &Event) -> Result<Value, Failure> {
    let data: Value = serde_json::from_str(&event.data).map_err(|error| {
        Failure::new(format!("event {} has facts that are no JSON: {error}", event.position.0))
    })?;
    Ok(json!({
        "position": event.position.0,
        "type": event.kind,
        "at": instant(event.at),
        "user_id": event.user.map(UserId::get),
        "data": data,
    }))
}

/// An event for people; whoever wants to work with it takes JSON.
fn line(event: &Event) -> String {
    let user = or_dash(event.user.map(UserId::get));
    format!(
        "{:>8}  {}  {user:>8}  {:<26}  {}",
        event.position.0,
        second(Some(event.at)),
        event.kind,
        event.data
    )
}
