//! Hooks: what media servers ask and tell, each family in its own dialect.
//!
//! A dialect is a pure pair: `parse` reads a request's bytes into a [`Told`], `render` writes the outcome as that family
//! wants it.
//! Between the two there is one way for all: is the request authentic, what does it say, and what does the domain say to
//! that, within a second.

mod ant_media;
mod authenticity;
mod fields;
mod mediamtx;
mod nginx_rtmp;
mod node_media_server;
mod ovenmediaengine;
mod srs;
mod zlmediakit;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use stream_domain::admission::{Admitted, Phase, Refusal};
use stream_domain::broadcasts::{AdmitError, Claim};
use stream_domain::ports::{EndOf, StoreError, chain_of};
use stream_domain::session::EndReason;
use stream_domain::{Broadcasts, Family, PlaybackId, ServerName};

use crate::body::HookBody;
use crate::error::{ApiError, ErrorCode};
use crate::state::HttpState;

pub use authenticity::HookSecrets;
pub(crate) use authenticity::WarnedOf;

/// How long the answer to a media server may take; some of them stand still as a whole until it comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

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
    Publisher(Claim),
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

/// `POST /hooks/{family}/{server}`: what a media server asks or tells, answered in its own words.
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
    family: &str,
    server: &str,
    secret: Option<&str>,
    request: &HttpRequest,
    body: &[u8],
    state: &HttpState,
) -> Result<HttpResponse, ApiError> {
    let family = Family::parse(family).filter(|family| !family.has_gate()).ok_or(ErrorCode::NotFound)?;
    let server = ServerName::parse(server).map_err(|_| ErrorCode::NotFound)?;
    authenticity::check(family, &server, secret, request, body, state)?;
    let broadcasts = state.broadcasts()?.clone();
    let host = state.hook_servers.get(&server).and_then(|known| known.host.as_deref());
    let told = match parse(family, body, host) {
        Ok(told) => told,
        Err(refusal) => {
            tracing::info!(%server, family = family.as_str(), reason = refusal.as_str(), "refused a publisher");
            return Ok(respond(render(family, body, &Outcome::Refused(refusal))));
        }
    };
    let outcome = act(broadcasts, family, server, told).await;
    Ok(respond(render(family, body, &outcome)))
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

/// Does what is told, within a second; what is not done by then is refused, and undone when it ends.
async fn act(broadcasts: Broadcasts, family: Family, server: ServerName, told: Told) -> Outcome {
    let claim = match told {
        Told::Publisher(claim) => claim,
        Told::Unconcerned => return Outcome::Accepted(None),
        Told::Foreign => return Outcome::Refused(Refusal::MalformedRequest),
        told => {
            // Whatever is lost here comes to light by the lease.
            if let Err(error) = note(&broadcasts, family, &server, told).await {
                tracing::warn!(%server, error = chain_of(&error), "what a media server told could not be written down");
            }
            return Outcome::Noted;
        }
    };
    let (asked, phase) = ((server.clone(), claim.session.clone()), claim.phase);
    let admitting = {
        let broadcasts = broadcasts.clone();
        tokio::spawn(async move { broadcasts.admit(&server, &claim).await })
    };
    let mut admitting = admitting;
    let Ok(joined) = tokio::time::timeout(ANSWER_WITHIN, &mut admitting).await else {
        tokio::spawn(async move {
            if let Ok(Ok(admitted)) = admitting.await
                && admitted.is_new
                && phase == Phase::Asks
            {
                let which = EndOf::Session { server: asked.0, session: asked.1, name: None };
                let _ = broadcasts.end(&which, EndReason::AnsweredTooLate).await;
            }
        });
        tracing::warn!("an admission took longer than a second");
        return if phase == Phase::Updates { Outcome::Noted } else { Outcome::Refused(Refusal::TooLate) };
    };
    let verdict = joined.unwrap_or_else(|panic| Err(AdmitError::Store(StoreError::failed(panic))));
    told_to_log(&asked, &verdict);
    match verdict {
        Ok(admitted) => Outcome::Accepted(admitted.rename.then_some(admitted.playback_id)),
        // Nobody said that one who is on air may not stay; what cannot be known now is known at its next word.
        Err(AdmitError::Store(_)) if phase == Phase::Updates => Outcome::Noted,
        Err(error) => Outcome::Refused(error.refusal()),
    }
}

async fn note(
    broadcasts: &Broadcasts,
    family: Family,
    server: &ServerName,
    told: Told,
) -> Result<(), StoreError> {
    match told {
        Told::Left(session, name) => {
            let which = EndOf::Session { server: server.clone(), session, name };
            broadcasts.end(&which, EndReason::Left).await.map(drop)
        }
        Told::NameLeft(name) => {
            let which = EndOf::Name { server: server.clone(), name };
            broadcasts.end(&which, EndReason::Left).await.map(drop)
        }
        Told::Alive(run) => broadcasts.keep_alive(server, family, run).await,
        Told::Restarted => broadcasts.restarted(server).await,
        Told::Publisher(_) | Told::Unconcerned | Told::Foreign => Ok(()),
    }
}

fn told_to_log((server, _): &(ServerName, String), verdict: &Result<Admitted, AdmitError>) {
    match verdict {
        Ok(Admitted { is_new: false, .. }) => tracing::debug!(%server, "a publisher goes on"),
        Ok(admitted) => tracing::info!(%server, session = admitted.session.0, "admitted a publisher"),
        Err(AdmitError::Refused(refusal)) => {
            tracing::info!(%server, reason = refusal.as_str(), "refused a publisher");
        }
        Err(AdmitError::Store(error)) => {
            tracing::warn!(%server, error = chain_of(error), "refused a publisher: the store does not answer");
        }
    }
}
