//! The server: accepts connections, hands them to worker threads, and answers every request before it stops.
//!
//! actix-web's own server drops connections that it has accepted and not yet read when it stops.
//! This one stops in steps: it turns not ready, accepts for a while longer, takes every connection that the system has
//! made already, and closes each connection after its response.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{Service as _, ServiceFactory as _, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use crate::api::HttpApi;
use crate::connection::Connection;
use crate::hang_up::LINGER;
use crate::observe::observe;
use crate::turns::RecentMisses;

/// The most open connections; further ones wait to be accepted.
const MAX_CONNECTIONS: u32 = 10_000;

/// The most connections that the system makes before they are accepted.
const BACKLOG: u32 = 1_024;

/// How long a connection that was just accepted may take to send its request when the service stops.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// The pause after the system failed to accept a connection, mostly for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How the server stops.
#[derive(Debug, Clone, Copy)]
pub struct StopPlan {
    /// How long it goes on accepting while it is not ready, so that load balancers notice.
    pub notice: Duration,
    /// How long it waits for responses after that.
    pub deadline: Duration,
}

/// A server that is bound to its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    api: HttpApi,
}

struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    _permit: OwnedSemaphorePermit,
}

impl Server {
    /// Binds an address such as `0.0.0.0:8082`; port 0 takes a free one.
    ///
    /// Call it on a tokio runtime.
    pub fn bind(address: SocketAddr, api: HttpApi) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?.into_std()?;
        Ok(Self { listener, api })
    }

    /// The address, with the port that was taken.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` completes, then stops by the plan; returns how many connections it had to drop.
    pub async fn run(self, stop: impl Future<Output = ()>, plan: StopPlan) -> io::Result<u32> {
        let (readiness, api) = (self.api.readiness.clone(), self.api.clone());
        let free = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        let last_call = CancellationToken::new();
        let mut workers = Workers::start(&self.api, &free, &last_call)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;

        let mut stop = std::pin::pin!(stop);
        accept_until(&listener, &free, &mut workers, &mut stop).await;
        readiness.draining();
        accept_until(&listener, &free, &mut workers, &mut std::pin::pin!(tokio::time::sleep(plan.notice)))
            .await;
        accept_pending(&listener.into_std()?, &free, &mut workers);

        let last_requests = LAST_REQUEST.min(plan.deadline);
        tokio::time::sleep(last_requests).await;
        last_call.cancel();
        api.end_streams();
        let all_closed = free.acquire_many(MAX_CONNECTIONS);
        let _ = tokio::time::timeout(plan.deadline.saturating_sub(last_requests), all_closed).await;
        let open = MAX_CONNECTIONS as usize - free.available_permits();
        workers.stop();
        Ok(u32::try_from(open).unwrap_or(u32::MAX).min(MAX_CONNECTIONS))
    }
}

/// Accepts connections until `end` completes.
async fn accept_until(
    listener: &tokio::net::TcpListener,
    free: &Arc<Semaphore>,
    workers: &mut Workers,
    end: &mut (impl Future<Output = ()> + Unpin),
) {
    let accept = async {
        loop {
            let Ok(permit) = free.clone().acquire_owned().await else {
                return;
            };
            let accepted = listener.accept().await.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
            match accepted {
                Ok((stream, peer)) => workers.hand_over(Accepted { stream, peer, _permit: permit }),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = end => {}
    }
}

/// Accepts every connection that the system has made already.
fn accept_pending(listener: &TcpListener, free: &Arc<Semaphore>, workers: &mut Workers) {
    while let Ok(permit) = free.clone().try_acquire_owned() {
        let Ok((stream, peer)) = listener.accept() else {
            return;
        };
        if stream.set_nonblocking(true).is_ok() {
            workers.hand_over(Accepted { stream, peer, _permit: permit });
        }
    }
}

/// The threads that read and answer, each with a runtime, since handlers stay on one thread.
struct Workers {
    inboxes: Vec<mpsc::UnboundedSender<Accepted>>,
    next: usize,
}

impl Workers {
    fn start(api: &HttpApi, free: &Arc<Semaphore>, last_call: &CancellationToken) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(2, usize::from);
        let inboxes = (0..count).map(|number| {
            let (inbox, connections) = mpsc::unbounded_channel();
            let (api, free, last_call) = (api.clone(), free.clone(), last_call.clone());
            let worker = thread::Builder::new().name(format!("http-{number}"));
            worker.spawn(move || work(connections, &api, &free, &last_call))?;
            Ok(inbox)
        });
        Ok(Self { inboxes: inboxes.collect::<io::Result<_>>()?, next: 0 })
    }

    /// Hands a connection to the next worker, in turn.
    fn hand_over(&mut self, connection: Accepted) {
        self.next = (self.next + 1) % self.inboxes.len();
        // A worker is gone only when all are; the connection is then closed by being dropped.
        let _ = self.inboxes[self.next].send(connection);
    }

    /// Ends the threads, and with them every connection that is still open.
    fn stop(self) {
        drop(self.inboxes);
    }
}

fn work(
    mut connections: mpsc::UnboundedReceiver<Accepted>,
    api: &HttpApi,
    free: &Arc<Semaphore>,
    last_call: &CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a worker its event queue");
    LocalSet::new().block_on(&runtime, async {
        let app = App::new().wrap(from_fn(observe)).configure(|config| api.routes(config));
        let http = HttpService::build()
            .keep_alive(api.timeouts.keep_alive)
            .client_request_timeout(api.timeouts.request_head)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.hang_up());
                data.insert(RecentMisses::default());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let service = http.new_service(()).await.expect("the routes are well-formed");
        let service = std::rc::Rc::new(service);
        while let Some(Accepted { stream, peer, _permit }) = connections.recv().await {
            let Ok(stream) = TcpStream::from_std(stream) else { continue };
            // A response is one small write; waiting for more to send would only delay it.
            let _ = stream.set_nodelay(true);
            let connection = Connection::new(stream, peer, api.timeouts, free.clone(), last_call);
            let service = service.clone();
            tokio::task::spawn_local(async move {
                let _permit = _permit;
                // How a connection ends is up to its client; responses were logged as they were made.
                let _ = service.call((connection, Some(peer))).await;
            });
        }
    });
}

#[cfg(test)]
mod tests;
