//! node-media-server 4: a login gives a token, with which streams are listed and sessions ended.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError};

use crate::http::{self, Answer, Http};

pub(crate) struct NodeMediaServer4 {
    http: Http,
    /// Kept as long as it is accepted: the server allows few logins a minute.
    token: Mutex<Option<Arc<str>>>,
    /// Held while somebody logs in, and by nobody for any other request.
    login: tokio::sync::Mutex<()>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Login {
    token: String,
}

#[derive(Deserialize)]
struct Streams {
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    app: String,
    name: String,
    status: String,
    publisher: Option<Client>,
}

#[derive(Deserialize)]
struct Client {
    id: String,
    #[serde(default)]
    ip: String,
    #[serde(default)]
    protocol: String,
    #[serde(rename = "inBytes")]
    bytes: Option<u64>,
}

impl NodeMediaServer4 {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, token: Mutex::default(), login: tokio::sync::Mutex::default() }
    }

    /// Sends a request with the token, and logs in once more where that is no longer accepted.
    async fn send(&self, method: Method, url: Url) -> Result<Answer, MediaServerError> {
        let known = self.token();
        if let Some(token) = &known {
            match self.http.with_token(method.clone(), url.clone(), token).await {
                Err(MediaServerError::Forbidden) => {}
                answer => return answer,
            }
        }
        let fresh = self.other_token_than(known.as_deref()).await?;
        self.http.with_token(method, url, &fresh).await
    }

    fn token(&self) -> Option<Arc<str>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The token that somebody else has fetched meanwhile, or a new one.
    async fn other_token_than(&self, refused: Option<&str>) -> Result<Arc<str>, MediaServerError> {
        let _turn = self.login.lock().await;
        if let Some(token) = self.token().filter(|token| Some(&**token) != refused) {
            return Ok(token);
        }
        let fresh: Arc<str> = self.log_in().await?.into();
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    async fn log_in(&self) -> Result<String, MediaServerError> {
        let (username, password) = self.http.credentials();
        let body = serde_json::json!({ "username": username, "password": password.unwrap_or_default() });
        let login = self.http.url(&["api", "v1", "login"], &[]);
        let answer = self.http.post_json(login, body.to_string()).await?.ok()?;
        Ok(data::<Login>(&answer)?.token)
    }
}

fn data<T: DeserializeOwned>(answer: &Answer) -> Result<T, MediaServerError> {
    answer.json::<Envelope<T>>().map(|envelope| envelope.data)
}

#[async_trait]
impl MediaServer for NodeMediaServer4 {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let answer = self.send(Method::GET, self.http.url(&["api", "v1", "streams"], &[])).await?.ok()?;
        let streams = data::<Streams>(&answer)?.streams;
        // One that left is kept as `reconnecting` for half a minute.
        let publishing = streams.into_iter().filter(|stream| stream.status == "publishing");
        let publishers = publishing.filter_map(listed).collect();
        Ok(Listing { publishers, is_whole: true, process: None })
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        let session = self.http.url(&["api", "v1", "sessions", &publisher.session], &[]);
        self.send(Method::DELETE, session).await?.done_or_gone()
    }
}

fn listed(stream: Stream) -> Option<ListedPublisher> {
    let client = stream.publisher?;
    Some(ListedPublisher {
        session: Some(client.id),
        application: stream.app,
        name: PublishName::new(stream.name),
        key: None,
        protocol: client.protocol,
        address: http::address(&client.ip),
        connection_number: None,
        bytes: client.bytes,
        may_wait: false,
    })
}
