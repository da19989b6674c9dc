//! One attempt at one address: TLS or not, the login, and the check that the server is of the wanted kind.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tokio::net::UnixStream;
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::driver::ConnectionDriver;
use super::error::Reason;
use super::watched::Watched;
use crate::pg::conninfo::{Candidate, SessionAttrs, Target};
use crate::pg::tls::SslMode;

/// What all attempts have in common.
pub(super) struct Dial<'a> {
    pub(super) target: &'a Target,
    /// Made at the first handshake, for sockets need no files of certificates.
    pub(super) tls: OnceLock<Result<rustls::ClientConfig, String>>,
    pub(super) options: Option<String>,
    pub(super) application_name: &'a str,
}

/// A host after its name was looked up.
pub(super) enum Address {
    Socket(PathBuf),
    Ip(IpAddr),
}

type Connected = (Client, ConnectionDriver);

impl Dial<'_> {
    pub(super) async fn address(
        &self,
        candidate: &Candidate,
        address: &Address,
        wanted: SessionAttrs,
    ) -> Result<Connected, Reason> {
        let config = self.config(candidate, address);
        let (client, mut driver) = match (address, &self.target.require_peer) {
            (Address::Socket(dir), Some(owner)) => self.owned_socket(&config, dir, candidate, owner).await?,
            (Address::Socket(_), None) => self.plain(&config, candidate).await?,
            (Address::Ip(_), _) => self.by_mode(&config, candidate).await?,
        };
        check(&client, &mut driver, wanted).await?;
        Ok((client, driver))
    }

    fn config(&self, candidate: &Candidate, address: &Address) -> Config {
        let target = self.target;
        let mut config = Config::new();
        config.user(&target.user).dbname(&target.dbname).port(candidate.port).channel_binding(target.channel_binding);
        config.application_name(target.application_name.as_deref().unwrap_or(self.application_name));
        if let Some(options) = &self.options {
            config.options(options);
        }
        if let Some(password) = &candidate.password {
            config.password(password.reveal());
        }
        match address {
            Address::Socket(dir) => config.host_path(in_kernel_spelling(dir)),
            Address::Ip(ip) => config.host(candidate.host()).hostaddr(*ip),
        };
        self.time_limits(&mut config);
        config
    }

    fn time_limits(&self, config: &mut Config) {
        if let Some(limit) = self.target.tcp_user_timeout {
            config.tcp_user_timeout(limit);
        }
        config.keepalives(self.target.keepalive.is_some());
        let Some(keepalive) = self.target.keepalive else { return };
        if let Some(idle) = keepalive.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = keepalive.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = keepalive.count {
            config.keepalives_retries(count);
        }
    }

    /// With TLS or without, as `sslmode` says; a second try the other way where libpq makes one.
    async fn by_mode(&self, config: &Config, candidate: &Candidate) -> Result<Connected, Reason> {
        let mode = self.target.tls.mode;
        match mode {
            SslMode::Disable => self.plain(config, candidate).await,
            SslMode::Allow => match self.plain(config, candidate).await {
                Err(reason) if reason.is_refused_login() => self.encrypted(config, candidate, mode).await.0,
                outcome => outcome,
            },
            SslMode::Prefer => match self.encrypted(config, candidate, mode).await {
                (Err(reason), true) if reason.is_tls() || reason.is_refused_login() => {
                    self.plain_after(reason, config, candidate).await
                }
                (outcome, _) => outcome,
            },
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                self.encrypted(config, candidate, mode).await.0
            }
        }
    }

    /// The second try of `prefer`. When it is turned down too, what went wrong with TLS is the better answer.
    async fn plain_after(&self, first: Reason, config: &Config, candidate: &Candidate) -> Result<Connected, Reason> {
        match self.plain(config, candidate).await {
            Err(second) if second.is_refused_login() && first.is_tls() => Err(first),
            outcome => outcome,
        }
    }

    async fn plain(&self, config: &Config, candidate: &Candidate) -> Result<Connected, Reason> {
        let mut config = config.clone();
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(|error| self.reason(&error, candidate))?;
        Ok((client, ConnectionDriver::new(connection, false)))
    }

    /// Gives the outcome and whether the server agreed to TLS (or we could not even ask).
    async fn encrypted(
        &self,
        config: &Config,
        candidate: &Candidate,
        mode: SslMode,
    ) -> (Result<Connected, Reason>, bool) {
        let tls = self.tls.get_or_init(|| self.target.tls.client_config().map_err(|error| error.to_string()));
        let tls = match tls {
            Ok(tls) => Watched::new(tls.clone()),
            Err(problem) => return (Err(Reason::TlsSetup(problem.clone())), true),
        };
        let mut config = config.clone();
        config.ssl_mode(match mode {
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            _ => tokio_postgres::config::SslMode::Require,
        });
        if self.target.tls.direct {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        let outcome = config.connect(tls.clone()).await;
        let outcome = match outcome {
            Ok((client, connection)) => Ok((client, ConnectionDriver::new(connection, tls.is_used()))),
            Err(error) => Err(self.reason(&error, candidate)),
        };
        (outcome, tls.is_used())
    }

    /// Connects to a socket only after asking the system who is behind it. Such a client cannot send a cancel request:
    /// tokio-postgres knows no address for it.
    async fn owned_socket(
        &self,
        config: &Config,
        dir: &Path,
        candidate: &Candidate,
        owner: &str,
    ) -> Result<Connected, Reason> {
        let path = in_kernel_spelling(dir).join(format!(".s.PGSQL.{}", candidate.port));
        let stream = UnixStream::connect(&path).await.map_err(|error| Reason::unreachable(&error))?;
        let uid = stream.peer_cred().map_err(|error| Reason::unreachable(&error))?.uid();
        let actual = nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name);
        if actual.as_deref() != Some(owner) {
            return Err(Reason::WrongPeer { owner: actual.unwrap_or_else(|| uid.to_string()) });
        }
        let connected = config.connect_raw(stream, NoTls).await;
        let (client, connection) = connected.map_err(|error| self.reason(&error, candidate))?;
        Ok((client, ConnectionDriver::new(connection, false)))
    }

    fn reason(&self, error: &tokio_postgres::Error, candidate: &Candidate) -> Reason {
        let passfile = self.target.passfile.as_deref().filter(|_| candidate.from_passfile);
        Reason::from_error(error, self.target, passfile)
    }
}

