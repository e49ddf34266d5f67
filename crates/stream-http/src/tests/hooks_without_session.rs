//! Questions about a key before a session begins: answered by the key alone.

use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::{Family, ServerName};

use super::{Answer, World};
use crate::{HookSecrets, HookServer, HookServers};

impl World {
    fn request(&self, method: &str, path: &str) -> Answer {
        let mut client = self.connect();
        client.write(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
        client.read(method != "HEAD")
    }

    fn sessions(&self) -> usize {
        let sessions = self.get_as("user-1", "/api/streams/1/sessions").json();
        sessions["sessions"].as_array().unwrap().len()
    }

    fn reasons(&self) -> Vec<String> {
        let attempts = self.get_as("user-1", "/api/streams/attempts").json();
        let attempts = attempts["attempts"].as_array().unwrap().iter();
        attempts.map(|attempt| attempt["reason"].as_str().unwrap().to_owned()).collect()
    }

    fn id(&self) -> String {
        let streams = self.get_as("user-1", "/api/streams").json();
        streams["streams"][0]["playback_id"].as_str().unwrap().to_owned()
    }
}

fn with_secret(family: Family) -> HookServers {
    let secrets = HookSecrets::new(vec!["s3cr3t".to_owned()]);
    [(ServerName::parse("edge").unwrap(), HookServer { family, secrets, host: None })].into()
}

/// What MediaMTX asks for its publish page, and for the OPTIONS of WHIP.
fn page(id: &str, query: &str) -> String {
    format!(
        r#"{{"ip":"192.0.2.9","user":"","password":"","token":"","action":"publish","path":"live/{id}","protocol":"webrtc","id":null,"query":"{query}","userAgent":""}}"#
    )
}

/// What nginx sends with `notify_method get`.
fn by_get(secret: &str, call: &str, name: &str) -> String {
    format!(
        "/hooks/nginx-rtmp/edge?secret={secret}app=live&flashver=&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=192.0.2.9\
         &clientid=7&call={call}&name={name}&type=live"
    )
}

#[test]
fn the_publish_page_of_mediamtx_opens_with_the_key() {
    let world = World::on_air(AddressForm::Playback, HookServers::new());
    let key = world.key_of(1);
    let id = world.id();
    let ask = |query: &str| world.hook("/hooks/mediamtx/edge", "application/json", &page(&id, query));
    // It opens any number of times, with the key, whether or not the stream is live.
    for _ in 0..3 {
        let answer = ask(&format!("key={key}"));
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"code":0}"#));
    }
    assert_eq!(world.sessions(), 0);
    assert_eq!(ask("key=unknown").json()["reason"], "unknown_key");
    assert_eq!(ask("").json()["reason"], "no_key");
    assert_eq!(world.reasons().len(), 2);
    world.post_as("user-1", "/api/streams/stop");
    assert_eq!(ask(&format!("key={key}")).json()["reason"], "stopped");
}

#[test]
fn nginx_that_asks_by_get_begins_and_ends_no_session() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::NginxRtmp));
    let key = world.key_of(1);
    // nginx adds its fields by a second question mark.
    for joined in ["s3cr3t?", "s3cr3t&"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(
                world.request(method, &by_get(joined, "publish", &key)).status,
                200,
                "{method} {joined}"
            );
            assert_eq!(world.request(method, &by_get(joined, "update_publish", &key)).status, 200);
            assert_eq!(world.request(method, &by_get(joined, "publish", "unknown")).status, 403);
        }
    }
    assert_eq!(world.request("GET", &by_get("wrong?", "publish", &key)).code(), "hook_refused");
    assert_eq!(
        world.request("GET", &by_get("s3cr3t?", "publish", "unknown")).json()["reason"],
        "unknown_key"
    );
    assert_eq!(world.sessions(), 0);

    // A GET does not change a session that began by POST.
    let body = "app=live&addr=192.0.2.9&clientid=7&call=publish&type=live";
    let body = format!("{body}&name={key}");
    let post = "/hooks/nginx-rtmp/edge?secret=s3cr3t";
    assert_eq!(world.hook(post, "application/x-www-form-urlencoded", &body).status, 200);
    assert_eq!(world.request("GET", &by_get("s3cr3t?", "publish_done", &key)).status, 200);
    assert_eq!(world.get_as("user-1", "/api/streams").json()["streams"][0]["live"], true);
}

#[test]
fn by_get_the_new_name_hides_the_key_too() {
    let world = World::on_air(AddressForm::Rename, with_secret(Family::NginxRtmp));
    let key = world.key_of(1);
    let answer = world.request("GET", &by_get("s3cr3t?", "publish", &format!("%20{key}%0A")));
    assert_eq!((answer.status, answer.header("location")), (302, Some(world.id().as_str())));
}

#[test]
fn a_probe_checks_url_and_secret() {
    let world = World::on_air(AddressForm::Key, with_secret(Family::Srs));
    for method in ["GET", "HEAD"] {
        for (path, status) in [
            ("/hooks/srs/edge?secret=s3cr3t", 204),
            ("/hooks/srs/edge/s3cr3t", 204),
            ("/hooks/srs/edge?secret=s3cr3t&secret=s3cr3t", 204),
            ("/hooks/srs/edge?secret=wrong", 403),
            ("/hooks/srs/edge", 403),
            ("/hooks/nginx-rtmp/edge?secret=s3cr3t", 403),
            ("/hooks/srs/other?secret=s3cr3t", 403),
            ("/hooks/srss/edge?secret=s3cr3t", 405),
            // SRS asks no such question, so it gets no yes.
            ("/hooks/srs/edge?secret=s3cr3t&stream=key", 403),
        ] {
            assert_eq!(world.request(method, path).status, status, "{method} {path}");
        }
    }
    let options = world.request("OPTIONS", "/hooks/srs/edge");
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
}
