//! `streams`: the streams of all users, one stream, and an end to it.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value, json};
use stream_domain::broadcasts::StopOrder;
use stream_domain::catalog::CatalogQuery;
use stream_domain::details::SearchForm;
use stream_domain::keys::StopError;
use stream_domain::ports::{SessionFilter, UserStreamsError, chain_of};
use stream_domain::{Details, PageRequest, Stream, Timestamp, UserId};

use crate::commands::desk::Desk;
use crate::commands::output::{Format, argument, instant, or_dash, second, show as print_as, table};
use crate::commands::sessions;
use crate::failure::Failure;

/// How many of a stream's last sessions are shown with it.
const LAST_SESSIONS: u32 = 20;

/// The most characters of a title in a table.
const TITLE_WIDTH: usize = 40;

const HEADER: [&str; 6] = ["STREAM", "USER", "STATUS", "LIVE SINCE", "EXPIRES", "PLAYBACK ID"];

/// Which streams are listed.
pub(super) struct Listed {
    pub(super) user: Option<i64>,
    pub(super) is_live: bool,
    pub(super) search: Option<String>,
    pub(super) limit: u32,
}

/// Lists a user's streams in every state, or the active ones of all.
pub(super) async fn list(desk: &Desk, listed: Listed, format: Format) -> Result<(), Failure> {
    let page = PageRequest { limit: NonZeroU32::new(listed.limit), after: None };
    let (page, now) = match listed.user {
        Some(user) => {
            let listed = desk.keys.list_own(known_user(user)?, &page).await;
            (Arc::new(listed.map_err(|error| unknown_or(error, user))?), desk.keys.now())
        }
        None => {
            let query = if listed.is_live { CatalogQuery::live(page) } else { CatalogQuery::active(page) };
            let form = SearchForm { question: listed.search, ..SearchForm::default() };
            let search = form.read(desk.descriptions.categories());
            let search = search.map_err(|error| Failure::new(format!("--search: {error}")))?;
            desk.catalog.list(&CatalogQuery { with_unlisted: true, search, ..query }).await?
        }
    };
    let details = |stream: &Stream| page.details.get(&stream.id).cloned().unwrap_or_default();
    let views = page.streams.iter().map(|stream| described(view(stream, now), &details(stream)));
    let json = json!({ "streams": views.collect::<Vec<_>>() });
    print_as(format, &json, || {
        let title = |stream| shortened(details(stream).title.as_deref().unwrap_or("-"));
        let row = |stream| [row(stream, now), vec![title(stream)]].concat();
        table(&[&HEADER[..], &["TITLE"]].concat(), page.streams.iter().map(row).collect())
    })
}

/// Shows the stream that a text means, with its last sessions.
pub(super) async fn show(desk: &Desk, text: &str, format: Format) -> Result<(), Failure> {
    let stream = find(desk, text).await?;
    let filter = SessionFilter { streams: Some(vec![stream.id]), ..SessionFilter::default() };
    let (listed, now) = desk.broadcasts.list_sessions_of_all(&filter, LAST_SESSIONS).await?;
    let details = desk.descriptions.of(stream.id).await?;
    let mut json = described(view(&stream, now), &details);
    json["description"] = json!(details.description);
    json["sessions"] = listed.iter().map(|session| sessions::view(session, now)).collect();
    print_as(format, &json, || {
        let stream = table(&HEADER, vec![row(&stream, now)]);
        if listed.is_empty() {
            return stream;
        }
        format!("{stream}\n\n{}", sessions::table_of(&listed, now))
    })
}

/// Stops the stream that a text means.
pub(super) async fn stop(desk: &Desk, text: &str, format: Format) -> Result<(), Failure> {
    let stream = find(desk, text).await?;
    match desk.broadcasts.stop_stream(stream.id).await? {
        StopOrder::Stopped(stopped) => print_stopped(desk, &stopped, format),
        StopOrder::Ended(ended) => {
            let ended = ended.publishable_at(desk.keys.now()).err();
            let why = ended.map_or_else(|| "it has ended".to_owned(), |ended| ended.to_string());
            Err(Failure::new(format!("stream {} cannot be stopped: {why}", stream.id.0)))
        }
        StopOrder::Unknown => Err(Failure::new(format!("stream {} was deleted", stream.id.0))),
    }
}

/// Stops a user's active stream.
pub(super) async fn stop_user(desk: &Desk, user: i64, format: Format) -> Result<(), Failure> {
    let user = known_user(user)?;
    let stopped = desk.keys.stop(user).await.map_err(|error| match error {
        StopError::Store(error) => error.into(),
        error => Failure::new(format!("user {}: {error}", user.get())),
    })?;
    print_stopped(desk, &stopped, format)
}

fn print_stopped(desk: &Desk, stopped: &Stream, format: Format) -> Result<(), Failure> {
    print_as(format, &view(stopped, desk.keys.now()), || {
        let live = if stopped.on_air.is_some() { "; its publisher is to be kicked" } else { "" };
        let owner = stopped.user_id.map(|user| format!(" of user {}", user.get())).unwrap_or_default();
        format!("Stopped stream {}{owner}{live}.", stopped.id.0)
    })
}

async fn find(desk: &Desk, text: &str) -> Result<Stream, Failure> {
    let found = desk.broadcasts.find_stream(&argument(text)?).await?;
    found.ok_or_else(|| {
        Failure::new("there is no such stream; name it by its number, its playback id or its key")
    })
}

fn known_user(user: i64) -> Result<UserId, Failure> {
    UserId::new(user).map_err(|error| Failure::new(format!("--user: {error}")))
}

fn unknown_or(error: UserStreamsError, user: i64) -> Failure {
    match error {
        UserStreamsError::Store(error) => error.into(),
        error => Failure::new(format!("user {user}: {}", chain_of(&error))),
    }
}

/// A stream without its key, which nobody but its owner needs.
fn view(stream: &Stream, now: Timestamp) -> Value {
    json!({
        "id": stream.id.0,
        "user_id": stream.user_id.map(UserId::get),
        "status": stream.status_at(now).as_str(),
        "playback_id": stream.playback_id.as_str(),
        "live": stream.live_since_at(now).is_some(),
        "live_since": stream.live_since_at(now).map(instant),
        "created_at": instant(stream.created_at),
        "updated_at": instant(stream.updated_at),
        "expires_at": instant(stream.expires_at),
    })
}

/// The same with what its owner says of it, or of the stream that is planned.
pub(super) fn described(mut view: Value, details: &Details) -> Value {
    let labels: Vec<_> = details.content_labels.iter().map(|label| label.as_str()).collect();
    view["title"] = json!(details.title);
    view["tags"] = json!(details.tags);
    view["category"] = json!(details.category);
    view["language"] = json!(details.language);
    view["content_labels"] = json!(labels);
    view["visibility"] = json!(details.visibility.as_str());
    view
}

/// A title that leaves room for the other columns.
pub(super) fn shortened(title: &str) -> String {
    if title.chars().count() <= TITLE_WIDTH {
        return title.to_owned();
    }
    title.chars().take(TITLE_WIDTH - 1).chain(['…']).collect()
}

fn row(stream: &Stream, now: Timestamp) -> Vec<String> {
    vec![
        stream.id.0.to_string(),
        or_dash(stream.user_id.map(UserId::get)),
        stream.status_at(now).as_str().to_owned(),
        second(stream.live_since_at(now)),
        second(Some(stream.expires_at)),
        stream.playback_id.to_string(),
    ]
}
