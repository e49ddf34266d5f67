//! The recorded requests of media servers over real sockets, and the exact bytes of the responses.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::{Family, ServerName};

use super::World;
use crate::{HookSecrets, HookServer, HookServers};

/// A response as it arrived: the status line, the headers in lower case, the body.
struct Raw {
    status_line: String,
    headers: Vec<String>,
    body: String,
}

impl Raw {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a blank line behind the head");
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap().to_owned();
        let headers = lines.map(str::to_ascii_lowercase).collect();
        Self { status_line, headers, body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = found.next();
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    /// The yes of SRS, which reads responses most strictly, and of all but one of the others.
    fn is_the_yes_of_nearly_all(&self, version: &str) {
        assert_eq!(self.status_line, format!("{version} 200 OK"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("content-length"), Some("10"));
        assert_eq!(self.header("transfer-encoding"), None);
        assert_eq!(self.header("location"), None);
        assert_eq!(self.body, r#"{"code":0}"#);
    }
}

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends a request and reads until the server closes, as nginx does, which reads a response only then.
fn to_the_end(world: &World, request: &str) -> Raw {
    let mut stream = connect(world);
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    Raw::parse(&text)
}

/// Sends a request on a connection that stays open, and reads no byte more than the length of the response.
fn on(stream: &mut TcpStream, request: &str) -> Raw {
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let mut raw = Raw::parse(std::str::from_utf8(&head).unwrap());
    let mut body = vec![0; raw.header("content-length").unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    raw.body = String::from_utf8(body).unwrap();
    raw
}

/// A world that knows one media server of this family, whose secret is that of the recordings.
fn world_of(family: Family, form: AddressForm) -> World {
    let secrets = HookSecrets::new(vec!["s3cr3t".to_owned()]);
    let server = HookServer { family, secrets, host: None };
    World::on_air(form, HookServers::from([(ServerName::parse("edge").unwrap(), server)]))
}

/// nginx's recorded request, with this name in it: HTTP/1.0, a host without a port, and no user agent.
fn nginx(name: &str) -> String {
    let body = format!(
        "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:21935/live&pageurl=&addr=127.0.0.1&clientid=1&call=publish&name={name}&type=live&token=abc&user=bob"
    );
    format!(
        "POST /hooks/nginx-rtmp/edge?secret=s3cr3t HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: Close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// SRS's recorded request, with this event and name in it.
fn srs(action: &str, name: &str) -> String {
    let body = format!(
        r#"{{"server_id":"vid-17n2703","service_id":"43693023","action":"{action}","client_id":"p3jz9dxq","ip":"127.0.0.1","vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1:51935/live","stream":"{name}","param":"?token=abc&x=a%20b","stream_url":"/live/{name}","stream_id":"vid-sx188yi"}}"#
    );
    format!(
        "POST /hooks/srs/edge?secret=s3cr3t HTTP/1.1\r\nConnection: Keep-Alive\r\nContent-Length: {}\r\nContent-Type: application/json\r\nHost: 127.0.0.1:29100\r\nUser-Agent: SRS/6.0.157(Hang)\r\n\r\n{body}",
        body.len()
    )
}

/// node-media-server 4's recorded request, with this event and name in it.
fn nms(action: &str, name: &str) -> String {
    let body = format!(
        r#"{{"id":"mwrgonfm8u5qaauj","ip":"127.0.0.1:35194","app":"live","name":"{name}","query":{{"tok":"5","name":"evil"}},"protocol":"rtmp","createtime":1795329255587,"endtime":0,"inbytes":3447,"outbytes":0,"filePath":"","action":"{action}"}}"#
    );
    format!(
        "POST /hooks/node-media-server/edge?secret=s3cr3t HTTP/1.1\r\nhost: 127.0.0.1:29100\r\nconnection: keep-alive\r\ncontent-type: text/plain;charset=UTF-8\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn nginx_is_answered_in_its_own_version_and_disconnected() {
    let world = world_of(Family::NginxRtmp, AddressForm::Key);
    let key = world.key_of(1);
    to_the_end(&world, &nginx(&key)).is_the_yes_of_nearly_all("HTTP/1.0");
    assert_eq!(world.get(&format!("/api/streams/{key}")).json()["live"], true);
}

#[test]
fn nginx_reads_a_refusal_from_the_first_digit_of_the_status() {
    let world = world_of(Family::NginxRtmp, AddressForm::Key);
    let no = to_the_end(&world, &nginx("key1"));
    assert_eq!(no.status_line, "HTTP/1.0 403 Forbidden");
    assert_eq!(no.status_line.as_bytes()[9], b'4', "nginx looks at the tenth byte");
    let body = r#"{"code":"publish_refused","error":"No stream has this key.","reason":"unknown_key"}"#;
    assert_eq!(no.body, body);
    assert_eq!(no.header("content-length"), Some(body.len().to_string().as_str()));
}

#[test]
fn nginx_is_redirected_to_a_bare_name() {
    let world = world_of(Family::NginxRtmp, AddressForm::Rename);
    let key = world.key_of(1);
    let stream = world.get_as("user-1", "/api/streams").json()["streams"][0].clone();
    let renamed = to_the_end(&world, &nginx(&key));
    assert_eq!(renamed.status_line, "HTTP/1.0 302 Found");
    assert_eq!(renamed.header("location"), stream["playback_id"].as_str());
    assert_eq!(renamed.body, r#"{"code":0}"#);
}

#[test]
fn a_request_that_nginx_sends_in_pieces_is_put_together() {
    let world = world_of(Family::NginxRtmp, AddressForm::Key);
    let request = nginx(&world.key_of(1));
    let mut stream = connect(&world);
    stream.set_nodelay(true).unwrap();
    let head = request.find("\r\n\r\n").unwrap() + 4;
    for piece in [&request[..head], &request[head..head + 1], &request[head + 1..]] {
        stream.write_all(piece.as_bytes()).unwrap();
    }
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    Raw::parse(&text).is_the_yes_of_nearly_all("HTTP/1.0");
}

#[test]
fn srs_keeps_its_connection_and_reads_exactly_the_length() {
    let world = world_of(Family::Srs, AddressForm::Key);
    let key = world.key_of(1);
    let mut stream = connect(&world);
    for action in ["on_connect", "on_publish", "on_hls", "on_unpublish", "on_close"] {
        on(&mut stream, &srs(action, &key)).is_the_yes_of_nearly_all("HTTP/1.1");
        let live = world.get(&format!("/api/streams/{key}")).json()["live"].clone();
        assert_eq!(live, matches!(action, "on_publish" | "on_hls"), "{action}");
    }
    assert_eq!(on(&mut stream, &srs("on_publish", "key1")).status_line, "HTTP/1.1 403 Forbidden");
    // Nothing follows the last response, not even a newline.
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_heartbeat_of_srs_sends_its_secret_in_the_path() {
    let world = world_of(Family::Srs, AddressForm::Key);
    let key = world.key_of(1);
    let mut stream = connect(&world);
    on(&mut stream, &srs("on_publish", &key)).is_the_yes_of_nearly_all("HTTP/1.1");
    let body =
        r#"{"device_id":"edge","ip":"127.0.0.1","server":"vid-17n2703","service":"43693024","pid":"77"}"#;
    let heartbeat = format!(
        "POST /hooks/srs/edge/s3cr3t HTTP/1.1\r\nConnection: Keep-Alive\r\nContent-Length: {}\r\nContent-Type: application/json\r\nHost: 127.0.0.1:29100\r\nUser-Agent: SRS/6.0.157(Hang)\r\n\r\n{body}",
        body.len()
    );
    on(&mut stream, &heartbeat).is_the_yes_of_nearly_all("HTTP/1.1");
    // Its boot id differs from that of the session, which ends by it.
    let sessions = world.get_as("user-1", "/api/streams/1/sessions").json();
    assert_eq!(sessions["sessions"][0]["end_reason"], "server_restarted");
}

#[test]
fn json_that_is_labelled_as_text_is_read() {
    let world = world_of(Family::NodeMediaServer4, AddressForm::Key);
    let key = world.key_of(1);
    let mut stream = connect(&world);
    // They arrive in either order, and any status but 200 would end the publisher.
    for action in ["postPublish", "prePublish", "postPlay", "donePublish"] {
        on(&mut stream, &nms(action, &key)).is_the_yes_of_nearly_all("HTTP/1.1");
    }
    assert_eq!(world.get(&format!("/api/streams/{key}")).json()["live"], false);
    let no = on(&mut stream, &nms("prePublish", "key1"));
    assert_eq!((no.status_line.as_str(), no.header("location")), ("HTTP/1.1 403 Forbidden", None));
}

#[test]
fn players_of_ovenmediaengine_are_admitted() {
    let world = World::on_air(AddressForm::Key, HookServers::new());
    let asked = |status: &str| {
        let body = format!(
            r#"{{"client":{{"address":"192.0.2.7","port":40001}},"request":{{"direction":"outgoing","protocol":"webrtc","status":"{status}","time":"2026-01-02T03:04:05.678Z","url":"ws://ingest.example:3333/live/K123"}}}}"#
        );
        let answer = world.hook("/hooks/ovenmediaengine/ome", "application/json", &body);
        (answer.status, answer.body)
    };
    // Without `"allowed":true` it would deny each of them.
    assert_eq!(asked("opening"), (200, r#"{"allowed":true}"#.to_owned()));
    assert_eq!(asked("closing").0, 200);
}

#[test]
fn ovenmediaengine_signs_the_exact_bytes() {
    let secrets = HookSecrets::new(vec!["1234".to_owned()]);
    let server = HookServer { family: Family::OvenMediaEngine, secrets, host: None };
    let world = World::on_air(AddressForm::Key, [(ServerName::parse("edge").unwrap(), server)].into());
    let body = r#"{"client":{"address":"192.0.2.7","port":40001},"request":{"direction":"incoming","protocol":"rtmp","status":"opening","time":"2026-01-02T03:04:05.678Z","url":"rtmp://ingest.example:1935/live/K123"}}"#;
    let send = |body: &str| {
        let request = format!(
            "POST /hooks/ovenmediaengine/edge HTTP/1.1\r\nHost: 127.0.0.1:8082\r\nContent-Type: application/json\r\nAccept: application/json\r\nX-OME-Signature: zpLmM_MiONNpV5NCCUfx1CQqAsk\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        on(&mut connect(&world), &request)
    };
    let no = send(body);
    let answer = r#"{"allowed":false,"reason":"No stream has this key."}"#;
    assert_eq!((no.status_line.as_str(), no.body.as_str()), ("HTTP/1.1 200 OK", answer));
    assert_eq!(send(&body.replace("K123", "K124")).status_line, "HTTP/1.1 403 Forbidden");
}

#[test]
fn mediamtx_gets_the_status_that_its_client_needs() {
    let world = world_of(Family::MediaMtx, AddressForm::Key);
    let send = |action: &str, protocol: &str, user: &str| {
        let body = format!(
            r#"{{"ip":"127.0.0.1","user":"{user}","password":"","token":"","action":"{action}","path":"live/key1","protocol":"{protocol}","id":"81c749bf-69cf-466b-b15c-bb27b22e6ac9","query":"","userAgent":""}}"#
        );
        let request = format!(
            "POST /hooks/mediamtx/edge?secret=s3cr3t HTTP/1.1\r\nHost: 127.0.0.1:29100\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: {}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n{body}",
            body.len()
        );
        on(&mut connect(&world), &request).status_line
    };
    assert_eq!(send("publish", "rtsp", ""), "HTTP/1.1 401 Unauthorized");
    assert_eq!(send("publish", "rtsp", "bob"), "HTTP/1.1 403 Forbidden");
    assert_eq!(send("publish", "rtmp", ""), "HTTP/1.1 403 Forbidden");
    assert_eq!(send("read", "hls", ""), "HTTP/1.1 200 OK");
    assert_eq!(send("playback", "", ""), "HTTP/1.1 200 OK");
    for action in ["api", "metrics", "pprof"] {
        assert_eq!(send(action, "", ""), "HTTP/1.1 403 Forbidden", "{action}");
    }
}
