//! Hooks that do not come from a media server.

use std::collections::BTreeSet;

use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::{Family, ServerName};

use super::{Answer, World};
use crate::{HookSecrets, HookServer, HookServers};

impl World {
    /// A hook with additional headers.
    fn hook_with(&self, path: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {length}\r\n\r\n");
        let mut client = self.connect();
        client.write(format!("{head}{body}").as_bytes());
        client.read(true)
    }
}

fn with_secret(family: Family) -> HookServers {
    let secrets = HookSecrets::new(vec!["s3cr3t".to_owned()]);
    [(ServerName::parse("edge").unwrap(), HookServer { family, secrets, host: None })].into()
}

const FROM_A_PAGE: [&str; 9] = [
    "Origin: https://evil.example\r\nContent-Type: text/plain\r\n",
    "Origin: null\r\n",
    "Origin: http://127.0.0.1:8082\r\n",
    "Referer: https://evil.example/page\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: same-origin\r\n",
    "Sec-Fetch-Dest: empty\r\n",
    "Sec-Fetch-Mode: no-cors\r\n",
    "Sec-Fetch-User: ?1\r\n",
];

#[test]
fn hooks_from_a_page_in_a_browser_are_rejected() {
    for (servers, secret) in [(HookServers::new(), ""), (with_secret(Family::ZlMediaKit), "?secret=s3cr3t")] {
        let world = World::on_air(AddressForm::Key, servers);
        let key = world.key_of(1);
        let path = format!("/hooks/zlmediakit/edge{secret}");
        let publish = format!(
            r#"{{"app":"live","id":"17","ip":"192.0.2.7","originType":1,"params":"","schema":"rtmp","stream":"{key}","vhost":"__defaultVhost__"}}"#
        );
        assert_eq!(world.hook_with(&path, "", &publish).status, 200);
        for headers in FROM_A_PAGE {
            let restarted = r#"{"general.mediaServerId":"x"}"#;
            let answer = world.hook_with(&path, headers, restarted);
            assert_eq!((answer.status, answer.code().as_str()), (403, "hook_refused"), "{headers}");
        }
        assert_eq!(world.get_as("user-1", "/api/streams").json()["streams"][0]["live"], true);
    }
}

/// Node's `fetch` sends one of the headers that browsers send.
#[test]
fn the_fetch_of_node_media_server_is_no_browser() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::NodeMediaServer4));
    let path = "/hooks/node-media-server/edge?secret=s3cr3t";
    let left = r#"{"id":"7","action":"donePublish"}"#;
    assert_eq!(world.hook_with(path, "Sec-Fetch-Mode: cors\r\n", left).status, 200);
    for headers in FROM_A_PAGE {
        assert_eq!(world.hook_with(path, headers, left).code(), "hook_refused", "{headers}");
    }
    let world = World::on_air(AddressForm::Key, with_secret(Family::Srs));
    let answer = world.hook_with("/hooks/srs/edge?secret=s3cr3t", "Sec-Fetch-Mode: cors\r\n", left);
    assert_eq!(answer.code(), "hook_refused");
}

#[test]
fn strangers_do_not_learn_which_media_servers_there_are() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::NginxRtmp));
    let answers: BTreeSet<String> = [
        ("/hooks/nginx-rtmp/edge", ""),
        ("/hooks/nginx-rtmp/edge?secret=wrong", ""),
        ("/hooks/nginx-rtmp/edge?secret=a&secret=b", ""),
        ("/hooks/nginx-rtmp/edge/wrong", ""),
        ("/hooks/srs/edge?secret=s3cr3t", ""),
        ("/hooks/ovenmediaengine/edge", "X-OME-Signature: wrong\r\n"),
        ("/hooks/nginx-rtmp/other?secret=s3cr3t", ""),
        ("/hooks/nginx-rtmp/other", ""),
        ("/hooks/nginx-rtmp/edge?secret=s3cr3t", "Origin: https://evil.example\r\n"),
    ]
    .map(|(path, headers)| {
        let answer = world.hook_with(path, headers, "call=play");
        assert_eq!(answer.status, 403, "{path}");
        answer.body
    })
    .into();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// Sends hooks with a wrong secret until one is answered otherwise than by 403.
