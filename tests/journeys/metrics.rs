//! Metrics of two instances against the database, the rules and the dashboard that read them, and clients that guess.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use stream_tests::{Service, StoreKind, TestStore, eventually, workspace};

/// Users who generate and stop at the same time.
const USERS: u32 = 50;

/// How many operations each of them does; two processes on one file take turns, and each commit waits for the disk.
fn operations(kind: StoreKind) -> u32 {
    match kind {
        StoreKind::Postgres => 40,
        StoreKind::Sqlite => 12,
    }
}

/// How many broadcasts come and go.
const BROADCASTS: u32 = 100;

/// Every sample of an instance: its name with its labels, and its value.
async fn scrape(service: &Service) -> BTreeMap<String, f64> {
    let text = text_of(service).await;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            (name.to_owned(), value.parse().unwrap_or_else(|error| panic!("{line}: {error}")))
        })
        .collect()
}

async fn text_of(service: &Service) -> String {
    let response = service.request(Method::GET, "/metrics").send().await.expect("the service answers");
    assert_eq!(response.status(), 200);
    response.text().await.expect("metrics are text")
}

/// The sum of a counter over instances and labels.
fn sum(scrapes: &[BTreeMap<String, f64>], beginning: &str) -> f64 {
    let samples = scrapes.iter().flatten();
    samples.filter(|(name, _)| name.starts_with(beginning)).map(|(_, value)| value).sum()
}

fn number(store: &TestStore, question: &str) -> f64 {
    store.sql(question).parse().unwrap_or_else(|error| panic!("{question}: {error}"))
}

async fn hook(service: &Service, form: &str) -> u16 {
    hook_at(service, "/hooks/nginx-rtmp/edge", form).await
}

async fn hook_with(service: &Service, secret: &str, form: &str) -> u16 {
    hook_at(service, &format!("/hooks/nginx-rtmp/edge?secret={secret}"), form).await
}

async fn hook_at(service: &Service, path: &str, form: &str) -> u16 {
    let request = service.request(Method::POST, path);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.to_owned());
    service.send(request).await.status
}

async fn two_instances(store: &TestStore) -> [Service; 2] {
    let setup = store.setup().with("GENERATE_KEY_PER_MINUTE", "0").with("LOG_LEVEL", "info");
    let setup = setup.with("MEDIA_SERVERS", "edge=nginx-rtmp");
    let (first, second) = tokio::join!(setup.start(), setup.start());
    [first, second]
}

