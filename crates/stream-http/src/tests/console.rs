//! The console's files, and sessions for development.

use super::{Client, World};

const FILES: [(&str, &str); 6] = [
    ("/", "text/html; charset=utf-8"),
    ("/embed.js", "text/javascript; charset=utf-8"),
    ("/console/console.js", "text/javascript; charset=utf-8"),
    ("/console/hls.js", "text/javascript; charset=utf-8"),
    ("/console/console.css", "text/css; charset=utf-8"),
    ("/console/icon.svg", "image/svg+xml"),
];

/// What a program of this machine sends, and what makes it one of another.
fn asks(world: &World, method_and_path: &str, headers: &str) -> (u16, serde_json::Value) {
    let answer = world.send(&format!("{method_and_path} HTTP/1.1\r\n{headers}"));
    (answer.status, answer.json())
}

#[test]
fn every_file_is_served_and_revalidated() {
    let world = World::new();
    for (path, content_type) in FILES {
        let answer = world.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}");
        let etag = answer.header("etag").unwrap();
        let again = world.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nIf-None-Match: {etag}\r\n"));
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
    }
    let missing = world.get("/console/missing.js");
    assert_eq!((missing.status, missing.code().as_str()), (404, "not_found"));
}

#[test]
fn files_are_compressed_for_those_who_take_that() {
    let world = World::new();
    let plain = world.get("/console/console.js").body.len();
    for (accepted, encoding) in [("gzip", Some("gzip")), ("gzip, br", Some("br")), ("identity", None)] {
        let mut client = Client::connect(world.address);
        client.write(
            format!("HEAD /console/console.js HTTP/1.1\r\nHost: test\r\nAccept-Encoding: {accepted}\r\n\r\n")
                .as_bytes(),
        );
        let answer = client.read(false);
        assert_eq!(answer.header("content-encoding"), encoding, "{accepted}");
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length < plain / 2, encoding.is_some(), "{accepted}: {length} of {plain}");
    }
}

#[test]
fn the_page_may_reach_this_service_and_the_media_server_alone() {
    let answer = World::new().get("/");
    let policy = answer.header("content-security-policy").unwrap();
    let rules: Vec<&str> = policy.split("; ").collect();
    assert_eq!(
        rules,
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self' http://localhost:8083",
            "media-src 'self' blob: http://localhost:8083",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    );
}

#[test]
fn pages_of_any_origin_may_load_the_player_and_nothing_else_of_it() {
    let world = World::new();
    for (path, _) in FILES {
        let answer =
            world.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nOrigin: https://platform.example\r\n"));
        let allowed = matches!(path, "/embed.js" | "/console/hls.js").then_some("*");
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
    }
}

#[test]
fn a_click_on_the_same_machine_signs_in() {
    let world = World::new();
    for host in ["localhost", "localhost:8082", "LOCALHOST:8082", "127.0.0.1:8082", "127.8.8.8", "[::1]:8082"]
    {
        let (status, session) = asks(&world, "POST /console/session", &format!("Host: {host}\r\n"));
        assert_eq!(status, 201, "{host}: {session}");
        let token = session["token"].as_str().unwrap();
        assert_eq!(session["user_id"], 1);
        let own =
            world.send(&format!("GET /api/streams HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\n"));
        assert_eq!(own.status, 200, "{own:?}");
        let (_, settings) = asks(&world, "GET /console/settings.json", &format!("Host: {host}\r\n"));
        assert_eq!(settings["development"], true, "{host}");
    }
    let own_page = "Host: localhost:8082\r\nOrigin: http://localhost:8082\r\n";
    assert_eq!(asks(&world, "POST /console/session", own_page).0, 201);
}

#[test]
fn no_other_machine_proxy_or_page_gets_a_session() {
    let world = World::new();
    let all = [
        // A name of another site that leads here: DNS rebinding.
        "Host: evil.example\r\n",
        "Host: localhost.evil.example\r\n",
        "Host: 127.0.0.1.evil.example:8082\r\n",
        "Host: 192.0.2.1\r\n",
        "Host: \r\n",
        // A page of another origin, also of this machine.
        "Host: localhost:8082\r\nOrigin: https://evil.example\r\n",
        "Host: localhost:8082\r\nOrigin: http://localhost:3000\r\n",
        "Host: localhost:8082\r\nOrigin: null\r\n",
        // A proxy on this machine, that asks for anybody.
        "Host: localhost:8082\r\nX-Forwarded-For: 192.0.2.1\r\n",
        "Host: localhost:8082\r\nX-Real-IP: 127.0.0.1\r\n",
        "Host: localhost:8082\r\nForwarded: for=127.0.0.1\r\n",
        "Host: localhost:8082\r\nVia: 1.1 proxy\r\n",
    ];
    for headers in all {
        let (status, refused) = asks(&world, "POST /console/session", headers);
        assert_eq!((status, refused["code"].as_str()), (403, Some("not_local")), "{headers}");
        assert_eq!(refused["token"], serde_json::Value::Null, "{headers}");
        let (_, settings) = asks(&world, "GET /console/settings.json", headers);
        assert_eq!(settings["development"], false, "{headers}");
    }
}
