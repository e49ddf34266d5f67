//! The public interface of a simulated server: its ports, its pages, and how it is started and stopped.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::encoder::Encoder;
use crate::engine::{FinalReports, Run};
use crate::family::Family;
use crate::http::{Answer, Call, Url};
use crate::rules::{Reaction, Rules, Signal};
use crate::session::Session;

/// A simulated media server; its control interface and its playlists share one port of the loopback address.
pub struct MediaServer {
    rules: Rules,
    hook: String,
    secret: String,
    port: u16,
    run: Arc<Run>,
}

impl MediaServer {
    /// Starts a server that sends all its hooks to `hook_url`, an `http://host:port/path?query`.
    ///
    /// In families that sign their requests the secret is the key; in the others it is part of the URL.
    /// Without a port, a free one is taken.
    pub async fn start(family: Family, hook_url: &str, secret: &str, port: Option<u16>) -> Self {
        Self::start_with(family.rules(), hook_url, secret, port).await
    }

    pub(crate) async fn start_with(rules: Rules, hook: &str, secret: &str, port: Option<u16>) -> Self {
        let listener = bind(port.unwrap_or(0)).await;
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let run = Run::start(rules, Url::parse(hook), secret);
        serve(&run, listener);
        Self { rules, hook: hook.to_owned(), secret: secret.to_owned(), port, run }
    }

    /// The base URL of the control interface, with its credentials; `None` if the family has none.
    pub fn control_url(&self) -> Option<String> {
        let credentials = self.rules.control?.credentials.map(|text| format!("{text}@")).unwrap_or_default();
        Some(format!("http://{credentials}127.0.0.1:{}", self.port))
    }

    /// The base URL of playlists: that of a stream is `{base}/{name}/index.m3u8`.
    pub fn hls_base(&self) -> String {
        format!("http://127.0.0.1:{}/live", self.port)
    }

    /// An encoder at this address connects and tries to publish `live/{name}?{query}`.
    pub fn publish(&self, name: &str, query: &str, from: IpAddr) -> Encoder {
        let session = self.run.publish(|id| Session::new(id, name, query, from));
        Encoder::new(Arc::clone(&self.run), session)
    }

    /// The same, but it sends no media after it was admitted.
    pub fn publish_without_media(&self, name: &str, query: &str, from: IpAddr) -> Encoder {
        let session = self.run.publish(|id| Session::new(id, name, query, from).without_media());
        Encoder::new(Arc::clone(&self.run), session)
    }

    /// Whether viewers can watch this name now.
    pub fn playlist(&self, name: &str) -> bool {
        self.run.process.has_playlist(name)
    }

    /// Everything that it shows in public: its front page, and the playlists of live streams.
    pub fn page(&self) -> String {
        let shown = self.run.process.watchable();
        shown.iter().fold(FRONT_PAGE.to_owned(), |page, session| page + "\n" + &playlist(session))
    }

    /// Ends as by SIGKILL: nothing is sent, every publisher is disconnected, and the port is closed.
    pub async fn crash(&mut self) {
        self.run.stop(FinalReports::NotSent).await;
    }

    /// Ends by a signal; whether the ends of its publishers are reported depends on the family.
    pub async fn quit(&mut self, signal: Signal) {
        let reports = self.rules.reports_ends_at.contains(&signal);
        self.run.stop(if reports { FinalReports::Sent } else { FinalReports::NotSent }).await;
    }

    /// Restarts on the same port, without publishers and with every counter at its start.
    pub async fn restart(&mut self) {
        self.run.stop(FinalReports::NotSent).await;
        let listener = bind(self.port).await;
        self.run = Run::start(self.rules, Url::parse(&self.hook), &self.secret);
        serve(&self.run, listener);
    }
}

impl Drop for MediaServer {
    fn drop(&mut self) {
        self.run.abandon();
    }
}

impl fmt::Debug for MediaServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MediaServer").field("port", &self.port).finish_non_exhaustive()
    }
}

const FRONT_PAGE: &str = "<html><body>It works.</body></html>\n";

/// Binds a port, which may not be free immediately after a restart.
async fn bind(port: u16) -> TcpListener {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < until, "port {port} cannot be bound: {error}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn serve(run: &Arc<Run>, listener: TcpListener) {
    let serving = Arc::clone(run);
    run.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let run = Arc::clone(&serving);
            serving.spawn(async move { answer(&run, stream).await });
        }
    });
}

async fn answer(run: &Arc<Run>, mut stream: TcpStream) {
    let Some(call) = Call::read(&mut stream).await else { return };
    run.wait_for_turn(&call.path).await;
    // The caller may have closed the connection.
    let _gone = route(run, &call).write(&mut stream).await;
}

fn route(run: &Arc<Run>, call: &Call) -> Answer {
    if call.path == "/" {
        return Answer { status: 200, content_type: "text/html", body: FRONT_PAGE.to_owned() };
    }
    if let Some(rest) = call.path.strip_prefix("/live/") {
        let name = rest.strip_suffix("/index.m3u8").unwrap_or_default();
        let live = run.process.watchable().into_iter().find(|session| session.name == name);
        return match live {
            Some(live) => {
                Answer { status: 200, content_type: "application/vnd.apple.mpegurl", body: playlist(&live) }
            }
            // It no longer grows, and has no end marker.
            None if run.process.has_playlist(name) => Answer {
                status: 200,
                content_type: "application/vnd.apple.mpegurl",
                body: "#EXTM3U\n".to_owned(),
            },
            None => Answer { status: 404, content_type: "text/plain", body: "404 page not found".to_owned() },
        };
    }
    match run.rules.control {
        Some(control) => match (control.react)(&run.process, call) {
            Reaction::Answer(answer) => answer,
            Reaction::Kick { is_meant, kicked, missing } => {
                if run.kick(is_meant) {
                    kicked
                } else {
                    missing
                }
            }
        },
        None => Answer { status: 404, content_type: "text/plain", body: "404 page not found".to_owned() },
    }
}

fn playlist(session: &Session) -> String {
    let name = &session.name;
    let segment = session.since.elapsed().as_secs() / 2;
    format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{segment}\n\
         #EXTINF:2.000,\n{name}-{segment}.ts\n"
    )
}
