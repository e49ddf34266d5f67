//! A small HTTP client: bounded in time and size, without redirects, with the server's credentials.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use stream_domain::ports::{Kick, MediaServerError};

use crate::error::InvalidControl;

/// How long a list may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a command may take; its caller may wait for less.
const ORDER_PATIENCE: Duration = Duration::from_secs(3);

/// The largest single answer that is read, in bytes: some 30,000 publishers.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// One server's address and credentials.
pub(crate) struct Http {
    base: Url,
    user: String,
    password: Option<String>,
    /// What basic authentication shows; empty where there are no credentials.
    basic: String,
    client: Client,
}

/// What came back, with a success.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(url: &str) -> Result<Self, InvalidControl> {
        let mut base = Url::parse(url).map_err(|_| InvalidControl::Malformed)?;
        match base.scheme() {
            "http" => {}
            "https" => return Err(InvalidControl::Encrypted),
            _ => return Err(InvalidControl::Malformed),
        }
        if base.query().is_some() || base.fragment().is_some() || base.host_str().is_none() {
            return Err(InvalidControl::Malformed);
        }
        let user = decoded(base.username());
        let password = base.password().map(decoded);
        base.set_username("").map_err(|()| InvalidControl::Malformed)?;
        base.set_password(None).map_err(|()| InvalidControl::Malformed)?;
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
        // Each request has a connection of its own: one that is kept may lead to a process that is on its way out, and
        // its number would say nothing of those that came later.
        let client = client.pool_max_idle_per_host(0);
        let client = client.connect_timeout(PATIENCE).build().map_err(|_| InvalidControl::Malformed)?;
        let basic = match (&*user, &password) {
            ("", None) => String::new(),
            _ => format!("{user}:{}", password.as_deref().unwrap_or_default()),
        };
        Ok(Self { base, user, password, basic, client })
    }

    /// For servers that take one token, rather than a name and a password, by basic authentication.
    pub(crate) fn with_token_as_basic(mut self) -> Self {
        if self.password.is_none() {
            self.basic.clone_from(&self.user);
        }
        self
    }

    /// The name and the password that stand in the address.
    pub(crate) fn credentials(&self) -> (&str, Option<&str>) {
        (&self.user, self.password.as_deref())
    }

    /// What stands there where only one word is wanted.
    pub(crate) fn secret(&self) -> &str {
        self.password.as_deref().unwrap_or(&self.user)
    }

    /// An address below the base; segments and values may hold any character.
    pub(crate) fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Whether the base has a path of its own.
    pub(crate) fn has_path(&self) -> bool {
        !matches!(self.base.path(), "" | "/")
    }

    /// Asks for a list, with basic authentication if there are credentials.
    pub(crate) async fn get(&self, url: Url) -> Result<Answer, MediaServerError> {
        self.send(self.authorized(Method::GET, url).timeout(PATIENCE)).await
    }

    /// Gives an order, likewise.
    pub(crate) async fn order(&self, method: Method, url: Url) -> Result<Answer, MediaServerError> {
        self.send(self.authorized(method, url).timeout(ORDER_PATIENCE)).await
    }

    /// Sends a request with a bearer token in the place of the credentials.
    pub(crate) async fn with_token(
        &self,
        method: Method,
        url: Url,
        token: &str,
    ) -> Result<Answer, MediaServerError> {
        let patience = if method == Method::GET { PATIENCE } else { ORDER_PATIENCE };
        let request = self.client.request(method, url).header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.timeout(patience)).await
    }

    /// Posts a JSON text without credentials.
    pub(crate) async fn post_json(&self, url: Url, body: String) -> Result<Answer, MediaServerError> {
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        self.send(request.timeout(ORDER_PATIENCE)).await
    }

    fn authorized(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        let request = self.client.request(method, url).header(ACCEPT, "*/*");
        if self.basic.is_empty() {
            return request;
        }
        request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(&self.basic)))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, MediaServerError> {
        // The address holds what is secret, and the error would show it.
        let unreachable = |error: reqwest::Error| MediaServerError::Unreachable(error.without_url().into());
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(MediaServerError::Unexpected("its answer is larger than 16 MiB".to_owned()));
            }
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(MediaServerError::Forbidden);
        }
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// The answer, if its status is 200.
    pub(crate) fn ok(self) -> Result<Self, MediaServerError> {
        if self.status == StatusCode::OK { Ok(self) } else { Err(self.unexpected()) }
    }

    /// The answer to an order of a server that is one process: done, or nothing there to do it to.
    pub(crate) fn done_or_gone(self) -> Result<Kick, MediaServerError> {
        match self.status {
            StatusCode::NOT_FOUND => Ok(Kick::Gone),
            status if status.is_success() => Ok(Kick::Gone),
            _ => Err(self.unexpected()),
        }
    }

    /// The body as JSON of this shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, MediaServerError> {
        // What serde says of it may quote a name, and names may be keys.
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            MediaServerError::Unexpected(format!("its JSON is not as expected at {place}"))
        })
    }

    pub(crate) fn unexpected(&self) -> MediaServerError {
        MediaServerError::Unexpected(format!("its status is {}", self.status.as_u16()))
    }
}

/// Undoes the percent-encoding of a name or a password in an address.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An address as a media server writes it, with or without a port.
pub(crate) fn address(text: &str) -> Option<std::net::IpAddr> {
    let ip = text.parse().ok().or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    ip.map(|ip: std::net::IpAddr| ip.to_canonical())
}
