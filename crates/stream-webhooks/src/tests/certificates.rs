//! Endpoints with certificates that are trusted and that are not.

use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use super::server::Server;
use super::{LONG, error, options, send};
use crate::WebhookClient;

fn made() -> TempDir {
    let folder = TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/certificates.sh");
    let made = Command::new("sh").arg(script).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

fn certificate(folder: &Path, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(folder.join(format!("{name}.crt"))).unwrap()
}

fn server(folder: &Path, name: &str) -> Server {
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate(folder, name)], key)
        .unwrap();
    Server::encrypted(tls, b"HTTP/1.1 202 x\r\ncontent-length: 2\r\n\r\nok")
}

/// A client that may send to this machine, and trusts these beside the system's authorities.
fn trusting(roots: Vec<CertificateDer<'static>>) -> WebhookClient {
    let mut options = options(&["127.0.0.0/8"], &[&["127.0.0.1"]], LONG);
    options.extra_roots = roots;
    WebhookClient::with(options).unwrap()
}

fn url(server: &Server) -> String {
    format!("https://hooks.example:{}/in", server.port)
}

#[tokio::test]
async fn a_certificate_of_a_known_issuer_for_the_name_is_trusted() {
    let folder = made();
    let server = server(folder.path(), "right");
    let client = trusting(vec![certificate(folder.path(), "ca")]);
    // Also when the session is resumed, and where the address stands for the name.
    for url in [url(&server), url(&server), format!("https://127.0.0.1:{}/in", server.port)] {
        let answer = send(&client, &url).await;
        assert_eq!((answer.status, &*answer.body, answer.error), (Some(202), "ok", None));
    }
    assert_eq!(server.requests().len(), 3);
    assert!(server.requests()[0].starts_with("POST /in HTTP/1.1\r\nhost: hooks.example:"));
}

#[tokio::test]
async fn any_other_certificate_is_not_trusted_and_nothing_is_sent() {
    let folder = made();
    let client = trusting(vec![certificate(folder.path(), "ca")]);
    for (name, why) in [
        ("other", "it is for another name"),
        ("expired", "it has expired"),
        ("self", "it is signed by itself, or not valid"),
    ] {
        let server = server(folder.path(), name);
        assert_eq!(error(&client, &url(&server)).await, format!("the certificate is not trusted: {why}"));
        assert!(server.requests().is_empty());
    }
    let server = server(folder.path(), "right");
    let why = "the certificate is not trusted: nobody known has issued it";
    assert_eq!(error(&trusting(Vec::new()), &url(&server)).await, why);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_endpoint_without_tls_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            // Until the other end has read it and is gone.
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    let client = trusting(Vec::new());
    assert_eq!(error(&client, &format!("https://hooks.example:{port}/")).await, "no TLS is spoken there");
}
