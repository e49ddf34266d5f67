//! Real connections to servers on this machine, whose networks are allowed where that is not what is tried.

mod answers;
mod encryption;
mod messages;
mod reach;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stream_domain::events::LogPosition;
use stream_domain::ports::{BoxedSource, WebhookMessage};
use stream_domain::webhooks::WebhookSecret;
use stream_domain::{Event, StreamId, Timestamp, UserId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Surroundings;
use crate::resolver::LookUp;
use crate::{Networks, WebhookClient};

/// A server that gives each connection this answer; what it was sent.
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Vec<u8> = answer.into();
        Self::start_with(move |mut stream: TcpStream| {
            let answer = answer.clone();
            async move {
                stream.write_all(&answer).await.ok();
                stream.shutdown().await.ok();
            }
        })
        .await
    }

    /// Does something with each connection once the whole request was read.
    async fn start_with<F>(act: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                noted.lock().unwrap().push(request);
                tokio::spawn(act(stream));
            }
        });
        Self { port, seen }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/hook", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let number = stream.read(&mut buffer).await.unwrap_or(0);
        text.extend_from_slice(&buffer[..number]);
        let request = String::from_utf8_lossy(&text).into_owned();
        let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let is_whole = request.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length);
        if number == 0 || is_whole {
            return request;
        }
    }
}

fn loopback() -> Networks {
    Networks(vec!["127.0.0.0/8".parse().unwrap()])
}

/// A client for which each name leads to these addresses in turn, the last one again and again.
fn client(networks: Networks, addresses: &[&str]) -> WebhookClient {
    client_within(networks, addresses, Vec::new(), Duration::from_secs(15)).unwrap()
}

fn client_within(
    networks: Networks,
    addresses: &[&str],
    roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    timeout: Duration,
) -> Result<WebhookClient, BoxedSource> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let asked = Arc::new(Mutex::new(0));
    let look_up: LookUp = Arc::new(move |_name| {
        let mut asked = asked.lock().unwrap();
        let found = addresses.get(*asked).or(addresses.last()).copied();
        *asked += 1;
        Box::pin(async move { Ok(found.into_iter().collect()) })
    });
    WebhookClient::within(networks, Surroundings { look_up, roots, timeout })
}

fn event() -> Event {
    Event {
        position: LogPosition(42),
        kind: "stream.live".to_owned(),
        user: UserId::new(1).ok(),
        stream: Some(StreamId(7)),
        at: Timestamp::from_unix_micros(1_767_323_045_678_901).unwrap(),
        data: r#"{"stream_id" : 7, "playback_id":"abc"}"#.to_owned(),
    }
}

fn secret(byte: u8) -> WebhookSecret {
    use base64::Engine as _;
    let text = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode([byte; 32]));
    WebhookSecret::parse(&text).unwrap()
}

fn message(url: &str) -> WebhookMessage {
    WebhookMessage {
        url: url.to_owned(),
        id: "evt_42_1767323045678901".to_owned(),
        at: Timestamp::from_unix_micros(1_767_323_050_999_999).unwrap(),
        event: event(),
        secrets: vec![secret(1)],
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test)
}