async fn metrics_of_two_instances_agree_with_the_database(kind: StoreKind) {
    let (store, count) = (TestStore::new(kind), operations(kind));
    let instances = two_instances(&store).await;
    // Each user asks now one instance and now the other, so that some keys are refused.
    let users = (1..=USERS).map(|user| {
        let instances = &instances;
        async move {
            let (mut refused, mut stopped) = (0, 0);
            for operation in 0..count {
                let instance = &instances[((user + operation) % 2) as usize];
                match operation % 4 {
                    0 | 1 => refused += u32::from(instance.generate_key(user).await.status == 409),
                    2 => {
                        stopped += u32::from(instance.post_as(user, "/api/streams/stop").await.status == 200);
                    }
                    _ => assert_eq!(instance.post_as(user, "/api/streams/stop").await.status, 404),
                }
            }
            (refused, stopped)
        }
    });
    let outcomes = join_all(users).await;
    let broadcasts = (1..=BROADCASTS).map(|number| {
        let instances = &instances;
        async move {
            let (here, there) = (&instances[(number % 2) as usize], &instances[((number + 1) % 2) as usize]);
            let key = here.key_of(1_000 + number).await;
            let form =
                |call: &str| format!("call={call}&app=live&name={key}&addr=192.0.2.7&clientid={number}");
            assert_eq!(hook(here, &form("publish")).await, 200);
            // A third leaves, a third is stopped, and a third goes on.
            match number % 3 {
                0 => assert_eq!(hook(there, &form("publish_done")).await, 200),
                1 => assert_eq!(there.post_as(1_000 + number, "/api/streams/stop").await.status, 200),
                _ => {}
            }
        }
    });
    join_all(broadcasts).await;

    let scrapes = [scrape(&instances[0]).await, scrape(&instances[1]).await];
    let refused: u32 = outcomes.iter().map(|(refused, _)| refused).sum();
    let stopped: u32 = outcomes.iter().map(|(_, stopped)| stopped).sum();
    assert_eq!((refused, stopped), (USERS * count / 4, USERS * count / 4));
    assert_eq!(sum(&scrapes, "stream_keys_generated_total"), number(&store, "SELECT count(*) FROM streams"));
    let ended = number(&store, "SELECT count(*) FROM streams WHERE status = 'stopped'");
    assert_eq!(sum(&scrapes, "stream_keys_stopped_total"), ended);
    assert_eq!(sum(&scrapes, "stream_keys_refused_total"), f64::from(refused));
    let active = number(&store, "SELECT count(*) FROM streams WHERE status = 'active'");
    let open = number(&store, "SELECT count(*) FROM publish_sessions WHERE ended_at IS NULL");
    for instance in &scrapes {
        let of = |name: &str| instance.get(name).copied();
        assert_eq!(of("stream_streams_active"), Some(active));
        assert_eq!(of("stream_sessions_open{server=\"edge\"}"), Some(open));
        let left = "stream_sessions_ended_total{reason=\"left\"}";
        let rows = "SELECT count(*) FROM publish_sessions WHERE end_reason = 'left'";
        assert_eq!(of(left), Some(number(&store, rows)));
    }
    let admitted = "stream_hook_decisions_total{server=\"edge\",family=\"nginx-rtmp\",decision=\"accepted\",reason=\"\"}";
    assert!(sum(&scrapes, admitted) >= f64::from(BROADCASTS), "{scrapes:?}");
    let answered = sum(&scrapes, "stream_http_requests_total{route=\"/api/streams/generate-key\"");
    assert_eq!(answered, f64::from(USERS * count / 2 + BROADCASTS));
}

async fn sessions_of_a_lease_that_ran_out_are_counted(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("MEDIA_SERVERS", "edge=srs").with("SWEEP_INTERVAL", "1");
    let service = setup.start().await;
    let key = service.key_of(1).await;
    let publish = format!(
        r#"{{"action":"on_publish","client_id":"c1","ip":"192.0.2.7","vhost":"__defaultVhost__","app":"live","stream":"{key}","param":""}}"#
    );
    let request = service.request(Method::POST, "/hooks/srs/edge").header("Content-Type", "application/json");
    assert_eq!(service.send(request.body(publish)).await.status, 200);
    eventually("the end of a session whose lease ran out", || async {
        let lost = scrape(&service).await.get("stream_sessions_ended_total{reason=\"lost\"}").copied();
        lost == Some(1.0)
    })
    .await;
    let scraped = scrape(&service).await;
    assert_eq!(scraped.get("stream_streams_live"), Some(&0.0));
}

super::on_both_stores! {
    metrics_of_two_instances_agree_with_the_database
    sessions_of_a_lease_that_ran_out_are_counted
}

/// The names of metrics in an expression.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let is_ours = |word: &&str| word.starts_with("stream_") || word.starts_with("process_");
    words.filter(is_ours).map(str::to_owned).collect()
}

/// Every expression of the dashboard and of the alerts.
fn expressions() -> Vec<String> {
    let folder = workspace().join("docker/observability");
    let dashboard = std::fs::read_to_string(folder.join("grafana/dashboards/stream-service.json"));
    let dashboard: Value = serde_json::from_str(&dashboard.expect("the dashboard is there")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a dashboard has panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("a panel has targets"));
    let mut expressions: Vec<String> =
        targets.map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect();
    let rules = std::fs::read_to_string(folder.join("alerts.yml")).expect("the rules are there");
    let rules = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned);
    expressions.extend(rules);
    assert!(expressions.len() > 30, "{expressions:?}");
    expressions
}

