//! The hosts of a connection string: three comma-separated lists, folded into one list of candidates.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::environment::Environment;
use super::error::ConninfoError;
use super::secret::Secret;
use super::words::Words;

/// The port when none is given.
const DEFAULT_PORT: u16 = 5432;

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A server on this machine, by the folder its Unix socket is in (`@name` for an abstract socket).
    Socket(PathBuf),
    /// A name to look up.
    Name(String),
    /// An address, from `hostaddr`.
    Address(IpAddr),
}

/// One host to try.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// How it is reached.
    pub place: Place,
    /// Its port, which for a socket is part of the file's name.
    pub port: u16,
    /// The name in `host`, which a certificate must match even when `hostaddr` says where to go.
    pub name: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) from_passfile: bool,
}

impl Candidate {
    /// The host as the user would write it.
    pub fn host(&self) -> String {
        match (&self.place, &self.name) {
            (Place::Socket(dir), _) => dir.display().to_string(),
            (_, Some(name)) | (Place::Name(name), None) => name.clone(),
            (Place::Address(address), None) => address.to_string(),
        }
    }

    /// Whether a password is known for it.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host();
        match host.contains(':') && !host.contains('/') {
            true => write!(formatter, "[{host}]:{}", self.port),
            false => write!(formatter, "{host}:{}", self.port),
        }
    }
}

/// The candidates, still without passwords.
pub(super) fn candidates(words: &Words, environment: &Environment) -> Result<Vec<Candidate>, ConninfoError> {
    let (names, addresses) = (list(words.get("host")), list(words.get("hostaddr")));
    let ports = list(words.get("port"));
    if !names.is_empty() && !addresses.is_empty() {
        same_length(("host", names.len()), ("hostaddr", addresses.len()))?;
    }
    let count = names.len().max(addresses.len()).max(1);
    if ports.len() > 1 {
        same_length(("port", ports.len()), ("host", count))?;
    }
    (0..count)
        .map(|index| {
            let port = ports.get(index).or(ports.first()).map_or(Ok(DEFAULT_PORT), |port| parse_port(port))?;
            let name = names.get(index).copied().unwrap_or_default();
            let address = addresses.get(index).copied().unwrap_or_default();
            candidate(name, address, port, environment)
        })
        .collect()
}

fn candidate(name: &str, address: &str, port: u16, environment: &Environment) -> Result<Candidate, ConninfoError> {
    let is_socket = name.starts_with(['/', '@']);
    if name.contains('@') && !is_socket {
        return Err(ConninfoError::BadHost);
    }
    let place = if !address.is_empty() {
        Place::Address(address.parse().map_err(|_| ConninfoError::BadAddress)?)
    } else if is_socket {
        Place::Socket(PathBuf::from(name))
    } else if !name.is_empty() {
        Place::Name(name.to_owned())
    } else {
        let dir = environment.default_socket_dir(port);
        dir.map_or_else(|| Place::Name("localhost".to_owned()), |dir| Place::Socket(dir.to_owned()))
    };
    let name = match &place {
        Place::Name(name) => Some(name.clone()),
        _ => Some(name.to_owned()).filter(|name| !name.is_empty()),
    };
    Ok(Candidate { place, port, name, password: None, from_passfile: false })
}

fn parse_port(text: &str) -> Result<u16, ConninfoError> {
    match text.trim_matches(super::parse::is_space).parse() {
        _ if text.is_empty() => Ok(DEFAULT_PORT),
        Ok(port) if port > 0 => Ok(port),
        _ => Err(ConninfoError::BadNumber { word: "port", range: " from 1 to 65535" }),
    }
}

fn list(value: Option<&str>) -> Vec<&str> {
    value.map(|value| value.split(',').collect()).unwrap_or_default()
}

fn same_length(left: (&'static str, usize), right: (&'static str, usize)) -> Result<(), ConninfoError> {
    if left.1 == right.1 {
        return Ok(());
    }
    Err(ConninfoError::Uneven { left: left.0, right: right.0, left_count: left.1, right_count: right.1 })
}
