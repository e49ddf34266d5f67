//! Hooks: what media servers ask and tell, each family in its own dialect.
//!
//! A dialect is a pure pair: `parse` reads a request's bytes into a [`Told`], `render` writes the outcome as that family
//! wants it.
//! Between the two there is one way for all: is the request authentic (`authenticity.rs`), what does it say, and what does
//! the domain say to that, within a second (`acting.rs`).
//! What is not let through says the same to every stranger, and why to the log (`turned_away.rs`).

mod acting;
mod ant_media;
mod authenticity;
mod fields;
mod mediamtx;
mod nginx_rtmp;
mod node_media_server;
mod ovenmediaengine;
mod srs;
mod turned_away;
mod zlmediakit;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde_json::{Value, json};
use stream_domain::admission::Refusal;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::{Family, PlaybackId, ServerName};

use crate::body::HookBody;
use crate::error::{ApiError, ErrorCode};
use crate::observe::RequestId;
use crate::state::HttpState;
use fields::Fields;
use turned_away::Why;

pub use authenticity::HookSecrets;
pub(crate) use authenticity::WarnedOf;
pub(crate) use turned_away::TurnedAway;

/// The methods of hooks.
const METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// A media server that may send hooks.
#[derive(Debug, Clone)]
pub struct HookServer {
    /// Its kind.
    pub family: Family,
    /// What it shows that it is the one; several while one is being replaced by the next.
    pub secrets: HookSecrets,
    /// The virtual host that streams are published to, where the server has such.
    pub host: Option<String>,
}

/// The media servers that the settings name.
pub type HookServers = BTreeMap<ServerName, HookServer>;

/// What a media server says.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// A publisher asks, or goes on.
    Publisher(PublisherReport),
    /// Somebody asks whether a key may publish, and does not publish yet.
    Question(PublisherReport),
    /// A publisher asks who is to be refused in any case; what it shows tells whose key it has.
    Refused(PublisherReport, Refusal),
    /// A publisher has left: the one with this session id, if it publishes this name where one is given.
    Left(String, Option<String>),
    /// The publisher of this name has left; the server has no better word for it.
    NameLeft(String),
    /// The server is well, in this run if it says.
    Alive(Option<String>),
    /// The server was started anew.
    Restarted,
    /// Something that does not concern us, and is accepted.
    Unconcerned,
    /// Something that does not concern us, and that only those may do whom the server's own settings let.
    Foreign,
}

impl Told {
    /// The same, of a request that must change nothing.
    fn into_question(self) -> Self {
        match self {
            Self::Publisher(report) => Self::Question(report),
            Self::Question(_) | Self::Refused(..) | Self::Foreign => self,
            Self::Left(..) | Self::NameLeft(_) | Self::Alive(_) | Self::Restarted | Self::Unconcerned => {
                Self::Unconcerned
            }
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Yes, and under which other name if there is to be one.
    Accepted(Option<PlaybackId>),
    /// No.
    Refused(Refusal),
    /// Understood; nothing was asked.
    Noted,
}

/// An answer in the words of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    status: u16,
    body: Value,
    location: Option<String>,
}

impl Answer {
    fn json(status: u16, body: Value) -> Self {
        Self { status, body, location: None }
    }

    /// What nearly every family takes for a yes.
    fn accepted() -> Self {
        Self::json(200, json!({ "code": 0 }))
    }

    /// What nearly every family takes for a no, in the shape of this service's errors.
    fn refused(refusal: Refusal) -> Self {
        let code = ErrorCode::PublishRefused.as_str();
        Self::json(403, json!({ "error": sentence(refusal), "code": code, "reason": refusal.as_str() }))
    }

    /// The yes or no that nearly every family takes.
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Refused(refusal) => Self::refused(*refusal),
            Outcome::Accepted(_) | Outcome::Noted => Self::accepted(),
        }
    }
}

/// A refusal as a sentence for a person.
pub(crate) fn sentence(refusal: Refusal) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A hook that was let through, as the log names it.
#[derive(Debug, Clone)]
struct Hook {
    family: Family,
    server: ServerName,
    peer: Option<IpAddr>,
    request_id: String,
}

/// `POST /hooks/{family}/{server}`: what a media server asks or tells, answered in its own words.
///
/// `GET` and `HEAD` ask the same and change nothing.
pub(crate) async fn take_hook(
    path: Path<(String, String)>,
    request: HttpRequest,
    body: HookBody,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let (family, server) = path.into_inner();
    answer_hook(&family, &server, None, &request, &body.0, &state).await
}

