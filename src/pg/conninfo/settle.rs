//! From words to a [`Target`]: every value parsed, every default filled in, whatever we cannot honour refused.

use std::path::PathBuf;
use std::time::Duration;

use rustls::SupportedProtocolVersion;
use tokio_postgres::config::ChannelBinding;

use super::environment::Environment;
use super::error::ConninfoError;
use super::hosts::{self, Candidate, Place};
use super::passfile::{Key, Passfile};
use super::secret::Secret;
use super::words::{Words, nearest};
use super::{Target, parse};
use crate::pg::tls::{ClientCert, Roots, SslMode, TlsPolicy};

/// How long an attempt may take when nobody says: a console must say that a server is dead, not wait for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the network may leave what we sent unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Which servers will do, as `target_session_attrs` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAttrs {
    /// Any server.
    Any,
    /// One that takes writes.
    ReadWrite,
    /// One that takes none.
    ReadOnly,
    /// One that is not in recovery.
    Primary,
    /// One that is in recovery.
    Standby,
    /// A standby if there is one, else any.
    PreferStandby,
}

/// When to probe a silent connection, and when to give it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe; the system's own (two hours on Linux) when `None`.
    pub idle: Option<Duration>,
    /// Time between probes.
    pub interval: Option<Duration>,
    /// Unanswered probes before the connection counts as dead.
    pub count: Option<u32>,
}

pub(super) fn settle(words: &Words, environment: &Environment) -> Result<Target, ConninfoError> {
    refuse_unsupported(words)?;
    let user = words.get("user").or(environment.os_user()).ok_or(ConninfoError::NoUser)?.to_owned();
    let dbname = words.get("dbname").unwrap_or(&user).to_owned();
    let mut warnings = Vec::new();
    let mut candidates = hosts::candidates(words, environment)?;
    let passfile = passfile(words, environment);
    match words.get("password") {
        Some(password) => give(&mut candidates, &Secret::new(password.to_owned())),
        None => look_up(&mut candidates, passfile.as_ref(), (&user, &dbname), environment, &mut warnings),
    }
    let tls = tls(words, environment)?;
    refuse_nameless(&tls, &candidates)?;
    warnings.extend(tls.warning());
    Ok(Target {
        options: options(words, environment),
        application_name: name(words),
        connect_timeout: connect_timeout(words)?,
        keepalive: keepalive(words)?,
        tcp_user_timeout: tcp_user_timeout(words)?,
        channel_binding: choice(words, "channel_binding", &CHANNEL_BINDINGS)?.unwrap_or(ChannelBinding::Prefer),
        session_attrs: choice(words, "target_session_attrs", &SESSION_ATTRS)?.unwrap_or(SessionAttrs::Any),
        shuffle: choice(words, "load_balance_hosts", &[("disable", false), ("random", true)])?.unwrap_or(false),
        require_peer: words.get("requirepeer").map(str::to_owned),
        user,
        dbname,
        candidates,
        tls,
        passfile,
        warnings,
    })
}

