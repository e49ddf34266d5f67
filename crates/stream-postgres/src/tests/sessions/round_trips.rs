//! What a media server waits for costs one round trip.

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stream_domain::admission::{Takeover, Terms};
use stream_domain::ports::EndOf;
use stream_domain::testing::SeededEntropy;

use super::*;
use crate::PostgresOptions;

/// What a client begins a connection with that is not encrypted.
const STARTUP: u32 = 196_608;

/// Forwards connections to the server, and counts how often a client then waits for it.
///
/// A client that asks for an answer sends a `Sync` behind its messages, or a simple `Query`; each is a round trip.
fn counting_proxy(port: u16) -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let counted = counted.clone();
            std::thread::spawn(move || forward(client, server, &counted));
        }
    });
    (own_port, count)
}

/// Forwards a client's messages one by one until it goes.
fn forward(mut client: TcpStream, mut server: TcpStream, count: &AtomicU32) -> Option<()> {
    let mut has_begun = false;
    loop {
        let kind = if has_begun { Some(read_array::<1>(&mut client)?[0]) } else { None };
        let length = read_array::<4>(&mut client)?;
        let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?];
        client.read_exact(&mut rest).ok()?;
        has_begun |= rest.starts_with(&STARTUP.to_be_bytes());
        // Counted before it is sent, so that whoever has the answer finds it counted.
        count.fetch_add(u32::from(matches!(kind, Some(b'S' | b'Q'))), Ordering::SeqCst);
        let message: Vec<u8> = kind.into_iter().chain(length).chain(rest).collect();
        server.write_all(&message).ok()?;
    }
}

fn read_array<const N: usize>(from: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[test]
fn an_answer_to_a_media_server_costs_one_round_trip() {
    block_on(async {
        let (database, direct) = migrated().await;
        for (number, name) in [(1, "warm"), (2, "one"), (3, "stopped")] {
            direct.start(&new_stream(number, name)).await.unwrap();
        }
        direct.stop_active(user(3), now()).await.unwrap();
        let (port, count) = counting_proxy(Cluster::shared().port());
        let url = database.url().replace(&Cluster::shared().port().to_string(), &port.to_string());
        // Two connections: one of them for writes.
        let options = PostgresOptions { url, pool_size: 2, timeout: std::time::Duration::from_secs(5) };
        let store = PostgresStore::new(&options, Arc::new(SeededEntropy::default())).unwrap();
        let end = |session: &str| {
            let which = EndOf::Session { server: edge(), session: session.to_owned(), name: None };
            let store = store.clone();
            async move { store.end(&which, EndReason::Left, now()).await.unwrap() }
        };
        // The first of each kind prepares its statement.
        admitted(&store, "w1", "warm").await;
        assert!(end("w1").await);
        assert!(count.load(Ordering::SeqCst) > 2, "the proxy counts");

        let trips = || count.swap(0, Ordering::SeqCst);
        trips();
        assert!(admitted(&store, "s1", "one").await.is_new);
        assert_eq!(trips(), 1, "an admission");
        let update = PublishRequest { phase: Phase::Updates, ..asking("s1", "one", 1) };
        assert!(matches!(admit(&store, &update).await, Verdict::Admitted(renewed) if !renewed.is_new));
        assert_eq!(trips(), 1, "a renewal");
        for (name, host, refusal) in [
            ("one", 9, Refusal::AlreadyLive),
            ("stopped", 1, Refusal::Stopped),
            ("none", 1, Refusal::UnknownKey),
        ] {
            assert_eq!(admit(&store, &asking("s2", name, host)).await, Verdict::Refused(refusal));
            assert_eq!(trips(), 1, "a refusal: {refusal}");
        }
        let newest = Terms { takeover: Takeover::Newest, ..terms() };
        let verdict = store.admit(&asking("s3", "one", 9), &newest, now()).await.unwrap();
        assert!(matches!(verdict, Verdict::Admitted(admitted) if admitted.superseded.is_some()));
        assert_eq!(trips(), 1, "a takeover");
        assert!(end("s3").await);
        assert_eq!(trips(), 1, "an end");
        assert!(!end("nobody").await);
        assert_eq!(trips(), 1, "an end of nobody");
    });
}
