//! The round trips to PostgreSQL of each route, as in docs/performance.md.

use std::sync::atomic::Ordering;

use reqwest::Method;
use stream_test_postgres::{Cluster, counting_proxy};
use stream_tests::{Service, ServiceBuilder, workspace};

/// A request and its expected status.
type Step = (&'static str, fn(&str) -> String, u32, u16);

const GENERATE: &str = "POST /api/streams/generate-key";
const STOP: &str = "POST /api/streams/stop";
const LOOKUP: &str = "GET /api/streams/{stream_key}";
const HOOK: &str = "POST /hooks/{family}/{server}";

/// The rows of the table, in its order: the case, how to ask for it, and as which user.
const STEPS: [(&str, Step); 10] = [
    ("a new key", (GENERATE, |_| "/api/streams/generate-key".to_owned(), 1, 201)),
    ("the user has one already", (GENERATE, |_| "/api/streams/generate-key".to_owned(), 1, 409)),
    ("of a good key", (LOOKUP, |key| format!("/api/streams/{key}"), 0, 200)),
    ("of what no stream has", (LOOKUP, |_| "/api/streams/nobody".to_owned(), 0, 404)),
    ("a page", ("GET /api/streams/public", |_| "/api/streams/public?limit=50".to_owned(), 0, 200)),
    ("the whole list", ("GET /api/streams/public", |_| "/api/streams/public".to_owned(), 0, 200)),
    ("one's own", ("GET /api/streams", |_| "/api/streams".to_owned(), 1, 200)),
    (
        "a publisher is admitted",
        (HOOK, |key| format!("/hooks/nginx-rtmp/edge call=publish&name={key}"), 0, 200),
    ),
    ("the active stream", (STOP, |_| "/api/streams/stop".to_owned(), 1, 200)),
    ("there is none", (STOP, |_| "/api/streams/stop".to_owned(), 1, 404)),
];

async fn take(service: &Service, key: &str, (route, path, user, status): Step) -> Option<String> {
    let method = if route.starts_with("GET") { Method::GET } else { Method::POST };
    let path = path(key);
    let (path, body) = path.split_once(' ').unwrap_or((&path, ""));
    let mut request = service.request(method, path);
    if user > 0 {
        request = request.bearer_auth(stream_tests::token_of(user));
    }
    if !body.is_empty() {
        let body = format!("app=live&tcurl=rtmp://h/live&addr=192.0.2.1&clientid=7&{body}");
        request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
    }
    let answer = service.send(request).await;
    assert_eq!(answer.status, status, "{route}: {answer:?}");
    answer.json["stream"]["stream_key"].as_str().map(str::to_owned)
}

/// The table's rows: route, case, and how many round trips.
fn documented() -> Vec<(String, String, u32)> {
    let text = std::fs::read_to_string(workspace().join("docs/performance.md")).expect("the page is there");
    let rows = text.lines().filter(|line| line.starts_with("| `GET /") || line.starts_with("| `POST /"));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")));
    cells
        .map(|mut cells| {
            let mut next = || cells.next().expect("a row has three cells");
            (next(), next(), next().parse().expect("a number"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_makes_as_many_round_trips_as_documented() {
    // A separate server, so that no other test causes a retry of a statement.
    let cluster = Cluster::start();
    cluster.reconfigure("autovacuum = off");
    let database = cluster.database();
    database.create_users(10);
    let (status, _, errors) = ServiceBuilder::on(&database.url()).run(&["migrate"]);
    assert!(status.success(), "{errors}");
    let (port, count) = counting_proxy(cluster.port());
    let url = database.url().replace(&format!(":{}/", cluster.port()), &format!(":{port}/"));
    // Sweeps would count as well.
    let setup =
        ServiceBuilder::on(&url).with("SWEEP_INTERVAL", "3600").with("MEDIA_SERVERS", "edge=nginx-rtmp");
    let service = setup.start().await;
    // Connections are made and statements prepared once, on each connection.
    for _ in 0..16 {
        let mut key = String::new();
        for (_, step) in STEPS {
            key = take(&service, &key, step).await.unwrap_or(key);
        }
    }
    let mut measured = STEPS.map(|(case, step)| (step.0.to_owned(), case.to_owned(), u32::MAX)).to_vec();
    // What the log of events asks several times a second may come in between, and only adds.
    for _ in 0..12 {
        let mut key = String::new();
        for (place, (_, step)) in STEPS.into_iter().enumerate() {
            count.store(0, Ordering::SeqCst);
            key = take(&service, &key, step).await.unwrap_or(key);
            measured[place].2 = measured[place].2.min(count.load(Ordering::SeqCst));
        }
    }
    assert_eq!(measured, documented());
}
