//! Certificates are checked, by name and by authority.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stream_domain::ports::WebhookSender as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{client_within, loopback, message, read_request, run};

/// A server for `hook.example`; its port and its certificate.
async fn start() -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["hook.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let certificate = made.cert.der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.ok();
            stream.shutdown().await.ok();
        }
    });
    (port, certificate)
}

#[test]
fn a_certificate_counts_for_its_name_and_from_a_known_authority() {
    run(async {
        let (port, certificate) = start().await;
        let timeout = Duration::from_secs(15);
        let trusting = client_within(loopback(), &["127.0.0.1"], vec![certificate], timeout).unwrap();
        let strict = client_within(loopback(), &["127.0.0.1"], Vec::new(), timeout).unwrap();
        let to = |name: &str| message(&format!("https://{name}:{port}/"));
        assert_eq!(trusting.send(&to("hook.example")).await.status, Some(200));
        for answer in [trusting.send(&to("other.example")).await, strict.send(&to("hook.example")).await] {
            let error = answer.error.unwrap();
            assert!(error.starts_with("the encryption failed: invalid peer certificate"), "{error}");
            assert_eq!(answer.status, None);
        }
    });
}
