//! SRS: streams name the client that publishes them, and clients can be deleted.
//!
//! An edge names nobody in its streams, and lists its publishers among its clients alone.
//! There, too, stands who has asked to publish and waits for the answer of a hook.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{
    HookSettings, HookUrl, Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError,
    Process,
};

use crate::http::{self, Http};
use crate::pages::{ByOffset, PAGE, Page, Read};

/// What SRS and `ZLMediaKit` call the virtual host of publishers that name none.
pub(crate) const DEFAULT_HOST: &str = "__defaultVhost__";

/// What SRS says of a client that is not there.
const NO_SUCH_CLIENT: [i64; 2] = [2048, 2049];

/// How long SRS waits for the answer of a hook, in seconds, and a little more.
const HOOK_LIMIT: f64 = 35.0;

pub(crate) struct Srs {
    http: Http,
    host: String,
}

#[derive(Deserialize)]
struct List<T> {
    /// New at each start; hooks have it as `service_id`.
    service: Option<String>,
    #[serde(alias = "streams", alias = "clients")]
    entries: Option<Vec<T>>,
}

#[derive(Deserialize)]
struct Stream {
    app: String,
    name: String,
    /// `/app/name`, behind the virtual host unless that is the default one.
    #[serde(default)]
    url: String,
    publish: Publish,
    #[serde(default)]
    recv_bytes: u64,
}

#[derive(Deserialize)]
struct Publish {
    active: bool,
    #[serde(default)]
    cid: String,
}

#[derive(Deserialize)]
struct Client {
    id: String,
    #[serde(default)]
    ip: String,
    #[serde(default)]
    url: String,
    name: Option<String>,
    #[serde(default, rename = "tcUrl")]
    tc_url: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    publish: bool,
    /// Seconds.
    #[serde(default)]
    alive: f64,
    #[serde(default)]
    recv_bytes: u64,
}

#[derive(Deserialize)]
struct Done {
    code: i64,
}

impl Srs {
    pub(crate) fn new(http: Http, host: String) -> Self {
        Self { http, host }
    }

    /// Reads a list, and notes which runs of SRS answered.
    async fn read<T: DeserializeOwned + Send>(
        &self,
        what: &str,
        id: fn(&T) -> &str,
        runs: &mut HashSet<String>,
    ) -> Result<Read<T>, MediaServerError> {
        let mut pages = ByOffset::new(id);
        while let Some(start) = pages.start() {
            pages.add(self.page(what, start, runs)).await?;
        }
        Ok(pages.into_read())
    }

    async fn page<T: DeserializeOwned>(
        &self,
        what: &str,
        start: usize,
        runs: &mut HashSet<String>,
    ) -> Result<Page<T>, MediaServerError> {
        let (start, count) = (start.to_string(), PAGE.to_string());
        let query = [("start", start.as_str()), ("count", count.as_str())];
        // With the slash at its end: without it SRS redirects.
        let answer = self.http.get(self.http.url(&["api", "v1", what, ""], &query)).await?.ok()?;
        let list: List<T> = answer.json()?;
        runs.extend(list.service);
        Ok(Page { entries: list.entries.unwrap_or_default(), bytes: answer.body.len() })
    }

    fn is_ours(&self, url: &str) -> bool {
        match url.split('/').next() {
            Some("") => self.host == DEFAULT_HOST,
            host => host == Some(self.host.as_str()),
        }
    }
}

