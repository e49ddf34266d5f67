//! `ZLMediaKit`: its list has every output of a stream, with the socket of its publisher.

use std::collections::HashMap;

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{
    HookSettings, HookUrl, Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError,
};

use crate::http::{self, Http};

/// What it says of a session that is not there, by its version.
const NO_SUCH_SESSION: [i64; 2] = [-500, -1];

/// What it says of a wrong secret.
const WRONG_SECRET: i64 = -100;

pub(crate) struct ZlMediaKit {
    http: Http,
    host: String,
}

impl ZlMediaKit {
    pub(crate) fn new(http: Http, host: String) -> Self {
        Self { http, host }
    }
}

#[derive(Deserialize)]
struct Media {
    code: i64,
    /// Absent when there is nothing.
    #[serde(default)]
    data: Vec<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    vhost: String,
    app: String,
    stream: String,
    #[serde(default)]
    origin_type_str: String,
    origin_sock: Option<Socket>,
    total_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Socket {
    identifier: String,
    #[serde(default)]
    peer_ip: String,
}

#[derive(Deserialize)]
struct Done {
    code: i64,
}

#[async_trait]
impl MediaServer for ZlMediaKit {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let query = [("secret", self.http.secret())];
        let answer = self.http.get(self.http.url(&["index", "api", "getMediaList"], &query)).await?.ok()?;
        let media: Media = answer.json()?;
        succeeded(media.code)?;
        let ours = media.data.into_iter().filter(|output| output.vhost == self.host);
        let mut listed: Vec<ListedPublisher> = ours.filter_map(listed).collect();
        // Each publisher is listed once an output, and each output counts for itself.
        listed.sort_by(|a, b| (&a.session, b.bytes).cmp(&(&b.session, a.bytes)));
        listed.dedup_by(|a, b| a.session == b.session);
        Ok(Listing { publishers: listed, is_whole: true, process: None })
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        let query = [("secret", self.http.secret()), ("id", publisher.session.as_str())];
        let kick = self.http.url(&["index", "api", "kick_session"], &query);
        let done: Done = self.http.order(Method::GET, kick).await?.ok()?.json()?;
        if !NO_SUCH_SESSION.contains(&done.code) {
            succeeded(done.code)?;
        }
        Ok(Kick::Gone)
    }

    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        let query = [("secret", self.http.secret())];
        let answer =
            self.http.get(self.http.url(&["index", "api", "getServerConfig"], &query)).await?.ok()?;
        let config: Config = answer.json()?;
        succeeded(config.code)?;
        let mut settings = config.data.into_iter().next().unwrap_or_default();
        let mut text = |name: &str| settings.remove(name).filter(|text| !text.is_empty());
        if text("hook.enable").as_deref() != Some("1") {
            return Ok(HookSettings::Off("hook.enable"));
        }
        let Some(on_publish) = text("hook.on_publish") else {
            return Ok(HookSettings::Off("hook.on_publish"));
        };
        let mut set = vec![HookUrl { setting: "hook.on_publish", url: on_publish }];
        for setting in ["hook.on_stream_changed", "hook.on_flow_report", "hook.on_server_keepalive"] {
            set.extend(text(setting).map(|url| HookUrl { setting, url }));
        }
        Ok(HookSettings::Set(set))
    }
}

/// What `getServerConfig` says: every setting by its section and name.
#[derive(Deserialize)]
struct Config {
    code: i64,
    #[serde(default)]
    data: Vec<HashMap<String, String>>,
}

fn succeeded(code: i64) -> Result<(), MediaServerError> {
    match code {
        0 => Ok(()),
        WRONG_SECRET => Err(MediaServerError::Forbidden),
        code => Err(MediaServerError::Unexpected(format!("its code is {code}"))),
    }
}

fn listed(output: Output) -> Option<ListedPublisher> {
    let protocol = output.origin_type_str.strip_suffix("_push")?.to_owned();
    let socket = output.origin_sock?;
    Some(ListedPublisher {
        session: Some(socket.identifier),
        application: output.app,
        name: PublishName::new(output.stream),
        key: None,
        protocol,
        address: http::address(&socket.peer_ip),
        connection_number: None,
        bytes: output.total_bytes,
        may_wait: false,
    })
}
