//! Where to connect, read as libpq reads it: a string or URI, the command line's overrides, a service file, PG*
//! variables, the password file, defaults, in that order.
//!
//! The rules are those of libpq's fe-connect.c, with these differences, all on the side of caution or of a console that
//! must not hang: a connect timeout of 10 s unless one is given, keepalives after 30 s, a TCP user timeout of 15 s; words
//! that ask for a protection we cannot give are refused; a left-over `@` in a URI is refused; overrides
//! win over the string (in psql `-h` loses against `host=` in the string); and the password file matches `localhost`
//! for the socket folder that is really there.

mod environment;
mod error;
mod hosts;
mod parse;
mod passfile;
mod secret;
mod service;
mod settle;
mod uri;
mod words;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use parse::{connection_string, is_connection_string};
use words::Words;

use crate::domain::text::visible;

pub use super::connect::{ConnectError, ConnectionDriver};
pub use environment::Environment;
pub use error::ConninfoError;
pub use hosts::{Candidate, Place};
pub(crate) use secret::Secret;
pub use settle::{Keepalive, SessionAttrs};

use super::tls::TlsPolicy;

/// What to connect to and how, with everything resolved but the hosts' addresses. `Debug` never shows a password.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) user: String,
    pub(crate) dbname: String,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) options: Option<String>,
    pub(crate) application_name: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) tcp_user_timeout: Option<Duration>,
    pub(crate) channel_binding: tokio_postgres::config::ChannelBinding,
    pub(crate) session_attrs: SessionAttrs,
    pub(crate) shuffle: bool,
    pub(crate) require_peer: Option<String>,
    pub(crate) tls: TlsPolicy,
    pub(crate) passfile: Option<PathBuf>,
    warnings: Vec<String>,
}

impl Target {
    /// Resolves a connection.
    ///
    /// `words` is the positional argument or DATABASE_URL: a string, a URI or a database's name; `None` leaves PG*
    /// variables and defaults. `overrides` are the command line's, as `("host", "db.example")`; empty ones are ignored,
    /// and a `dbname` that is itself a string or URI is read as one. Files are read now: service and password file.
    ///
    /// # Errors
    /// [`ConninfoError`] says which word is wrong and never repeats a value.
    pub fn resolve(
        words: Option<&str>,
        overrides: &[(&str, &str)],
        environment: &Environment,
    ) -> Result<Target, ConninfoError> {
        let mut given = Words::default();
        let named = words.map(|words| ("dbname", words));
        for (word, value) in named.into_iter().chain(overrides.iter().copied()) {
            if word == "dbname" && is_connection_string(value) {
                given.overlay(connection_string(value)?);
            } else if !value.is_empty() {
                given.set(word, value.to_owned())?;
            }
        }
        add_defaults(&mut given, environment)?;
        settle::settle(&given, environment)
    }

    /// The hosts to try, in order, each with its port.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The database.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The user to connect as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The server settings asked for with `options` or PGOPTIONS.
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// The names of the settings that the user gives by `options`, PGOPTIONS, PGTZ or PGDATESTYLE.
    pub fn set_in_options(&self) -> Vec<String> {
        let words: Vec<&str> = self.options.as_deref().unwrap_or_default().split_whitespace().collect();
        let mut names = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let after = |flag: &str| word.strip_prefix(flag).filter(|rest| !rest.is_empty());
            let setting = match place.checked_sub(1).map(|before| words[before]) {
                Some("-c") => Some(*word),
                _ => after("--").or(after("-c")),
            };
            names.extend(setting.and_then(|s| s.split_once('=')).map(|(name, _)| name.replace('-', "_")));
        }
        names
    }

    /// The name the user asked to be listed under in pg_stat_activity, which wins over the program's own.
    pub fn application_name(&self) -> Option<&str> {
        self.application_name.as_deref()
    }

    /// How long one attempt at one address may take; `None` is for ever.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    /// Which servers will do.
    pub fn session_attrs(&self) -> SessionAttrs {
        self.session_attrs
    }

    /// How the connection is encrypted and the server checked.
    pub fn tls(&self) -> &TlsPolicy {
        &self.tls
    }

    /// Things found in files that the user should hear about, such as a password file that others can read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether there is a password for the first host.
    pub fn has_password(&self) -> bool {
        self.candidates.first().is_some_and(Candidate::has_password)
    }

    /// The same server and role, another database.
    #[must_use]
    pub fn in_database(mut self, name: &str) -> Target {
        self.dbname = name.to_string();
        self
    }

    /// With this password for every host, as typed by the user.
    #[must_use]
    pub fn with_password(mut self, password: String) -> Target {
        let password = Secret::new(password);
        for candidate in &mut self.candidates {
            candidate.password = Some(password.clone());
            candidate.from_passfile = false;
        }
        self
    }

    /// `db@host:port as user`, for titles and errors; several hosts are separated by commas.
    pub fn describe(&self) -> String {
        let mut text = format!("{}@", self.dbname);
        for (index, candidate) in self.candidates.iter().enumerate() {
            // Writing into a String cannot fail.
            let _ = write!(text, "{}{candidate}", if index == 0 { "" } else { "," });
        }
        text = text + " as " + &self.user;
        visible(&text).into_owned()
    }
}

/// Fills in what is not given: from the service, then from the environment.
fn add_defaults(given: &mut Words, environment: &Environment) -> Result<(), ConninfoError> {
    let variables = environment.words()?;
    let service = given.raw("service").or_else(|| variables.raw("service"));
    let file = given.raw("servicefile").or_else(|| variables.raw("servicefile"));
    if let Some(service) = service {
        let found = service::find(service, file, environment)?;
        given.underlay(found);
    }
    given.underlay(variables);
    Ok(())
}
