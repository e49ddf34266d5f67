//! The two fields of an encoder, and other ways to publish.

use stream_domain::ports::Clock as _;
use stream_domain::testing::{ManualClock, new_stream};
use stream_domain::{StreamId, StreamKey, UserId};

use super::*;

const KEY: &str = "GnxvNSQqZ9GtBW4RmaxWKVtI-FquAx5HT_jxCs-9MMA";

fn stream() -> Stream {
    let key = StreamKey::parse(KEY).unwrap();
    let new = new_stream(UserId::new(1).unwrap(), key, ManualClock::default().now());
    Stream::started(StreamId(1), &new)
}

fn json(form: AddressForm, audience: Audience) -> String {
    let templates = [
        ("srt", "srt://h:8890?streamid=publish:live/{playback_id}:key={stream_key}"),
        ("whip", "https://h/live/{playback_id}/whip?key={stream_key}"),
    ];
    let templates = templates.map(|(protocol, url)| (protocol.to_owned(), url.to_owned()));
    let addresses =
        Addresses::new("rtmp://h/live/", "http://h/live", form).with_alternatives(templates.into());
    let stream = stream();
    let json = serde_json::to_string(&addresses.ingest(&stream, audience)).unwrap();
    json.replace(KEY, "KEY").replace(stream.playback_id.as_str(), "ID")
}

#[test]
fn the_owner_gets_the_two_fields_of_an_encoder_and_every_other_way_to_publish() {
    let others = r#"[{"protocol":"srt","url":"srt://h:8890?streamid=publish:live/ID:key=KEY"},{"protocol":"whip","url":"https://h/live/ID/whip?key=KEY"}]"#;
    for (form, pasted) in
        [(AddressForm::Key, "KEY"), (AddressForm::Playback, "ID?key=KEY"), (AddressForm::Rename, "KEY")]
    {
        let wanted =
            format!(r#"{{"server":"rtmp://h/live","stream_key":"{pasted}","alternatives":{others}}}"#);
        assert_eq!(json(form, Audience::Owner), wanted, "{form:?}");
    }
}

#[test]
fn everybody_gets_no_more_than_the_public_address() {
    for (form, shown) in
        [(AddressForm::Key, "KEY"), (AddressForm::Playback, "ID"), (AddressForm::Rename, "ID")]
    {
        let wanted = format!(r#"{{"server":"rtmp://h/live","stream_key":"{shown}"}}"#);
        assert_eq!(json(form, Audience::Public), wanted, "{form:?}");
    }
}
