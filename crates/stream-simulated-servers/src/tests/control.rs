//! The control interfaces, and which requests wait for which.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::stub::{Hook, Response};
use super::{ALL, LOCALHOST, eventually, milliseconds, server, with_short_pauses};
use crate::http::{Request, send};
use crate::{Family, MediaServer};

/// Calls an interface with the credentials in its URL.
async fn call(server: &MediaServer, method: &'static str, target: &str) -> (u16, Value) {
    let url = server.control_url().unwrap_or_else(|| server.hls_base());
    let rest = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let (credentials, authority) = rest.rsplit_once('@').unwrap_or(("", rest));
    let authorization = format!("Basic {}", STANDARD.encode(credentials));
    let headers = vec![("Host", authority.to_owned()), ("Authorization", authorization)];
    bare(authority, Request { method, target: target.to_owned(), headers, body: String::new() }).await
}

async fn bare(authority: &str, request: Request) -> (u16, Value) {
    let reply = send(authority, &request).await.unwrap();
    (reply.status, serde_json::from_str(&reply.body).unwrap_or(Value::String(reply.body)))
}

async fn without_credentials(server: &MediaServer, target: &str) -> u16 {
    let authority = server.hls_base().split('/').nth(2).unwrap().to_owned();
    let request = Request { method: "GET", target: target.to_owned(), headers: vec![], body: String::new() };
    bare(&authority, request).await.0
}

#[tokio::test]
async fn srs_lists_active_and_past_streams_and_kicks_by_client() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::Srs), &hook).await;
    let (first, second) = (server.publish("key1", "", LOCALHOST), server.publish("key2", "", LOCALHOST));
    assert!(first.settled().await && second.settled().await);
    assert_eq!(without_credentials(&server, "/api/v1/streams/").await, 401);
    let (status, list) = call(&server, "GET", "/api/v1/streams/?start=0&count=1").await;
    assert_eq!((status, &list["code"], list["streams"].as_array().unwrap().len()), (200, &json!(0), 1));
    let stream = &list["streams"][0];
    assert_eq!((&stream["name"], &stream["app"]), (&json!("key1"), &json!("live")));
    assert_eq!(stream["publish"], json!({"active": true, "cid": first.session_id()}));
    let kick = format!("/api/v1/clients/{}", first.session_id());
    assert_eq!(call(&server, "DELETE", &kick).await.1["code"], 0);
    assert!(first.was_kicked() && second.is_live());
    eventually("the end", || hook.count("on_unpublish") == 1).await;
    assert_eq!(call(&server, "DELETE", &kick).await, (200, json!({"code": 2049})));
    let (_, list) = call(&server, "GET", "/api/v1/streams/").await;
    let past = list["streams"].as_array().unwrap().iter().find(|stream| stream["name"] == "key1").unwrap();
    assert_eq!(past["publish"], json!({"active": false}));
}

#[tokio::test]
async fn srs_lists_a_client_from_its_publish_request_on() {
    let hook = Hook::start(|_| Response::accept().after(100)).await;
    let server = server(with_short_pauses(Family::Srs), &hook).await;
    let encoder = server.publish("key1", "", LOCALHOST);
    eventually("the publish request", || !hook.seen().is_empty()).await;
    let (_, list) = call(&server, "GET", "/api/v1/streams/").await;
    assert_eq!(list["streams"], json!([]), "no publisher is live yet");
    let (_, list) = call(&server, "GET", "/api/v1/clients/").await;
    let client = &list["clients"][0];
    assert_eq!((&client["id"], &client["publish"]), (&json!(encoder.session_id()), &json!(true)));
    assert_eq!((&client["url"], &client["ip"]), (&json!("/live/key1"), &json!("127.0.0.1")));
}

#[tokio::test]
async fn mediamtx_lists_pages_of_paths_and_kicks_by_connection() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::MediaMtx), &hook).await;
    let (first, second) = (server.publish("key1", "", LOCALHOST), server.publish("key2", "", LOCALHOST));
    assert!(first.settled().await && second.settled().await);
    eventually("their media", || server.playlist("key1") && server.playlist("key2")).await;
    let (status, list) = call(&server, "GET", "/v3/paths/list?itemsPerPage=1&page=1").await;
    assert_eq!((status, &list["itemCount"], &list["pageCount"]), (200, &json!(2), &json!(2)));
    let item = &list["items"][0];
    assert_eq!((&item["name"], &item["ready"]), (&json!("live/key2"), &json!(true)));
    assert_eq!(item["source"], json!({"type": "rtmpConn", "id": second.session_id()}));
    let connection = format!("/v3/rtmpconns/get/{}", second.session_id());
    let (status, connection) = call(&server, "GET", &connection).await;
    assert!(status == 200 && connection["remoteAddr"].as_str().unwrap().starts_with("127.0.0.1:"));
    let kick = format!("/v3/rtmpconns/kick/{}", second.session_id());
    assert_eq!(call(&server, "POST", &kick).await, (200, json!({"status": "ok"})));
    assert!(second.was_kicked());
    let unknown = json!({"status": "error", "error": "connection not found"});
    assert_eq!(call(&server, "POST", &kick).await, (404, unknown));
}

