//! A store and a media server that panic.

use std::sync::atomic::{AtomicU32, Ordering};

use stream_domain::broadcasts::BroadcastOptions;
use stream_domain::broadcasts::admission::{AddressForm, Takeover};
use stream_domain::details::Categories;
use stream_domain::events::EventOptions;
use stream_domain::lifecycle::KeyLifetime;
use stream_domain::media_server::{Family, ServerProfile};
use stream_domain::ports::{Listing, MockKeyStore, MockMediaServer, SessionPorts, StreamPorts};
use stream_domain::testing::{FakeSender, ManualClock, MemoryStore, SeededEntropy, unused_stream_ports};
use stream_domain::{Deliveries, Events, MediaServers, Schedules};
use stream_http::NotReady;
use stream_metrics::WebhookMetrics;
use tokio::time::sleep;

use super::*;
use crate::config::{DatabaseConfig, DbUrl};

/// A service whose tasks run on these.
fn background(keys: MockKeyStore, control: MockMediaServer) -> (Background, Readiness) {
    let (clock, memory) = (Arc::new(ManualClock::default()), Arc::new(MemoryStore::default()));
    let options = BroadcastOptions {
        form: AddressForm::Key,
        application: "live".to_owned(),
        takeover: Takeover::SameAddress,
        reconnect_window: time::Duration::MINUTE,
    };
    let lease = Family::Srs.lease(KeyLifetime::DEFAULT);
    let profile = ServerProfile { family: Family::Srs, lease, control: Some(Arc::new(control)) };
    let servers = MediaServers::new([(ServerName::parse("edge").unwrap(), profile)]);
    let database = DatabaseConfig {
        url: DbUrl::Sqlite("nothing.db".into()),
        is_default: false,
        pool_size: 16,
        timeout: Duration::from_secs(5),
    };
    let readiness = Readiness::starting();
    // The domain's clock advances with that of the tasks.
    let goes_on = clock.clone();
    tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(250)).await;
            goes_on.advance(time::Duration::milliseconds(250));
        }
    });
    let event_options =
        EventOptions { reconnect_window: time::Duration::MINUTE, kept_for: time::Duration::WEEK };
    let background = Background {
        store: Store::open(&database).unwrap(),
        health: memory.clone(),
        keys: Keys::new(
            &StreamPorts { keys: Arc::new(keys), ..unused_stream_ports() },
            clock.clone(),
            Arc::new(SeededEntropy::default()),
        ),
        schedules: Schedules::new(&StreamPorts::of(memory.clone()), clock.clone(), Categories::default()),
        event_feed: EventFeed::new(Events::new(
            &StreamPorts::of(memory.clone()),
            clock.clone(),
            event_options,
        )),
        sending: Sending {
            deliveries: Deliveries::new(
                &StreamPorts::of(memory.clone()),
                Arc::new(FakeSender),
                clock.clone(),
                Arc::new(SeededEntropy::default()),
            ),
            metrics: WebhookMetrics::default(),
            operators: None,
            running: TaskTracker::new(),
        },
        readiness: readiness.clone(),
        tasks: TaskMetrics::default(),
        service: ServiceMetrics::default(),
        limits: Limits::per_minute(0, 0, 0),
        broadcasts: Broadcasts::new(SessionPorts::of(memory), clock, Arc::new(servers), options),
        sweep_interval: Duration::from_secs(30),
        running: TaskTracker::new(),
    };
    (background, readiness)
}

fn counted(calls: &Arc<AtomicU32>) -> impl Fn() + Send + Sync + 'static {
    let calls = calls.clone();
    move || {
        calls.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_makes_the_sweep_panic_stops_no_other_task_and_shows_in_readiness() {
    let (sweeps, looks) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (swept, looked) = (counted(&sweeps), counted(&looks));
    let mut keys = MockKeyStore::new();
    keys.expect_expire_overdue().returning(move |_, _| {
        swept();
        panic!("injected")
    });
    let mut control = MockMediaServer::new();
    control.expect_publishers().returning(move || {
        looked();
        Ok(Listing { publishers: Vec::new(), is_whole: true, process: None })
    });
    let (background, readiness) = background(keys, control);
    let (prepared, is_prepared) = oneshot::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(background.run(prepared));
    is_prepared.await.unwrap();
    assert_eq!(readiness.not_ready_reason(), None);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(readiness.not_ready_reason(), Some(NotReady::TaskFailed));
    assert!(sweeps.load(Ordering::SeqCst) >= 1);
    assert!(looks.load(Ordering::SeqCst) >= 25, "{looks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_media_server_whose_list_panics_stops_no_sweep() {
    let sweeps = Arc::new(AtomicU32::new(0));
    let swept = counted(&sweeps);
    let mut keys = MockKeyStore::new();
    keys.expect_expire_overdue().returning(move |_, _| {
        swept();
        Ok(0)
    });
    let mut control = MockMediaServer::new();
    control.expect_publishers().returning(|| panic!("injected"));
    let (background, readiness) = background(keys, control);
    let mut tasks = JoinSet::new();
    tasks.spawn(background.run(oneshot::channel().0));
    sleep(Duration::from_secs(95)).await;
    assert_eq!(readiness.not_ready_reason(), Some(NotReady::TaskFailed));
    assert_eq!(sweeps.load(Ordering::SeqCst), 4);
}
