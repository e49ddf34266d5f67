//! Hooks: what media servers ask and report, each family in its own dialect.
//!
//! A [`Dialect`] reads a request's bytes into a [`HookEvent`], and writes the [`Outcome`] as its family wants it.
//! Everything between is the same for all: is the hook authentic (`authenticity.rs`), and what does the domain say to the
//! event (`acting.rs`).
//! A rejected hook gets the same error for every stranger, and its reason is logged (`rejections.rs`).
//! Who sends many of them gets 429 for a while (`guesses.rs`), whatever their reason, so that it reveals nothing either.

mod acting;
mod answer;
mod authenticity;
mod dialect;
mod fields;
mod outcome;
mod rejections;
mod request;
mod server;
mod url;

mod ant_media;
mod mediamtx;
mod nginx_rtmp;
mod node_media_server;
mod ovenmediaengine;
mod srs;
mod zlmediakit;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use ipnet::IpNet;
use serde::Deserialize;
use stream_domain::broadcasts::admission::Refusal;
use stream_domain::broadcasts::{HookEvent, Hooks};
use stream_domain::ports::Clock;
use stream_domain::{Family, ServerName};
use stream_metrics::{Decision, HookMetrics};
use utoipa::openapi::Object;

use crate::body::HookBody;
use crate::client_address::TrustedProxies;
use crate::error::{ApiError, ErrorCode};
use crate::guesses::GuessLimit;
use crate::readiness::AfterStart;
use crate::request_id::RequestId;
use crate::schemas::words;
use authenticity::HookSenders;
use dialect::{Dialect, SECRET};
use fields::Fields;
use outcome::Outcome;
use rejections::{METHODS, Rejection, RejectionLog, Sender};
use request::{HookRequest, HookSource};

pub(crate) use answer::RefusedView;
pub(crate) use ant_media::AntMediaHook;
pub(crate) use mediamtx::MediaMtxHook;
pub(crate) use node_media_server::NodeMediaServerHook;
pub(crate) use ovenmediaengine::OvenMediaEngineHook;
pub use server::{HookSecrets, HookServer, HookServers};
pub(crate) use srs::SrsHook;
pub use url::{HookUrlFault, judge_hook_url, path_to_try};
pub(crate) use zlmediakit::ZlMediaKitHook;

/// What the handlers of hooks need.
pub(crate) struct HooksApi {
    hooks: AfterStart<Hooks>,
    clock: Arc<dyn Clock>,
    senders: HookSenders,
    rejections: RejectionLog,
    metrics: HookMetrics,
    guesses: Arc<GuessLimit>,
    proxies: TrustedProxies,
}

impl HooksApi {
    pub(crate) fn new(
        hooks: AfterStart<Hooks>,
        clock: Arc<dyn Clock>,
        servers: HookServers,
        networks: Vec<IpNet>,
        metrics: HookMetrics,
        guesses: Arc<GuessLimit>,
        proxies: TrustedProxies,
    ) -> Self {
        let senders = HookSenders::new(servers, networks);
        Self { hooks, clock, senders, rejections: RejectionLog::default(), metrics, guesses, proxies }
    }

    /// Logs and counts a rejection.
    fn note(&self, rejection: Rejection, sender: &Sender<'_>) {
        self.count(sender, Decision::Rejected(rejection.into()));
        self.rejections.log(rejection, sender, self.senders.servers(), self.clock.now());
    }

    /// Logs and counts a rejection, and makes the error for its sender.
    fn reject(&self, rejection: Rejection, sender: &Sender<'_>, request: &HttpRequest) -> ApiError {
        self.note(rejection, sender);
        let error = rejection.error();
        match self.proxies.client_of(request) {
            Some(client) if error.code() == ErrorCode::HookRefused => {
                let exceeded = self.guesses.refused_hook(client).err();
                exceeded.as_ref().map_or(error, ApiError::too_many_refused_hooks)
            }
            _ => error,
        }
    }

    /// Counts what a hook was answered.
    fn count(&self, sender: &Sender<'_>, decision: Decision) {
        let family = Family::parse(sender.family).map(Family::as_str);
        self.metrics.answered(sender.server, family, decision, sender.began.elapsed());
    }
}

/// Registers the routes below `/hooks`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<HooksApi>) {
    config.service(
        web::scope("/hooks")
            .app_data(api.clone())
            // The handler checks the method itself, since rejections are logged.
            .route("/{family}/{server}", web::to(receive_hook))
            .route("/{family}/{server}/{secret}", web::to(receive_hook)),
    );
}

