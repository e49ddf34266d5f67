//! Round trips, that is, how often a client waits for the server.

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The protocol version with which a client begins an unencrypted connection.
const STARTUP: u32 = 196_608;

/// Forwards connections to the server, and counts how often their clients wait for it.
///
/// A client that expects a response ends its messages with a `Sync`, or sends a simple `Query`; each is a round trip.
pub fn counting_proxy(port: u16) -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    let own_port = listener.local_addr().expect("a listener has an address").port();
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            // Small messages are forwarded without delay.
            let _ = server.set_nodelay(true).and_then(|()| client.set_nodelay(true));
            let (Ok(mut from), Ok(mut to)) = (server.try_clone(), client.try_clone()) else { continue };
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let counted = counted.clone();
            std::thread::spawn(move || forward(client, server, &counted));
        }
    });
    (own_port, count)
}

/// Forwards a client's messages one by one until it disconnects.
fn forward(mut client: TcpStream, mut server: TcpStream, count: &AtomicU32) -> Option<()> {
    let mut has_begun = false;
    loop {
        let kind = if has_begun { Some(read_array::<1>(&mut client)?[0]) } else { None };
        let length = read_array::<4>(&mut client)?;
        let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?];
        client.read_exact(&mut rest).ok()?;
        has_begun |= rest.starts_with(&STARTUP.to_be_bytes());
        // Counted before it is sent, so that the count is complete when the response arrives.
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
