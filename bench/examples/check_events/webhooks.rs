//! Webhooks with senders that are killed, and with an endpoint that hangs.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stream_test_postgres::{Cluster, free_port};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::pair::{Pair, ask};
use crate::receivers::{Arrival, LIMIT, Receiver, add_endpoint, now, positions, wait_for};

/// How many events are delivered while instances are killed, at least.
const EVENTS: usize = 10_000;

/// How often an instance is killed meanwhile.
const KILLS: usize = 50;

/// How many write, and the pause after two events.
const WRITERS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(200);

/// How many milliseconds before a kill that came which comes again: a killed process may go on for a moment.
const IN_FLIGHT: RangeInclusive<i128> = -250..=1_000;

/// A delivery belongs to its sender for 30 seconds, of which some had passed when it came.
const LEASE: Duration = Duration::from_secs(25);

/// How many users have an endpoint that answers; the next one's does not.
const HEALTHY: u32 = 100;

/// How many events they all have, and how many a second.
const SPREAD: u32 = 6_000;
const RATE: u32 = 100;

/// Runs both, each in a bounded time.
pub(crate) async fn check_webhooks() {
    timeout(2 * LIMIT, check_killed_senders()).await.expect("it ends in time");
    timeout(2 * LIMIT, check_hanging_endpoint()).await.expect("it ends in time");
}

/// Lets instances send to this machine.
fn networks() -> (&'static str, String) {
    ("WEBHOOK_NETWORKS", "127.0.0.0/8".to_owned())
}

