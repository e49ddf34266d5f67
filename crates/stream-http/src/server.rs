//! The server: accepts connections, hands them to worker threads, and leaves nothing unanswered when it stops.
//!
//! actix-web's own server drops what it has accepted and not yet read when it is told to stop.
//! This one stops in steps: it says that it will go, goes on accepting for a while, takes what has already
//! connected, and ends each connection after its answer.

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
use actix_web::web::Data;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, LINGER};
use crate::observe::observe;
use crate::state::HttpState;
use crate::turns::AskedInVain;

/// How many connections are open at most; further ones wait to be accepted.
const MAX_CONNECTIONS: u32 = 10_000;

/// How many connections the system makes in advance of their being accepted.
const BACKLOG: u32 = 1_024;

/// How long a connection that was just accepted may take to send its request when the service stops.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// The pause after the system refused a connection, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How the server stops.
#[derive(Debug, Clone, Copy)]
pub struct StopPlan {
    /// How long it goes on accepting while it says that it is not ready, so that load balancers notice.
    pub notice: Duration,
    /// How long it waits for answers after that.
    pub deadline: Duration,
}

/// A server that is bound to its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    state: Data<HttpState>,
}

struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    _permit: OwnedSemaphorePermit,
}

impl Server {
    /// Binds an address such as `0.0.0.0:8082`; port 0 takes a free one.
    ///
    /// Call it on a runtime.
    pub fn bind(address: SocketAddr, state: HttpState) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?.into_std()?;
        Ok(Self { listener, state: Data::new(state) })
    }

    /// The address, with the port that was taken.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` comes, then stops by the plan; returns how many connections it had to cut.
    pub async fn run(self, stop: impl Future<Output = ()>, plan: StopPlan) -> io::Result<u32> {
        let readiness = self.state.readiness.clone();
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        let last_call = CancellationToken::new();
        let mut workers = Workers::start(&self.state, &places, &last_call)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;

        let mut stop = std::pin::pin!(stop);
        accept_until(&listener, &places, &mut workers, &mut stop).await;
        readiness.draining();
        accept_until(&listener, &places, &mut workers, &mut std::pin::pin!(tokio::time::sleep(plan.notice)))
            .await;
        accept_what_has_connected(&listener.into_std()?, &places, &mut workers);

        let patience = LAST_REQUEST.min(plan.deadline);
        tokio::time::sleep(patience).await;
        last_call.cancel();
        let all_closed = places.acquire_many(MAX_CONNECTIONS);
        let _ = tokio::time::timeout(plan.deadline.saturating_sub(patience), all_closed).await;
        let open = MAX_CONNECTIONS as usize - places.available_permits();
        workers.stop();
        Ok(u32::try_from(open).unwrap_or(u32::MAX).min(MAX_CONNECTIONS))
    }
}

/// Accepts connections until `end` comes.
async fn accept_until(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    workers: &mut Workers,
    end: &mut (impl Future<Output = ()> + Unpin),
) {
    let accept = async {
        loop {
            let Ok(permit) = places.clone().acquire_owned().await else {
                return;
            };
            let accepted = listener.accept().await.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
            match accepted {
                Ok((stream, peer)) => workers.give(Accepted { stream, peer, _permit: permit }),
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

/// Takes every connection that the system has made already.
fn accept_what_has_connected(listener: &TcpListener, places: &Arc<Semaphore>, workers: &mut Workers) {
    while let Ok(permit) = places.clone().try_acquire_owned() {
        let Ok((stream, peer)) = listener.accept() else {
            return;
        };
        if stream.set_nonblocking(true).is_ok() {
            workers.give(Accepted { stream, peer, _permit: permit });
        }
    }
}

/// The threads that read and answer, a runtime each, since handlers are not to move between threads.
struct Workers {
    inboxes: Vec<mpsc::UnboundedSender<Accepted>>,
    next: usize,
}

impl Workers {
    fn start(
        state: &Data<HttpState>,
        places: &Arc<Semaphore>,
        last_call: &CancellationToken,
    ) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(2, usize::from);
        let inboxes = (0..count).map(|number| {
            let (inbox, connections) = mpsc::unbounded_channel();
            let (state, places, last_call) = (state.clone(), places.clone(), last_call.clone());
            let worker = thread::Builder::new().name(format!("http-{number}"));
            worker.spawn(move || work(connections, &state, &places, &last_call))?;
            Ok(inbox)
        });
        Ok(Self { inboxes: inboxes.collect::<io::Result<_>>()?, next: 0 })
    }

    /// Gives each worker its turn.
    fn give(&mut self, connection: Accepted) {
        self.next = (self.next + 1) % self.inboxes.len();
        // A worker is gone only when all are; the connection is then closed by being dropped.
        let _ = self.inboxes[self.next].send(connection);
    }

    /// Ends the threads and with them every connection that is still open.
    fn stop(self) {
        drop(self.inboxes);
    }
}

fn work(
    mut connections: mpsc::UnboundedReceiver<Accepted>,
    state: &Data<HttpState>,
    places: &Arc<Semaphore>,
    last_call: &CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a worker its event queue");
    LocalSet::new().block_on(&runtime, async {
        let app = App::new().app_data(state.clone()).wrap(from_fn(observe));
        let app = app.configure(|config| crate::routes(config, state));
        let http = HttpService::build()
            .keep_alive(state.patience.next)
            .client_request_timeout(state.patience.head)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.hang_up());
                data.insert(AskedInVain::default());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let service = http.new_service(()).await.expect("the routes are well-formed");
        let service = std::rc::Rc::new(service);
        while let Some(Accepted { stream, peer, _permit }) = connections.recv().await {
            let Ok(stream) = TcpStream::from_std(stream) else { continue };
            // An answer is one small write; waiting for more to send would only delay it.
            let _ = stream.set_nodelay(true);
            let connection = Connection::new(stream, peer, state.clone(), places.clone(), last_call);
            let service = service.clone();
            tokio::task::spawn_local(async move {
                let _permit = _permit;
                // How a connection ended is its client's affair; answers were logged as they were made.
                let _ = service.call((connection, Some(peer))).await;
            });
        }
    });
}

#[cfg(test)]
mod tests;
