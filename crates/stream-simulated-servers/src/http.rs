//! A minimal HTTP/1.1: a client that sends exactly the given bytes, and a server for small responses.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest message that is read.
const LIMIT: usize = 1 << 20;

/// The parts of a hook's address.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    /// Host and port.
    pub(crate) authority: String,
    /// The path, with its slash.
    pub(crate) path: String,
    /// The part after the question mark, or empty.
    pub(crate) query: String,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Self {
        let rest = text.strip_prefix("http://").expect("a hook's address begins with http://");
        let (authority, target) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { authority: authority.to_owned(), path: format!("/{path}"), query: query.to_owned() }
    }

    /// The whole, as it stands in a server's configuration.
    pub(crate) fn whole(&self) -> String {
        format!("http://{}{}", self.authority, self.target())
    }

    /// Path and query, as in a request line.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// A request, with its headers in the order of sending.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    /// Names and values.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Request {
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// The response of a hook.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The target of a redirect.
    pub(crate) location: Option<String>,
    /// The body.
    pub(crate) body: String,
}

/// Sends a request on a new connection; `None` without a complete response.
pub(crate) async fn send(authority: &str, request: &Request) -> Option<Reply> {
    let mut stream = TcpStream::connect(authority).await.ok()?;
    stream.write_all(&request.bytes()).await.ok()?;
    let message = read(&mut stream, Unsized::UntilTheEnd).await.ok()?;
    let status = message.first_line.split(' ').nth(1)?.parse().ok()?;
    let location = message.header("location").map(str::to_owned);
    Some(Reply { status, location, body: message.body })
}

/// A request of a viewer or to the control interface.
#[derive(Debug)]
pub(crate) struct Call {
    /// The method.
    pub(crate) method: String,
    /// The path.
    pub(crate) path: String,
    /// The value of the `Authorization` header.
    pub(crate) authorization: Option<String>,
    query: String,
}

impl Call {
    /// Reads a call; `None` if it is malformed.
    pub(crate) async fn read(stream: &mut TcpStream) -> Option<Self> {
        let message = read(stream, Unsized::Empty).await.ok()?;
        let mut words = message.first_line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let authorization = message.header("authorization").map(str::to_owned);
        Some(Self { method, path: path.to_owned(), authorization, query: query.to_owned() })
    }

    /// A parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.query, name)
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        self.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

/// The first value of a name in a query, not decoded.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(n, value)| (n == name).then_some(value))
}

/// The response to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The type of the body.
    pub(crate) content_type: &'static str,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// A JSON response.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string() }
    }

    /// Writes the response, and closes the connection.
    pub(crate) async fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            401 => "Unauthorized",
            _ => "Not Found",
        };
        let challenge = if self.status == 401 { "WWW-Authenticate: Basic realm=\"api\"\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{challenge}Connection: close\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(self.body.as_bytes()).await?;
        stream.shutdown().await
    }
}

/// The body of a message without `Content-Length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsized {
    /// None: a request.
    Empty,
    /// Everything until the connection ends: a response.
    UntilTheEnd,
}

/// A message; chunked bodies are not supported.
#[derive(Debug)]
pub(crate) struct Message {
    /// The line before the headers.
    pub(crate) first_line: String,
    /// The text of the headers.
    pub(crate) headers: String,
    /// The body.
    pub(crate) body: String,
}

impl Message {
    /// A header's value; the name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.headers.lines().filter_map(|line| line.split_once(':'));
        pairs.find_map(|(n, value)| n.eq_ignore_ascii_case(name).then_some(value.trim()))
    }
}

/// Reads one message.
pub(crate) async fn read<S>(stream: &mut S, without_length: Unsized) -> io::Result<Message>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let mut message: Option<(Message, usize)> = None;
    loop {
        if message.is_none()
            && let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let (first_line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
            let (first_line, headers) = (first_line.to_owned(), headers.to_owned());
            message = Some((Message { first_line, headers, body: String::new() }, end + 4));
        }
        let length = message.as_ref().and_then(|(message, start)| {
            let declared = message.header("content-length").and_then(|text| text.parse::<usize>().ok());
            let length = declared.or((without_length == Unsized::Empty).then_some(0));
            length.map(|length| start + length)
        });
        let is_whole = length.is_some_and(|length| bytes.len() >= length);
        let count = if is_whole { 0 } else { stream.read(&mut buffer).await? };
        if count == 0 {
            let whole = message.filter(|_| is_whole || length.is_none());
            let (mut message, start) = whole.ok_or(io::ErrorKind::UnexpectedEof)?;
            let body = &bytes[start..length.unwrap_or(bytes.len())];
            message.body = String::from_utf8_lossy(body).into_owned();
            return Ok(message);
        }
        bytes.extend_from_slice(&buffer[..count]);
        if bytes.len() > LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}