/// How the document describes the families that have hooks.
pub(crate) fn family_schema() -> Object {
    let families = Family::ALL.into_iter().filter(|family| !family.capabilities().has_gate);
    words("A family of media servers.", families.map(Family::as_str))
}

/// The dialect of each family.
fn dialect_of(family: Family) -> &'static dyn Dialect {
    match family {
        Family::NginxRtmp => &nginx_rtmp::NginxRtmp,
        Family::Srs => &srs::Srs,
        Family::MediaMtx => &mediamtx::MediaMtx,
        Family::OvenMediaEngine => &ovenmediaengine::OvenMediaEngine,
        Family::NodeMediaServer2 | Family::NodeMediaServer4 => &node_media_server::NodeMediaServer,
        Family::ZlMediaKit => &zlmediakit::ZlMediaKit,
        Family::AntMedia => &ant_media::AntMedia,
    }
}

/// The path of a hook; the secret is in it for servers whose heartbeats drop the query.
#[derive(Deserialize)]
struct HookPath {
    family: String,
    server: String,
    secret: Option<String>,
}

/// `POST /hooks/{family}/{server}`: what a media server asks or reports, answered in its family's terms.
///
/// `GET` and `HEAD` ask the same and change nothing.
async fn receive_hook(
    path: Path<HookPath>,
    request: HttpRequest,
    body: HookBody,
    api: Data<HooksApi>,
) -> Result<HttpResponse, ApiError> {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let request_id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
    let request_id = request_id.unwrap_or_default();
    let sender = Sender {
        family: &path.family,
        server: &path.server,
        peer,
        request_id: &request_id,
        began: Instant::now(),
    };
    let reject = |rejection| api.reject(rejection, &sender, &request);

    let is_question = match *request.method() {
        Method::POST => false,
        Method::GET | Method::HEAD => true,
        Method::OPTIONS => return Ok(HttpResponse::NoContent().insert_header(("Allow", METHODS)).finish()),
        _ => return Err(reject(Rejection::WrongMethod)),
    };
    let family = Family::parse(&path.family).filter(|family| !family.capabilities().has_gate);
    let unknown = if is_question { Rejection::WrongMethod } else { Rejection::UnknownFamily };
    let family = family.ok_or_else(|| reject(unknown))?;
    let server = ServerName::parse(&path.server).map_err(|_| reject(Rejection::NoName))?;
    let dialect = dialect_of(family);
    let query = repaired_query(request.query_string());
    let hook = HookRequest {
        headers: request.headers(),
        secret_in_path: path.secret.as_deref(),
        query: &query,
        body: &body.0,
        peer,
    };
    api.senders.authenticate(family, &server, dialect, &hook).map_err(reject)?;

    let hooks = api.hooks.get()?;
    if is_question && Fields::parse(&query).has_only(SECRET) {
        // A check whether URL, family and secret are right.
        return Ok(HttpResponse::NoContent().finish());
    }
    let host = api.senders.servers().get(&server).and_then(|known| known.host.as_deref());
    let source = HookSource { family, server: server.clone(), peer, request_id: request_id.clone() };
    let body = if is_question { query.as_bytes() } else { &body.0 };
    let event = match dialect.parse(body, host) {
        Ok(event) if is_question => {
            api.rejections.warn_of_get(&source);
            event.into_question()
        }
        Ok(event) => event,
        Err(refusal) => {
            acting::log_refused(&source, None, refusal, None);
            let outcome = Outcome::Refused(refusal);
            api.count(&sender, outcome.decision());
            return Ok(dialect.render(body, &outcome).into_response());
        }
    };
    // It is counted as what it is, and answered as any refused publisher.
    let is_rejected = matches!(event, HookEvent::Privileged);
    if is_rejected {
        api.note(Rejection::NoPublisher, &sender);
    }
    let publisher = event.report().and_then(|report| report.address);
    let outcome = acting::act(hooks, source, event).await;
    let is_unknown = outcome == Outcome::Refused(Refusal::UnknownKey);
    // It is refused either way; operators see that it is one of many.
    let is_guessing = publisher.is_some_and(|client| is_unknown && api.guesses.missed(client).is_err());
    let decision = if is_guessing { Decision::Refused("too_many_unknown_keys") } else { outcome.decision() };
    if !is_rejected {
        api.count(&sender, decision);
    }
    Ok(dialect.render(body, &outcome).into_response())
}

/// The query as it was meant: nginx adds its fields to a URL that has a query by a second `?`.
fn repaired_query(query: &str) -> Cow<'_, str> {
    let first = query.split('&').next().unwrap_or_default();
    match first.split_once('?') {
        Some((secret, _)) if secret.starts_with("secret=") => query.replacen('?', "&", 1).into(),
        _ => query.into(),
    }
}
