//! Why no answer came, in a few words for the endpoint's owner.
//!
//! They are chosen here, whatever the libraries say: theirs may hold addresses and names of this network.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::CertificateError;

use crate::resolver::Unusable;

/// The time for an attempt is over.
pub(crate) fn timed_out(limit: Duration) -> String {
    format!("timed out after {} s", limit.as_secs_f64())
}

/// The address may not be sent to, for this reason.
pub(crate) fn refused(why: &str) -> String {
    format!("the address is refused: {why}")
}

/// No connection was made.
pub(crate) fn of_connecting(error: &(dyn Error + 'static)) -> String {
    if let Some(unusable) = cause::<Unusable>(error) {
        return unusable.to_string();
    }
    match cause::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(certificate)) => {
            format!("the certificate is not trusted: {}", of_certificate(certificate))
        }
        Some(rustls::Error::InvalidMessage(_)) => "no TLS is spoken there".to_owned(),
        Some(_) => "TLS cannot be agreed on".to_owned(),
        None => of_socket(error),
    }
}

/// A connection was made, and no answer came.
pub(crate) fn of_exchange(error: &hyper::Error) -> String {
    if error.is_parse() {
        return "the answer is no HTTP, or its headers are too large".to_owned();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return "the connection was closed".to_owned();
    }
    of_socket(error)
}

fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => "nobody known has issued it",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name"
        }
        CertificateError::Revoked => "it was revoked",
        // Most often an authority's own, which is not told apart.
        _ => "it is signed by itself, or not valid",
    }
}

fn of_socket(error: &(dyn Error + 'static)) -> String {
    let words = match cause::<io::Error>(error).map(io::Error::kind) {
        Some(ErrorKind::ConnectionRefused) => "connection refused",
        Some(
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof,
        ) => "the connection was closed",
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => "the address cannot be reached",
        Some(ErrorKind::TimedOut) => "the connection timed out",
        _ => "the connection failed",
    };
    words.to_owned()
}

/// The innermost error of this type among the causes of one.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = error.downcast_ref().or(found);
        // An I/O error that holds another one says that its source is the source of that.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    found
}
