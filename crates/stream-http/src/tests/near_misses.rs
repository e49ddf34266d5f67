//! A valid key with something around it, as each family sends it: admitted, or shown to its owner.

use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::{Family, ServerName};

use super::World;
use crate::{HookSecrets, HookServer, HookServers};

/// What is published, with its query.
struct Published<'a> {
    application: &'a str,
    name: &'a str,
    query: &'a str,
}

/// What a family posts for it: the path of the hook and the body.
fn question(family: Family, Published { application, name, query }: &Published<'_>) -> String {
    match family {
        Family::NginxRtmp => {
            let encoded = name.replace('%', "%25").replace(' ', "%20").replace('\n', "%0A");
            format!(
                "app={application}&flashver=&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=192.0.2.9&clientid=7\
                 &call=publish&name={encoded}&type=live&{query}"
            )
        }
        Family::Srs => serde_json::json!({
            "action": "on_publish", "service_id": "1", "client_id": "c", "ip": "192.0.2.9",
            "vhost": "__defaultVhost__", "app": application, "tcUrl": "rtmp://h/live", "stream": name,
            "param": format!("?{query}"),
        })
        .to_string(),
        Family::MediaMtx => serde_json::json!({
            "ip": "192.0.2.9", "action": "publish", "path": format!("{application}/{name}"), "protocol": "rtmp",
            "id": "81c749bf-69cf-466b-b15c-bb27b22e6ac9", "query": query,
        })
        .to_string(),
        Family::OvenMediaEngine => serde_json::json!({
            "client": {"address": "192.0.2.9", "port": 40001},
            "request": {"direction": "incoming", "protocol": "rtmp", "status": "opening",
                "url": format!("rtmp://h:1935/{application}/{name}?{query}")},
        })
        .to_string(),
        Family::ZlMediaKit => serde_json::json!({
            "app": application, "id": "17", "ip": "192.0.2.9", "originType": 1, "params": query, "schema": "rtmp",
            "stream": name, "vhost": "__defaultVhost__",
        })
        .to_string(),
        Family::AntMedia => serde_json::json!({
            "appName": application, "streamId": name, "mode": "publish",
            "queryParams": format!("{{{}}}", query.replace('&', ", ")),
        })
        .to_string(),
        Family::NodeMediaServer2 | Family::NodeMediaServer4 => {
            let key = query.strip_prefix("key=").unwrap_or_default();
            serde_json::json!({
                "action": "prePublish", "id": "abc", "ip": "192.0.2.9:1", "app": application, "name": name,
                "query": if query.is_empty() { serde_json::json!({}) } else { serde_json::json!({ "key": key }) },
                "protocol": "rtmp",
            })
            .to_string()
        }
    }
}

/// Every family that has hooks.
fn families() -> impl Iterator<Item = Family> {
    Family::ALL.into_iter().filter(|family| !family.capabilities().has_gate)
}

/// A world with one stream, and its key and playback id.
fn world(form: AddressForm) -> (World, String, String) {
    let world = World::on_air(form, HookServers::new());
    let key = world.key_of(1);
    let streams = world.get_as("user-1", "/api/streams").json();
    let id = streams["streams"][0]["playback_id"].as_str().unwrap().to_owned();
    (world, key, id)
}

impl World {
    fn is_admitted(&self, family: Family, published: &Published<'_>) -> bool {
        let path = format!("/hooks/{}/edge", family.as_str());
        let answer = self.hook(&path, "text/plain", &question(family, published));
        answer.status < 400
            && answer.json()["allowed"] != false
            && answer.json().get("code").is_none_or(|code| code == 0)
    }

    /// What the owner sees of refused publishers: the reasons and the sentences.
    fn attempts(&self) -> Vec<(String, String)> {
        let attempts = self.get_as("user-1", "/api/streams/attempts").json();
        let text = |attempt: &serde_json::Value, field: &str| attempt[field].as_str().unwrap().to_owned();
        let attempts = attempts["attempts"].as_array().unwrap().iter();
        attempts.map(|attempt| (text(attempt, "reason"), text(attempt, "message"))).collect()
    }
}

#[test]
fn every_family_accepts_a_key_with_something_around_it() {
    for family in families() {
        let (world, key, id) = world(AddressForm::Playback);
        for query in [
            format!("key={key}/"),
            format!("key={key}%20"),
            format!("key=%20{key}"),
            format!("key={key}%0A"),
            format!("key=%22{key}%22"),
            format!("key={key}%E2%80%8B"),
            format!("key=rtmp%3A%2F%2Fh%2Flive%2F{id}%3Fkey%3D{key}"),
        ] {
            // Ant Media and node-media-server decode by themselves; decoded twice it is the same.
            let published = Published { application: "live", name: &id, query: &query };
            assert!(world.is_admitted(family, &published), "{family:?} {query}");
        }
        assert_eq!(world.attempts(), []);
    }
}

