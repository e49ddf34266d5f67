//! The table of routes, held to what is registered.

use std::collections::BTreeSet;

use actix_web::App;
use actix_web::dev::Service as _;
use actix_web::http::Method;
use actix_web::introspection::{IntrospectionNode, IntrospectionTree, ResourceType};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use tokio::task::LocalSet;

use super::*;
use crate::ROUTES;

fn api() -> HttpApi {
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
        admin: admin_options(),
    };
    World::api(ports, &readiness, 0, AddressForm::Key, HookServers::default())
}

/// Runs a test on a thread of its own, as a worker does.
fn on_a_worker(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

/// The full paths of all resources below a node.
fn resources(node: &IntrospectionNode, found: &mut BTreeSet<String>) {
    if matches!(node.kind, ResourceType::Resource) {
        found.insert(node.full_path.clone());
    }
    node.children.iter().for_each(|child| resources(child, found));
}

#[test]
fn the_routes_of_the_table_are_registered_and_no_others() {
    on_a_worker(async {
        let api = api();
        let app = init_service(App::new().configure(|config| api.routes(config))).await;
        let response = app.call(TestRequest::get().uri("/").to_request()).await.unwrap();
        let tree = response.request().app_data::<Data<IntrospectionTree>>().unwrap();
        let mut registered = BTreeSet::new();
        resources(&tree.root, &mut registered);
        let mut expected: BTreeSet<String> = ROUTES.iter().map(|(_, path)| (*path).to_owned()).collect();
        if cfg!(feature = "bench_routes") {
            expected.insert("/api/bench/{length}".to_owned());
        }
        assert_eq!(registered, expected);
    });
}

#[test]
fn each_route_of_the_table_is_answered_by_its_own_handler() {
    on_a_worker(async {
        let api = api();
        let app = App::new().wrap(from_fn(crate::observe::observe));
        let app = init_service(app.configure(|config| api.routes(config))).await;
        for (method, pattern) in ROUTES {
            let path = pattern.replace("{family}", "srs").replace(['{', '}'], "");
            let request = TestRequest::with_uri(&path).method(Method::from_bytes(method.as_bytes()).unwrap());
            let response = app.call(request.to_request()).await.unwrap();
            assert_eq!(response.request().match_pattern().as_deref(), Some(pattern), "{method} {path}");
            assert_ne!(response.status(), 405, "{method} {path}");
        }
    });
}
