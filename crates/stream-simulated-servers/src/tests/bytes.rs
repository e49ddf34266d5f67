//! The bytes of requests, compared with recordings.

use serde_json::json;

use super::stub::{Hook, Seen};
use super::{LOCALHOST, eventually, milliseconds, server, with_short_pauses};
use crate::oven_media_engine::signature;
use crate::text::{iso, styled};
use crate::{Encoder, Family, MediaServer};

async fn first_request(family: Family, query: &str) -> (Hook, MediaServer, Encoder, Seen) {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(family), &hook).await;
    let encoder = server.publish("key1", query, LOCALHOST);
    assert!(encoder.settled().await);
    let seen = hook.seen()[0].clone();
    assert_eq!(seen.first_line, "POST /hooks/any/edge-1?secret=s3cr3t HTTP/1.1");
    (hook, server, encoder, seen)
}

fn authority(hook: &Hook) -> String {
    hook.url.split('/').nth(2).unwrap().to_owned()
}

fn text(json: &serde_json::Value) -> &str {
    json.as_str().unwrap()
}

#[tokio::test]
async fn srs_requests_match_the_recording() {
    let (hook, _server, encoder, seen) = first_request(Family::Srs, "token=abc&x=a%20b").await;
    let (json, authority, length) = (seen.json(), authority(&hook), seen.body.len());
    let headers = format!(
        "Connection: Keep-Alive\r\nContent-Length: {length}\r\nContent-Type: application/json\r\n\
         Host: {authority}\r\nUser-Agent: SRS/6.0.157(Hang)"
    );
    assert_eq!(seen.headers, headers);
    let recorded = r#"{"server_id":"vid-17n2703","service_id":"43693023","action":"on_publish","client_id":"p3jz9dxq","ip":"127.0.0.1","vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1:1935/live","stream":"key1","param":"?token=abc&x=a%20b","stream_url":"/live/key1","stream_id":"vid-sx188yi"}"#;
    let expected = recorded
        .replace("vid-17n2703", text(&json["server_id"]))
        .replace("43693023", text(&json["service_id"]))
        .replace("p3jz9dxq", encoder.session_id())
        .replace("vid-sx188yi", text(&json["stream_id"]));
    assert_eq!(seen.body, expected);
    assert_eq!((text(&json["service_id"]).len(), encoder.session_id().len()), (8, 8));
}

#[tokio::test]
async fn mediamtx_requests_match_the_recording() {
    let (hook, server, encoder, seen) =
        first_request(Family::MediaMtx, "user=bob&pass=pw1&token=tk1&x=1").await;
    let (authority, length) = (authority(&hook), seen.body.len());
    let headers = format!(
        "Host: {authority}\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: {length}\r\n\
         Content-Type: application/json\r\nAccept-Encoding: gzip"
    );
    assert_eq!(seen.headers, headers);
    let recorded = r#"{"ip":"127.0.0.1","user":"bob","password":"pw1","token":"pw1","action":"publish","path":"live/key1","protocol":"rtmp","id":"81c749bf-69cf-466b-b15c-bb27b22e6ac9","query":"user=bob\u0026pass=pw1\u0026token=tk1\u0026x=1","userAgent":"FMLE/3.0 (compatible; Lavf59.27.100)"}"#;
    let expected = recorded.replace("81c749bf-69cf-466b-b15c-bb27b22e6ac9", encoder.session_id());
    assert_eq!(seen.body, expected);
    eventually("the begin", || hook.count("event=available") == 1).await;
    let begin = hook.seen()[1].clone();
    assert_eq!(begin.body, format!("event=available&path=live/key1&id={}", encoder.session_id()));
    assert!(begin.headers.contains("User-Agent: curl/"), "{begin:?}");
    drop(server);
}

#[test]
fn the_signature_matches_the_recording() {
    let body = r#"{"client":{"address":"192.0.2.7","port":40001},"request":{"direction":"incoming","protocol":"rtmp","status":"opening","time":"2026-01-02T03:04:05.678Z","url":"rtmp://ingest.example:1935/live/K123"}}"#;
    assert_eq!(signature("1234", body), "zpLmM_MiONNpV5NCCUfx1CQqAsk");
}

#[tokio::test]
async fn oven_media_engine_signs_its_pretty_printed_body() {
    let (_hook, _server, _encoder, seen) = first_request(Family::OvenMediaEngine, "k=v").await;
    assert!(seen.headers.contains(&format!("X-OME-Signature: {}", signature("1234", &seen.body))));
    let (json, body) = (seen.json(), &seen.body);
    let (port, time) = (&json["client"]["port"], text(&json["request"]["time"]));
    let expected = format!(
        "{{\n\t\"client\" : \n\t{{\n\t\t\"address\" : \"127.0.0.1\",\n\t\t\"port\" : {port}\n\t}},\n\t\"request\" : \n\t{{\n\
         \t\t\"direction\" : \"incoming\",\n\t\t\"protocol\" : \"rtmp\",\n\t\t\"status\" : \"opening\",\n\
         \t\t\"time\" : \"{time}\",\n\t\t\"url\" : \"rtmp://127.0.0.1:1935/live/key1?k=v\"\n\t}}\n}}"
    );
    assert_eq!(*body, expected);
}

#[tokio::test]
async fn zlmediakit_sends_sorted_headers_and_fields() {
    let (hook, _server, encoder, seen) = first_request(Family::ZlMediaKit, "k=v").await;
    let (authority, length) = (authority(&hook), seen.body.len());
    let headers = format!(
        "Accept: */*\r\nAccept-Language: zh-CN,zh;q=0.8\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\
         Content-Type: application/json\r\nHost: {authority}\r\n\
         User-Agent: ZLMediaKit(git hash:unknown,branch:master)\r\nX-VHOST: __defaultVhost__"
    );
    assert_eq!(seen.headers, headers);
    assert!(seen.body.starts_with("{\n\t\"app\" : \"live\",\n\t\"hook_index\" : 0,\n\t\"id\" : \"1-30\",\n"));
    assert!(seen.body.ends_with("\t\"vhost\" : \"__defaultVhost__\"\n}\n"));
    let json = seen.json();
    assert_eq!((encoder.session_id(), text(&json["params"]), text(&json["stream"])), ("1-30", "k=v", "key1"));
}

#[tokio::test]
async fn ant_media_sends_a_java_map_as_text() {
    let (_hook, _server, _encoder, seen) = first_request(Family::AntMedia, "token=t1&b=2").await;
    let expected = r#"{"appName":"live","name":"key1","streamId":"key1","mode":"live","token":"t1","queryParams":"{token=t1, b=2}"}"#;
    assert_eq!(seen.body, expected);
}

#[test]
fn times_are_written_in_utc() {
    assert_eq!(iso(milliseconds(1_767_323_045_678)), "2026-01-02T03:04:05.678Z");
    assert_eq!(iso(milliseconds(1_709_164_800_000)), "2024-02-29T00:00:00.000Z");
    assert_eq!(iso(milliseconds(0)), "1970-01-01T00:00:00.000Z");
}

#[test]
fn json_has_the_style_of_jsoncpp() {
    let value = json!({"b": [{"c": 1}], "a": {}, "d": null});
    let expected =
        "{\n\t\"a\" : {},\n\t\"b\" : \n\t[\n\t\t{\n\t\t\t\"c\" : 1\n\t\t}\n\t],\n\t\"d\" : null\n}";
    assert_eq!(styled(&value), expected);
}
