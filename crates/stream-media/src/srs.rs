//! SRS: streams name the client that publishes them, and clients can be deleted.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::ports::{Listed, MediaServer, MediaServerError};
use stream_domain::session::PublishName;

use crate::DEFAULT_HOST;
use crate::http::Http;

/// How many streams are asked for at once.
const PAGE: usize = 1_000;

/// What SRS says of a client that is not there.
const NO_SUCH_CLIENT: [i64; 2] = [2048, 2049];

pub(crate) struct Srs {
    http: Http,
    host: String,
}

impl Srs {
    pub(crate) fn new(http: Http, host: String) -> Self {
        Self { http, host }
    }
}

#[derive(Deserialize)]
struct Streams {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    app: String,
    name: String,
    /// `/app/name`, behind the virtual host unless that is the default one.
    #[serde(default)]
    url: String,
    publish: Publish,
}

#[derive(Deserialize)]
struct Publish {
    active: bool,
    #[serde(default)]
    cid: String,
}

#[derive(Deserialize)]
struct Done {
    code: i64,
}

#[async_trait]
impl MediaServer for Srs {
    async fn publishers(&self) -> Result<Vec<Listed>, MediaServerError> {
        let mut all = Vec::new();
        loop {
            let (start, count) = (all.len().to_string(), PAGE.to_string());
            let query = [("start", start.as_str()), ("count", count.as_str())];
            // With the slash at its end: without it SRS redirects.
            let url = self.http.url(&["api", "v1", "streams", ""], &query);
            let page: Streams = self.http.get(url).await?.ok()?.json()?;
            let is_last = page.streams.len() < PAGE;
            all.extend(page.streams);
            if is_last {
                break;
            }
        }
        let is_ours = |stream: &Stream| match stream.url.split('/').next() {
            Some("") => self.host == DEFAULT_HOST,
            host => host == Some(self.host.as_str()),
        };
        let active = all.into_iter().filter(|stream| stream.publish.active && !stream.publish.cid.is_empty());
        let active = active.filter(is_ours);
        Ok(active.map(listed).collect())
    }

    async fn cut(&self, publisher: &Publisher) -> Result<(), MediaServerError> {
        let client = self.http.url(&["api", "v1", "clients", &publisher.session], &[]);
        let done: Done = self.http.order(Method::DELETE, client).await?.ok()?.json()?;
        match done.code {
            0 => Ok(()),
            code if NO_SUCH_CLIENT.contains(&code) => Ok(()),
            code => Err(MediaServerError::Unexpected(format!("its code is {code}"))),
        }
    }
}

fn listed(stream: Stream) -> Listed {
    Listed {
        session: Some(stream.publish.cid),
        application: stream.app,
        name: PublishName::new(stream.name),
        key: None,
        protocol: "rtmp".to_owned(),
        address: None,
        ordinal: None,
    }
}
