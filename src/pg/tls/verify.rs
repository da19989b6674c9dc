//! The check of the server's certificate: none, its chain, or its chain and its name.
//!
//! rustls is stricter than OpenSSL in ways that refuse certificates made by following PostgreSQL's own manual: it reads no
//! certificate of version 1, takes no authority's certificate as a server's (so a self-signed one copied to root.crt
//! fails) and never looks at the common name. Those three are checked here, by `x509`.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::files::TlsError;
use super::x509;

/// libpq's idea of a good server certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// `None` checks nothing about who the server is.
    chain: Option<Chain>,
}

#[derive(Debug)]
struct Chain {
    webpki: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    revocation: bool,
    name: bool,
}

impl Verifier {
    /// Encrypts, and takes any certificate.
    pub(super) fn trusting(provider: &CryptoProvider) -> Verifier {
        Verifier { algorithms: provider.signature_verification_algorithms, chain: None }
    }

    /// Takes a certificate that leads to one of `trusted` and, if `name`, is the host's own.
    pub(super) fn checking(
        provider: &Arc<CryptoProvider>,
        store: RootCertStore,
        trusted: Vec<CertificateDer<'static>>,
        crls: Vec<CertificateRevocationListDer<'static>>,
        name: bool,
    ) -> Result<Verifier, TlsError> {
        let revocation = !crls.is_empty();
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .with_crls(crls)
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| TlsError::Revocation(error.to_string()))?;
        let chain = Some(Chain { webpki, trusted, revocation, name });
        Ok(Verifier { algorithms: provider.signature_verification_algorithms, chain })
    }
}

impl Chain {
    /// rustls checks the name last, so an error about the name says that the chain is good.
    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        host: &ServerName<'_>,
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
        found: Error,
    ) -> Result<(), Error> {
        let chain_is_good =
            is_about_name(&found) || (!self.revocation && x509::is_trusted(leaf, &self.trusted, now, algorithms.all));
        if !chain_is_good {
            return Err(found);
        }
        if !self.name || x509::names(leaf, host) {
            return Ok(());
        }
        match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => rustls::client::verify_server_name(&parsed, host),
            Err(_) => Err(Error::InvalidCertificate(CertificateError::NotValidForName)),
        }
    }
}

fn is_about_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
    )
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if let Err(found) = chain.webpki.verify_server_cert(leaf, intermediates, host, ocsp, now) {
            chain.check(leaf, host, now, &self.algorithms, found)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match ParsedCertificate::try_from(cert) {
            Ok(_) => verify_tls12_signature(message, cert, signed, &self.algorithms),
            Err(unread) => x509::verify_tls12(message, cert, signed, &self.algorithms, unread),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match ParsedCertificate::try_from(cert) {
            Ok(_) => verify_tls13_signature(message, cert, signed, &self.algorithms),
            Err(unread) => x509::verify_tls13(message, cert, signed, &self.algorithms, unread),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
