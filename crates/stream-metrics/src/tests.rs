//! What is written after known events, and that labels stay few.

use std::sync::Arc;
use std::time::Duration;

use futures_executor::block_on;
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{
    Counts, EndedSession, Kick, KickPatience, Listing, MediaServerError, MockKeyStore, MockMediaServer,
    MockStatistics, PoolUsage, SharedReadUsage, StartError, Statistics, StoreError, StoreUsage,
};
use stream_domain::testing::MemoryStore;
use stream_domain::{Family, ServerName, SessionId, StreamKey, Timestamp, UserId};

use super::*;

fn edge() -> ServerName {
    ServerName::parse("edge").unwrap()
}

fn second(number: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_800_000_000_000_000 + number * 1_000_000).unwrap()
}

fn metrics_of(statistics: impl Statistics + 'static) -> Metrics {
    let build = [("version", "1.2.3".to_owned())];
    Metrics::new(Arc::new(statistics), [(edge(), Family::NginxRtmp)], &build)
}

fn metrics() -> Metrics {
    metrics_of(MemoryStore::default())
}

/// The value of a sample, as it is written.
fn value(metrics: &Metrics, sample: &str) -> Option<String> {
    let text = metrics.render(Format::Prometheus);
    let line = text.lines().find(|line| line.strip_prefix(sample).is_some_and(|rest| rest.starts_with(' ')));
    line.map(|line| line.rsplit(' ').next().unwrap().to_owned())
}

#[test]
fn a_request_is_counted_by_template_method_and_status() {
    let metrics = metrics();
    let in_flight = metrics.requests().begin();
    assert_eq!(value(&metrics, "stream_http_requests_in_flight").as_deref(), Some("1"));
    in_flight.end("/api/streams/{stream_key}", "GET", 410);
    metrics.requests().begin().end("/api/streams/{stream_key}", "BREW", 405);
    // Its client left.
    drop(metrics.requests().begin());
    assert_eq!(value(&metrics, "stream_http_requests_in_flight").as_deref(), Some("0"));
    let of = |method: &str, status: u16| {
        let labels = format!("route=\"/api/streams/{{stream_key}}\",method=\"{method}\",status=\"{status}\"");
        value(&metrics, &format!("stream_http_requests_total{{{labels}}}"))
    };
    assert_eq!((of("GET", 410), of("other", 405)), (Some("1".to_owned()), Some("1".to_owned())));
    let labels = "{route=\"/api/streams/{stream_key}\",method=\"GET\"}";
    let count = format!("stream_http_request_duration_seconds_count{labels}");
    assert_eq!(value(&metrics, &count).as_deref(), Some("1"));
}

#[test]
fn servers_that_the_settings_do_not_name_are_one() {
    let metrics = metrics();
    for server in ["edge", "a", "b", "c"] {
        let family = Some("nginx-rtmp");
        metrics.hooks().answered(server, family, Decision::Refused("stopped"), Duration::from_millis(1));
    }
    metrics.hooks().answered("edge", None, Decision::Rejected("unknown_family"), Duration::ZERO);
    let of = |server: &str, family: &str, decision: &str, reason: &str| {
        let labels =
            format!("server=\"{server}\",family=\"{family}\",decision=\"{decision}\",reason=\"{reason}\"");
        value(&metrics, &format!("stream_hook_decisions_total{{{labels}}}"))
    };
    assert_eq!(of("edge", "nginx-rtmp", "refused", "stopped").as_deref(), Some("1"));
    assert_eq!(of("unlisted", "nginx-rtmp", "refused", "stopped").as_deref(), Some("3"));
    assert_eq!(of("edge", "unknown", "rejected", "unknown_family").as_deref(), Some("1"));
    assert_eq!(of("a", "nginx-rtmp", "refused", "stopped"), None);
}