#[test]
fn the_owner_of_a_key_in_a_wrong_place_sees_what_to_correct() {
    for family in families() {
        for (form, published, wanted) in [
            (AddressForm::Playback, ["live", "KEY", ""], "key_in_wrong_field"),
            (AddressForm::Playback, ["live", " KEY", ""], "key_in_wrong_field"),
            (AddressForm::Key, ["live", "KEY ", ""], "malformed_key"),
            (AddressForm::Key, ["live", "KEY\n", ""], "malformed_key"),
            (AddressForm::Key, ["live", "KEY%20", ""], "malformed_key"),
            (AddressForm::Key, ["live", "ID", "key=KEY"], "key_in_wrong_field"),
            (AddressForm::Key, ["other", "KEY", ""], "foreign_application"),
            (AddressForm::Playback, ["other", "ID", "key=KEY"], "foreign_application"),
            (AddressForm::Playback, ["live", "ID", ""], "no_key"),
            (AddressForm::Playback, ["live", "ID", "key=wrong"], "unknown_key"),
        ] {
            let (world, key, id) = world(form);
            let [application, name, query] =
                published.map(|text| text.replace("KEY", &key).replace("ID", &id));
            let published = Published { application: &application, name: &name, query: &query };
            assert!(!world.is_admitted(family, &published), "{family:?} {form:?} {name:?}");
            let [(reason, sentence)] = &world.attempts()[..] else {
                panic!("{family:?} {form:?} {name:?} {query}: {:?}", world.attempts())
            };
            assert_eq!(reason, wanted, "{family:?} {form:?} {name:?}");
            assert!(sentence.len() > 20 && !sentence.contains(&key), "{sentence}");
        }
    }
}

#[test]
fn the_owner_of_either_key_sees_that_there_were_two() {
    for family in families() {
        let (world, key, id) = world(AddressForm::Playback);
        let query = format!("key=wrong&key={key}");
        let published = Published { application: "live", name: &id, query: &query };
        if matches!(family, Family::NodeMediaServer4) {
            continue;
        }
        assert!(!world.is_admitted(family, &published), "{family:?}");
        assert_eq!(world.attempts()[0].0, "malformed_request", "{family:?}");
    }
}

#[test]
fn the_owner_sees_a_foreign_host() {
    let (world, key, id) = world(AddressForm::Playback);
    let query = format!("key={key}");
    let published = Published { application: "live", name: &id, query: &query };
    for family in [Family::Srs, Family::ZlMediaKit] {
        let body = question(family, &published).replace("__defaultVhost__", "other.host");
        let path = format!("/hooks/{}/edge", family.as_str());
        world.hook(&path, "application/json", &body);
    }
    assert_eq!(world.attempts().len(), 1);
    assert_eq!(world.attempts()[0].0, "foreign_host");
}

#[test]
fn strangers_leave_nothing_behind() {
    for form in [AddressForm::Key, AddressForm::Playback, AddressForm::Rename] {
        let (world, ..) = world(form);
        for family in families() {
            for (name, query) in
                [("unknown", ""), ("a b", ""), ("unknown", "key=unknown"), ("x", "key=a&key=b")]
            {
                assert!(!world.is_admitted(family, &Published { application: "live", name, query }));
            }
        }
        assert_eq!(world.attempts(), []);
    }
}

#[test]
fn nginx_and_srs_accept_a_slash_too_many() {
    for family in [Family::NginxRtmp, Family::Srs] {
        for (application, name) in [("live/", "KEY"), ("live", "/KEY"), ("live", "KEY/")] {
            let (world, key, _) = world(AddressForm::Key);
            let name = name.replace("KEY", &key);
            assert!(
                world.is_admitted(family, &Published { application, name: &name, query: "" }),
                "{family:?}"
            );
            let end = match family {
                Family::NginxRtmp => format!("app=live&clientid=7&call=publish_done&name={name}"),
                _ => r#"{"action":"on_unpublish","client_id":"c"}"#.to_owned(),
            };
            assert_eq!(world.get_as("user-1", "/api/streams").json()["streams"][0]["live"], true);
            world.hook(&format!("/hooks/{}/edge", family.as_str()), "text/plain", &end);
            assert_eq!(world.get_as("user-1", "/api/streams").json()["streams"][0]["live"], false);
        }
    }
}

#[test]
fn ovenmediaengine_asks_twice_about_one_session() {
    let secrets = HookSecrets::new(Vec::new());
    let server = HookServer { family: Family::OvenMediaEngine, secrets, host: None };
    let world = World::on_air(AddressForm::Playback, [(ServerName::parse("edge").unwrap(), server)].into());
    let key = world.key_of(1);
    let streams = world.get_as("user-1", "/api/streams").json();
    let id = streams["streams"][0]["playback_id"].as_str().unwrap().to_owned();
    for query in [format!("key={key}"), format!("key={key}&key={key}")] {
        let published = Published { application: "live", name: &id, query: &query };
        assert!(world.is_admitted(Family::OvenMediaEngine, &published), "{query}");
    }
    let sessions = world.get_as("user-1", "/api/streams/1/sessions").json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}
