//! A relay in front of a server: it can delay connections, connect from another address, and switch to another server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// A TCP relay on a free port; it ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    target: Arc<AtomicU16>,
    delay_ms: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Relays to this port, coming from this address of the loopback network.
    pub async fn start(target: u16, from: IpAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let delay_ms: Arc<AtomicU64> = Arc::default();
        let target = Arc::new(AtomicU16::new(target));
        let (delay, current_target) = (delay_ms.clone(), target.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = current_target.load(Ordering::SeqCst);
                tokio::spawn(forward(client, target, from, delay.clone()));
            }
        });
        Self { port, target, delay_ms, task }
    }

    /// The port on 127.0.0.1 where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Relays new connections to this port; open ones keep their server.
    pub fn switch_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// Delays the start of every new connection by this time.
    pub fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).expect("a test's delay is short");
        self.delay_ms.store(millis, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut client: TcpStream, target: u16, from: IpAddr, delay: Arc<AtomicU64>) {
    let wait = Duration::from_millis(delay.load(Ordering::SeqCst));
    tokio::time::sleep(wait).await;
    // If the server is down, the client sees a closed connection.
    let Ok(socket) = TcpSocket::new_v4() else { return };
    if socket.bind(SocketAddr::new(from, 0)).is_err() {
        return;
    }
    if let Ok(mut server) = socket.connect((Ipv4Addr::LOCALHOST, target).into()).await {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
