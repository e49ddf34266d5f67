//! Receivers of webhooks: those that docs/webhooks.md shows, with the public libraries of Standard Webhooks, and one that
//! keeps what it is sent.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;
use stream_test_postgres::free_port;

use crate::encoder::program;
use crate::program::Program;
use crate::{npm, tools, workspace};

/// The languages whose receivers are verified by a public library.
#[derive(Debug, Clone, Copy)]
pub enum Language {
    /// Node.js, with the library of npm.
    Node,
    /// Python, with the library of `PyPI`.
    Python,
}

/// A receiver as docs/webhooks.md shows it; it ends when it is dropped.
#[derive(Debug)]
pub struct DocumentedReceiver {
    program: Program,
    port: u16,
}

impl DocumentedReceiver {
    /// Starts it with this secret, on a port of its own.
    pub fn start(language: Language, secret: &str, folder: &Path) -> Self {
        Self::start_on(free_port(), language, secret, folder)
    }

    /// The same, on this port.
    pub fn start_on(port: u16, language: Language, secret: &str, folder: &Path) -> Self {
        let page = std::fs::read_to_string(workspace().join("docs/webhooks.md")).expect("it is there");
        let (fence, ending) = match language {
            Language::Node => ("```js receiver\n", "mjs"),
            Language::Python => ("```python receiver\n", "py"),
        };
        let shown = page.split(fence).nth(1).and_then(|rest| rest.split("```").next());
        let shown = shown.expect("the documentation shows a receiver");
        let name = format!("receiver-{port}-{}", free_port());
        let mut command = match language {
            Language::Node => {
                // It looks for packages beside itself.
                let home = npm::installed(&workspace().join("tests/receivers"), "receivers", &[]);
                let script = home.join(format!("{name}.{ending}"));
                std::fs::write(&script, shown).expect("the target folder is writable");
                let mut node = Command::new(program("node", "nodejs"));
                node.arg(script);
                node
            }
            Language::Python => {
                let script = folder.join(format!("{name}.{ending}"));
                std::fs::write(&script, shown).expect("the folder is there");
                let mut python = Command::new(tools::tool("python"));
                python.arg(script);
                python
            }
        };
        command.env("PORT", port.to_string()).env("WEBHOOK_SECRET", secret);
        Self { program: Program::start(&mut command, &folder.join(name)), port }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages that it has verified, each once and in the order of their positions.
    pub fn messages(&self) -> Vec<Value> {
        let output = self.program.output();
        let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let messages = whole.lines().map(|line| serde_json::from_str(line).expect("a message is JSON"));
        let by_position: BTreeMap<i64, Value> = messages
            .map(|message: Value| (message["position"].as_i64().expect("a number"), message))
            .collect();
        by_position.into_values().collect()
    }
}

/// A message as it was received.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The headers whose names begin with `webhook-`.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

#[derive(Debug)]
struct Kept {
    status: Mutex<u16>,
    messages: Mutex<Vec<Delivered>>,
}

/// A receiver that keeps what it is sent and verifies nothing; it ends when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    kept: Arc<Kept>,
    server: ServerHandle,
}

impl Receiver {
    /// Starts it; it answers with this status.
    ///
    /// # Panics
    /// If this machine has no free port.
    pub fn start(status: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound port").port();
        let kept = Arc::new(Kept { status: Mutex::new(status), messages: Mutex::default() });
        let data = Data::from(kept.clone());
        let app = move || App::new().app_data(data.clone()).default_service(web::to(take));
        let server =
            HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("it serves").run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { port, kept, server: handle }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// It answers with this status from now on.
    pub fn answer(&self, status: u16) {
        *self.kept.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// What it was sent, in the order in which it came.
    pub fn messages(&self) -> Vec<Delivered> {
        self.kept.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn take(request: HttpRequest, body: Bytes, kept: Data<Kept>) -> HttpResponse {
    let named = request.headers().iter().filter(|(name, _)| name.as_str().starts_with("webhook-"));
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = named.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let delivered = Delivered { headers, body: String::from_utf8_lossy(&body).into_owned() };
    kept.messages.lock().unwrap_or_else(PoisonError::into_inner).push(delivered);
    let status = *kept.status.lock().unwrap_or_else(PoisonError::into_inner);
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK)).body("noted")
}
