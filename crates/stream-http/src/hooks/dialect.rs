//! What a family of media servers has of its own: how it authenticates, what its hooks mean, what it takes for an answer.

use actix_web::http::header::HeaderMap;
use stream_domain::broadcasts::admission::Refusal;

use super::answer::Answer;
use super::fields::Fields;
use super::outcome::Outcome;
use super::rejections::Rejection;
use super::request::HookRequest;
use super::server::HookSecrets;
use stream_domain::broadcasts::HookEvent;

/// The field of a hook's query that holds the secret.
pub(super) const SECRET: &str = "secret";

/// What browsers send, and no media server does; `Sec-Fetch-Mode` apart.
const BROWSER_HEADERS: [&str; 6] =
    ["Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Fetch-Storage-Access"];

/// The hooks of one family.
pub(super) trait Dialect: Sync {
    /// Whether a page in a browser made the request, which reaches whatever its user can reach.
    ///
    /// Every browser says where a POST comes from, and most say so of every request.
    fn is_from_browser(&self, headers: &HeaderMap) -> bool {
        has_browser_headers(headers) || headers.contains_key("Sec-Fetch-Mode")
    }

    /// Checks that the hook comes from the media server with these secrets; most families send one of them.
    fn authenticate(&self, request: &HookRequest<'_>, secrets: &HookSecrets) -> Result<(), Rejection> {
        let query = Fields::parse(request.query);
        let in_query = query.one(SECRET).map_err(|_| Rejection::WrongSecret)?;
        let secret = request.secret_in_path.or(in_query).filter(|secret| !secret.is_empty());
        let secret = secret.ok_or(Rejection::NoSecret)?;
        if secrets.contains(secret) { Ok(()) } else { Err(Rejection::WrongSecret) }
    }

    /// Reads a hook's body; `host` is the virtual host that streams are published to, where one is configured.
    ///
    /// A body that the family does not send is a `MalformedRequest`.
    fn parse(&self, body: &[u8], host: Option<&str>) -> Result<HookEvent, Refusal>;

    /// Writes the answer to a hook with this body.
    fn render(&self, _body: &[u8], outcome: &Outcome) -> Answer {
        Answer::of(outcome)
    }
}

/// Whether there is any of the headers that browsers alone send.
pub(super) fn has_browser_headers(headers: &HeaderMap) -> bool {
    BROWSER_HEADERS.iter().any(|name| headers.contains_key(*name))
}
