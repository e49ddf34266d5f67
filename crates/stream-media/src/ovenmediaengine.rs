//! `OvenMediaEngine`: its list has names and no sessions, and a publisher is ended by its name.

use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::Method;
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{
    HookSettings, HookUrl, Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError,
};

use crate::http::Http;

/// Up to how many streams their bytes are asked for, each by a request of its own.
const COUNTED_AT_ONCE: usize = 50;

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
struct Statistics {
    response: Option<Counts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    total_bytes_in: Option<u64>,
}

#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    response: Vec<String>,
}

impl OvenMediaEngine {
    async fn listed(&self, name: String, counts_bytes: bool) -> ListedPublisher {
        ListedPublisher {
            session: None,
            application: self.application.clone(),
            bytes: if counts_bytes { self.bytes_of(&name).await } else { None },
            name: PublishName::new(name),
            key: None,
            protocol: "rtmp".to_owned(),
            address: None,
            connection_number: None,
            may_wait: false,
        }
    }

    /// How many bytes came so far; `None` where it does not say.
    async fn bytes_of(&self, name: &str) -> Option<u64> {
        let mut url = self.streams(&self.application, Some(name));
        // Statistics stand under the same path, behind another beginning.
        let path = url.path().replacen("/v1/vhosts/", "/v1/stats/current/vhosts/", 1);
        url.set_path(&path);
        let statistics: Statistics = self.http.get(url).await.ok()?.ok().ok()?.json().ok()?;
        statistics.response?.total_bytes_in.filter(|bytes| *bytes > 0)
    }
}

#[async_trait]
impl MediaServer for OvenMediaEngine {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let answer = self.http.get(self.streams(&self.application, None)).await?.ok()?;
        let names: Names = answer.json()?;
        // With more than that, the answers would cost more than they are worth.
        let counts_bytes = names.response.len() <= COUNTED_AT_ONCE;
        let listed = names.response.into_iter().map(|name| self.listed(name, counts_bytes));
        let publishers = join_all(listed).await;
        Ok(Listing { publishers, is_whole: true, process: None })
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        let stream = self.streams(&publisher.application, Some(publisher.name.expose()));
        self.http.order(Method::DELETE, stream).await?.done_or_gone()
    }

    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        let segments: &[&str] = if self.http.has_path() { &[] } else { &["v1", "vhosts", "default"] };
        let answer = self.http.get(self.http.url(segments, &[])).await?;
        let host: Option<VirtualHost> = answer.ok().and_then(|answer| answer.json()).ok();
        let hooks = host.and_then(|host| host.response).and_then(|host| host.admission_webhooks);
        // Versions that leave the block out say nothing of whether it is there.
        Ok(match hooks.and_then(|hooks| hooks.control_server_url) {
            Some(url) => HookSettings::Set(vec![HookUrl { setting: "ControlServerUrl", url }]),
            None => HookSettings::Unreadable,
        })
    }
}

/// What `/v1/vhosts/{name}` says of hooks.
#[derive(Deserialize)]
struct VirtualHost {
    response: Option<HostSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostSettings {
    admission_webhooks: Option<AdmissionWebhooks>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdmissionWebhooks {
    control_server_url: Option<String>,
}
