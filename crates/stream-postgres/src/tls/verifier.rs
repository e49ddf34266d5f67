//! What is looked at in a server's certificate.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, RootCertStore, SignatureScheme,
};

use super::{chain, names};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checks {
    /// Nothing: it is encrypted without asking who is there.
    Nothing,
    /// Who signed it.
    Chain,
    /// That, and whether it is made out to the host in the URL.
    ChainAndName,
}

/// Verifies as libpq does, with OpenSSL's idea of a chain: a certificate that names its server by its common name alone,
/// of the first version, or marked as an authority's is a server's all the same.
#[derive(Debug)]
pub(crate) struct AsLibpq {
    checks: Checks,
    anchors: RootCertStore,
    roots: Vec<CertificateDer<'static>>,
    provider: CryptoProvider,
}

impl AsLibpq {
    /// Trusts these roots; `None` if something is to be verified and none of them can be read.
    pub(crate) fn new(checks: Checks, roots: Vec<CertificateDer<'static>>) -> Option<Self> {
        let mut anchors = RootCertStore::empty();
        anchors.add_parsable_certificates(roots.iter().cloned());
        let is_usable = checks == Checks::Nothing || !anchors.is_empty();
        is_usable.then(|| Self { checks, anchors, roots, provider: ring::default_provider() })
    }

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = chain::parse(end_entity)?;
        if chain::is_unusual(&parsed) {
            return chain::verify(end_entity, intermediates, &self.roots, now, self.algorithms());
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        rustls::client::verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.anchors,
            intermediates,
            now,
            self.algorithms().all,
        )
    }
}

impl ServerCertVerifier for AsLibpq {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.checks != Checks::Nothing {
            self.verify_chain(end_entity, intermediates, now)?;
        }
        if self.checks == Checks::ChainAndName
            && !names::is_made_out_to(&chain::parse(end_entity)?, server_name)
        {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let parsed = chain::parse(certificate)?;
        if !chain::is_first_version(&parsed) {
            return verify_tls12_signature(message, certificate, signature, self.algorithms());
        }
        // Which webpki does not read.
        let known = self.algorithms().mapping.iter().find(|(scheme, _)| *scheme == signature.scheme);
        let (_, algorithms) = known.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let key = &parsed.tbs_certificate.subject_public_key_info;
        if chain::is_signed_with(key, algorithms, None, message, signature.signature()) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(CertificateError::BadSignature.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let parsed = chain::parse(certificate)?;
        if !chain::is_first_version(&parsed) {
            return verify_tls13_signature(message, certificate, signature, self.algorithms());
        }
        let key = chain::key_of(&parsed)?;
        let key = SubjectPublicKeyInfoDer::from(key);
        verify_tls13_signature_with_raw_key(message, &key, signature, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}
