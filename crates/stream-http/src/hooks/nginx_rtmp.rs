//! nginx-rtmp: forms that end with the publisher's own query, unescaped.

use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;

use super::answer::Answer;
use super::dialect::Dialect;
use super::fields::{self, Fields};
use super::outcome::Outcome;
use stream_domain::broadcasts::HookEvent;

/// The fields that nginx itself sends; a publisher that sends one of them again pretends to be another one.
const RESERVED: [&str; 19] = [
    "app",
    "flashver",
    "swfurl",
    "tcurl",
    "pageurl",
    "addr",
    "clientid",
    "epoch",
    "call",
    "name",
    "type",
    "time",
    "timestamp",
    "start",
    "duration",
    "reset",
    "recorder",
    "path",
    "psk",
];

/// nginx with the RTMP module.
#[derive(Debug)]
pub(super) struct NginxRtmp;

impl Dialect for NginxRtmp {
    fn parse(&self, body: &[u8], _host: Option<&str>) -> Result<HookEvent, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::MalformedRequest)?;
        let fields = Fields::parse(text);
        let call = fields.required("call")?;
        for name in RESERVED {
            // nginx itself sends the application a second time when a connection ends.
            if !(call == "disconnect" && name == "app" && fields.are_same(name, 2)) {
                fields.once(name)?;
            }
        }
        let trigger = match call {
            "publish" => Trigger::PublishRequest,
            "update_publish" => Trigger::Heartbeat,
            "publish_done" | "done" | "disconnect" => {
                // A disconnect of a client that never published has no name.
                let name = fields.one("name")?.map(str::to_owned);
                return Ok(match fields.one("clientid")? {
                    Some(session) => HookEvent::Left { session: session.to_owned(), name },
                    None => HookEvent::Ignored,
                });
            }
            _ => return Ok(HookEvent::Ignored),
        };
        let connection = fields.required("clientid")?;
        // nginx sends the query of the application in this URL alone.
        let behind_application = fields::query_of(fields.one("tcurl")?.unwrap_or_default());
        let key = fields::key_of([&fields, &behind_application]);
        let report = PublisherReport {
            trigger,
            session: connection.to_owned(),
            boot_id: None,
            connection_number: Some(connection.parse().map_err(|_| Refusal::MalformedRequest)?),
            application: fields.required("app")?.to_owned(),
            name: PublishName::new(fields.required("name")?),
            key: None,
            protocol: "rtmp".to_owned(),
            address: fields.one("addr")?.and_then(fields::address),
            family: Family::NginxRtmp,
        };
        Ok(fields::publisher(report, key))
    }

    /// Any 2xx is a yes; a bare name in `Location` renames the stream, on nginx alone.
    fn render(&self, _body: &[u8], outcome: &Outcome) -> Answer {
        let answer = Answer::of(outcome);
        match outcome {
            Outcome::Accepted(Some(name)) => {
                Answer { status: 302, location: Some(name.to_string()), ..answer }
            }
            _ => answer,
        }
    }
}