/// An abstract socket's `@` is a zero byte to the system.
fn in_kernel_spelling(dir: &Path) -> PathBuf {
    match dir.to_str().and_then(|dir| dir.strip_prefix('@')) {
        Some(name) => PathBuf::from(format!("\0{name}")),
        None => dir.to_owned(),
    }
}

/// Asks the server what it is. A simple query, because a transaction pooler breaks prepared ones.
async fn check(client: &Client, driver: &mut ConnectionDriver, wanted: SessionAttrs) -> Result<(), Reason> {
    let (sql, good, problem) = match wanted {
        SessionAttrs::Any => return Ok(()),
        SessionAttrs::ReadWrite => ("SHOW transaction_read_only", "off", "its sessions are read-only"),
        SessionAttrs::ReadOnly => ("SHOW transaction_read_only", "on", "its sessions take writes"),
        SessionAttrs::Primary => ("SELECT pg_catalog.pg_is_in_recovery()", "f", "it is a standby"),
        SessionAttrs::Standby | SessionAttrs::PreferStandby => {
            ("SELECT pg_catalog.pg_is_in_recovery()", "t", "it is not a standby")
        }
    };
    let answer = tokio::select! {
        answer = client.simple_query(sql) => answer,
        _ended = driver => return Err(Reason::Lost("the connection closed".to_owned())),
    };
    let answer = answer.map_err(|error| Reason::Lost(super::error::chain(&error)))?;
    let is_good = answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some(good),
        _ => false,
    });
    if is_good { Ok(()) } else { Err(Reason::WrongServer(problem)) }
}
