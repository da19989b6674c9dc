//! Why a connection failed: what happened, where, why, and what to try.

use std::error::Error as _;
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use crate::pg::conninfo::Target;

/// Every host failed. The message tells of each, the last one being what ended the search.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot connect to {}", self.text())]
pub struct ConnectError {
    failures: Vec<Failure>,
}

/// What happened at one host.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) at: String,
    pub(super) reason: Reason,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The name has no address.
    #[error("the name cannot be looked up ({0}); check its spelling and the network")]
    Unresolved(String),
    /// No connection to the address.
    #[error("{why}; {hint}")]
    Unreachable {
        /// The system's reason.
        why: String,
        /// What to try.
        hint: &'static str,
    },
    /// No answer in time.
    #[error(
        "no answer within {}s; check the address, the port and any firewall, or set connect_timeout", .0.as_secs()
    )]
    TimedOut(Duration),
    /// The files TLS needs.
    #[error("{0}")]
    TlsSetup(String),
    /// The handshake.
    #[error("{why}; {hint}")]
    Tls {
        /// What rustls or the server says.
        why: String,
        /// What to try.
        hint: &'static str,
    },
    /// The server wants a password and there is none.
    #[error("the server asks for a password and none is known; set PGPASSWORD, write it into ~/.pgpass or type it")]
    PasswordMissing,
    /// The server refuses the password.
    #[error("{server}; check the password{}", whence(.from_file))]
    PasswordRefused {
        /// The server's message.
        server: String,
        /// The password file it came from.
        from_file: Option<String>,
    },
    /// The server says no.
    #[error("{server} (SQLSTATE {sqlstate}){}", hint_for(.sqlstate))]
    Server {
        /// The server's message.
        server: String,
        /// Its code.
        sqlstate: String,
    },
    /// An authentication we or the server cannot do.
    #[error("the login failed: {0}; check channel_binding and the method in the server's pg_hba.conf")]
    Authentication(String),
    /// The server is not of the kind that target_session_attrs asks for.
    #[error("the server is not the one wanted: {0}; check host and target_session_attrs")]
    WrongServer(&'static str),
    /// The socket is someone else's.
    #[error("the server behind the socket runs as {owner}, and requirepeer wants another; do not trust it")]
    WrongPeer {
        /// Who it really is.
        owner: String,
    },
    /// The connection broke, or what answers is no PostgreSQL.
    #[error("the connection broke ({0}); check that a PostgreSQL server listens there")]
    Lost(String),
}

impl ConnectError {
    pub(super) fn new(failures: Vec<Failure>) -> ConnectError {
        ConnectError { failures }
    }

    /// What ended the search.
    pub fn reason(&self) -> Option<&Reason> {
        self.failures.last().map(|failure| &failure.reason)
    }

    /// Whether a password typed by the user could help: none was known, or the server refused the one known.
    pub fn needs_password(&self) -> bool {
        matches!(self.reason(), Some(Reason::PasswordMissing | Reason::PasswordRefused { .. }))
    }

    /// Whether the server (then surely a pooler) takes no `options`: the caller should connect again without.
    pub fn refuses_options(&self) -> bool {
        matches!(self.reason(), Some(Reason::Server { server, sqlstate })
            if sqlstate == SqlState::PROTOCOL_VIOLATION.code() && server.contains("options"))
    }

