//! The chain of a certificate that webpki does not take for a server's, though OpenSSL does: one of the first version of
//! X.509, as `openssl x509 -req` makes them, or one that is marked as an authority's, as `openssl req -x509` makes them.
//!
//! It is followed from the server's certificate by the certificates that came along to one that is trusted; whatever
//! is not understood is refused.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use rustls::{CertificateError, Error};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Reader as _, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// How many certificates may stand between a server's and a trusted one.
const LONGEST: usize = 6;

const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const FOR_SERVERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const FOR_ANYTHING: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

pub(super) fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

pub(super) fn is_first_version(certificate: &Certificate) -> bool {
    certificate.tbs_certificate.version == Version::V1
}

/// Whether webpki would refuse it for its form alone.
pub(super) fn is_unusual(certificate: &Certificate) -> bool {
    is_first_version(certificate) || is_authority(certificate)
}

/// Verifies that a trusted root vouches for the server's certificate at this time.
pub(super) fn verify(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    let server = parse(end_entity)?;
    require_times(&server, now)?;
    require_known_extensions(&server)?;
    if !may_serve(&server) {
        return Err(CertificateError::InvalidPurpose.into());
    }
    // The very certificate that was named, which vouches for itself.
    let is_its_own = server.tbs_certificate.issuer == server.tbs_certificate.subject;
    if is_its_own && roots.contains(end_entity) && is_issued_by(end_entity, &server, &server, algorithms) {
        return Ok(());
    }
    // A certificate that cannot be read signs no other.
    let readable = |certificates: &[CertificateDer<'_>]| -> Vec<(Vec<u8>, Certificate)> {
        let parsed = certificates.iter().map(|der| (der.to_vec(), Certificate::from_der(der)));
        parsed.filter_map(|(der, certificate)| Some((der, certificate.ok()?))).collect()
    };
    let roots = readable(roots);
    let mut between = readable(intermediates);
    let (mut der, mut current) = (end_entity.to_vec(), server);
    for depth in 0..LONGEST {
        let issued_by = |issuer: &Certificate| is_issued_by(&der, &current, issuer, algorithms);
        if let Some((_, root)) = roots.iter().find(|(_, root)| issued_by(root)) {
            return require_times(root, now);
        }
        let issuer = between.iter().position(|(_, issuer)| may_issue(issuer, depth) && issued_by(issuer));
        let Some(place) = issuer else { break };
        (der, current) = between.swap_remove(place);
        require_times(&current, now)?;
        require_known_extensions(&current)?;
    }
    Err(CertificateError::UnknownIssuer.into())
}

/// Whether the issuer's name is the one that is named, and its key made the signature.
fn is_issued_by(
    der: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let (tbs, issued) = (&certificate.tbs_certificate, &issuer.tbs_certificate);
    let is_named = tbs.issuer == issued.subject && certificate.signature_algorithm == tbs.signature;
    let (Some(signature), Some(message)) = (certificate.signature.as_bytes(), signed_part(der)) else {
        return false;
    };
    let algorithm = Some(&certificate.signature_algorithm);
    is_named && is_signed_with(&issued.subject_public_key_info, algorithms.all, algorithm, message, signature)
}

/// Whether a signature was made with a key, by one of these algorithms, and by the named one if one is named.
pub(super) fn is_signed_with(
    key: &SubjectPublicKeyInfoOwned,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    named: Option<&AlgorithmIdentifierOwned>,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let Some(bits) = key.subject_public_key.as_bytes() else { return false };
    let key_algorithm = contents(&key.algorithm);
    let named = named.map(contents);
    algorithms.iter().any(|algorithm| {
        key_algorithm.as_deref() == Some(algorithm.public_key_alg_id().as_ref())
            && named
                .as_ref()
                .is_none_or(|named| named.as_deref() == Some(algorithm.signature_alg_id().as_ref()))
            && algorithm.verify_signature(bits, message, signature).is_ok()
    })
}

/// A certificate's public key, in DER.
pub(super) fn key_of(certificate: &Certificate) -> Result<Vec<u8>, Error> {
    let key = certificate.tbs_certificate.subject_public_key_info.to_der();
    key.map_err(|_| CertificateError::BadEncoding.into())
}

/// An algorithm's identifier without the header of its sequence, as signatures are looked up by.
fn contents(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let der = algorithm.to_der().ok()?;
    let mut reader = SliceReader::new(&der).ok()?;
    let header = x509_cert::der::Header::decode(&mut reader).ok()?;
    reader.read_slice(header.length).ok().map(<[u8]>::to_vec)
}

/// The part of a certificate that is signed, byte for byte.
fn signed_part(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    x509_cert::der::Header::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()
}

fn require_times(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    let validity = &certificate.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// What must be understood and is not is refused.
fn require_known_extensions(certificate: &Certificate) -> Result<(), Error> {
    let known = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, ALTERNATIVE_NAME];
    let extensions = certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
    let is_unknown = |id| id == NAME_CONSTRAINTS || !known.contains(&id);
    if extensions.iter().any(|extension| {
        (extension.critical || extension.extn_id == NAME_CONSTRAINTS) && is_unknown(extension.extn_id)
    }) {
        return Err(CertificateError::UnhandledCriticalExtension.into());
    }
    Ok(())
}

/// An extension: `None` if it is not there or cannot be read.
fn extension<'a, T: Decode<'a>>(certificate: &'a Certificate, id: ObjectIdentifier) -> Option<Option<T>> {
    let extensions = certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
    let found = extensions.iter().find(|extension| extension.extn_id == id)?;
    Some(T::from_der(found.extn_value.as_bytes()).ok())
}

fn is_authority(certificate: &Certificate) -> bool {
    let constraints: Option<Option<BasicConstraints>> = extension(certificate, BASIC_CONSTRAINTS);
    constraints.flatten().is_some_and(|constraints| constraints.ca)
}

/// Whether it may stand between a server's certificate and a root, with so many others below it.
fn may_issue(certificate: &Certificate, below: usize) -> bool {
    let constraints: Option<Option<BasicConstraints>> = extension(certificate, BASIC_CONSTRAINTS);
    let is_short_enough = constraints.flatten().is_some_and(|constraints| {
        constraints.ca && constraints.path_len_constraint.is_none_or(|most| below <= usize::from(most))
    });
    let usage: Option<Option<KeyUsage>> = extension(certificate, KEY_USAGE);
    is_short_enough && usage.is_none_or(|usage| usage.is_some_and(|usage| usage.key_cert_sign()))
}

/// Whether its key may be used for TLS by a server.
fn may_serve(certificate: &Certificate) -> bool {
    let usage: Option<Option<KeyUsage>> = extension(certificate, KEY_USAGE);
    let fits =
        |usage: KeyUsage| usage.digital_signature() || usage.key_encipherment() || usage.key_agreement();
    let purposes: Option<Option<ExtendedKeyUsage>> = extension(certificate, EXTENDED_KEY_USAGE);
    let serves =
        |purposes: ExtendedKeyUsage| purposes.0.iter().any(|id| [FOR_SERVERS, FOR_ANYTHING].contains(id));
    usage.is_none_or(|usage| usage.is_some_and(fits))
        && purposes.is_none_or(|purposes| purposes.is_some_and(serves))
}