#[tokio::test]
async fn oven_media_engine_lists_names_and_kicks_by_name() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::OvenMediaEngine), &hook).await;
    let encoder = server.publish("key1", "", LOCALHOST);
    assert!(encoder.settled().await);
    let streams = "/v1/vhosts/default/apps/live/streams";
    assert_eq!(without_credentials(&server, streams).await, 401);
    let list = json!({"message": "OK", "response": ["key1"], "statusCode": 200});
    assert_eq!(call(&server, "GET", streams).await, (200, list));
    let kick = format!("{streams}/key1");
    assert_eq!(call(&server, "DELETE", &kick).await, (200, json!({"message": "OK", "statusCode": 200})));
    assert!(encoder.was_kicked());
    eventually("the end", || hook.count("closing") == 1).await;
    assert_eq!(call(&server, "DELETE", &kick).await.0, 404);
}

#[tokio::test]
async fn zlmediakit_lists_media_of_a_schema_and_kicks_by_session() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::ZlMediaKit), &hook).await;
    let secret = server.control_url().unwrap().split(['/', '@']).nth(2).unwrap().to_owned();
    let list = format!("/index/api/getMediaList?secret={secret}&schema=rtmp");
    assert_eq!(call(&server, "GET", &list).await, (200, json!({"code": 0})));
    let encoder = server.publish("key1", "", LOCALHOST);
    assert!(encoder.settled().await);
    let data = call(&server, "GET", &list).await.1["data"].clone();
    assert_eq!((data.as_array().unwrap().len(), &data[0]["stream"]), (1, &json!("key1")));
    assert_eq!(data[0]["originSock"]["identifier"], encoder.session_id());
    let every = format!("/index/api/getMediaList?secret={secret}");
    assert_eq!(call(&server, "GET", &every).await.1["data"].as_array().unwrap().len(), 5);
    let wrong = "/index/api/getMediaList?secret=wrong";
    assert_eq!(call(&server, "GET", wrong).await.1, json!({"code": -100, "msg": "Incorrect secret"}));
    let kick = format!("/index/api/kick_session?secret={secret}&id={}", encoder.session_id());
    assert_eq!(call(&server, "GET", &kick).await, (200, json!({"code": 0, "msg": "success"})));
    assert!(encoder.was_kicked());
    let unknown = json!({"code": -1, "msg": "can not find the target"});
    assert_eq!(call(&server, "GET", &kick).await, (200, unknown));
}

#[tokio::test]
async fn every_family_serves_playlists_of_live_streams_and_ant_media_has_no_control() {
    for family in ALL {
        let hook = Hook::accepting().await;
        let server = server(with_short_pauses(family), &hook).await;
        let encoder = server.publish("key1", "k=secret", LOCALHOST);
        assert!(encoder.settled().await);
        assert_eq!(server.control_url().is_none(), family == Family::AntMedia);
        eventually("a playlist", || server.playlist("key1")).await;
        let (status, playlist) = call(&server, "GET", "/live/key1/index.m3u8").await;
        assert!(status == 200 && playlist.as_str().unwrap().starts_with("#EXTM3U"), "{family:?}");
        assert!(server.page().contains("key1-0.ts") && !server.page().contains("secret"));
        assert_eq!(call(&server, "GET", "/live/key2/index.m3u8").await.0, 404);
        encoder.stop();
        assert_eq!(call(&server, "GET", "/live/key1/index.m3u8").await.0, 404);
        assert!(!server.page().contains("key1"));
    }
}

#[tokio::test]
async fn mediamtx_blocks_lists_but_not_kicks_while_it_waits_for_its_hook() {
    let hook = Hook::start(|seen| match seen.event().as_str() {
        "event=available" => Response::accept(),
        _ => Response::accept().after(250),
    })
    .await;
    let server = server(with_short_pauses(Family::MediaMtx), &hook).await;
    let first = server.publish("key1", "", LOCALHOST);
    assert!(first.settled().await);
    let second = server.publish("key2", "", LOCALHOST);
    eventually("the second publish request", || hook.count("publish") == 2).await;
    let kick = format!("/v3/rtmpconns/kick/{}", first.session_id());
    assert_eq!(call(&server, "POST", &kick).await.0, 200);
    assert!(first.was_kicked() && !second.is_live(), "kicks do not wait");
    call(&server, "GET", "/v3/paths/list").await;
    assert!(second.is_live(), "the list came before the hook's response");
}

#[tokio::test]
async fn ant_media_and_mediamtx_ask_one_by_one_and_the_others_concurrently() {
    for family in ALL {
        let hook = Hook::start(|_| Response::accept().after(200)).await;
        let server = server(with_short_pauses(family), &hook).await;
        let encoders = ["key1", "key2"].map(|name| server.publish(name, "", LOCALHOST));
        for encoder in &encoders {
            assert!(encoder.settled().await);
        }
        let asked = |name: &str| {
            let seen = hook.seen();
            seen.iter().find(|seen| seen.body.contains(name)).unwrap().at
        };
        let apart = asked("key2").max(asked("key1")) - asked("key1").min(asked("key2"));
        let in_turn = matches!(family, Family::AntMedia | Family::MediaMtx);
        assert_eq!(apart >= milliseconds(190), in_turn, "{family:?}: {apart:?}");
    }
}
