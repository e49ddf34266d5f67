//! A server that answers every request with 200, and records what it was sent on which connection.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

type Heads = Arc<Mutex<Vec<(usize, String)>>>;

/// A server that runs as long as the test program.
pub(super) struct Upstream {
    /// Where it listens, as `host:port`.
    pub(super) address: String,
    heads: Heads,
}

impl Upstream {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address").to_string();
        let heads = Heads::default();
        let recorded = Arc::clone(&heads);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let recorded = Arc::clone(&recorded);
                std::thread::spawn(move || answer(connection, &stream, &recorded));
            }
        });
        Self { address, heads }
    }

    /// The heads of the requests for this path, each with the number of its connection.
    pub(super) fn heads(&self, path: &str) -> Vec<(usize, String)> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.iter().filter(|(_, head)| head.starts_with(&format!("GET {path} "))).cloned().collect()
    }
}

/// Answers until the proxy closes the connection; requests have no bodies.
fn answer(connection: usize, stream: &TcpStream, recorded: &Heads) {
    let (mut lines, mut head) = (BufReader::new(stream), String::new());
    while lines.read_line(&mut head).is_ok_and(|read| read > 0) {
        if head.ends_with("\r\n\r\n") {
            recorded
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((connection, std::mem::take(&mut head)));
            let mut answers = stream;
            // The proxy may be gone.
            let _ = answers.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    }
}
