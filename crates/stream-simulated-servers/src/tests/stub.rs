//! A hook with scripted responses, which records its requests.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::http::{Unsized, read};

/// A body that accepts in every family.
pub(super) const ACCEPT: &str = r#"{"code":0,"allowed":true}"#;

/// A recorded request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) first_line: String,
    pub(super) headers: String,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Its event, in the family's terms.
    pub(super) fn event(&self) -> String {
        let json = self.json();
        let words = [&json["action"], &json["request"]["status"], &json["mode"]];
        if let Some(word) = words.into_iter().find_map(Value::as_str) {
            return word.to_owned();
        }
        if let Some(is_begin) = json["regist"].as_bool() {
            return format!("regist {is_begin}");
        }
        if self.body.starts_with("event=") {
            return self.body.split('&').next().unwrap_or_default().to_owned();
        }
        let marks = ["totalBytes", "data", "originType"];
        marks.into_iter().find(|mark| json.get(mark).is_some()).unwrap_or(&self.first_line).to_owned()
    }
}

/// A response, and the delay before it.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) after: Duration,
    pub(super) status: u16,
    pub(super) headers: &'static str,
    pub(super) body: String,
}

impl Response {
    pub(super) fn new(status: u16, body: &str) -> Self {
        Self { after: Duration::ZERO, status, headers: "", body: body.to_owned() }
    }

    pub(super) fn accept() -> Self {
        Self::new(200, ACCEPT)
    }

    pub(super) fn after(self, milliseconds: u64) -> Self {
        Self { after: Duration::from_millis(milliseconds), ..self }
    }
}

type Script = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

pub(super) struct Hook {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Hook {
    pub(super) async fn start(script: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let (listener, url) = bind().await;
        let (seen, script): (Arc<Mutex<Vec<Seen>>>, Script) = (Arc::default(), Arc::new(script));
        let mut tasks = JoinSet::new();
        let keeping = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, script) = (Arc::clone(&keeping), Arc::clone(&script));
                connections.spawn(async move {
                    let message = read(&mut stream, Unsized::Empty).await.unwrap();
                    let (first_line, headers, body) = (message.first_line, message.headers, message.body);
                    let request = Seen { at: Instant::now(), first_line, headers, body };
                    seen.lock().unwrap().push(request.clone());
                    let response = script(&request);
                    tokio::time::sleep(response.after).await;
                    let Response { status, headers, body, .. } = response;
                    let length = body.len();
                    // The connection remains open for a while, since clients must use the length.
                    let text =
                        format!("HTTP/1.1 {status} Any\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
                    let _ = stream.write_all(text.as_bytes()).await;
                    tokio::time::sleep(Duration::from_secs(5)).await;
                });
            }
        });
        Self { url, seen, _tasks: tasks }
    }

    pub(super) async fn accepting() -> Self {
        Self::start(|_| Response::accept()).await
    }

    /// A hook whose port is closed.
    pub(super) async fn down() -> Self {
        let (_, url) = bind().await;
        Self { url, seen: Arc::default(), _tasks: JoinSet::new() }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn events(&self) -> Vec<String> {
        self.seen().iter().map(Seen::event).collect()
    }

    pub(super) fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|seen| *seen == event).count()
    }
}

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/any/edge-1?secret=s3cr3t", listener.local_addr().unwrap());
    (listener, url)
}
