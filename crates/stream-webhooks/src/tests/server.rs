//! An endpoint on this machine, and a port that nobody may knock at.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What an endpoint reads from and writes to.
pub(super) trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

/// Answers each request by the same means, and keeps what it was sent.
pub(super) struct Server {
    pub(super) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request with these bytes, and closes.
    pub(super) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::playing(move |wire| {
            // Who has read enough is gone.
            let _ = wire.write_all(&answer);
        })
    }

    /// Does this after each request, and closes.
    pub(super) fn playing(answer: impl Fn(&mut dyn Wire) + Send + Sync + 'static) -> Self {
        Self::start(TcpListener::bind("127.0.0.1:0").unwrap(), None, answer)
    }

    /// Speaks TLS with these certificates.
    pub(super) fn encrypted(tls: ServerConfig, answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::start(listener, Some(Arc::new(tls)), |wire| {
            let _ = wire.write_all(answer).and_then(|()| wire.flush());
        })
    }

    /// Answers at one address of this machine, with a trap at the same port of another.
    pub(super) fn beside_a_trap() -> (Self, Trap) {
        loop {
            let listener = TcpListener::bind("127.0.0.2:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            // Another test may have it.
            if let Ok(trap) = TcpListener::bind(("127.0.0.1", port)) {
                let server =
                    Self::start(listener, None, |wire| wire.write_all(b"HTTP/1.1 200 x\r\n\r\n").unwrap());
                return (server, Trap(trap));
            }
        }
    }

    fn start(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&mut dyn Wire) + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, tls, kept, answer) =
                    (stream.unwrap(), tls.clone(), kept.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut wire = wire(stream, tls);
                    let Some(request) = request(&mut *wire) else {
                        return;
                    };
                    kept.lock().unwrap().push(request);
                    answer(&mut *wire);
                });
            }
        });
        Self { port, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://hooks.example:{}/in", self.port)
    }

    /// The requests so far, each as it came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn wire(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Box<dyn Wire> {
    match tls {
        Some(tls) => Box::new(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream)),
        None => Box::new(stream),
    }
}

/// Reads a request with its body; `None` where it breaks off.
fn request(wire: &mut dyn Wire) -> Option<String> {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            if body.len() >= length.parse().ok()? {
                return Some(text);
            }
        }
        let length = wire.read(&mut chunk).ok().filter(|length| *length > 0)?;
        text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
    }
}

/// A port that takes connections, and tells whether there was one.
pub(super) struct Trap(TcpListener);

impl Trap {
    /// At one port of every address of this machine, in either form.
    pub(super) fn everywhere() -> Self {
        Self(TcpListener::bind("[::]:0").unwrap())
    }

    pub(super) fn at_home() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(super) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Nobody has connected: the kernel would have kept it, answered or not.
    pub(super) fn assert_untouched(&self) {
        self.0.set_nonblocking(true).unwrap();
        let knock = self.0.accept();
        assert_eq!(knock.err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    }
}
