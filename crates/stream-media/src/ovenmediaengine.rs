//! `OvenMediaEngine`: its list has names and no sessions, and a publisher is ended by its name.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::ports::{Kick, KickPatience, Listed, Listing, MediaServer, MediaServerError};
use stream_domain::session::PublishName;

use crate::http::Http;

pub(crate) struct OvenMediaEngine {
    http: Http,
    application: String,
}

impl OvenMediaEngine {
    pub(crate) fn new(http: Http, application: String) -> Self {
        Self { http: http.with_token_as_basic(), application }
    }

    /// The address of an application's streams; the base may name another virtual host than `default`.
    fn streams(&self, application: &str, name: Option<&str>) -> reqwest::Url {
        let host: &[&str] = if self.http.has_path() { &[] } else { &["v1", "vhosts", "default"] };
        let tail = ["apps", application, "streams"];
        let segments: Vec<&str> = host.iter().copied().chain(tail).chain(name).collect();
        self.http.url(&segments, &[])
    }
}

#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    response: Vec<String>,
}

#[async_trait]
impl MediaServer for OvenMediaEngine {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let answer = self.http.get(self.streams(&self.application, None)).await?.ok()?;
        let names: Names = answer.json()?;
        let listed = |name| Listed {
            session: None,
            application: self.application.clone(),
            name: PublishName::new(name),
            key: None,
            protocol: "rtmp".to_owned(),
            address: None,
            ordinal: None,
            bytes: None,
            may_wait: false,
        };
        let publishers = names.response.into_iter().map(listed).collect();
        Ok(Listing { publishers, is_whole: true, process: None })
    }

    async fn cut(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        let stream = self.streams(&publisher.application, Some(publisher.name.expose()));
        self.http.order(Method::DELETE, stream).await?.done_or_gone()
    }
}
