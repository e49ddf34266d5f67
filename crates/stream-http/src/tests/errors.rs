//! Failures of the store, wrong methods, and unique codes.

use std::collections::HashSet;
use std::sync::Arc;

use stream_domain::ports::{
    MockKeyLookup, MockKeyStore, StartError, StoreError, StreamPorts, UserStreamsError,
};
use stream_domain::testing::{MemoryStore, unused_stream_ports};

use super::World;
use crate::error::ErrorCode;
use crate::{NotReady, ROUTES, Readiness};

/// The codes and reasons, which clients depend on; renaming a variant must not rename one of them.
const CODES: &str = "bad_request invalid_limit invalid_cursor invalid_live invalid_body invalid_title \
    invalid_description invalid_tags invalid_category invalid_language invalid_content_labels invalid_visibility \
    invalid_tag invalid_q invalid_starts_at invalid_ends_at invalid_time_zone invalid_from invalid_to invalid_user \
    invalid_after invalid_types invalid_url invalid_status invalid_reason missing_token invalid_token token_expired unknown_user \
    user_blocked publish_refused hook_refused not_local not_found no_active_stream stream_not_found schedule_not_found webhook_not_found \
    delivery_not_found user_not_blocked method_not_allowed request_timeout stream_already_active stream_ended \
    schedule_conflict schedule_over too_many_schedules too_many_webhooks webhook_disabled stream_stopped stream_expired events_forgotten body_too_large too_many_requests \
    headers_too_large internal_error store_unavailable not_ready";
const REASONS: &str = "starting migrating draining database_unreachable database_read_only database_denied \
    database_incompatible task_failed";

#[test]
fn an_unavailable_store_is_503_with_retry_after() {
    let world = World::new();
    let key = world.key_of(1);
    world.store.go_away();
    let answers = [
        world.post_as("user-2", "/api/streams/generate-key"),
        world.post_as("user-1", "/api/streams/stop"),
        world.get_as("user-1", "/api/streams"),
        world.get("/api/streams/public"),
        world.get(&format!("/api/streams/{key}")),
    ];
    for answer in answers {
        assert_eq!((answer.status, answer.code().as_str()), (503, "store_unavailable"));
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    world.store.come_back();
    assert_eq!(world.get(&format!("/api/streams/{key}")).status, 200);
}

#[test]
fn a_defect_is_500_and_reveals_no_internals() {
    let (mut keys, mut lookup) = (MockKeyStore::new(), MockKeyLookup::new());
    let defect = || StoreError::failed("relation \"streams\" has no column hunter2");
    keys.expect_start().returning(move |_| Err(StartError::Store(defect())));
    lookup.expect_find_by_key().returning(|_| {
        Err(StoreError::Corrupt {
            table: "streams",
            id: 7,
            reason: "status is none of active, stopped, expired",
        })
    });
    let world = World::with(
        StreamPorts { keys: Arc::new(keys), lookup: Arc::new(lookup), ..unused_stream_ports() },
        Arc::new(MemoryStore::default()),
        600,
    );
    for answer in [world.post_as("user-1", "/api/streams/generate-key"), world.get("/api/streams/some-key")] {
        assert_eq!((answer.status, answer.code().as_str()), (500, "internal_error"));
        assert!(!answer.body.contains("streams"), "{answer:?}");
    }
}

#[test]
fn an_unknown_user_is_401() {
    let mut keys = MockKeyStore::new();
    keys.expect_start().returning(|_| Err(StartError::UnknownUser));
    keys.expect_stop_active().returning(|_, _| Err(UserStreamsError::UnknownUser));
    keys.expect_list_by_user().returning(|_, _| Err(UserStreamsError::UnknownUser));
    let world = World::with(
        StreamPorts { keys: Arc::new(keys), ..unused_stream_ports() },
        Arc::new(MemoryStore::default()),
        600,
    );
    let answers = [
        world.post_as("user-1", "/api/streams/generate-key"),
        world.post_as("user-1", "/api/streams/stop"),
        world.get_as("user-1", "/api/streams"),
    ];
    for answer in answers {
        assert_eq!((answer.status, answer.code().as_str()), (401, "unknown_user"));
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    }
}

#[test]
fn other_methods_are_405_with_the_allowed_ones() {
    let world = World::new();
    for (method, path) in ROUTES {
        let has = |method: &str| {
            // The table lists what a hook does; asking is described beside it.
            ROUTES.contains(&(method, path)) || (method == "GET" && path.starts_with("/hooks"))
        };
        let all = [("GET", "GET, HEAD"), ("POST", "POST"), ("PUT", "PUT"), ("DELETE", "DELETE")];
        let allowed = all.iter().filter(|(method, _)| has(method)).map(|(_, names)| *names);
        let allowed = allowed.chain(["OPTIONS"]).collect::<Vec<_>>().join(", ");
        let path = path.replace("{stream_key}", "some-key").replace("{id}", "1").replace("{family}", "srs");
        let path = path.replace("{playback_id}", "some").replace("{server}", "edge").replace("{secret}", "s");
        for other in ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
            if other == method || allowed.split(", ").any(|allowed| allowed == other) {
                continue;
            }
            let answer =
                world.send(&format!("{other} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n"));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (405, "method_not_allowed"),
                "{other} {path}"
            );
            assert_eq!(answer.header("allow"), Some(allowed.as_str()), "{other} {path}");
        }
        let options = world.send(&format!("OPTIONS {path} HTTP/1.1\r\nHost: test\r\n"));
        assert_eq!((options.status, options.header("allow")), (204, Some(allowed.as_str())), "{path}");
    }
}

#[test]
fn requests_are_503_while_the_service_is_not_ready() {
    let world = World::new();
    let waiting = World::with(unused_stream_ports(), Arc::new(MemoryStore::default()), 600);
    drop(world);
    let readiness = Readiness::starting();
    assert_eq!(readiness.not_ready_reason(), Some(NotReady::Starting));
    readiness.still_starting(NotReady::Migrating);
    assert_eq!(readiness.not_ready_reason(), Some(NotReady::Migrating));
    readiness.ready();
    readiness.still_starting(NotReady::DatabaseUnreachable);
    assert_eq!(readiness.not_ready_reason(), None);
    readiness.task_failed("sweep", true);
    assert_eq!(readiness.not_ready_reason(), Some(NotReady::TaskFailed));
    readiness.task_failed("sweep", false);
    assert_eq!(readiness.not_ready_reason(), None);
    waiting.readiness.draining();
    waiting.readiness.ready();
    for path in ["/health", "/health/ready"] {
        let answer = waiting.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (503, "not_ready"), "{path}");
        assert!(answer.body.contains(r#""reason":"draining""#), "{}", answer.body);
    }
}

#[test]
fn codes_are_unique_and_sentences_are_sentences() {
    let codes: HashSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), ErrorCode::ALL.len());
    for &code in ErrorCode::ALL {
        assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{code:?}");
        assert!(code.sentence().ends_with('.'), "{code:?}");
        assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
    }
}

#[test]
fn codes_and_reasons_are_never_renamed() {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.join(" "), CODES);
    let reasons: Vec<&str> = NotReady::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(reasons.join(" "), REASONS);
}