#[test]
fn keys_are_counted_by_what_the_store_did() {
    let metrics = metrics();
    let mut store = MockKeyStore::new();
    store.expect_start().once().returning(|_| Err(StartError::UnknownUser));
    store.expect_start().returning(|_| Err(StartError::Store(StoreError::unavailable("away"))));
    store.expect_stop_active().returning(|_, _| Ok(None));
    store.expect_expire_overdue().returning(|_, _| Ok(7));
    let store = MeteredKeyStore::new(Arc::new(store), metrics.keys().clone());
    let new = stream_domain::testing::new_stream(
        UserId::new(1).unwrap(),
        StreamKey::parse("key").unwrap(),
        second(0),
    );
    block_on(async {
        use stream_domain::ports::KeyStore as _;
        store.start(&new).await.unwrap_err();
        store.start(&new).await.unwrap_err();
        assert_eq!(store.stop_active(UserId::new(1).unwrap(), second(0)).await.unwrap(), None);
        assert_eq!(store.expire_overdue(second(0), 500).await.unwrap(), 7);
    });
    let refused =
        |reason: &str| value(&metrics, &format!("stream_keys_refused_total{{reason=\"{reason}\"}}"));
    assert_eq!(refused("user_not_found").as_deref(), Some("1"));
    assert_eq!(refused("store_unavailable").as_deref(), Some("1"));
    assert_eq!(value(&metrics, "stream_keys_generated_total").as_deref(), Some("0"));
    assert_eq!(value(&metrics, "stream_keys_stopped_total").as_deref(), Some("0"));
    assert_eq!(value(&metrics, "stream_keys_expired_total").as_deref(), Some("7"));
}

#[test]
fn polls_and_kicks_are_counted_by_media_server() {
    let metrics = metrics();
    let mut control = MockMediaServer::new();
    let listing = || Listing { publishers: Vec::new(), is_whole: true, process: None };
    control.expect_publishers().once().returning(move || Ok(listing()));
    control.expect_publishers().returning(|| Err(MediaServerError::Forbidden));
    control.expect_kick().returning(|_, _| Ok(Kick::NotFound));
    let control = metrics.media_servers().metered(&edge(), Family::Srs, Arc::new(control));
    let labels = "{server=\"edge\",family=\"srs\"}";
    let reachable = || value(&metrics, &format!("stream_media_server_reachable{labels}"));
    assert_eq!(reachable().as_deref(), Some("0"), "before the first poll");
    block_on(control.publishers()).unwrap();
    assert_eq!(reachable().as_deref(), Some("1"));
    assert_eq!(value(&metrics, &format!("stream_media_server_publishers{labels}")).as_deref(), Some("0"));
    block_on(control.publishers()).unwrap_err();
    assert_eq!(reachable().as_deref(), Some("0"));
    let publisher = stream_domain::testing::asking("s1", "one", 1).publisher;
    block_on(control.kick(&publisher, KickPatience::Unhurried)).unwrap();
    for (outcome, number) in [("ordered", "1"), ("not_found", "1"), ("done", "0"), ("failed", "0")] {
        let labels = format!("{{server=\"edge\",family=\"srs\",outcome=\"{outcome}\"}}");
        let kicks = value(&metrics, &format!("stream_kicks_total{labels}"));
        assert_eq!(kicks.as_deref(), Some(number), "{outcome}");
    }
}

fn ended(number: i64, at: i64, reason: EndReason) -> EndedSession {
    EndedSession { session: SessionId(number), at: second(at), reason }
}

#[test]
fn each_session_that_ends_is_counted_once() {
    let mut statistics = MockStatistics::new();
    statistics.expect_count().returning(|_| Ok(Counts::default()));
    let looks = [
        // The first ended before this instance began.
        vec![ended(1, -5, EndReason::Left), ended(2, 3, EndReason::Left)],
        vec![ended(2, 3, EndReason::Left), ended(3, 12, EndReason::Lost)],
        // Written late.
        vec![ended(3, 12, EndReason::Lost), ended(4, 11, EndReason::Lost), ended(2, 3, EndReason::Left)],
    ];
    let mut looks = looks.into_iter();
    statistics.expect_list_ended().returning(move |_| Ok(looks.next().unwrap_or_default()));
    let metrics = metrics();
    metrics.platform().begin(second(0));
    for at in [10, 20, 30, 40] {
        block_on(metrics.platform().refresh(&statistics, second(at))).unwrap();
    }
    let of = |reason: &str| value(&metrics, &format!("stream_sessions_ended_total{{reason=\"{reason}\"}}"));
    assert_eq!((of("left").as_deref(), of("lost").as_deref()), (Some("1"), Some("2")));
    assert_eq!(of("stopped").as_deref(), Some("0"), "a reason is there before its first session");
}