#[async_trait]
impl MediaServer for Srs {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let mut runs = HashSet::new();
        let clients = self.read("clients", |client: &Client| &client.id, &mut runs).await;
        let streams = self.read("streams", |stream: &Stream| &stream.url, &mut runs).await?;
        // Without the clients, an edge would show nobody.
        let (clients, clients_are_whole) = match clients {
            Ok(read) => (read.entries, read.is_whole),
            Err(MediaServerError::Forbidden) => return Err(MediaServerError::Forbidden),
            Err(_) => (Vec::new(), false),
        };
        let ours = clients.into_iter().filter(|client| client.publish && self.is_ours(&client.url));
        let mut clients: HashMap<String, Client> = ours.map(|client| (client.id.clone(), client)).collect();
        let active = streams.entries.into_iter().filter(|one| one.publish.active && self.is_ours(&one.url));
        let active = active.filter(|stream| !stream.publish.cid.is_empty());
        let mut publishers: Vec<ListedPublisher> =
            active.map(|stream| of_stream(clients.remove(&stream.publish.cid), stream)).collect();
        publishers.extend(clients.into_values().map(of_client));
        let is_whole = streams.is_whole && clients_are_whole && runs.len() <= 1;
        let process = runs.into_iter().next().filter(|_| is_whole).map(Process::Whole);
        Ok(Listing { publishers, is_whole, process })
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        let client = self.http.url(&["api", "v1", "clients", &publisher.session], &[]);
        let done: Done = self.http.order(Method::DELETE, client).await?.ok()?.json()?;
        match done.code {
            0 => Ok(Kick::Gone),
            code if NO_SUCH_CLIENT.contains(&code) => Ok(Kick::Gone),
            code => Err(MediaServerError::Unexpected(format!("its code is {code}"))),
        }
    }

    /// Only versions with `raw_api`, and only where that may be queried, show their configuration.
    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        let query = [("rpc", "query"), ("scope", "vhost"), ("vhost", self.host.as_str())];
        let answer = self.http.get(self.http.url(&["api", "v1", "raw"], &query)).await?;
        let Ok(Raw { code: 0, vhost: Some(host) }) = answer.json::<Raw>() else {
            return Ok(HookSettings::Unreadable);
        };
        let hooks = host.http_hooks.filter(|hooks| hooks.enabled);
        let Some(hooks) = hooks.filter(|hooks| !hooks.on_publish.is_empty()) else {
            return Ok(HookSettings::Off("http_hooks with on_publish"));
        };
        let named = |setting| move |url| HookUrl { setting, url };
        let mut set: Vec<HookUrl> = hooks.on_publish.into_iter().map(named("on_publish")).collect();
        set.extend(hooks.on_unpublish.into_iter().map(named("on_unpublish")));
        Ok(HookSettings::Set(set))
    }
}

/// What `/api/v1/raw?rpc=query` says of a virtual host.
#[derive(Deserialize)]
struct Raw {
    code: i64,
    vhost: Option<Host>,
}

#[derive(Deserialize)]
struct Host {
    http_hooks: Option<HttpHooks>,
}

#[derive(Deserialize)]
struct HttpHooks {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    on_publish: Vec<String>,
    #[serde(default)]
    on_unpublish: Vec<String>,
}

fn of_stream(client: Option<Client>, stream: Stream) -> ListedPublisher {
    let bytes = client.as_ref().map_or(0, |client| client.recv_bytes);
    ListedPublisher {
        session: Some(stream.publish.cid),
        application: stream.app,
        name: PublishName::new(stream.name),
        key: None,
        protocol: client.as_ref().map_or("rtmp", protocol).to_owned(),
        address: client.and_then(|client| http::address(&client.ip)),
        connection_number: None,
        bytes: [bytes, stream.recv_bytes].into_iter().find(|bytes| *bytes > 0),
        may_wait: false,
    }
}

fn of_client(client: Client) -> ListedPublisher {
    let (path, last) = client.url.rsplit_once('/').unwrap_or(("", &client.url));
    let (_, application) = path.split_once('/').unwrap_or(("", path));
    ListedPublisher {
        application: application.to_owned(),
        name: PublishName::new(client.name.as_deref().unwrap_or(last)),
        key: None,
        protocol: protocol(&client).to_owned(),
        address: http::address(&client.ip),
        connection_number: None,
        // SRS adds up every few seconds, and for some protocols never.
        bytes: Some(client.recv_bytes).filter(|bytes| *bytes > 0),
        may_wait: client.alive < HOOK_LIMIT,
        session: Some(client.id),
    }
}

fn protocol(client: &Client) -> &'static str {
    let is = |word: &str| client.kind.starts_with(word) || client.tc_url.starts_with(&format!("{word}:"));
    match () {
        () if is("srt") => "srt",
        () if is("rtc") || is("webrtc") => "webrtc",
        () => "rtmp",
    }
}
