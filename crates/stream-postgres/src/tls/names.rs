//! Whether a certificate is made out to a host, as libpq compares them.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Whether one of its names is the host's.
///
/// The common name counts where there is no alternative name of the host's kind, a host name or an address.
pub(super) fn is_made_out_to(certificate: &Certificate, host: &ServerName<'_>) -> bool {
    let address = match host {
        ServerName::IpAddress(address) => Some(IpAddr::from(*address)),
        _ => None,
    };
    let text = address.map_or_else(|| host.to_str().into_owned(), |address| address.to_string());
    let names = alternative_names(certificate);
    let mut has_its_kind = false;
    for name in &names {
        match name {
            GeneralName::DnsName(name) => {
                has_its_kind |= address.is_none();
                if fits(name.as_str().as_bytes(), &text) {
                    return true;
                }
            }
            GeneralName::IpAddress(bytes) => {
                has_its_kind |= address.is_some();
                if address.is_some_and(|address| octets(address) == bytes.as_bytes()) {
                    return true;
                }
            }
            _ => {}
        }
    }
    !has_its_kind && common_name(certificate).is_some_and(|name| fits(name, &text))
}

fn alternative_names(certificate: &Certificate) -> Vec<GeneralName> {
    let extensions = certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
    let found = extensions.iter().find(|extension| extension.extn_id == ALTERNATIVE_NAME);
    let names = found.and_then(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()).ok());
    names.map_or_else(Vec::new, |names| names.0)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The first common name, as its bytes in whatever kind of text.
fn common_name(certificate: &Certificate) -> Option<&[u8]> {
    let parts = certificate.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    parts.into_iter().find(|part| part.oid == COMMON_NAME).map(|part| part.value.value())
}

/// Compares without regard to case; a `*` stands for the first label of a host's name.
fn fits(name: &[u8], host: &str) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let is_address = host.parse::<IpAddr>().is_ok();
    let (Some(rest), Some((label, domain))) = (name.strip_prefix("*."), host.split_once('.')) else {
        return false;
    };
    !is_address && !label.is_empty() && !rest.is_empty() && rest.eq_ignore_ascii_case(domain)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_one_label_of_a_name_and_for_no_part_of_an_address() {
        for (name, host, expected) in [
            ("db.example.com", "DB.example.com", true),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*", "db", false),
            ("*.", "db.", false),
            ("d*.example.com", "db.example.com", false),
            ("*.0.0.1", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            assert_eq!(fits(name.as_bytes(), host), expected, "{name} {host}");
        }
    }
}
