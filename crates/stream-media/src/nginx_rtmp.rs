//! nginx-rtmp: the list is `/stat`, the orders are below `/control`.

use async_trait::async_trait;
use reqwest::Method;
use roxmltree::{Document, Node};
use stream_domain::Publisher;
use stream_domain::ports::{Listed, MediaServer, MediaServerError};
use stream_domain::session::PublishName;

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
    async fn publishers(&self) -> Result<Vec<Listed>, MediaServerError> {
        let answer = self.http.get(self.http.url(&["stat"], &[])).await?.ok()?;
        read(&answer.body)
    }

    async fn cut(&self, publisher: &Publisher) -> Result<(), MediaServerError> {
        // Without a client's number it would drop every publisher of the application.
        if publisher.session.is_empty() {
            return Ok(());
        }
        let query = [("app", publisher.application.as_str()), ("clientid", publisher.session.as_str())];
        let drop_publisher = self.http.url(&["control", "drop", "publisher"], &query);
        // The body says how many were dropped; none means that nobody was there.
        self.http.order(Method::GET, drop_publisher).await?.ok().map(drop)
    }
}

/// Reads `/stat`: clients that have an empty `publishing`, below streams, below applications.
fn read(xml: &[u8]) -> Result<Vec<Listed>, MediaServerError> {
    let unexpected = |what: &str| MediaServerError::Unexpected(what.to_owned());
    let text = std::str::from_utf8(xml).map_err(|_| unexpected("its XML is not UTF-8"))?;
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = Document::parse_with_options(text, options);
    let document = document.map_err(|_| unexpected("/stat is no XML"))?;
    if !document.root_element().has_tag_name("rtmp") {
        return Err(unexpected("/stat is not that of nginx-rtmp"));
    }
    let clients = document.descendants().filter(|node| node.has_tag_name("client"));
    let publishing = clients.filter(|client| child(*client, "publishing").is_some());
    Ok(publishing.filter_map(listed).collect())
}

fn listed(client: Node<'_, '_>) -> Option<Listed> {
    let stream = client.parent().filter(|node| node.has_tag_name("stream"))?;
    let application = stream.ancestors().find(|node| node.has_tag_name("application"))?;
    let id = text(client, "id")?;
    Some(Listed {
        session: Some(id.to_owned()),
        application: text(application, "name")?.to_owned(),
        name: PublishName::new(text(stream, "name")?),
        key: None,
        protocol: "rtmp".to_owned(),
        address: text(client, "address").and_then(http::address),
        ordinal: id.parse().ok(),
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
