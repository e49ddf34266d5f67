//! node-media-server 4: a login gives a token, with which streams are listed and sessions ended.

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stream_domain::Publisher;
use stream_domain::ports::{Listed, MediaServer, MediaServerError};
use stream_domain::session::PublishName;
use tokio::sync::Mutex;

use crate::http::{self, Answer, Http};

pub(crate) struct NodeMediaServer4 {
    http: Http,
    /// Kept as long as it is accepted: the server allows few logins a minute.
    token: Mutex<Option<String>>,
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
}

impl NodeMediaServer4 {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, token: Mutex::default() }
    }

    /// Sends a request with the token, and logs in once more where that is no longer accepted.
    async fn send(&self, method: Method, url: Url) -> Result<Answer, MediaServerError> {
        let mut token = self.token.lock().await;
        if let Some(known) = token.as_deref() {
            match self.http.with_token(method.clone(), url.clone(), known).await {
                Err(MediaServerError::Forbidden) => *token = None,
                answer => return answer,
            }
        }
        let fresh = self.log_in().await?;
        let answer = self.http.with_token(method, url, &fresh).await;
        *token = Some(fresh);
        answer
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
    async fn publishers(&self) -> Result<Vec<Listed>, MediaServerError> {
        let answer = self.send(Method::GET, self.http.url(&["api", "v1", "streams"], &[])).await?.ok()?;
        let streams = data::<Streams>(&answer)?.streams;
        // One that left is kept as `reconnecting` for half a minute.
        Ok(streams.into_iter().filter(|stream| stream.status == "publishing").filter_map(listed).collect())
    }

    async fn cut(&self, publisher: &Publisher) -> Result<(), MediaServerError> {
        let session = self.http.url(&["api", "v1", "sessions", &publisher.session], &[]);
        self.send(Method::DELETE, session).await?.done_or_gone()
    }
}

fn listed(stream: Stream) -> Option<Listed> {
    let client = stream.publisher?;
    Some(Listed {
        session: Some(client.id),
        application: stream.app,
        name: PublishName::new(stream.name),
        key: None,
        protocol: client.protocol,
        address: http::address(&client.ip),
        ordinal: None,
    })
}