/// Runs `promtool` on this input, and fails with what it says.
fn promtool(arguments: &[&str], input: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(arguments).current_dir(workspace());
    promtool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool is there: tests/need prometheus");
    promtool.stdin.take().expect("it reads").write_all(input.as_bytes()).expect("it takes all");
    let output = promtool.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_and_the_alerts_ask_for_what_is_there() {
    let store = TestStore::new(StoreKind::Postgres);
    let media = stream_test_postgres::free_port();
    let setup = store.setup().with("UNKNOWN_KEYS_PER_MINUTE", "1");
    let servers =
        format!("edge=nginx-rtmp origin=srs;secret=0123456789abcdef;control=http://127.0.0.1:{media}");
    let service = setup.with("MEDIA_SERVERS", &servers).with("GENERATE_KEY_PER_MINUTE", "1").start().await;
    let key = service.key_of(1).await;
    service.generate_key(1).await;
    service.get("/api/streams/public").await;
    service.lookup(&key).await;
    hook(&service, &format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid=1")).await;
    // Rejected, for want of the secret.
    let request = service.request(Method::POST, "/hooks/srs/origin").body("{}");
    assert_eq!(service.send(request).await.status, 403);
    service.get("/metrics").await;
    let text = text_of(&service).await;
    // Some samples need a list of a media server, which the journeys of kicks have.
    let unseen = BTreeSet::from(["stream_media_server_publishers".to_owned()]);
    for expression in expressions() {
        for metric in metrics_in(&expression) {
            let is_there = text.lines().any(|line| {
                line.strip_prefix(metric.as_str()).is_some_and(|rest| rest.starts_with(['{', ' ']))
            });
            assert!(is_there || unseen.contains(&metric), "{expression}: there is no {metric}\n{text}");
        }
    }
    promtool(&["check", "metrics"], &text);
    promtool(&["check", "rules", "docker/observability/alerts.yml"], "");
    promtool(&["check", "config", "docker/observability/prometheus.yml"], "");
}

#[test]
fn each_alert_and_each_metric_has_its_place_in_the_documents() {
    let page = super::tidy::operations_pages();
    let rules = std::fs::read_to_string(workspace().join("docker/observability/alerts.yml"));
    let rules = rules.expect("the rules are there");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 13, "{alerts:?}");
    for alert in alerts {
        assert!(page.contains(&format!("### {alert}\n")), "{alert} has no paragraph");
        assert!(rules.contains(&format!("#{}\n", alert.to_lowercase())), "{alert} has no link");
    }
    let snapshot = workspace().join(
        "crates/stream-metrics/src/snapshots/stream_metrics__tests__every_metric_keeps_its_name_and_its_type.snap",
    );
    let snapshot = std::fs::read_to_string(snapshot).expect("the snapshot is there");
    let names = snapshot.lines().filter_map(|line| line.split_once(' ')).map(|(name, _)| name);
    let names: Vec<&str> = names.filter(|name| name.contains('_')).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in the documents");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_an_address_of_their_own_or_none() {
    let store = TestStore::new(StoreKind::Sqlite);
    let port = stream_test_postgres::free_port();
    let own = store.setup().with("METRICS_ADDRESS", &format!("127.0.0.1:{port}")).start().await;
    assert_eq!(own.get("/metrics").await.status, 404);
    let at = |path: &str| reqwest::get(format!("http://127.0.0.1:{port}{path}"));
    let text = at("/metrics").await.expect("it answers").text().await.expect("text");
    assert!(text.contains("stream_ready 1"), "{text}");
    assert_eq!(at("/health/ready").await.expect("it answers").status(), 200);
    assert_eq!(at("/api/streams/public").await.expect("it answers").status(), 404);
    drop(own);
    let off = TestStore::new(StoreKind::Sqlite).setup().with("METRICS_ADDRESS", "none").start().await;
    assert_eq!(off.get("/metrics").await.status, 404);
}

/// A thousand guesses a second: none finds a key, nearly all are refused, and publishers are admitted meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_refused_and_publishers_admitted_meanwhile() {
    let store = TestStore::new(StoreKind::Postgres);
    let setup = store.setup().with("UNKNOWN_KEYS_PER_MINUTE", "60").with("LOG_LEVEL", "info");
    let service = setup.start().await;
    let mut keys = Vec::new();
    for user in 1..=20 {
        keys.push(service.key_of(user).await);
    }
    let ends = Instant::now() + Duration::from_secs(3);
    let guess = |lane: u32| {
        let service = &service;
        async move {
            let mut statuses = Vec::new();
            let mut pause = tokio::time::interval(Duration::from_millis(16));
            while Instant::now() < ends {
                pause.tick().await;
                statuses.push(service.lookup(&format!("guess-{lane}-{}", statuses.len())).await);
            }
            statuses
        }
    };
    let admissions = async {
        let mut statuses = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid={number}");
            statuses.push(hook(&service, &form).await);
            assert_eq!(service.lookup(key).await, 200, "from the address that guesses");
        }
        statuses
    };
    let (guesses, admitted) = tokio::join!(join_all((0..16).map(guess)), admissions);
    assert!(admitted.iter().all(|status| *status == 200), "{admitted:?}");
    let guesses: Vec<u16> = guesses.into_iter().flatten().collect();
    let of = |status: u16| guesses.iter().filter(|found| **found == status).count();
    assert!(guesses.len() > 200, "{}", guesses.len());
    // Sixty in the first minute, and one more each second.
    assert!((60..=75).contains(&of(404)), "{} of {}", of(404), guesses.len());
    assert_eq!(of(404) + of(429), guesses.len());
}

