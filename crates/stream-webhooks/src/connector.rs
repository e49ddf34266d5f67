//! Connections to endpoints.

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use stream_domain::ports::BoxedSource;

use crate::networks::Scheme;
use crate::resolver::Resolver;

/// Connects to addresses that its resolver finds, and to literal ones, which it takes as they are.
pub(crate) type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// The operating system's authorities, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, and further ones.
pub(crate) fn tls(extra_roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, BoxedSource> {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are missing, and show when an endpoint is sent to.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(extra_roots);
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tls)
}

/// Speaks the resolver's scheme alone; all addresses of a name together may take `limit` to connect to.
pub(crate) fn connector(resolver: Resolver, tls: ClientConfig, limit: Duration) -> Connector {
    let scheme = resolver.scheme;
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(scheme == Scheme::Http);
    http.set_connect_timeout(Some(limit));
    http.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
    let builder = match scheme {
        Scheme::Https => builder.https_only(),
        Scheme::Http => builder.https_or_http(),
    };
    builder.enable_http1().wrap_connector(http)
}