#[test]
fn counts_are_not_shown_while_the_database_is_away() {
    let mut statistics = MockStatistics::new();
    let open_sessions =
        || vec![(edge(), 2), (ServerName::parse("a").unwrap(), 3), (ServerName::parse("b").unwrap(), 4)];
    let counts = move || Counts { active: 9, live: 5, open_sessions: open_sessions(), missing_objects: 1 };
    statistics.expect_count().once().returning(move |_| Ok(counts()));
    statistics.expect_count().returning(|_| Err(StoreError::unavailable("away")));
    statistics.expect_list_ended().returning(|_| Ok(Vec::new()));
    let metrics = metrics();
    assert_eq!(value(&metrics, "stream_database_up").as_deref(), Some("0"));
    block_on(metrics.platform().refresh(&statistics, second(0))).unwrap();
    assert_eq!(value(&metrics, "stream_database_up").as_deref(), Some("1"));
    assert_eq!(value(&metrics, "stream_streams_active").as_deref(), Some("9"));
    assert_eq!(value(&metrics, "stream_streams_live").as_deref(), Some("5"));
    assert_eq!(value(&metrics, "stream_database_objects_missing").as_deref(), Some("1"));
    let open = |server: &str| value(&metrics, &format!("stream_sessions_open{{server=\"{server}\"}}"));
    assert_eq!((open("edge").as_deref(), open("unlisted").as_deref()), (Some("2"), Some("7")));
    block_on(metrics.platform().refresh(&statistics, second(1))).unwrap_err();
    assert_eq!(value(&metrics, "stream_database_up").as_deref(), Some("0"));
    assert_eq!(value(&metrics, "stream_streams_active"), None);
}

/// A store with one of everything.
fn busy_store() -> MockStatistics {
    let mut statistics = MockStatistics::new();
    statistics.expect_count().returning(|_| Ok(Counts::default()));
    statistics.expect_list_ended().returning(|_| Ok(Vec::new()));
    statistics.expect_usage().returning(|| StoreUsage {
        pools: vec![PoolUsage {
            name: "writes",
            max: 8,
            open: 3,
            in_use: 2,
            waiting: 1,
            acquired: 40,
            waited: Duration::from_millis(1_500),
        }],
        shared_reads: vec![SharedReadUsage { name: "lookups", reads: 4, requests: 100, waiting: 5 }],
        errors: vec![("unavailable", 6)],
    });
    statistics
}

#[test]
fn the_store_is_read_when_metrics_are() {
    let metrics = metrics_of(busy_store());
    for (sample, expected) in [
        ("stream_database_pool_max_connections{pool=\"writes\"}", "8"),
        ("stream_database_pool_connections{pool=\"writes\"}", "3"),
        ("stream_database_pool_connections_in_use{pool=\"writes\"}", "2"),
        ("stream_database_pool_waiting{pool=\"writes\"}", "1"),
        ("stream_database_pool_acquired_total{pool=\"writes\"}", "40"),
        ("stream_database_pool_wait_seconds_total{pool=\"writes\"}", "1.5"),
        ("stream_shared_reads_total{read=\"lookups\"}", "4"),
        ("stream_shared_read_requests_total{read=\"lookups\"}", "100"),
        ("stream_shared_read_waiting{read=\"lookups\"}", "5"),
        ("stream_database_errors_total{class=\"unavailable\"}", "6"),
    ] {
        assert_eq!(value(&metrics, sample).as_deref(), Some(expected), "{sample}");
    }
}

/// Names are what dashboards and alerts are made of, so each change of one is to be seen.
#[test]
fn every_metric_keeps_its_name_and_its_type() {
    let metrics = metrics_of(busy_store());
    metrics.requests().begin().end("/health", "GET", 200);
    metrics.hooks().answered("edge", Some("srs"), Decision::Accepted, Duration::ZERO);
    metrics.keys().refused("too_many_requests");
    metrics.tasks().of("sweeping").succeeded();
    let mut control = MockMediaServer::new();
    control
        .expect_publishers()
        .returning(|| Ok(Listing { publishers: Vec::new(), is_whole: true, process: None }));
    let control = metrics.media_servers().metered(&edge(), Family::Srs, Arc::new(control));
    block_on(control.publishers()).unwrap();
    metrics.service().set_state(ServiceState::NotReady("draining"));
    block_on(metrics.platform().refresh(&busy_store(), second(0))).unwrap();
    let text = metrics.render(Format::Prometheus);
    let mut types: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    types.sort_unstable();
    insta::assert_snapshot!(types.join("\n"));
    let open = metrics.render(Format::OpenMetrics);
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE stream_http_requests counter"), "{open}");
}

#[test]
fn openmetrics_is_written_where_it_is_asked_for() {
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
    assert_eq!(Format::of_accept(prometheus), Format::OpenMetrics);
    for accept in ["", "*/*", "text/plain"] {
        assert_eq!(Format::of_accept(accept), Format::Prometheus, "{accept}");
    }
}
