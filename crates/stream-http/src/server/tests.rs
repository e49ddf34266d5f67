//! The one step of stopping that no client can time.

use std::net::TcpListener;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::{Workers, accept_pending};

#[test]
fn connections_that_are_made_before_the_listener_closes_are_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let clients: Vec<_> = (0..5).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    let (inbox, mut connections) = mpsc::unbounded_channel();
    let mut workers = Workers { inboxes: vec![inbox], next: 0 };
    accept_pending(&listener, &Arc::new(Semaphore::new(100)), &mut workers);
    let taken = std::iter::from_fn(|| connections.try_recv().ok()).count();
    assert_eq!(taken, clients.len());
}