/// A thousand hooks with wrong secrets: nearly all get 429, and hooks with the right one are answered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_of_hook_secrets_are_refused_and_publishers_admitted_meanwhile() {
    let store = TestStore::new(StoreKind::Postgres);
    let servers = "edge=nginx-rtmp;secret=0123456789abcdef";
    let setup = store.setup().with("UNKNOWN_KEYS_PER_MINUTE", "60").with("MEDIA_SERVERS", servers);
    let service = setup.start().await;
    let mut keys = Vec::new();
    for user in 1..=20 {
        keys.push(service.key_of(user).await);
    }
    let began = Instant::now();
    let lanes = (0..10).map(|lane| {
        let service = &service;
        async move {
            let mut statuses = Vec::new();
            for number in 0..100 {
                let secret = format!("guess-{lane}-{number}");
                statuses.push(hook_with(service, &secret, "call=publish&app=live&name=x&clientid=1").await);
            }
            statuses
        }
    });
    let admissions = async {
        let mut statuses = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid={number}");
            statuses.push(hook_with(&service, "0123456789abcdef", &form).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        statuses
    };
    let (guesses, admitted) = tokio::join!(join_all(lanes), admissions);
    assert_eq!(admitted, [200; 20]);
    let guesses: Vec<u16> = guesses.into_iter().flatten().collect();
    let of = |status: u16| guesses.iter().filter(|found| **found == status).count();
    // Sixty at first, and one more each second.
    let most = 62 + usize::try_from(began.elapsed().as_secs()).expect("a short while");
    assert!((60..=most).contains(&of(403)), "{} of {} in {:?}", of(403), guesses.len(), began.elapsed());
    assert_eq!(of(403) + of(429), 1000);
    // The metrics show both: why the hooks were rejected, and what was answered.
    let scraped = [scrape(&service).await];
    let rejected = "stream_hook_decisions_total{server=\"edge\",family=\"nginx-rtmp\",decision=\"rejected\",reason=\"wrong_secret\"}";
    assert_eq!(sum(&scraped, rejected), 1000.0);
    let limited =
        "stream_http_requests_total{route=\"/hooks/{family}/{server}\",method=\"POST\",status=\"429\"}";
    assert_eq!(sum(&scraped, limited), f64::from(u32::try_from(of(429)).expect("at most a thousand")));
}
