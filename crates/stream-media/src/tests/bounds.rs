//! Lists that prove less than they seem, and orders that take too long.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_worker_of_nginx_that_dropped_nobody_has_not_shown_that_nobody_is_there() {
    let stub = Stub::start(&[
        ("GET /control/drop/publisher?app=live&clientid=2", (200, "0")),
        ("GET /control/drop/publisher?app=live&clientid=3", (200, "2\n")),
        ("GET /control/drop/publisher?app=live&clientid=4", (200, "<html></html>")),
    ])
    .await;
    let control = stub.control(Family::NginxRtmp, "");
    assert_eq!(kick(&control, &publisher("2", "key", "rtmp")).await.unwrap(), Kick::NotFound);
    assert_eq!(kick(&control, &publisher("3", "key", "rtmp")).await.unwrap(), Kick::Gone);
    let odd = kick(&control, &publisher("4", "key", "rtmp")).await;
    assert!(matches!(odd, Err(MediaServerError::Unexpected(_))), "{odd:?}");
}

#[tokio::test]
async fn a_list_of_mediamtx_that_moves_or_lies_about_its_length_is_not_whole() {
    const ONE: &str = r#"{"name":"live/one","source":{"type":"rtmpConn","id":"id-1"}}"#;
    for (count, pages, second) in [
        // It claims pages that are not there.
        ("1", "4294967295", r#"{"itemCount":1,"pageCount":4294967295,"items":[]}"#),
        // It gives the first page again and again.
        (
            "2000",
            "2",
            r#"{"itemCount":2000,"pageCount":2,"items":[{"name":"live/one","source":{"type":"rtmpConn","id":"id-1"}}]}"#,
        ),
        // Somebody left between the pages, and may have drawn another one to the first.
        ("1001", "2", r#"{"itemCount":1000,"pageCount":1,"items":null}"#),
    ] {
        let first = format!(r#"{{"itemCount":{count},"pageCount":{pages},"items":[{ONE}]}}"#);
        let stub = Stub::start(Box::leak(Box::new([
            ("GET /v3/paths/list?itemsPerPage=1000&page=0", (200, &*first.leak())),
            ("GET /v3/paths/list?itemsPerPage=1000&page=1", (200, second)),
        ])))
        .await;
        let listing = stub.control(Family::MediaMtx, "").publishers().await.unwrap();
        assert_eq!(names(&listing), [("live", "one", Some("id-1"))]);
        assert_eq!(listing.is_whole, count == "1", "{pages} pages of {count}");
        let asked = stub.lines().iter().filter(|line| line.contains("/list?")).count();
        assert_eq!(asked, 2, "it is asked no further");
    }
}

#[tokio::test]
async fn an_edge_of_srs_whose_clients_cannot_be_read_proves_nothing() {
    const NOBODY: &str = r#"{"code":0,"service":"0y3vz3z6","streams":[]}"#;
    let stub = Stub::start(&[("GET /api/v1/streams/?start=0&count=1000", (200, NOBODY))]).await;
    let listing = stub.control(Family::Srs, "").publishers().await.unwrap();
    assert_eq!(listing, Listing { publishers: Vec::new(), is_whole: false, process: None });
}

#[tokio::test]
async fn a_slow_list_of_node_media_server_4_holds_up_no_kick_and_no_login() {
    let stub = Stub::start(&[
        ("POST /api/v1/login", (200, r#"{"data":{"token":"t1"}}"#)),
        ("GET /api/v1/streams", SLOW),
        ("DELETE /api/v1/sessions/s1", (200, r#"{"success":true}"#)),
    ])
    .await;
    let control = stub.control(Family::NodeMediaServer4, "admin:secret@");
    let listing = tokio::spawn({
        let control = control.clone();
        async move { control.publishers().await }
    });
    // The list is under way, and its answer does not come.
    while !stub.lines().contains(&"GET /api/v1/streams".to_owned()) {
        tokio::task::yield_now().await;
    }
    let kicked = control.kick(&publisher("s1", "one", "rtmp"), KickPatience::BeforeAnswer).await;
    assert_eq!(kicked.unwrap(), Kick::Gone);
    assert!(!listing.is_finished());
    listing.abort();
}

#[tokio::test]
async fn an_order_that_somebody_waits_for_is_given_up_in_time() {
    let stub = Stub::start(&[("DELETE /api/v1/clients/c1", SLOW)]).await;
    let control = stub.control(Family::Srs, "");
    let publisher = publisher("c1", "one", "rtmp");
    let hurried = control.kick(&publisher, KickPatience::BeforeAnswer);
    // Well before the second that the waiting publisher's hook has.
    let kicked = tokio::time::timeout(Duration::from_millis(900), hurried).await;
    assert!(matches!(kicked, Ok(Err(MediaServerError::Unreachable(_)))), "{kicked:?}");
}
