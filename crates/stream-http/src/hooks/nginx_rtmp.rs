//! nginx-rtmp: forms, in which whatever a publisher put behind its `?` stands raw at the end.

use stream_domain::Family;
use stream_domain::admission::{Refusal, Trigger};
use stream_domain::broadcasts::PublisherReport;
use stream_domain::session::PublishName;

use super::fields::{self, Fields};
use super::{Answer, Outcome, Told};

/// The fields that nginx itself sends; a publisher who sends one of them again wants to be taken for somebody else.
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

pub(super) fn parse(body: &[u8]) -> Result<Told, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::MalformedRequest)?;
    let fields = Fields::parse(text);
    let call = fields.required("call")?;
    for name in RESERVED {
        // nginx itself says the application a second time when a connection ends.
        if !(call == "disconnect" && name == "app" && fields.are_same(name, 2)) {
            fields.once(name)?;
        }
    }
    let trigger = match call {
        "publish" => Trigger::PublishRequest,
        "update_publish" => Trigger::Heartbeat,
        "publish_done" | "done" | "disconnect" => {
            // A disconnect of one that never published names nobody.
            let name = fields.one("name")?.map(str::to_owned);
            return Ok(fields
                .one("clientid")?
                .map_or(Told::Unconcerned, |id| Told::Left(id.to_owned(), name)));
        }
        _ => return Ok(Told::Unconcerned),
    };
    let connection = fields.required("clientid")?;
    // nginx says what stands behind the `?` of the application in this address alone.
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
    Ok(fields::told(report, key))
}

/// Any 2xx is a yes; a bare name in `Location` renames, which no other server may be sent.
pub(super) fn render(outcome: &Outcome) -> Answer {
    let answer = Answer::of(outcome);
    match outcome {
        Outcome::Accepted(Some(name)) => Answer { status: 302, location: Some(name.to_string()), ..answer },
        _ => answer,
    }
}
