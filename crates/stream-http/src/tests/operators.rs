//! What operators read, and clients that guess.

use stream_domain::broadcasts::admission::AddressForm;

use super::World;
use crate::HookServers;

impl World {
    /// The value of a metric, as `/metrics` writes it.
    pub(super) fn metric(&self, sample: &str) -> Option<String> {
        let text = self.get("/metrics").body;
        let line =
            text.lines().find(|line| line.strip_prefix(sample).is_some_and(|rest| rest.starts_with(' ')));
        line.map(|line| line.rsplit(' ').next().unwrap().to_owned())
    }
}

#[test]
fn metrics_tell_of_requests_hooks_and_the_platform() {
    let world = World::on_air(AddressForm::Key, HookServers::default());
    let key = world.key_of(1);
    assert_eq!(world.post_as("user-1", "/api/streams/generate-key").status, 409);
    assert_eq!(world.get(&format!("/api/streams/{key}")).status, 200);
    assert_eq!(world.get("/no/such/route").status, 404);
    let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid=1");
    let published = world.hook("/hooks/nginx-rtmp/edge", "application/x-www-form-urlencoded", &form);
    assert_eq!(published.status, 200);
    let form = "call=publish&app=live&name=nothing&addr=192.0.2.7&clientid=2";
    let refused = world.hook("/hooks/nginx-rtmp/edge", "application/x-www-form-urlencoded", form);
    assert_eq!(refused.status, 403);
    assert_eq!(world.hook("/hooks/nginx-rtmp/%20", "text/plain", "").status, 404);
    let hooks = "stream_hook_decisions_total{server=\"edge\",family=\"nginx-rtmp\"";
    for (sample, expected) in [
        ("stream_ready", "1"),
        ("stream_database_up", "1"),
        ("stream_streams_active", "1"),
        ("stream_streams_live", "1"),
        ("stream_sessions_open{server=\"edge\"}", "1"),
        (
            "stream_http_requests_total{route=\"/api/streams/{stream_key}\",method=\"GET\",status=\"200\"}",
            "1",
        ),
        ("stream_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"}", "1"),
        (&format!("{hooks},decision=\"accepted\",reason=\"\"}}"), "1"),
        (&format!("{hooks},decision=\"refused\",reason=\"unknown_key\"}}"), "1"),
        (
            "stream_hook_decisions_total{server=\"unlisted\",family=\"nginx-rtmp\",decision=\"rejected\",\
             reason=\"no_name\"}",
            "1",
        ),
    ] {
        assert_eq!(world.metric(sample).as_deref(), Some(expected), "{sample}");
    }
    // No key, no user, no address.
    let text = world.get("/metrics").body;
    for secret in [key.as_str(), "user-1", "192.0.2.7"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn metrics_are_there_while_the_store_is_away_and_before_it_is_prepared() {
    let world = World::new();
    world.store.go_away();
    assert_eq!(world.metric("stream_ready").as_deref(), Some("0"));
    assert_eq!(world.metric("stream_not_ready{reason=\"database_unreachable\"}").as_deref(), Some("1"));
    assert_eq!(world.metric("stream_database_up").as_deref(), Some("0"));
    world.store.come_back();
    assert_eq!(world.metric("stream_ready").as_deref(), Some("1"));
    assert_eq!(world.metric("stream_not_ready{reason=\"database_unreachable\"}"), None);
}

#[test]
fn metrics_come_in_the_format_that_is_asked_for() {
    let world = World::new();
    let plain = world.get("/metrics");
    assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = world.send(&format!("GET /metrics HTTP/1.1\r\nHost: test\r\n{accept}"));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.header("content-type"), Some(kind));
    assert!(open.body.ends_with("# EOF\n"));
}

#[test]
fn a_client_that_guesses_keys_is_refused_for_a_while_and_good_keys_are_not() {
    let world = World::new();
    let key = world.key_of(1);
    let mut client = world.connect();
    let mut ask = |key: &str| client.send(&format!("GET /api/streams/{key} HTTP/1.1\r\nHost: test\r\n"));
    for number in 0..60 {
        assert_eq!(ask(&format!("guess-{number}")).code(), "stream_not_found");
    }
    // Each second one more is answered.
    let refused = (60..70).map(|number| ask(&format!("guess-{number}"))).find(|answer| answer.status == 429);
    let refused = refused.expect("guesses are refused");
    assert_eq!(refused.code(), "too_many_requests");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"unknown-keys\";q=60;w=60"));
    assert_eq!(refused.header("ratelimit"), Some(format!("\"unknown-keys\";r=0;t={wait}").as_str()));
    assert_eq!(ask(&key).status, 200);
    // What cannot be a key is no guess, and an ended stream's key is none either.
    assert_eq!(ask("no.key").code(), "stream_not_found");
    world.post_as("user-1", "/api/streams/stop");
    assert_eq!(ask(&key).status, 410);
}

#[test]
fn guesses_through_a_media_server_count_for_their_publisher() {
    let world = World::on_air(AddressForm::Key, HookServers::default());
    let publish = |number: u32, key: &str, address: &str| {
        let form = format!("call=publish&app=live&name={key}&addr={address}&clientid={number}");
        world.hook("/hooks/nginx-rtmp/edge", "application/x-www-form-urlencoded", &form).status
    };
    for number in 1..=70 {
        assert_eq!(publish(number, &format!("guess-{number}"), "192.0.2.7"), 403);
    }
    let labels =
        "{server=\"edge\",family=\"nginx-rtmp\",decision=\"refused\",reason=\"too_many_unknown_keys\"}";
    let limited = world.metric(&format!("stream_hook_decisions_total{labels}"));
    assert!(limited.is_some_and(|number| number.parse::<u32>().unwrap() >= 5));
    // Another one behind the same address has a good key.
    assert_eq!(publish(100, &world.key_of(1), "192.0.2.7"), 200);
}