const CHANNEL_BINDINGS: [(&str, ChannelBinding); 3] =
    [("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)];

const SESSION_ATTRS: [(&str, SessionAttrs); 6] = [
    ("any", SessionAttrs::Any),
    ("read-write", SessionAttrs::ReadWrite),
    ("read-only", SessionAttrs::ReadOnly),
    ("primary", SessionAttrs::Primary),
    ("standby", SessionAttrs::Standby),
    ("prefer-standby", SessionAttrs::PreferStandby),
];

const SSL_MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// Words that ask for something we cannot do. Each is refused unless its value asks for nothing.
fn refuse_unsupported(words: &Words) -> Result<(), ConninfoError> {
    const HARMLESS: [(&str, &[&str], &str, &str); 9] = [
        ("require_auth", &[], "a check of how the server authenticates", "use channel_binding=require or verify-full"),
        ("sslcertmode", &["allow", "disable"], "proof that the server looks at our certificate", "leave it out"),
        ("gssencmode", &["disable", "prefer"], "GSSAPI encryption", "use sslmode=verify-full"),
        ("replication", &["off", "false", "no", "0"], "a replication connection", "leave it out"),
        ("min_protocol_version", &["3.0"], "a protocol newer than 3.0", "leave it out"),
        ("scram_client_key", &[], "a login with a SCRAM key", "give the password"),
        ("scram_server_key", &[], "a login with a SCRAM key", "give the password"),
        ("oauth_issuer", &[], "a login with OAuth", "use a password or a certificate"),
        ("oauth_client_id", &[], "a login with OAuth", "use a password or a certificate"),
    ];
    for (word, harmless, what, instead) in HARMLESS {
        let asks = words.get(word).is_some_and(|value| !harmless.contains(&value.to_ascii_lowercase().as_str()));
        if asks {
            return Err(ConninfoError::Unsupported { word, what, instead });
        }
    }
    Ok(())
}

fn name(words: &Words) -> Option<String> {
    words.get("application_name").or(words.get("fallback_application_name")).map(str::to_owned)
}

fn passfile(words: &Words, environment: &Environment) -> Option<PathBuf> {
    words.get("passfile").map(PathBuf::from).or_else(|| environment.in_home(".pgpass"))
}

fn give(candidates: &mut [Candidate], password: &Secret) {
    for candidate in candidates {
        candidate.password = Some(password.clone());
    }
}

fn look_up(
    candidates: &mut [Candidate],
    file: Option<&PathBuf>,
    (user, dbname): (&str, &str),
    environment: &Environment,
    warnings: &mut Vec<String>,
) {
    let Some(passfile) = file.map(|file| Passfile::read(file)) else { return };
    for candidate in candidates {
        let default = environment.default_socket_dir(candidate.port);
        let host = match &candidate.place {
            Place::Socket(dir) if Some(dir.as_path()) == default => "localhost".to_owned(),
            _ => candidate.host(),
        };
        let key = Key { host: &host, port: &candidate.port.to_string(), dbname, user };
        candidate.password = passfile.password(&key);
        candidate.from_passfile = candidate.password.is_some();
    }
    warnings.extend(passfile.warning);
}

fn tls(words: &Words, environment: &Environment) -> Result<TlsPolicy, ConninfoError> {
    let roots = match words.get("sslrootcert") {
        Some("system") => Roots::System,
        Some(file) => Roots::Given(PathBuf::from(file)),
        None => Roots::Usual(environment.in_home(".postgresql/root.crt")),
    };
    let usual = if roots == Roots::System { SslMode::VerifyFull } else { SslMode::Prefer };
    let mode = choice(words, "sslmode", &SSL_MODES)?.unwrap_or(usual);
    if roots == Roots::System && mode != SslMode::VerifyFull {
        return Err(ConninfoError::Contradiction {
            what: "sslrootcert=system trusts every public authority, so a weaker sslmode would check nothing",
            instead: "use sslmode=verify-full or leave sslmode out",
        });
    }
    let direct = choice(words, "sslnegotiation", &[("postgres", false), ("direct", true)])?.unwrap_or(false);
    if direct && !mode.is_required() {
        return Err(ConninfoError::Contradiction {
            what: "sslnegotiation=direct speaks TLS at once, but sslmode allows a connection without it",
            instead: "use sslmode=require or stronger",
        });
    }
    let own = |word, usual| words.get(word).map(PathBuf::from).or_else(|| environment.in_home(usual));
    let client_cert = ClientCert {
        cert: own("sslcert", ".postgresql/postgresql.crt"),
        key: own("sslkey", ".postgresql/postgresql.key"),
        given: words.get("sslcert").is_some(),
    };
    let given_crl = words.get("sslcrl").is_some() || words.get("sslcrldir").is_some();
    Ok(TlsPolicy {
        mode,
        roots,
        client_cert: (words.get("sslcertmode") != Some("disable")).then_some(client_cert),
        crl: if given_crl { words.get("sslcrl").map(PathBuf::from) } else { usual_crl(environment) },
        crl_dir: words.get("sslcrldir").map(PathBuf::from),
        versions: versions(words)?,
        sni: words.get("sslsni") != Some("0"),
        direct,
    })
}

fn usual_crl(environment: &Environment) -> Option<PathBuf> {
    environment.in_home(".postgresql/root.crl").filter(|file| file.exists())
}

/// The protocol versions allowed. libpq knows TLS 1.0 and 1.1 too; nothing here speaks them.
fn versions(words: &Words) -> Result<Vec<&'static SupportedProtocolVersion>, ConninfoError> {
    const NAMES: [(&str, u8); 4] = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let least = choice(words, "ssl_min_protocol_version", &NAMES)?.unwrap_or(2);
    let most = choice(words, "ssl_max_protocol_version", &NAMES)?.unwrap_or(3);
    let all = [(2, &rustls::version::TLS12), (3, &rustls::version::TLS13)];
    let versions: Vec<_> =
        all.into_iter().filter(|(number, _)| (least..=most).contains(number)).map(|(_, version)| version).collect();
    if versions.is_empty() {
        return Err(ConninfoError::Contradiction {
            what: "ssl_min_protocol_version and ssl_max_protocol_version leave no version of TLS to speak",
            instead: "this program speaks TLSv1.2 and TLSv1.3",
        });
    }
    Ok(versions)
}

/// verify-full compares the certificate with a name: an address alone gives none.
fn refuse_nameless(tls: &TlsPolicy, candidates: &[Candidate]) -> Result<(), ConninfoError> {
    let nameless = |candidate: &Candidate| candidate.name.is_none() && matches!(candidate.place, Place::Address(_));
    if tls.mode == SslMode::VerifyFull && candidates.iter().any(nameless) {
        return Err(ConninfoError::Contradiction {
            what: "sslmode=verify-full needs the server's name, and hostaddr gives only its address",
            instead: "add host=name",
        });
    }
    Ok(())
}

/// Whole seconds; none or less than one is for ever, and libpq takes one for two.
fn connect_timeout(words: &Words) -> Result<Option<Duration>, ConninfoError> {
    Ok(match number(words, "connect_timeout")? {
        None => Some(CONNECT_TIMEOUT),
        Some(seconds) => positive(seconds).map(|seconds| Duration::from_secs(seconds.max(2))),
    })
}

fn keepalive(words: &Words) -> Result<Option<Keepalive>, ConninfoError> {
    let seconds = |word, usual: u64| -> Result<Option<Duration>, ConninfoError> {
        Ok(number(words, word)?.map_or(Some(usual), positive).map(Duration::from_secs))
    };
    let keepalive = Keepalive {
        idle: seconds("keepalives_idle", 30)?,
        interval: seconds("keepalives_interval", 10)?,
        count: number(words, "keepalives_count")?.map_or(Some(3), positive).and_then(|count| u32::try_from(count).ok()),
    };
    Ok((number(words, "keepalives")? != Some(0)).then_some(keepalive))
}

/// Milliseconds, unlike every other time here; zero is the system's own.
fn tcp_user_timeout(words: &Words) -> Result<Option<Duration>, ConninfoError> {
    let given = number(words, "tcp_user_timeout")?;
    Ok(given.map_or(Some(TCP_USER_TIMEOUT), |ms| positive(ms).map(Duration::from_millis)))
}

fn positive(number: i32) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

fn number(words: &Words, word: &'static str) -> Result<Option<i32>, ConninfoError> {
    let parse = |text: &str| text.trim_matches(parse::is_space).parse();
    words.get(word).map(parse).transpose().map_err(|_| ConninfoError::BadNumber { word, range: "" })
}

fn choice<T: Copy>(words: &Words, word: &'static str, choices: &[(&str, T)]) -> Result<Option<T>, ConninfoError> {
    let Some(value) = words.get(word) else { return Ok(None) };
    // libpq compares the names of protocol versions without case, and nothing else.
    let versions = word.ends_with("protocol_version");
    let same = |name: &str| name == value || (versions && name.eq_ignore_ascii_case(value));
    let found = choices.iter().find(|(name, _)| same(name)).map(|(_, choice)| *choice);
    found.map(Some).ok_or_else(|| {
        let names = || choices.iter().map(|(name, _)| *name);
        let hint = nearest(value, names()).map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
        ConninfoError::BadChoice { word, choices: names().collect::<Vec<_>>().join(", "), hint }
    })
}

/// The server settings that are asked for: libpq sends PGTZ, PGDATESTYLE and PGGEQO beside `options`, and they win.
fn options(words: &Words, environment: &Environment) -> Option<String> {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace(' ', "\\ ");
    let variables = [("PGTZ", "timezone"), ("PGDATESTYLE", "datestyle"), ("PGGEQO", "geqo")];
    let given = variables
        .into_iter()
        .filter_map(|(variable, setting)| Some(format!("-c {setting}={}", escaped(environment.value(variable)?))));
    let all: Vec<String> = words.get("options").map(str::to_owned).into_iter().chain(given).collect();
    (!all.is_empty()).then(|| all.join(" "))
}
