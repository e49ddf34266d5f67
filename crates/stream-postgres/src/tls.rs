//! TLS as libpq means it: what the URL's `ssl…` parameters ask for.
//!
//! `disable` never encrypts; `allow` and `prefer` (the default) encrypt where they can and look at nothing; `require`
//! looks at nothing unless `sslrootcert` is given, and then at the chain as `verify-ca` does; `verify-full` looks at the
//! name as well.
//! `sslrootcert=system` stands for the operating system's certificates and wants `verify-full`.

mod chain;
mod names;
mod verifier;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::url::{self, InvalidUrl, Roots, TlsParameters};

use verifier::{AsLibpq, Checks};

/// How connections are encrypted.
pub(crate) enum Tls {
    /// Not at all.
    Off,
    /// As the configuration's `sslmode` says.
    On(MakeRustlsConnect),
}

impl Tls {
    /// Reads a database URL; `tokio-postgres` knows neither the verifying modes nor files of certificates.
    pub(crate) fn read_url(url: &str) -> Result<(Config, Self), InvalidUrl> {
        let (mut config, parameters) = url::read(url)?;
        let is_local = config.get_hostaddrs().is_empty()
            && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let (mode, checks) = parameters.mode_and_checks()?;
        if mode == SslMode::Disable || (is_local && !config.get_hosts().is_empty()) {
            // As libpq does, nothing is encrypted on a socket in the file system.
            config.ssl_mode(SslMode::Disable);
            return Ok((config, Self::Off));
        }
        config.ssl_mode(mode);
        if parameters.is_direct {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        Ok((config, Self::On(parameters.connector(checks)?)))
    }
}

impl TlsParameters {
    fn mode_and_checks(&self) -> Result<(SslMode, Checks), InvalidUrl> {
        let default = match (&self.roots, self.requires) {
            (Some(Roots::System), _) => "verify-full",
            (_, true) => "require",
            _ => "prefer",
        };
        let mode = self.mode.as_deref().unwrap_or(default);
        let is_weak = !["require", "verify-ca", "verify-full"].contains(&mode);
        let (ssl_mode, checks) = match mode {
            "disable" => (SslMode::Disable, Checks::Nothing),
            "allow" | "prefer" => (SslMode::Prefer, Checks::Nothing),
            "require" if self.roots.is_none() => (SslMode::Require, Checks::Nothing),
            // The operating system trusts many authorities: without a root of one's own the name must fit as well.
            "verify-ca" if self.roots.is_none() => (SslMode::Require, Checks::ChainAndName),
            "require" | "verify-ca" => (SslMode::Require, Checks::Chain),
            "verify-full" => (SslMode::Require, Checks::ChainAndName),
            _ => return Err(InvalidUrl::SslMode),
        };
        if self.roots == Some(Roots::System) && mode != "verify-full" {
            return Err(InvalidUrl::Weak("sslrootcert=system wants sslmode=verify-full"));
        }
        if self.is_direct && is_weak {
            let wants = "sslnegotiation=direct wants sslmode=require, verify-ca or verify-full";
            return Err(InvalidUrl::Weak(wants));
        }
        Ok((ssl_mode, checks))
    }

    fn connector(&self, checks: Checks) -> Result<MakeRustlsConnect, InvalidUrl> {
        let roots = if checks == Checks::Nothing { Vec::new() } else { self.read_roots()? };
        let verifier = AsLibpq::new(checks, roots).ok_or(InvalidUrl::RootCertificates)?;
        let versions: &[&rustls::SupportedProtocolVersion] =
            if self.is_1_3_only { &[&rustls::version::TLS13] } else { rustls::DEFAULT_VERSIONS };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("the provider supports every version of the protocol")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match self.read_client_certificate()? {
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain, key).map_err(|_| InvalidUrl::ClientCertificate)?
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = !self.hides_name;
        if self.is_direct {
            // PostgreSQL 17 and later want to hear what is spoken behind the encryption.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    fn read_roots(&self) -> Result<Vec<CertificateDer<'static>>, InvalidUrl> {
        match &self.roots {
            Some(Roots::File(path)) => read_certificates(path).ok_or(InvalidUrl::RootCertificates),
            Some(Roots::System) | None => Ok(rustls_native_certs::load_native_certs().certs),
        }
    }

    fn read_client_certificate(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, InvalidUrl> {
        let (certificate, key) = match (&self.certificate, &self.key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            _ => return Err(InvalidUrl::ClientCertificate),
        };
        let chain = read_certificates(certificate).ok_or(InvalidUrl::ClientCertificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|_| InvalidUrl::ClientCertificate)?;
        Ok(Some((chain, key)))
    }
}

/// The certificates of a PEM file; `None` if it cannot be read or has none.
fn read_certificates(path: &str) -> Option<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    Some(certificates).filter(|certificates| !certificates.is_empty())
}
