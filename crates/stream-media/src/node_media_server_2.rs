//! node-media-server 2: its list has applications, then names, then clients; a publisher is ended by its name.

use std::collections::HashMap;

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError};

use crate::http::{self, Http};

pub(crate) struct NodeMediaServer2 {
    http: Http,
}

impl NodeMediaServer2 {
    pub(crate) fn new(http: Http) -> Self {
        Self { http }
    }
}

type Applications = HashMap<String, HashMap<String, Stream>>;

#[derive(Deserialize)]
struct Stream {
    /// A name that has only players has none.
    publisher: Option<Client>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    app: String,
    stream: String,
    client_id: String,
    #[serde(default)]
    ip: String,
    bytes: Option<u64>,
}

#[async_trait]
impl MediaServer for NodeMediaServer2 {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let answer = self.http.get(self.http.url(&["api", "streams"], &[])).await?.ok()?;
        let applications: Applications = answer.json()?;
        let streams = applications.into_values().flat_map(HashMap::into_values);
        let publishers = streams.filter_map(|stream| stream.publisher).map(listed).collect();
        Ok(Listing { publishers, is_whole: true, process: None })
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        // The name may be another's by now.
        let listed = self.publishers().await?.publishers;
        let is_there = |one: &ListedPublisher| one.session.as_deref() == Some(publisher.session.as_str());
        let Some(there) = listed.into_iter().find(is_there) else {
            return Ok(Kick::Gone);
        };
        let stream = self.http.url(&["api", "streams", &there.application, there.name.expose()], &[]);
        self.http.order(Method::DELETE, stream).await?.done_or_gone()
    }
}

fn listed(client: Client) -> ListedPublisher {
    ListedPublisher {
        session: Some(client.client_id),
        application: client.app,
        name: PublishName::new(client.stream),
        key: None,
        protocol: "rtmp".to_owned(),
        address: http::address(&client.ip),
        connection_number: None,
        bytes: client.bytes,
        may_wait: false,
    }
}
