//! `MediaMTX`: `/v3/paths/list` names each path's source, and each kind of source has a route to kick it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{
    HookSettings, HookUrl, Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError,
};

use crate::http::{self, Http};
use crate::pages::{Budget, PAGE, Page};

/// How many addresses are asked for after one list; each is a request of its own.
const ADDRESSES_AT_ONCE: usize = 16;

/// How many addresses are remembered.
const MANY_ADDRESSES: usize = 10_000;

/// The kinds of sources that publish, what their protocol is called in hooks, and where they are kicked.
const KINDS: [(&str, &str, &str); 7] = [
    ("rtmpConn", "rtmp", "rtmpconns"),
    ("rtmpsConn", "rtmps", "rtmpsconns"),
    ("rtspSession", "rtsp", "rtspsessions"),
    ("rtspsSession", "rtsps", "rtspssessions"),
    ("srtConn", "srt", "srtconns"),
    ("webRTCSession", "webrtc", "webrtcsessions"),
    ("moqSession", "moq", "moqsessions"),
];

pub(crate) struct MediaMtx {
    http: Http,
    /// Where publishers come from, which the list of paths does not say; `None` where their own route does not either.
    addresses: Mutex<HashMap<String, Option<IpAddr>>>,
}

impl MediaMtx {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, addresses: Mutex::default() }
    }
}

impl MediaMtx {
    async fn page(&self, number: u64) -> Result<Page<Paths>, MediaServerError> {
        let (size, number) = (PAGE.to_string(), number.to_string());
        let query = [("itemsPerPage", size.as_str()), ("page", number.as_str())];
        let answer = self.http.get(self.http.url(&["v3", "paths", "list"], &query)).await?.ok()?;
        Ok(Page { entries: vec![answer.json()?], bytes: answer.body.len() })
    }

    /// Adds where publishers come from, a few more with each list.
    async fn add_addresses(&self, publishers: &mut [ListedPublisher]) {
        let unknown = |listed: &&mut ListedPublisher| {
            let known = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            listed.session.as_ref().is_some_and(|session| !known.contains_key(session))
        };
        let asked = publishers.iter_mut().filter(unknown).take(ADDRESSES_AT_ONCE);
        let asked = asked.map(|listed| async {
            let session = listed.session.clone().unwrap_or_default();
            let address = self.address_of(&session, &listed.protocol).await;
            (session, address)
        });
        let answers = join_all(asked).await;
        let mut known = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MANY_ADDRESSES {
            known.clear();
        }
        known.extend(answers.into_iter().filter_map(|(session, address)| Some((session, address.ok()?))));
        for listed in publishers {
            listed.address =
                listed.session.as_ref().and_then(|session| known.get(session).copied().flatten());
        }
    }

    async fn address_of(&self, session: &str, protocol: &str) -> Result<Option<IpAddr>, MediaServerError> {
        let Some((_, _, route)) = KINDS.iter().find(|(_, word, _)| *word == protocol) else {
            return Ok(None);
        };
        let answer = self.http.get(self.http.url(&["v3", route, "get", session], &[])).await?;
        let connection: Option<Connection> = answer.ok().and_then(|answer| answer.json()).ok();
        Ok(connection.and_then(|connection| http::address(&connection.remote_addr)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    remote_addr: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paths {
    item_count: u64,
    page_count: u64,
    items: Option<Vec<Path>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    name: String,
    source: Option<Source>,
    #[serde(alias = "inboundBytes")]
    bytes_received: Option<u64>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
}

#[async_trait]
impl MediaServer for MediaMtx {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let (mut budget, mut paths) = (Budget::new(), HashMap::new());
        let (mut is_whole, mut total) = (true, None);
        for number in 0_u64.. {
            let Some(mut page) = budget.read(self.page(number)).await? else {
                is_whole = false;
                break;
            };
            let Some(page) = page.pop() else { break };
            // Paths that come or go while pages are read move the others.
            is_whole &= *total.get_or_insert(page.item_count) == page.item_count;
            let (items, known) = (page.items.unwrap_or_default(), paths.len());
            let is_last = items.is_empty() || number + 1 >= page.page_count;
            paths.extend(items.into_iter().map(|path| (path.name.clone(), path)));
            if is_last || paths.len() == known {
                break;
            }
        }
        is_whole &= total.is_none_or(|total| paths.len() as u64 >= total);
        let mut publishers: Vec<ListedPublisher> = paths.into_values().filter_map(listed).collect();
        self.add_addresses(&mut publishers).await;
        Ok(Listing { publishers, is_whole, process: None })
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        let kind = KINDS.iter().filter(|(_, protocol, _)| *protocol == publisher.protocol);
        // Encrypted connections are kicked by a route of their own, and hooks call some of them like the plain ones.
        let encrypted =
            KINDS.iter().filter(|(_, protocol, _)| *protocol == format!("{}s", publisher.protocol));
        for (_, _, route) in kind.chain(encrypted) {
            let kick = self.http.url(&["v3", route, "kick", &publisher.session], &[]);
            let answer = self.http.order(Method::POST, kick).await?;
            if answer.status != StatusCode::NOT_FOUND {
                return answer.done_or_gone();
            }
        }
        Ok(Kick::Gone)
    }

    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        let answer = self.http.get(self.http.url(&["v3", "config", "global", "get"], &[])).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(HookSettings::Unreadable);
        }
        let global: Global = answer.ok()?.json()?;
        // Versions before 1.9 have no method; there, an address is enough.
        let is_http = global.auth_method.is_none_or(|method| method == "http");
        Ok(match global.auth_http_address.filter(|url| is_http && !url.is_empty()) {
            Some(url) => HookSettings::Set(vec![HookUrl { setting: "authHTTPAddress", url }]),
            None => HookSettings::Off("authMethod: http with authHTTPAddress"),
        })
    }
}

/// What `/v3/config/global/get` says of hooks.
#[derive(Deserialize)]
struct Global {
    #[serde(rename = "authMethod")]
    auth_method: Option<String>,
    #[serde(rename = "authHTTPAddress")]
    auth_http_address: Option<String>,
}

/// A path is the application and the name, joined; only the name has no slash for sure.
fn listed(path: Path) -> Option<ListedPublisher> {
    let source = path.source?;
    let (_, protocol, _) = KINDS.iter().find(|(kind, _, _)| *kind == source.kind)?;
    let (application, name) = path.name.rsplit_once('/').unwrap_or(("", &path.name));
    Some(ListedPublisher {
        session: Some(source.id),
        application: application.to_owned(),
        name: PublishName::new(name),
        key: None,
        protocol: (*protocol).to_owned(),
        address: None,
        connection_number: None,
        bytes: path.bytes_received,
        may_wait: false,
    })
}
