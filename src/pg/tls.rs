//! TLS as libpq means it: which of its six modes encrypt, which check the server, and with what.
//!
//! The rules are those of libpq's fe-secure-openssl.c. The one that surprises: a root certificate file that exists turns
//! `require` into `verify-ca`, and makes `prefer` check too (falling back to no encryption when the check fails).

mod files;
mod verify;
mod x509;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

pub use files::TlsError;
use verify::Verifier;

/// libpq's `sslmode`, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never encrypt.
    Disable,
    /// Encrypt only if the server refuses a plain connection.
    Allow,
    /// Encrypt if the server can.
    Prefer,
    /// Encrypt or fail.
    Require,
    /// Encrypt, and the certificate must come from a trusted authority.
    VerifyCa,
    /// Encrypt, and the certificate must be the host's own.
    VerifyFull,
}

impl SslMode {
    /// Whether a connection without encryption is a failure.
    pub fn is_required(self) -> bool {
        self >= SslMode::Require
    }
}

/// Where the trusted authorities are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// `sslrootcert=system`: those the operating system trusts.
    System,
    /// `sslrootcert=file`.
    Given(PathBuf),
    /// ~/.postgresql/root.crt, if there is a home.
    Usual(Option<PathBuf>),
}

/// Our own certificate, sent to servers that ask for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCert {
    /// The certificate file; not being there is no error.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// Whether the user named the file, rather than it being in its usual place.
    pub given: bool,
}

/// Everything a connection string says about TLS.
#[derive(Debug, Clone)]
pub struct TlsPolicy {
    /// When to encrypt and what to check.
    pub mode: SslMode,
    /// Whom to trust.
    pub roots: Roots,
    /// Our certificate; `None` when sslcertmode=disable.
    pub client_cert: Option<ClientCert>,
    /// A list of revoked certificates.
    pub crl: Option<PathBuf>,
    /// A folder of such lists.
    pub crl_dir: Option<PathBuf>,
    /// The versions of TLS to speak.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Whether to tell the server which host we want.
    pub sni: bool,
    /// Whether to speak TLS at once, without asking (servers from PostgreSQL 17).
    pub direct: bool,
}

impl TlsPolicy {
    /// What the user should know: a named root certificate that is not there checks nothing, in libpq as here.
    pub fn warning(&self) -> Option<String> {
        let Roots::Given(file) = &self.roots else { return None };
        let unchecked = (SslMode::Allow..=SslMode::Require).contains(&self.mode) && !file.exists();
        unchecked.then(|| {
            format!(
                "the server's certificate is not checked, because {} does not exist; use sslmode=verify-full to insist",
                file.display()
            )
        })
    }

    /// The rustls configuration, with the files read as they are now.
    ///
    /// # Errors
    /// [`TlsError`] names the file that is missing, unreadable or readable by too many.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(self.verifier(&provider)?);
        let own = self.client_cert.as_ref().map(|own| files::client_cert(own, &provider)).transpose()?.flatten();
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.sni;
        if self.direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(config)
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Verifier, TlsError> {
        let Some(trusted) = self.trusted()? else {
            return Ok(Verifier::trusting(provider));
        };
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(trusted.iter().cloned());
        if added == 0 {
            return Err(TlsError::NoRoots { place: self.roots_place() });
        }
        // OpenSSL looks at revocation lists only together with a file of roots.
        let crls = if self.roots == Roots::System { Vec::new() } else { self.crls()? };
        Verifier::checking(provider, store, trusted, crls, self.mode == SslMode::VerifyFull)
    }

    /// The trusted certificates, or `None` when nothing is to be checked.
    fn trusted(&self) -> Result<Option<Vec<CertificateDer<'static>>>, TlsError> {
        let file = match &self.roots {
            Roots::System => return files::system_roots().map(Some),
            Roots::Given(file) => Some(file),
            Roots::Usual(file) => file.as_ref(),
        };
        match file {
            Some(file) if file.exists() => files::certificates(file).map(Some),
            _ if self.mode >= SslMode::VerifyCa => Err(TlsError::RootMissing { place: self.roots_place() }),
            _ => Ok(None),
        }
    }

    fn crls(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
        let mut lists = self.crl.as_deref().map(files::revocation_lists).transpose()?.unwrap_or_default();
        if let Some(dir) = &self.crl_dir {
            lists.extend(files::revocation_dir(dir)?);
        }
        Ok(lists)
    }

    fn roots_place(&self) -> String {
        match &self.roots {
            Roots::System => "the system's certificate store".to_owned(),
            Roots::Given(file) | Roots::Usual(Some(file)) => file.display().to_string(),
            Roots::Usual(None) => "~/.postgresql/root.crt (there is no home folder)".to_owned(),
        }
    }
}
