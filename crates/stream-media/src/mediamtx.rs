//! `MediaMTX`: `/v3/paths/list` names each path's source, and each kind of source has a route to kick it.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::ports::{Listed, MediaServer, MediaServerError};
use stream_domain::session::PublishName;

use crate::http::Http;

/// How many paths are asked for at once.
const PAGE: &str = "1000";

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
}

impl MediaMtx {
    pub(crate) fn new(http: Http) -> Self {
        Self { http }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paths {
    page_count: u32,
    items: Vec<Path>,
}

#[derive(Deserialize)]
struct Path {
    name: String,
    source: Option<Source>,
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
    async fn publishers(&self) -> Result<Vec<Listed>, MediaServerError> {
        let mut all = Vec::new();
        for page in 0.. {
            let page_text = page.to_string();
            let query = [("itemsPerPage", PAGE), ("page", page_text.as_str())];
            let answer = self.http.get(self.http.url(&["v3", "paths", "list"], &query)).await?.ok()?;
            let paths: Paths = answer.json()?;
            all.extend(paths.items.into_iter().filter_map(listed));
            if page + 1 >= paths.page_count {
                break;
            }
        }
        Ok(all)
    }

    async fn cut(&self, publisher: &Publisher) -> Result<(), MediaServerError> {
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
        Ok(())
    }
}

/// A path is the application and the name, joined; only the name has no slash for sure.
fn listed(path: Path) -> Option<Listed> {
    let source = path.source?;
    let (_, protocol, _) = KINDS.iter().find(|(kind, _, _)| *kind == source.kind)?;
    let (application, name) = path.name.rsplit_once('/').unwrap_or(("", &path.name));
    Some(Listed {
        session: Some(source.id),
        application: application.to_owned(),
        name: PublishName::new(name),
        key: None,
        protocol: (*protocol).to_owned(),
        address: None,
        ordinal: None,
    })
}
