//! rustls for tokio-postgres, remembering whether the server agreed to encrypt.
//!
//! With `sslmode=prefer` the server may say no and the connection goes on in the clear: what to do when it then fails
//! depends on which of the two it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The inner connector and the flag it raises when a handshake starts.
#[derive(Clone)]
pub(super) struct Watched {
    inner: MakeRustlsConnect,
    used: Arc<AtomicBool>,
}

impl Watched {
    pub(super) fn new(config: rustls::ClientConfig) -> Watched {
        Watched { inner: MakeRustlsConnect::new(config), used: Arc::default() }
    }

    /// Whether a handshake was started.
    pub(super) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

/// One connection's connector.
pub(super) struct WatchedConnect<T> {
    inner: T,
    used: Arc<AtomicBool>,
}

type Inner = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;

impl MakeTlsConnect<Socket> for Watched {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = WatchedConnect<Inner>;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Self::TlsConnect, Self::Error> {
        let inner = <MakeRustlsConnect as MakeTlsConnect<Socket>>::make_tls_connect(&mut self.inner, domain)?;
        Ok(WatchedConnect { inner, used: Arc::clone(&self.used) })
    }
}

impl TlsConnect<Socket> for WatchedConnect<Inner> {
    type Stream = <Inner as TlsConnect<Socket>>::Stream;
    type Error = <Inner as TlsConnect<Socket>>::Error;
    type Future = <Inner as TlsConnect<Socket>>::Future;

    fn connect(self, stream: Socket) -> Self::Future {
        self.used.store(true, Ordering::Relaxed);
        self.inner.connect(stream)
    }
}