    /// The server's SQLSTATE, if a server answered.
    pub fn sqlstate(&self) -> Option<&str> {
        match self.reason()? {
            Reason::Server { sqlstate, .. } => Some(sqlstate),
            Reason::PasswordRefused { .. } => Some(SqlState::INVALID_PASSWORD.code()),
            _ => None,
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            let before = if text.is_empty() { "" } else { "; then " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{before}{}: {}", failure.at, failure.reason);
        }
        text
    }
}

impl Failure {
    /// Whether the other hosts need not be tried: this server's answer is the answer.
    pub(super) fn is_final(&self) -> bool {
        match &self.reason {
            Reason::Server { sqlstate, .. } => sqlstate != SqlState::CANNOT_CONNECT_NOW.code(),
            // libpq gives up on a connection that breaks; another host may well be better.
            Reason::Unresolved(_) | Reason::WrongServer(_) | Reason::Lost(_) => false,
            reason => !reason.is_about_address(),
        }
    }
}

impl Reason {
    pub(super) fn from_error(error: &tokio_postgres::Error, target: &Target, passfile: Option<&Path>) -> Reason {
        if let Some(server) = error.as_db_error() {
            return Reason::from_server(server, passfile);
        }
        let cause = error.source().map_or_else(String::new, chain);
        match error.to_string().as_str() {
            _ if is_rustls(error) => Reason::tls(error, target),
            "error performing TLS handshake" => Reason::tls(error, target),
            "invalid configuration" if cause == "password missing" => Reason::PasswordMissing,
            "authentication error" => Reason::Authentication(cause),
            "error connecting to server" => match error.source().and_then(|cause| cause.downcast_ref()) {
                Some(cause) => Reason::unreachable(cause),
                None => Reason::Lost(cause),
            },
            _ => Reason::Lost(chain(error)),
        }
    }

    fn from_server(server: &DbError, passfile: Option<&Path>) -> Reason {
        let message = server.message().to_owned();
        if *server.code() == SqlState::INVALID_PASSWORD {
            let from_file = passfile.map(|file| file.display().to_string());
            return Reason::PasswordRefused { server: message, from_file };
        }
        Reason::Server { server: message, sqlstate: server.code().code().to_owned() }
    }

    fn tls(error: &tokio_postgres::Error, target: &Target) -> Reason {
        let why = error.source().map_or_else(|| error.to_string(), chain);
        let hint = if why.contains("does not support TLS") {
            "the server has no TLS: ask for it there, or use sslmode=prefer if the network is safe"
        } else if why.contains("NotValidForName") || why.contains("not valid for name") {
            "check that host is the name in the certificate, or use sslmode=verify-ca"
        } else if why.contains("UnknownIssuer") {
            "name the authority's certificate with sslrootcert"
        } else if why.contains("CertificateRequired") || why.contains("received fatal alert") {
            "the server may want a client certificate (sslcert, sslkey) or another version of TLS"
        } else if target.tls.direct {
            "sslnegotiation=direct needs a server of PostgreSQL 17 or later"
        } else {
            "check sslmode and sslrootcert"
        };
        Reason::Tls { why, hint }
    }

    pub(super) fn unreachable(error: &io::Error) -> Reason {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "no server has its socket there: check host and port, and that it is running",
            io::ErrorKind::ConnectionRefused => "check that a server is running and listens on that host and port",
            io::ErrorKind::PermissionDenied => "this account may not use that socket",
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
                "this network has no way there; if the host has only IPv6 addresses (as Supabase's direct ones), use its \
                 pooler"
            }
            _ => "check the address and the network",
        };
        Reason::Unreachable { why: error.to_string(), hint }
    }

    /// Whether another address of the same host may do better.
    pub(super) fn is_about_address(&self) -> bool {
        matches!(self, Reason::Unreachable { .. } | Reason::TimedOut(_))
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Reason::Tls { .. } | Reason::TlsSetup(_))
    }

    /// Whether the server turned the login down, which it may do only with, or only without, encryption.
    pub(super) fn is_refused_login(&self) -> bool {
        match self {
            Reason::PasswordRefused { .. } => true,
            Reason::Server { sqlstate, .. } => sqlstate.starts_with("28"),
            _ => false,
        }
    }
}

/// With TLS 1.3 the server's objection to our certificate comes after the handshake, as a failed read.
fn is_rustls(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>())
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

fn whence(file: &Option<String>) -> String {
    file.as_ref().map_or_else(String::new, |file| format!(", which came from {file}"))
}

fn hint_for(sqlstate: &str) -> &'static str {
    match sqlstate {
        "28000" => "; check the user and the server's pg_hba.conf",
        "3D000" => "; check the database's name",
        "42501" => "; ask for the CONNECT privilege",
        "53300" => "; wait, or free connections",
        "57P03" => "; wait until the server is up",
        _ => "",
    }
}