/// `POST /hooks/{family}/{server}/{secret}`: the same, for heartbeats of servers that drop what stands behind a `?`.
pub(crate) async fn take_hook_with_secret(
    path: Path<(String, String, String)>,
    request: HttpRequest,
    body: HookBody,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let (family, server, secret) = path.into_inner();
    answer_hook(&family, &server, Some(&secret), &request, &body.0, &state).await
}

async fn answer_hook(
    family_word: &str,
    server_word: &str,
    secret: Option<&str>,
    request: &HttpRequest,
    body: &[u8],
    state: &HttpState,
) -> Result<HttpResponse, ApiError> {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let request_id = request.extensions().get::<RequestId>().map(RequestId::text).unwrap_or_default();
    let turn_away = |why: Why| {
        state.turned_away.tell(state, why, (family_word, server_word), (peer, &request_id));
        why.error()
    };
    let is_question = match *request.method() {
        Method::POST => false,
        Method::GET | Method::HEAD => true,
        Method::OPTIONS => return Ok(HttpResponse::NoContent().insert_header(("Allow", METHODS)).finish()),
        _ => return Err(turn_away(Why::WrongMethod)),
    };
    let family = Family::parse(family_word).filter(|family| !family.has_gate());
    let unknown = if is_question { Why::WrongMethod } else { Why::UnknownFamily };
    let family = family.ok_or_else(|| turn_away(unknown))?;
    let server = ServerName::parse(server_word).map_err(|_| turn_away(Why::NoName))?;
    let query = one_query(request.query_string());
    let shown = authenticity::Shown { secret_in_path: secret, query: &query, body, peer };
    authenticity::check(family, &server, request, &shown, state).map_err(turn_away)?;

    let hook = Hook { family, server, peer, request_id: request_id.clone() };
    let (broadcasts, streams) = (state.broadcasts()?.clone(), state.streams()?.clone());
    let body = if is_question { query.as_bytes() } else { body };
    if is_question && Fields::parse(&query).has_only(authenticity::SECRET) {
        // Somebody looks whether the address, the family and the secret are right.
        return Ok(HttpResponse::NoContent().finish());
    }
    let host = state.hook_servers.get(&hook.server).and_then(|known| known.host.as_deref());
    let told = match parse(family, body, host) {
        Ok(told) if is_question => {
            state.turned_away.warn_of_method(&hook);
            told.into_question()
        }
        Ok(told) => told,
        Err(refusal) => {
            acting::tell_refused(&hook, None, refusal, None);
            return Ok(respond(render(family, body, &Outcome::Refused(refusal))));
        }
    };
    if matches!(told, Told::Foreign) {
        let _ = turn_away(Why::NoPublisher);
    }
    let outcome = acting::act(broadcasts, streams, hook, told).await;
    Ok(respond(render(family, body, &outcome)))
}

/// The query as it was meant: nginx joins its fields to an address that has one already by a second `?`.
fn one_query(query: &str) -> Cow<'_, str> {
    let first = query.split('&').next().unwrap_or_default();
    match first.split_once('?') {
        Some((secret, _)) if secret.starts_with("secret=") => query.replacen('?', "&", 1).into(),
        _ => query.into(),
    }
}

fn parse(family: Family, body: &[u8], host: Option<&str>) -> Result<Told, Refusal> {
    match family {
        Family::NginxRtmp => nginx_rtmp::parse(body),
        Family::Srs => srs::parse(body, host),
        Family::MediaMtx => mediamtx::parse(body),
        Family::OvenMediaEngine => ovenmediaengine::parse(body),
        Family::NodeMediaServer2 | Family::NodeMediaServer4 => node_media_server::parse(body),
        Family::ZlMediaKit => zlmediakit::parse(body, host),
        Family::AntMedia => ant_media::parse(body),
    }
}

fn render(family: Family, body: &[u8], outcome: &Outcome) -> Answer {
    match family {
        Family::NginxRtmp => nginx_rtmp::render(outcome),
        Family::MediaMtx => mediamtx::render(body, outcome),
        Family::OvenMediaEngine => ovenmediaengine::render(outcome),
        Family::ZlMediaKit => zlmediakit::render(outcome),
        Family::Srs | Family::NodeMediaServer2 | Family::NodeMediaServer4 | Family::AntMedia => {
            Answer::of(outcome)
        }
    }
}

fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = HttpResponse::build(status);
    if let Some(location) = answer.location {
        response.insert_header(("Location", location));
    }
    response.json(answer.body)
}
