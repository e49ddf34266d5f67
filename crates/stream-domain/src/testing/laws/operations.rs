//! What operators see of every user, and the kicks that they order.

use futures_util::future::join_all;

use super::asked::{SECOND, admitted, edge, pending_kicks, refused, session, sessions};
use super::streams::{MICROSECOND, RACERS, active, named, names, now, started, user};
use crate::broadcasts::session::EndReason;
use crate::lifecycle::LIFETIME;
use crate::ports::{ServerActivity, SessionFilter};
use crate::testing::{Store, asking};
use crate::{ServerName, SessionId, Stream, StreamId, StreamStatus};

/// A number finds its stream, in whatever state and with its open session, and no other.
pub async fn a_stream_is_found_by_its_number(store: &impl Store) {
    let stream = started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let found = store.find_stream(stream.id).await.expect("the store is there").expect("it is there");
    assert_eq!((&found.key, found.live_since_at(now())), (&stream.key, Some(now())));
    store.stop_active(user(1), now()).await.expect("the store is there");
    let found = store.find_stream(stream.id).await.expect("the store is there").expect("it is there");
    assert_eq!(found.status, StreamStatus::Stopped);
    assert_eq!(store.find_stream(StreamId(999)).await.expect("the store is there"), None);
}

/// Sessions of every user come newest first; a filter leaves out what it does not name.
pub async fn operators_see_the_sessions_of_all(store: &impl Store) {
    let one = started(store, &named(1, "one", now())).await;
    let two = started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    store.end(&session("s1"), EndReason::Left, now()).await.expect("the store is there");
    admitted(store, &asking("s2", "one", 1), now()).await;
    let third = admitted(store, &asking("s3", "two", 2), now()).await.session;
    let open = SessionFilter { is_open: true, ..SessionFilter::default() };
    let elsewhere = ServerName::parse("elsewhere").expect("a plain name");
    for (filter, limit, expected) in [
        (SessionFilter::default(), 9, &["s3", "s2", "s1"][..]),
        (SessionFilter::default(), 2, &["s3", "s2"]),
        (open.clone(), 9, &["s3", "s2"]),
        (SessionFilter { session: Some(third), ..SessionFilter::default() }, 9, &["s3"]),
        (SessionFilter { streams: Some(vec![one.id]), ..SessionFilter::default() }, 9, &["s2", "s1"]),
        (SessionFilter { streams: Some(vec![one.id]), ..open.clone() }, 9, &["s2"]),
        (SessionFilter { streams: Some(vec![one.id, two.id]), ..open.clone() }, 9, &["s3", "s2"]),
        (SessionFilter { streams: Some(Vec::new()), ..open.clone() }, 9, &[]),
        (SessionFilter { server: Some(edge()), ..open.clone() }, 9, &["s3", "s2"]),
        (SessionFilter { server: Some(elsewhere), ..open }, 9, &[]),
    ] {
        let listed = store.list_sessions_of_all(&filter, limit).await.expect("the store is there");
        let names: Vec<&str> = listed.iter().map(|one| one.publisher.session.as_str()).collect();
        assert_eq!(names, expected, "{filter:?}");
    }
}

/// An order marks the session that it names, which is then kicked; one that has ended cannot be.
pub async fn an_ordered_kick_marks_one_open_session(store: &impl Store) {
    for (number, name) in [(1, "one"), (2, "two")] {
        started(store, &named(number, name, now())).await;
        admitted(store, &asking(&format!("s{number}"), name, 1), now()).await;
    }
    let first = sessions(store, 1, "one").await[0].id;
    let ordered = store.order_kick(first).await.expect("the store is there").expect("it is open");
    assert_eq!((ordered.id, ordered.kick, ordered.ended), (first, Some(EndReason::Kicked), None));
    assert_eq!(pending_kicks(store, now()).await, ["s1"]);
    store.mark_kicked(first, now()).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((now(), EndReason::Kicked)));
    assert_eq!(sessions(store, 2, "two").await[0].kick, None);
    // The key is as good as before.
    admitted(store, &asking("s3", "one", 1), now().plus(SECOND)).await;
    assert_eq!(store.order_kick(first).await.expect("the store is there"), None);
    assert_eq!(store.order_kick(SessionId(999)).await.expect("the store is there"), None);
    assert_eq!(sessions(store, 1, "one").await[1].kick, None);
}

/// What was to be kicked for another reason ends for that one.
pub async fn an_ordered_kick_keeps_the_reason_of_a_pending_one(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    store.stop_active(user(1), now()).await.expect("the store is there");
    let id = sessions(store, 1, "one").await[0].id;
    let ordered = store.order_kick(id).await.expect("the store is there").expect("it is open");
    assert_eq!(ordered.kick, Some(EndReason::Stopped));
}

/// A stop by its number stops that stream alone, once, and its publisher is to be kicked.
pub async fn a_stream_is_stopped_by_its_number(store: &impl Store) {
    let one = started(store, &named(1, "one", now())).await;
    let two = started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    admitted(store, &asking("s2", "two", 2), now()).await;
    let later = now().plus(SECOND);
    let stops = (0..RACERS).map(|_| store.stop_stream(one.id, later));
    let stops = join_all(stops).await.into_iter().map(|stopped| stopped.expect("the store is there"));
    let stopped: Vec<Stream> = stops.flatten().collect();
    assert_eq!(stopped.len(), 1);
    assert_eq!((stopped[0].id, stopped[0].status), (one.id, StreamStatus::Stopped));
    assert_eq!(stopped[0].updated_at, later);
    assert_eq!(pending_kicks(store, later).await, ["s1"]);
    assert_eq!(names(&active(store, later).await), ["two"]);
    // What has expired is not stopped, and what is not there neither.
    let stop = |id, at| store.stop_stream(id, at);
    assert_eq!(stop(two.id, two.expires_at).await.expect("the store is there"), None);
    assert_eq!(stop(StreamId(999), later).await.expect("the store is there"), None);
    assert!(stop(two.id, two.expires_at.plus(-MICROSECOND)).await.expect("the store is there").is_some());
}

/// Each server is shown once, with what was last heard of it in every way.
pub async fn servers_are_shown_with_what_was_last_heard(store: &impl Store) {
    assert_eq!(store.list_server_activity().await.expect("the store is there"), []);
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    store.end(&session("s1"), EndReason::Left, now()).await.expect("the store is there");
    let later = now().plus(SECOND);
    admitted(store, &asking("s2", "one", 1), later).await;
    refused(store, &asking("s3", "one", 2), later.plus(SECOND)).await;
    let heartbeat = later.plus(2 * SECOND);
    let core = ServerName::parse("core").expect("a plain name");
    let boot = Some("first".to_owned());
    store.heartbeat(&core, boot, LIFETIME, heartbeat).await.expect("the store is there");
    let shown = store.list_server_activity().await.expect("the store is there");
    let nothing = ServerActivity {
        server: core,
        open_sessions: 0,
        last_session_at: None,
        last_refusal_at: None,
        last_heartbeat_at: Some(heartbeat),
    };
    let edge = ServerActivity {
        server: edge(),
        open_sessions: 1,
        last_session_at: Some(later),
        last_refusal_at: Some(later.plus(SECOND)),
        last_heartbeat_at: None,
    };
    assert_eq!(edge.last_heard_at(), Some(later.plus(SECOND)));
    assert_eq!(shown, [nothing, edge]);
}
