//! nginx-rtmp: the list is `/stat`, the orders are below `/control`.
//!
//! Both are answered by one worker, for itself.
//! After a reload that is the new one, while the publishers of before stay with the old one, which nobody can ask.

use async_trait::async_trait;
use reqwest::Method;
use roxmltree::{Document, Node};
use stream_domain::Publisher;
use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{
    Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError, Process,
};
use time::Duration;

use crate::http::{self, Http};

pub(crate) struct NginxRtmp {
    http: Http,
}

impl NginxRtmp {
    pub(crate) fn new(http: Http) -> Self {
        Self { http }
    }
}

#[async_trait]
impl MediaServer for NginxRtmp {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let answer = self.http.get(self.http.url(&["stat"], &[])).await?.ok()?;
        let number = answer.headers.get(CONNECTION_NUMBER).and_then(|value| value.to_str().ok());
        read(&answer.body, number.and_then(|text| text.parse().ok()))
    }

    async fn kick(&self, publisher: &Publisher, _: KickPatience) -> Result<Kick, MediaServerError> {
        // Without a client's number it would drop every publisher of the application.
        if publisher.session.is_empty() {
            return Ok(Kick::Gone);
        }
        let query = [("app", publisher.application.as_str()), ("clientid", publisher.session.as_str())];
        let drop_publisher = self.http.url(&["control", "drop", "publisher"], &query);
        let answer = self.http.order(Method::GET, drop_publisher).await?.ok()?;
        // The body says how many were dropped.
        let dropped = std::str::from_utf8(&answer.body).ok().and_then(|text| text.trim().parse().ok());
        match dropped {
            None => Err(MediaServerError::Unexpected("/control does not say how many it dropped".to_owned())),
            Some(0_u32) => Ok(Kick::NotFound),
            Some(_) => Ok(Kick::Gone),
        }
    }
}

/// The header with nginx's `$connection`, the number of a connection since nginx was started, over all workers.
const CONNECTION_NUMBER: &str = "x-connection-number";

/// Reads `/stat`: clients that have an empty `publishing`, below streams, below applications.
fn read(xml: &[u8], connection: Option<u64>) -> Result<Listing, MediaServerError> {
    let unexpected = |what: &str| MediaServerError::Unexpected(what.to_owned());
    let xml = std::str::from_utf8(xml).map_err(|_| unexpected("its XML is not UTF-8"))?;
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = Document::parse_with_options(xml, options);
    let document = document.map_err(|_| unexpected("/stat is no XML"))?;
    if !document.root_element().has_tag_name("rtmp") {
        return Err(unexpected("/stat is not that of nginx-rtmp"));
    }
    let clients = document.descendants().filter(|node| node.has_tag_name("client"));
    let publishing = clients.filter(|client| child(*client, "publishing").is_some());
    let publishers = publishing.filter_map(listed).collect();
    let seconds = text(document.root_element(), "uptime").and_then(|text| text.parse().ok());
    let process = text(document.root_element(), "pid").map(|pid| Process::Worker {
        id: pid.to_owned(),
        age: Duration::seconds(seconds.unwrap_or(0)),
        connection,
    });
    // Without a number nobody knows which worker it was.
    Ok(Listing { publishers, is_whole: process.is_some(), process })
}

fn listed(client: Node<'_, '_>) -> Option<ListedPublisher> {
    let stream = client.parent().filter(|node| node.has_tag_name("stream"))?;
    let application = stream.ancestors().find(|node| node.has_tag_name("application"))?;
    let id = text(client, "id")?;
    Some(ListedPublisher {
        session: Some(id.to_owned()),
        application: text(application, "name")?.to_owned(),
        name: PublishName::new(text(stream, "name")?),
        key: None,
        protocol: "rtmp".to_owned(),
        address: text(client, "address").and_then(http::address),
        connection_number: id.parse().ok(),
        bytes: text(stream, "bytes_in").and_then(|text| text.parse().ok()),
        may_wait: false,
    })
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name).and_then(|child| child.text()).map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
