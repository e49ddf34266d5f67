//! Each adapter against a server that gives the answers which real ones were seen to give.

mod bounds;
mod hook_settings;
mod probing;

use std::sync::{Arc, Mutex};

use stream_domain::broadcasts::session::PublishName;
use stream_domain::ports::{
    Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError, Process,
};
use stream_domain::{Family, Publisher, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::{InvalidControl, connect};

/// What a request is answered with: a status and a body.
type Reply = (u16, &'static str);

/// What a request is answered with that nobody lives to see the answer of.
const SLOW: Reply = (0, "");

/// A server that answers each request line by the table, and notes what it was asked.
struct Stub {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    async fn start(table: &'static [(&'static str, Reply)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = asked.clone();
        tokio::spawn(async move {
            // Those that are not answered stay open.
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                while !is_whole(&request) {
                    match stream.read(&mut chunk).await {
                        Ok(length) if length > 0 => request.extend_from_slice(&chunk[..length]),
                        _ => break,
                    }
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let line = text.split(" HTTP/").next().unwrap_or_default().to_owned();
                noted.lock().unwrap().push(text);
                let reply = table.iter().find(|(wanted, _)| line == *wanted).map(|(_, reply)| *reply);
                let (status, body) = reply.unwrap_or((404, "no such line in the table"));
                if (status, body) == SLOW {
                    kept.push(stream);
                    continue;
                }
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, asked }
    }

    fn control(&self, family: Family, credentials: &str) -> Arc<dyn MediaServer> {
        connect(family, &format!("http://{credentials}{}", self.address), "live", None).unwrap()
    }

    /// The lines that were asked, without what follows them.
    fn lines(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|text| text.split(" HTTP/").next().unwrap_or_default().to_owned()).collect()
    }

    fn has_sent(&self, header: &str) -> bool {
        self.asked.lock().unwrap().iter().all(|text| text.to_lowercase().contains(&header.to_lowercase()))
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn publisher(session: &str, name: &str, protocol: &str) -> Publisher {
    Publisher {
        server: ServerName::parse("edge").unwrap(),
        session: session.to_owned(),
        application: "live".to_owned(),
        name: PublishName::new(name),
        protocol: protocol.to_owned(),
        address: None,
    }
}

/// What the server is told, by nobody who waits for it.
async fn kick(control: &Arc<dyn MediaServer>, publisher: &Publisher) -> Result<Kick, MediaServerError> {
    control.kick(publisher, KickPatience::Unhurried).await
}

/// Application, name and session of what is listed.
fn names(listing: &Listing) -> Vec<(&str, &str, Option<&str>)> {
    let listed: &[ListedPublisher] = &listing.publishers;
    listed.iter().map(|one| (one.application.as_str(), one.name.expose(), one.session.as_deref())).collect()
}

#[tokio::test]
async fn nginx_rtmp_is_asked_by_stat_and_told_by_control() {
    let stub = Stub::start(&[
        ("GET /stat", (200, include_str!("samples/nginx-stat.xml"))),
        ("GET /control/drop/publisher?app=live&clientid=2", (200, "1")),
    ])
    .await;
    let control = stub.control(Family::NginxRtmp, "");
    let listed = control.publishers().await.unwrap();
    assert_eq!(names(&listed), [("live", "0123456789abcdef0123456789abcdef", Some("2"))]);
    assert_eq!(kick(&control, &publisher("2", "key", "rtmp")).await.unwrap(), Kick::Gone);
    // An empty number would drop everybody.
    assert_eq!(kick(&control, &publisher("", "key", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(stub.lines(), ["GET /stat", "GET /control/drop/publisher?app=live&clientid=2"]);
}

#[tokio::test]
async fn mediamtx_lists_paths_page_by_page_and_kicks_by_kind() {
    let stub = Stub::start(&[
        (
            "GET /v3/paths/list?itemsPerPage=1000&page=0",
            (
                200,
                r#"{"itemCount":4,"pageCount":2,"items":[
                {"name":"live/one","source":{"type":"rtmpConn","id":"id-1"},"ready":true,"bytesReceived":1250},
                {"name":"cam","source":{"type":"rtspSource","id":""}},{"name":"idle","source":null}]}"#,
            ),
        ),
        (
            "GET /v3/paths/list?itemsPerPage=1000&page=1",
            (200, r#"{"itemCount":4,"pageCount":2,"items":[{"name":"live/two","source":{"type":"srtConn","id":"id-2"},"inboundBytes":7}]}"#),
        ),
        ("GET /v3/rtmpconns/get/id-1", (200, r#"{"id":"id-1","remoteAddr":"192.0.2.7:50302","state":"publish"}"#)),
        ("POST /v3/srtconns/kick/id-2", (200, r#"{"status":"ok"}"#)),
        ("POST /v3/rtmpsconns/kick/id-1", (200, r#"{"status":"ok"}"#)),
        ("POST /v3/webrtcsessions/kick/id-3", (500, r#"{"status":"error"}"#)),
    ])
    .await;
    let control = stub.control(Family::MediaMtx, "");
    let mut listed = control.publishers().await.unwrap();
    listed.publishers.sort_by(|a, b| a.session.cmp(&b.session));
    assert_eq!(names(&listed), [("live", "one", Some("id-1")), ("live", "two", Some("id-2"))]);
    assert_eq!(listed.publishers[1].protocol, "srt");
    assert!(listed.is_whole);
    assert_eq!(listed.publishers.iter().map(|one| one.bytes).collect::<Vec<_>>(), [Some(1250), Some(7)]);
    // One has a route that tells its address, and the other a server that does not know it.
    let addresses = listed.publishers.iter().map(|one| one.address).collect::<Vec<_>>();
    assert_eq!(addresses, ["192.0.2.7".parse().ok(), None]);
    control.publishers().await.unwrap();
    let asked = stub.lines().iter().filter(|line| line.contains("/get/")).count();
    assert_eq!(asked, 2, "an address is asked for once");
    assert_eq!(kick(&control, &publisher("id-2", "two", "srt")).await.unwrap(), Kick::Gone);
    // Not among the plain ones, so among the encrypted ones, or gone.
    assert_eq!(kick(&control, &publisher("id-1", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(kick(&control, &publisher("id-9", "one", "rtmp")).await.unwrap(), Kick::Gone);
    let failed = kick(&control, &publisher("id-3", "three", "webrtc")).await;
    assert!(matches!(failed, Err(MediaServerError::Unexpected(_))), "{failed:?}");
}

#[tokio::test]
async fn srs_lists_streams_with_their_clients_and_the_clients_of_an_edge_and_deletes_clients() {
    let stub = Stub::start(&[
        (
            "GET /api/v1/streams/?start=0&count=1000",
            (
                200,
                r#"{"code":0,"service":"0y3vz3z6","streams":[
                {"id":"vid-1","name":"one","app":"live","url":"/live/one","publish":{"active":true,"cid":"c1"}},
                {"id":"vid-2","name":"two","app":"live","url":"/live/two","publish":{"active":false,"cid":"c2"}},
                {"id":"vid-3","name":"x","app":"live","url":"pub.local/live/x","publish":{"active":true,"cid":"c4"}}]}"#,
            ),
        ),
        (
            "GET /api/v1/clients/?start=0&count=1000",
            (
                200,
                r#"{"code":0,"service":"0y3vz3z6","clients":[
                {"id":"c1","ip":"192.0.2.7","tcUrl":"rtmp://127.0.0.1/live","url":"/live/one","name":"one","type":"fmle-publish",
                 "publish":true,"alive":4.1,"send_bytes":3633,"recv_bytes":52000,"kbps":{"recv_30s":0,"send_30s":0}},
                {"id":"c5","ip":"192.0.2.8","tcUrl":"rtmp://127.0.0.1/live","url":"/live/one","name":"one","type":"rtmp-play",
                 "publish":false,"alive":4.1,"recv_bytes":100},
                {"id":"c6","ip":"192.0.2.9","tcUrl":"srt://127.0.0.1/live","url":"/live/edge","name":"edge","type":"srt-publish",
                 "publish":true,"alive":60.5,"recv_bytes":0},
                {"id":"c7","ip":"192.0.2.9","tcUrl":"","url":"/live/asks","name":"asks","type":"rtc-publish",
                 "publish":true,"alive":1.5,"recv_bytes":7},
                {"id":"c4","ip":"192.0.2.9","url":"pub.local/live/x","name":"x","type":"fmle-publish","publish":true,"alive":60.5}]}"#,
            ),
        ),
        ("DELETE /api/v1/clients/c1", (200, r#"{"code":0}"#)),
        ("DELETE /api/v1/clients/c2", (200, r#"{"code":2049}"#)),
        ("DELETE /api/v1/clients/c3", (200, r#"{"code":1061}"#)),
    ])
    .await;
    let control = stub.control(Family::Srs, "ops:p%40w@");
    let mut listing = control.publishers().await.unwrap();
    listing.publishers.sort_by(|a, b| a.session.cmp(&b.session));
    assert_eq!(
        names(&listing),
        [("live", "one", Some("c1")), ("live", "edge", Some("c6")), ("live", "asks", Some("c7"))]
    );
    let seen = listing.publishers.iter().map(|one| (one.protocol.as_str(), one.bytes, one.may_wait));
    // SRS does not count the bytes of every protocol; and who came just now may still be waiting for a hook's answer.
    let expected = [("rtmp", Some(52_000), false), ("srt", None, false), ("webrtc", Some(7), true)];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    assert_eq!(listing.publishers[0].address, "192.0.2.7".parse().ok());
    assert_eq!((listing.is_whole, listing.process), (true, Some(Process::Whole("0y3vz3z6".to_owned()))));
    assert_eq!(kick(&control, &publisher("c1", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(kick(&control, &publisher("c2", "two", "rtmp")).await.unwrap(), Kick::Gone);
    assert!(kick(&control, &publisher("c3", "three", "rtmp")).await.is_err());
    // `ops:p@w` in base64.
    assert!(stub.has_sent("authorization: Basic b3BzOnBAdw=="), "credentials come decoded");
}

#[tokio::test]
async fn ovenmediaengine_lists_names_and_deletes_streams() {
    let stub = Stub::start(&[
        (
            "GET /v1/vhosts/default/apps/live/streams",
            (200, r#"{"message":"OK","response":["one"],"statusCode":200}"#),
        ),
        (
            "GET /v1/stats/current/vhosts/default/apps/live/streams/one",
            (200, r#"{"message":"OK","response":{"connections":{"hlsv3":1},"totalBytesIn":6180,"totalBytesOut":9},"statusCode":200}"#),
        ),
        ("DELETE /v1/vhosts/default/apps/live/streams/one", (200, r#"{"message":"OK","statusCode":200}"#)),
        (
            "GET /v1/vhosts/other/apps/live/streams",
            (200, r#"{"message":"OK","response":[],"statusCode":200}"#),
        ),
    ])
    .await;
    let control = stub.control(Family::OvenMediaEngine, "token@");
    let listing = control.publishers().await.unwrap();
    assert_eq!(names(&listing), [("live", "one", None)]);
    assert_eq!(listing.publishers[0].bytes, Some(6180));
    assert_eq!(kick(&control, &publisher("192.0.2.7:1", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(kick(&control, &publisher("192.0.2.7:1", "gone", "rtmp")).await.unwrap(), Kick::Gone);
    // The token alone, `token` in base64, and not `token:`.
    assert!(stub.has_sent("authorization: Basic dG9rZW4=\r\n"));
    let other = format!("http://token@{}/v1/vhosts/other", stub.address);
    let other = connect(Family::OvenMediaEngine, &other, "live", None).unwrap();
    assert_eq!(other.publishers().await.unwrap().publishers, []);
}

#[tokio::test]
async fn node_media_server_2_ends_a_name_only_while_it_is_the_same_publishers() {
    let stub = Stub::start(&[
        (
            "GET /api/streams",
            (
                200,
                r#"{"live":{"one":{"publisher":{"vhost":"__defaultVhost__","app":"live","stream":"one","clientId":"NK9THZEU","ip":"127.0.0.1",
                "audio":null,"video":null},"subscribers":[]},"two":{"publisher":null,"subscribers":[]}}}"#,
            ),
        ),
        ("DELETE /api/streams/live/one", (200, r#""ok""#)),
    ])
    .await;
    let control = stub.control(Family::NodeMediaServer2, "ops:pw@");
    let listed = control.publishers().await.unwrap();
    assert_eq!(names(&listed), [("live", "one", Some("NK9THZEU"))]);
    assert_eq!(listed.publishers[0].address, "127.0.0.1".parse().ok());
    assert_eq!(kick(&control, &publisher("AAAAAAAA", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert!(!stub.lines().contains(&"DELETE /api/streams/live/one".to_owned()), "that was another publisher");
    assert_eq!(kick(&control, &publisher("NK9THZEU", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert!(stub.lines().contains(&"DELETE /api/streams/live/one".to_owned()));
}

#[tokio::test]
async fn node_media_server_4_logs_in_once_and_lists_who_is_publishing() {
    let stub = Stub::start(&[
        ("POST /api/v1/login", (200, r#"{"success":true,"data":{"token":"t1","expiresIn":"1h"}}"#)),
        (
            "GET /api/v1/streams",
            (
                200,
                r#"{"success":true,"data":{"streams":[
                {"key":"/live/one","app":"live","name":"one","status":"publishing",
                 "publisher":{"id":"mwuultf5","ip":"127.0.0.1:55548","protocol":"rtmp","createTime":1795534036530}},
                {"key":"/live/two","app":"live","name":"two","status":"reconnecting",
                 "publisher":{"id":"left","ip":"127.0.0.1:1","protocol":"rtmp"}},
                {"key":"/live/x","app":"live","name":"x","status":"idle","publisher":null}],"total":3}}"#,
            ),
        ),
        ("DELETE /api/v1/sessions/mwuultf5", (200, r#"{"success":true}"#)),
    ])
    .await;
    let control = stub.control(Family::NodeMediaServer4, "admin:secret@");
    let listed = control.publishers().await.unwrap();
    assert_eq!(names(&listed), [("live", "one", Some("mwuultf5"))]);
    assert_eq!(listed.publishers[0].address, "127.0.0.1".parse().ok());
    assert_eq!(kick(&control, &publisher("mwuultf5", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(kick(&control, &publisher("gone", "one", "rtmp")).await.unwrap(), Kick::Gone);
    let logins = stub.lines().iter().filter(|line| *line == "POST /api/v1/login").count();
    assert_eq!(logins, 1);
    let asked = stub.asked.lock().unwrap();
    assert!(asked[0].ends_with(r#"{"password":"secret","username":"admin"}"#), "{}", asked[0]);
    assert!(asked[1..].iter().all(|text| text.contains("Bearer t1")), "{asked:?}");
}

#[tokio::test]
async fn zlmediakit_lists_each_publisher_once_and_kicks_by_id() {
    let stub = Stub::start(&[
        (
            "GET /index/api/getMediaList?secret=s3cr3t",
            (
                200,
                r#"{"code":0,"data":[
                {"vhost":"__defaultVhost__","app":"live","stream":"one","schema":"rtmp","originTypeStr":"rtmp_push",
                 "originSock":{"identifier":"3-10","peer_ip":"192.0.2.7","peer_port":4000}},
                {"vhost":"__defaultVhost__","app":"live","stream":"one","schema":"hls","originTypeStr":"rtmp_push",
                 "originSock":{"identifier":"3-10","peer_ip":"192.0.2.7","peer_port":4000}},
                {"vhost":"other","app":"live","stream":"two","schema":"rtmp","originTypeStr":"rtmp_push",
                 "originSock":{"identifier":"3-20","peer_ip":"192.0.2.7","peer_port":4000}},
                {"vhost":"__defaultVhost__","app":"live","stream":"pulled","schema":"rtmp","originTypeStr":"pull"}]}"#,
            ),
        ),
        ("GET /index/api/kick_session?secret=s3cr3t&id=3-10", (200, r#"{"code":0,"msg":"success"}"#)),
        (
            "GET /index/api/kick_session?secret=s3cr3t&id=3-11",
            (200, r#"{"code":-500,"msg":"can not find the target"}"#),
        ),
        (
            "GET /index/api/kick_session?secret=s3cr3t&id=3-12",
            (200, r#"{"code":-1,"msg":"can not find the target"}"#),
        ),
        ("GET /index/api/kick_session?secret=s3cr3t&id=3-13", (200, r#"{"code":-300}"#)),
        ("GET /index/api/getMediaList?secret=empty", (200, r#"{"code":0}"#)),
        ("GET /index/api/getMediaList?secret=wrong", (200, r#"{"code":-100,"msg":"Incorrect secret"}"#)),
    ])
    .await;
    let control = stub.control(Family::ZlMediaKit, "s3cr3t@");
    let listed = control.publishers().await.unwrap();
    assert_eq!(names(&listed), [("live", "one", Some("3-10"))]);
    assert_eq!(
        (listed.publishers[0].protocol.as_str(), listed.publishers[0].address),
        ("rtmp", "192.0.2.7".parse().ok())
    );
    assert_eq!(kick(&control, &publisher("3-10", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(kick(&control, &publisher("3-11", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert_eq!(kick(&control, &publisher("3-12", "one", "rtmp")).await.unwrap(), Kick::Gone);
    assert!(kick(&control, &publisher("3-13", "one", "rtmp")).await.is_err());
    assert_eq!(stub.control(Family::ZlMediaKit, "empty@").publishers().await.unwrap().publishers, []);
    let wrong = stub.control(Family::ZlMediaKit, "wrong@").publishers().await;
    assert!(matches!(wrong, Err(MediaServerError::Forbidden)), "{wrong:?}");
}

#[tokio::test]
async fn a_server_that_is_away_or_refuses_us_or_is_another_kind_says_so_without_secrets() {
    let control = connect(Family::Srs, "http://ops:hunter2@127.0.0.1:1", "live", None).unwrap();
    let away = control.publishers().await.unwrap_err();
    assert!(matches!(away, MediaServerError::Unreachable(_)), "{away:?}");
    assert!(!stream_domain::ports::chain_of(&away).contains("hunter2"));
    let stub = Stub::start(&[
        ("GET /api/v1/streams/?start=0&count=1000", (401, "")),
        ("GET /v3/paths/list?itemsPerPage=1000&page=0", (200, r#"{"pageCount":1,"items":"secret-name"}"#)),
    ])
    .await;
    let refused = stub.control(Family::Srs, "ops:hunter2@").publishers().await;
    assert!(matches!(refused, Err(MediaServerError::Forbidden)), "{refused:?}");
    let other = stub.control(Family::MediaMtx, "").publishers().await.unwrap_err();
    assert!(!other.to_string().contains("secret-name"), "{other}");
}

#[test]
fn wrong_addresses_are_refused() {
    let refusal = |url: &str, family| connect(family, url, "live", None).err();
    assert_eq!(refusal("https://host", Family::Srs), Some(InvalidControl::Encrypted));
    assert_eq!(refusal("http://host?x", Family::Srs), Some(InvalidControl::Malformed));
    assert_eq!(refusal("host:8080", Family::Srs), Some(InvalidControl::Malformed));
    assert_eq!(refusal("ftp://host", Family::Srs), Some(InvalidControl::Malformed));
    assert_eq!(refusal("http://host", Family::AntMedia), Some(InvalidControl::NotSupported));
}
