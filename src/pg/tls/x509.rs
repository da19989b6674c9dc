//! The old kinds of certificate that PostgreSQL's manual makes and rustls does not read: version 1, self-signed, named by
//! the common name alone.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::{CertificateError, DigitallySignedStruct, Error};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::AlgorithmIdentifierOwned;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

type Algorithms<'a> = &'a [&'static dyn SignatureVerificationAlgorithm];

/// Whether OpenSSL would trust this certificate where rustls does not: it is in date, and it is one of the trusted ones
/// itself (and self-signed), or of version 1 and signed by a trusted one.
pub(super) fn is_trusted(
    leaf: &CertificateDer<'_>,
    trusted: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: Algorithms<'_>,
) -> bool {
    let Ok(cert) = Certificate::from_der(leaf) else { return false };
    let itself = || cert.tbs_certificate.subject == cert.tbs_certificate.issuer && trusted.contains(leaf);
    let of_version_1 = || cert.tbs_certificate.extensions.is_none() && signed_by_one(&cert, trusted, now, algorithms);
    is_in_date(&cert, now) && (itself() || of_version_1())
}

fn signed_by_one(
    cert: &Certificate,
    trusted: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: Algorithms<'_>,
) -> bool {
    trusted.iter().filter_map(|root| Certificate::from_der(root).ok()).any(|root| {
        root.tbs_certificate.subject == cert.tbs_certificate.issuer
            && is_in_date(&root, now)
            && is_signed_by(cert, &root, algorithms).unwrap_or(false)
    })
}

fn is_signed_by(cert: &Certificate, root: &Certificate, algorithms: Algorithms<'_>) -> Option<bool> {
    let message = cert.tbs_certificate.to_der().ok()?;
    let how = inside(&cert.signature_algorithm)?;
    let key = &root.tbs_certificate.subject_public_key_info;
    let key_kind = inside(&key.algorithm)?;
    let (key, signature) = (key.subject_public_key.as_bytes()?, cert.signature.as_bytes()?);
    Some(algorithms.iter().any(|algorithm| {
        algorithm.signature_alg_id().as_ref() == how
            && algorithm.public_key_alg_id().as_ref() == key_kind
            && algorithm.verify_signature(key, &message, signature).is_ok()
    }))
}

/// The inside of an algorithm's DER sequence, which is how rustls names algorithms.
fn inside(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let mut bytes = algorithm.oid.to_der().ok()?;
    if let Some(parameters) = &algorithm.parameters {
        bytes.extend(parameters.to_der().ok()?);
    }
    Some(bytes)
}

fn is_in_date(cert: &Certificate, now: UnixTime) -> bool {
    let validity = &cert.tbs_certificate.validity;
    let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
    (seconds(&validity.not_before)..=seconds(&validity.not_after)).contains(&now.as_secs())
}

/// Whether the common name is the host's. It counts only when the certificate has no alternative names, as in libpq.
pub(super) fn names(leaf: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
    let Ok(cert) = Certificate::from_der(leaf) else { return false };
    !has_alternative_names(&cert)
        && common_name(&cert)
            .is_some_and(|name| is_match(&name.to_ascii_lowercase(), &host.to_str().to_ascii_lowercase()))
}

fn has_alternative_names(cert: &Certificate) -> bool {
    let extensions = cert.tbs_certificate.extensions.iter().flatten();
    extensions.filter(|extension| extension.extn_id == ALT_NAME).any(|extension| {
        // One that cannot be read counts: then the common name must not stand in for it.
        SubjectAltName::from_der(extension.extn_value.as_bytes()).map_or(true, |names| {
            names.0.iter().any(|name| matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_)))
        })
    })
}

fn common_name(cert: &Certificate) -> Option<String> {
    let mut parts = cert.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    let value = &parts.find(|part| part.oid == COMMON_NAME)?.value;
    let text = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    text.or_else(|_| value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned()))
        .or_else(|_| value.decode_as::<Ia5StringRef<'_>>().map(|text| text.as_str().to_owned()))
        .ok()
}

/// Equal, or `*.` in the place of exactly one label.
fn is_match(name: &str, host: &str) -> bool {
    let wild = name.strip_prefix("*.").filter(|rest| rest.contains('.'));
    name == host || wild.is_some_and(|rest| host.split_once('.').is_some_and(|(_, domain)| domain == rest))
}

/// A certificate's public key, as a DER SubjectPublicKeyInfo.
pub(super) fn public_key(cert: &CertificateDer<'_>) -> Option<Vec<u8>> {
    Certificate::from_der(cert).ok()?.tbs_certificate.subject_public_key_info.to_der().ok()
}

/// Checks the handshake's signature with a key from a certificate that rustls does not read.
pub(super) fn verify_tls13(
    message: &[u8],
    cert: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
    unread: Error,
) -> Result<HandshakeSignatureValid, Error> {
    let key = public_key(cert).ok_or(unread)?;
    verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(key), signed, algorithms)
}

/// The same for TLS 1.2, for which rustls has no function that takes a key.
pub(super) fn verify_tls12(
    message: &[u8],
    cert: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
    unread: Error,
) -> Result<HandshakeSignatureValid, Error> {
    let Ok(cert) = Certificate::from_der(cert) else { return Err(unread) };
    let key = &cert.tbs_certificate.subject_public_key_info;
    let (Some(kind), Some(bits)) = (inside(&key.algorithm), key.subject_public_key.as_bytes()) else {
        return Err(unread);
    };
    let scheme = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let usable = scheme.map(|(_, usable)| *usable).unwrap_or_default();
    let good = usable.iter().any(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == kind
            && algorithm.verify_signature(bits, message, signed.signature()).is_ok()
    });
    match good {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(Error::InvalidCertificate(CertificateError::BadSignature)),
    }
}
