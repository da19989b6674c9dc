//! Reading certificates, keys and revocation lists, with libpq's rules on who else may read a key.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{ClientCert, x509};

/// Why TLS could not be set up, before a byte was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No root certificate where one is needed.
    #[error(
        "the server's certificate cannot be checked: there is no {place}; put the authority's certificate there, name \
         it with sslrootcert, or use sslrootcert=system"
    )]
    RootMissing {
        /// Where it was looked for.
        place: String,
    },
    /// A file of roots that holds none we can use.
    #[error("the server's certificate cannot be checked: {place} holds no usable certificate")]
    NoRoots {
        /// The file.
        place: String,
    },
    /// A file that cannot be read or is not what it should be.
    #[error("{} is no readable {what} ({why}); it should be a PEM file", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What the system or the parser says.
        why: String,
    },
    /// A certificate without its key.
    #[error("there is a client certificate but no private key {}; name the key with sslkey", .file.display())]
    NoKey {
        /// Where the key was looked for.
        file: PathBuf,
    },
    /// A key others may read.
    #[error(
        "the private key {} is not used: others may read it; make it private with chmod 0600 (0640 if root owns it)",
        .file.display()
    )]
    OpenKey {
        /// The key file.
        file: PathBuf,
    },
    /// A key under a passphrase.
    #[error(
        "the private key {} is encrypted, which this program cannot open; write a plain copy with \
         \"openssl pkey -in {} -out plain.key\" and name it with sslkey", .file.display(), .file.display()
    )]
    EncryptedKey {
        /// The key file.
        file: PathBuf,
    },
    /// A key that is not the certificate's.
    #[error("the client certificate and its private key cannot be used together ({0}); check sslcert and sslkey")]
    ClientCert(rustls::Error),
    /// Revocation lists that cannot be used.
    #[error("the certificate revocation lists cannot be used ({0}); check sslcrl and sslcrldir")]
    Revocation(String),
    /// Anything else rustls refuses.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

fn unreadable(file: &Path, what: &'static str, why: impl ToString) -> TlsError {
    TlsError::Unreadable { file: file.to_owned(), what, why: why.to_string() }
}

/// Every certificate in a PEM file.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(found) if found.is_empty() => Err(unreadable(file, "certificate", "there is none in it")),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(file, "certificate", error)),
    }
}

/// The operating system's trusted certificates; SSL_CERT_FILE and SSL_CERT_DIR move them, as for OpenSSL.
pub(super) fn system_roots() -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(TlsError::NoRoots { place: "the system's certificate store".to_owned() });
    }
    Ok(found.certs)
}

/// Every revocation list in a PEM file.
pub(super) fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    CertificateRevocationListDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(file, "revocation list", error))
}

/// Every revocation list in a folder.
pub(super) fn revocation_dir(dir: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let entries = fs::read_dir(dir).map_err(|error| unreadable(dir, "folder of revocation lists", error))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|file| file.is_file());
    let lists = files.map(|file| revocation_lists(&file)).collect::<Result<Vec<_>, _>>()?;
    let lists: Vec<_> = lists.into_iter().flatten().collect();
    if lists.is_empty() { Err(unreadable(dir, "folder of revocation lists", "there is none in it")) } else { Ok(lists) }
}

/// Our own certificate and its key, if the certificate's file is there.
///
/// Put together by hand because rustls's own way reads the certificate, and refuses those of version 1.
pub(super) fn client_cert(own: &ClientCert, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, TlsError> {
    let Some(cert) = own.cert.as_deref() else { return Ok(None) };
    match fs::metadata(cert) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(unreadable(cert, "client certificate", error)),
    }
    let chain = certificates(cert)?;
    let file = own.key.clone().unwrap_or_default();
    let key = provider.key_provider.load_private_key(private_key(&file)?).map_err(TlsError::ClientCert)?;
    let theirs = chain.first().and_then(x509::public_key);
    if key.public_key().is_some_and(|ours| theirs.as_deref() != Some(ours.as_ref())) {
        return Err(TlsError::ClientCert(InconsistentKeys::KeyMismatch.into()));
    }
    Ok(Some(CertifiedKey::new(chain, key)))
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let Ok(about) = fs::metadata(file) else { return Err(TlsError::NoKey { file: file.to_owned() }) };
    if !about.is_file() {
        return Err(unreadable(file, "private key", "it is not a plain file"));
    }
    // A key that root owns may be shared with a group, for certificates of the whole machine.
    let shared = if about.uid() == 0 { 0o037 } else { 0o077 };
    if about.permissions().mode() & shared != 0 {
        return Err(TlsError::OpenKey { file: file.to_owned() });
    }
    let bytes = fs::read(file).map_err(|error| unreadable(file, "private key", error))?;
    PrivateKeyDer::from_pem_slice(&bytes).or_else(|error| {
        let text = String::from_utf8_lossy(&bytes);
        if text.contains("ENCRYPTED") {
            return Err(TlsError::EncryptedKey { file: file.to_owned() });
        }
        PrivateKeyDer::try_from(bytes.clone()).map_err(|_| unreadable(file, "private key", error))
    })
}