/// Generates keys and stops them at a steady rate, at whichever instance is there, until there are enough.
async fn write(pair: Arc<Pair>, user: u32, written: Arc<AtomicUsize>) {
    let (mut place, mut ticks) = (user as usize % 2, interval(PAUSE));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while written.load(Ordering::Relaxed) < EVENTS {
        ticks.tick().await;
        for path in ["/api/streams/generate-key", "/api/streams/stop"] {
            match ask(pair.address(place), "POST", path, user).await {
                Some((200..300, _)) => drop(written.fetch_add(1, Ordering::Relaxed)),
                Some(_) => {}
                None => place = 1 - place,
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
async fn check_killed_senders() {
    let port = free_port();
    let receiver = Receiver::start(port).await;
    let database = Cluster::shared().database();
    let url = ("WEBHOOK_URL", format!("http://127.0.0.1:{port}/"));
    let secret = ("WEBHOOK_SECRET", format!("whsec_{}=", "A".repeat(43)));
    let pair = Arc::new(Pair::start_with(&database, vec![networks(), url, secret]).await);
    wait_for(&database, "1", "SELECT count(*) FROM stream_webhooks").await;
    let (began, written) = (now(), Arc::new(AtomicUsize::new(0)));
    let writers: JoinSet<()> = (1..=WRITERS).map(|user| write(pair.clone(), user, written.clone())).collect();
    let mut kills = Vec::new();
    while kills.len() < KILLS {
        // Something has just come that was not answered yet.
        while receiver.count() <= kills.len() * EVENTS / KILLS {
            assert!(now() - began < LIMIT, "{} came after {} kills", receiver.count(), kills.len());
            sleep(Duration::from_millis(1)).await;
        }
        kills.push(now());
        pair.kill(kills.len() % 2).await;
    }
    writers.join_all().await;
    wait_for(&database, "0", "SELECT count(*) FROM stream_events WHERE position IS NULL").await;
    wait_for(&database, "0", "SELECT count(*) FROM stream_webhook_deliveries WHERE state = 'pending'").await;
    let (took, mut came) = (now() - began, BTreeMap::<i64, Vec<Arrival>>::new());
    for arrival in receiver.arrivals() {
        came.entry(arrival.position).or_default().push(arrival);
    }
    assert!(came.keys().copied().eq(positions(&database, "TRUE")), "events that did not come, or were none");
    // One outcome of each is recorded: what had come before was in flight when its sender was killed.
    let outcomes = "SELECT count(*), count(DISTINCT position), count(*) FILTER (WHERE status = 204)
        FROM stream_webhook_attempts";
    assert_eq!(database.sql(outcomes), [came.len(); 3].map(|number| number.to_string()).join("|"));
    let (mut flights, mut gaps) = (Vec::new(), Vec::new());
    for pair in came.values().flat_map(|arrivals| arrivals.windows(2)) {
        assert_eq!((&pair[0].id, &pair[0].body), (&pair[1].id, &pair[1].body), "it came again, but changed");
        let flight =
            kills.iter().map(|kill| (*kill - pair[0].at).whole_milliseconds()).min_by_key(|ms| ms.abs());
        let (flight, gap) = (flight.expect("an instance was killed"), pair[1].at - pair[0].at);
        assert!(IN_FLIGHT.contains(&flight), "{} came again: {flight} ms before a kill", pair[0].id);
        assert!(gap > LEASE, "{} came again after {gap}", pair[0].id);
        flights.push(flight);
        gaps.push(gap.whole_milliseconds());
    }
    flights.sort_unstable();
    gaps.sort_unstable();
    let late = came.values().map(|arrivals| arrivals[0].late()).max();
    println!(
        "killed senders: {} events to one endpoint in {:.0} s by two instances, {KILLS} times one was killed: 0 \
         missing; {} came again, with the same id and body and no outcome recorded before: from {} to {} ms \
         before a kill, and {} to {} ms later once more; the latest came {} ms after its event",
        came.len(),
        took.as_seconds_f64(),
        flights.len(),
        flights.first().unwrap_or(&0),
        flights.last().unwrap_or(&0),
        gaps.first().unwrap_or(&0),
        gaps.last().unwrap_or(&0),
        late.unwrap_or(0)
    );
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
async fn check_hanging_endpoint() {
    let database = Cluster::shared().database();
    let pair = Arc::new(Pair::start_with(&database, vec![networks()]).await);
    let hanging = Receiver::start_hanging().await;
    add_endpoint(pair.address(0), HEALTHY + 1, &hanging).await;
    let mut healthy = Vec::new();
    for user in 1..=HEALTHY {
        healthy.push(Receiver::start(0).await);
        add_endpoint(pair.address(0), user, &healthy[user as usize - 1]).await;
    }
    let (began, mut ticks, mut writers) = (now(), interval(Duration::from_secs(1) / RATE), JoinSet::new());
    for number in 0..SPREAD {
        ticks.tick().await;
        let (pair, user, turn) = (pair.clone(), number % (HEALTHY + 1) + 1, number / (HEALTHY + 1));
        let path = if turn % 2 == 0 { "/api/streams/generate-key" } else { "/api/streams/stop" };
        writers.spawn(async move { ask(pair.address(number as usize % 2), "POST", path, user).await });
    }
    for answer in writers.join_all().await {
        assert!(answer.is_some_and(|(status, _)| status < 300), "an event is made");
    }
    let took = now() - began;
    wait_for(&database, "0", "SELECT count(*) FROM stream_events WHERE position IS NULL").await;
    let pending = |of: &str| {
        format!(
            "SELECT count(*) FROM stream_webhook_deliveries JOIN stream_webhooks ON id = webhook_id
             WHERE state = 'pending' AND user_id {of} {}",
            HEALTHY + 1
        )
    };
    wait_for(&database, "0", &pending("<>")).await;
    let mut latencies = Vec::new();
    for (user, receiver) in (1..).zip(&healthy) {
        let mut arrivals = receiver.arrivals();
        arrivals.sort_by_key(|arrival| arrival.position);
        let came: Vec<i64> = arrivals.iter().map(|arrival| arrival.position).collect();
        assert_eq!(came, positions(&database, &format!("user_id = {user}")), "user {user}");
        latencies.extend(arrivals.iter().map(Arrival::late));
    }
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    assert!(hanging.connections() > 0, "nothing was sent to the endpoint that hangs");
    println!(
        "hanging endpoint: {SPREAD} events in {:.0} s, of {HEALTHY} users whose endpoints answer and one whose does \
         not: {} to those that answer, each once, from commit to arrival p50 {} ms, p99 {} ms, at most {} ms; the one \
         that hangs was tried on {} connections, and {} of its events are pending",
        took.as_seconds_f64(),
        latencies.len(),
        at(50),
        at(99),
        at(100),
        hanging.connections(),
        database.sql(&pending("="))
    );
    assert!(at(99) < 1_000, "one that hangs delays others");
}