fn guess_secrets(world: &World, path: &str, headers: &str, body: &str) -> (u32, Answer) {
    for number in 0..100 {
        let answer = world.hook_with(path, headers, body);
        if answer.status != 403 {
            return (number, answer);
        }
        assert_eq!(answer.code(), "hook_refused");
    }
    panic!("refused hooks are not limited");
}

#[test]
fn who_guesses_secrets_gets_429_for_a_while_and_the_right_secret_is_answered() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::NginxRtmp));
    let key = world.key_of(1);
    let (refused, limited) = guess_secrets(&world, "/hooks/nginx-rtmp/edge?secret=wrong", "", "call=publish");
    // Each second one more is answered.
    assert!((60..=70).contains(&refused), "{refused}");
    assert_eq!((limited.status, limited.code().as_str()), (429, "too_many_requests"));
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(limited.header("ratelimit-policy"), Some("\"refused-hooks\";q=60;w=60"));
    assert_eq!(limited.header("ratelimit"), Some(format!("\"refused-hooks\";r=0;t={wait}").as_str()));

    let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid=1");
    for _ in 0..100 {
        assert_eq!(world.hook_with("/hooks/nginx-rtmp/edge?secret=s3cr3t", "", &form).status, 200);
    }
    // Keys are counted apart, and so is another client.
    assert_eq!(world.get("/api/streams/unknown").status, 404);
    let other = "X-Forwarded-For: 203.0.113.9\r\n";
    assert_eq!(world.hook_with("/hooks/nginx-rtmp/edge?secret=wrong", other, "call=publish").status, 403);
}

#[test]
fn metrics_show_guesses_of_secrets_by_reason_and_by_status() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::Srs));
    let (refused, _) = guess_secrets(&world, "/hooks/srs/edge?secret=wrong", "", "{}");
    let metrics = world.get("/metrics").body;
    let rejected = format!(
        "stream_hook_decisions_total{{server=\"edge\",family=\"srs\",decision=\"rejected\",\
         reason=\"wrong_secret\"}} {}\n",
        refused + 1
    );
    assert!(metrics.contains(&rejected), "{metrics}");
    let route =
        "stream_http_requests_total{route=\"/hooks/{family}/{server}\",method=\"POST\",status=\"429\"} 1\n";
    assert!(metrics.contains(route), "{metrics}");
}

/// Each family takes another status than 200 for a refusal; the body says yes to none of them either.
#[test]
fn every_family_takes_the_limit_for_a_refusal() {
    for family in Family::ALL.into_iter().filter(|family| !family.capabilities().has_gate) {
        let world = World::on_air(AddressForm::Key, with_secret(family));
        let path = format!("/hooks/{}/edge?secret=wrong", family.as_str());
        let (_, limited) = guess_secrets(&world, &path, "X-OME-Signature: wrong\r\n", "{}");
        assert_eq!(limited.status, 429, "{family:?}");
        let body = limited.json();
        assert!(body["code"].is_string() && body["allowed"].is_null(), "{family:?}: {body}");
    }
}

#[test]
fn strangers_do_not_learn_from_the_limit_which_media_servers_there_are() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::NginxRtmp));
    guess_secrets(&world, "/hooks/nginx-rtmp/other?secret=s3cr3t", "", "call=play");
    for path in [
        "/hooks/nginx-rtmp/edge",
        "/hooks/nginx-rtmp/edge?secret=wrong",
        "/hooks/nginx-rtmp/edge/wrong",
        "/hooks/srs/edge?secret=s3cr3t",
        "/hooks/nginx-rtmp/other",
    ] {
        assert_eq!(world.hook_with(path, "", "call=play").status, 429, "{path}");
    }
}
