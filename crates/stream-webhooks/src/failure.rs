//! Why no answer came, in words for the endpoint's owner.

use std::error::Error;
use std::io;

use crate::resolver::ResolveError;

/// The words; they name neither addresses nor anything else of networks that the owner must not see.
pub(crate) fn words_of(error: &(dyn Error + 'static)) -> String {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(resolve) = cause.downcast_ref::<ResolveError>() {
            return resolve.to_string();
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return format!("the encryption failed: {tls}");
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            // One error may hide another, as TLS does.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
                continue;
            }
            if let Some(words) = words_of_kind(io.kind()) {
                return words.to_owned();
            }
        }
        // An error of the HTTP library that is of no type of its own.
        if cause.to_string().starts_with("connection closed") {
            return "the connection was closed".to_owned();
        }
        next = cause.source();
    }
    "the connection failed, or the answer was no HTTP".to_owned()
}

fn words_of_kind(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("the connection was refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Some("the connection was closed")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("the address cannot be reached")
        }
        io::ErrorKind::TimedOut => Some("the connection timed out"),
        _ => None,
    }
}
