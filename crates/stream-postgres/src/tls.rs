//! TLS as libpq means it: `sslmode` and `sslrootcert` of the URL.
//!
//! `disable` never, `prefer` (the default) and `require` without looking at the certificate, as libpq does;
//! `verify-ca` and `verify-full` check chain and host name, against `sslrootcert` or the system's certificates.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

use crate::InvalidUrl;

/// How connections are encrypted.
pub(crate) enum Tls {
    /// Not at all.
    Off,
    /// As the configuration's `sslmode` says.
    On(MakeRustlsConnect),
}

impl Tls {
    /// Reads a database URL; `tokio-postgres` knows neither the verifying modes nor `sslrootcert`.
    pub(crate) fn read_url(url: &str) -> Result<(Config, Self), InvalidUrl> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots) = ("prefer".to_owned(), None);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => roots = Some(value.into_owned()),
                _ => {
                    rest.append_pair(&name, &value);
                }
            }
        }
        // The form writes a blank as `+`, which PostgreSQL's URLs do not know.
        let rest = rest.finish().replace('+', "%20");
        let mut config: Config = format!("{base}?{rest}").parse().map_err(InvalidUrl::Malformed)?;
        let (ssl_mode, tls) = match mode.as_str() {
            "disable" => (SslMode::Disable, Self::Off),
            "allow" | "prefer" => (SslMode::Prefer, Self::On(unverified())),
            "require" => (SslMode::Require, Self::On(unverified())),
            "verify-ca" | "verify-full" => (SslMode::Require, Self::On(verified(roots.as_deref())?)),
            _ => return Err(InvalidUrl::SslMode),
        };
        config.ssl_mode(ssl_mode);
        Ok((config, tls))
    }
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports the default protocol versions")
}

fn verified(root_file: Option<&str>) -> Result<MakeRustlsConnect, InvalidUrl> {
    let mut roots = RootCertStore::empty();
    match root_file {
        Some(path) => {
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|_| InvalidUrl::RootCertificates)?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| InvalidUrl::RootCertificates)?;
                roots.add(certificate).map_err(|_| InvalidUrl::RootCertificates)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(InvalidUrl::RootCertificates);
    }
    Ok(MakeRustlsConnect::new(builder().with_root_certificates(roots).with_no_client_auth()))
}

fn unverified() -> MakeRustlsConnect {
    let verifier = Arc::new(AnyCertificate(ring::default_provider()));
    let config = builder().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    MakeRustlsConnect::new(config)
}

/// Encrypts without asking who is there, which is what `prefer` and `require` promise, and no more.
#[derive(Debug)]
struct AnyCertificate(CryptoProvider);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
