//! What a response costs, counted in allocations, which are the same on every machine.
//!
//! The baseline is what was measured; a commit that changes it says why.

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service, read_body_json};
use actix_web::{App, Error};
use allocation_counter::measure;

use super::*;

/// The tolerance above and below the baseline, in percent: versions of libraries differ.
const TOLERANCE: u64 = 10;

/// Allocations of one request after others like it; of a new key, half are those of the log in memory.
const BASELINE: [(&str, u64); 4] =
    [("lookup", 23), ("page of the public list", 23), ("new key", 54), ("refused token", 21)];

fn request(what: &str, key: &str, user: usize) -> TestRequest {
    let generate = |token: String| {
        let request = TestRequest::post().uri("/api/streams/generate-key");
        request.insert_header((AUTHORIZATION, format!("Bearer {token}")))
    };
    match what {
        "lookup" => TestRequest::get().uri(&format!("/api/streams/{key}")),
        "page of the public list" => TestRequest::get().uri("/api/streams/public?limit=50"),
        "new key" => generate(format!("user-{user}")),
        _ => generate("of-nobody".to_owned()),
    }
}

#[test]
fn a_response_allocates_about_as_often_as_before() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let measured = local.block_on(&runtime, async {
        let (store, readiness) = (Arc::new(MemoryStore::default()), Readiness::starting());
        readiness.ready();
        let clock = Arc::new(ManualClock::default());
        let event_feed = feed_of(&store, &clock);
        let ports = Ports {
            streams: StreamPorts::of(store.clone()),
            sessions: SessionPorts::of(store.clone()),
            health: store,
            clock,
            event_feed,
            admin: None,
        };
        let api = World::api(ports, &readiness, 0, AddressForm::Key, HookServers::default());
        let app = App::new().wrap(from_fn(crate::observe::observe));
        let app = init_service(app.configure(|config| api.routes(config))).await;
        count(&app).await
    });
    for ((what, count), (_, baseline)) in measured.iter().zip(BASELINE) {
        let is_near = count.abs_diff(baseline) * 100 <= baseline * TOLERANCE;
        assert!(is_near, "{what}: {count} allocations, and {baseline} before; all: {measured:?}");
    }
}

async fn count<B: actix_web::body::MessageBody>(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
) -> Vec<(&'static str, u64)> {
    let generated = app.call(request("new key", "", 1).to_request()).await.unwrap();
    let generated: serde_json::Value = read_body_json(generated).await;
    let key = generated["stream"]["stream_key"].as_str().unwrap().to_owned();
    let mut measured = Vec::new();
    for (what, _) in BASELINE {
        let mut least = u64::MAX;
        // The first few fill pools; the rest are alike.
        for turn in 0..8 {
            let call = app.call(request(what, &key, measured.len() * 8 + turn + 2).to_request());
            least = least.min(allocations_of(call).await);
        }
        measured.push((what, least));
    }
    measured
}

/// How often memory is allocated while a future is polled.
async fn allocations_of<T>(future: impl Future<Output = T>) -> u64 {
    let mut future = std::pin::pin!(future);
    let mut count = 0;
    loop {
        let mut is_done = false;
        let polled = std::future::poll_fn(|context| {
            let info = measure(|| is_done = future.as_mut().poll(context).is_ready());
            std::task::Poll::Ready(info.count_total)
        });
        count += polled.await;
        if is_done {
            return count;
        }
        tokio::task::yield_now().await;
    }
}
