//! What a connection string is read against: variables, the home folder, the operating system's user.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ConninfoError;
use super::words::{WORDS, Words};

/// The folders where distributions compile libpq to look for pg_service.conf: Debian, PGDG's RPMs, upstream, Homebrew.
const SYSCONF_DIRS: [&str; 5] = [
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/etc",
    "/usr/local/etc/postgresql",
    "/opt/homebrew/etc/postgresql",
];

/// The folders where servers put their Unix socket: Debian's and Red Hat's, then upstream's.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The surroundings a connection string is resolved in. Its `Debug` names the variables and hides their values.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    user: Option<String>,
    sysconf_dirs: Vec<PathBuf>,
    socket_dirs: Vec<PathBuf>,
}

impl Environment {
    /// The process's own surroundings. Variables that are not UTF-8 are left out.
    pub fn from_process() -> Environment {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name == "HOME" || name.starts_with("PG"))
            .collect();
        let account = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        let home = variables.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        Environment {
            home: home.or_else(|| account.as_ref().map(|account| account.dir.clone())),
            user: account.map(|account| account.name),
            sysconf_dirs: SYSCONF_DIRS.map(PathBuf::from).to_vec(),
            socket_dirs: SOCKET_DIRS.map(PathBuf::from).to_vec(),
            variables,
        }
    }

    /// Surroundings with nothing in them: no variable, no home, no user, no folder.
    pub fn empty() -> Environment {
        Environment::default()
    }

    /// With a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Environment {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a home folder, where `.pgpass`, `.pg_service.conf` and `.postgresql` are looked for.
    #[must_use]
    pub fn home(mut self, home: impl Into<PathBuf>) -> Environment {
        self.home = Some(home.into());
        self
    }

    /// With the operating system's user, which is the default for `user`.
    #[must_use]
    pub fn user(mut self, user: &str) -> Environment {
        self.user = Some(user.to_owned());
        self
    }

    /// With a folder to look for the system's pg_service.conf.
    #[must_use]
    pub fn sysconf_dir(mut self, dir: impl Into<PathBuf>) -> Environment {
        self.sysconf_dirs.push(dir.into());
        self
    }

    /// With a folder to look for a server's Unix socket.
    #[must_use]
    pub fn socket_dir(mut self, dir: impl Into<PathBuf>) -> Environment {
        self.socket_dirs.push(dir.into());
        self
    }

    /// A variable that is set to something.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn os_user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(super) fn in_home(&self, file: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(file))
    }

    pub(super) fn sysconf_dirs(&self) -> Vec<PathBuf> {
        match self.variables.get("PGSYSCONFDIR") {
            Some(dir) => vec![PathBuf::from(dir)],
            None => self.sysconf_dirs.clone(),
        }
    }

    /// The folder a server on this port has its socket in; else the first folder that exists.
    pub(super) fn default_socket_dir(&self, port: u16) -> Option<&Path> {
        let socket = format!(".s.PGSQL.{port}");
        let live = self.socket_dirs.iter().find(|dir| dir.join(&socket).exists());
        live.or_else(|| self.socket_dirs.iter().find(|dir| dir.is_dir())).map(PathBuf::as_path)
    }

    /// The words that variables give. A variable set to nothing counts as given, as in libpq.
    pub(super) fn words(&self) -> Result<Words, ConninfoError> {
        let mut words = Words::default();
        // PGREQUIRESSL is the old spelling; PGSSLMODE wins over it.
        if self.variables.get("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
            words.set("sslmode", "require".to_owned())?;
        }
        for (word, variable) in WORDS {
            if let Some(value) = variable.and_then(|name| self.variables.get(name)) {
                words.set(word, value.clone())?;
            }
        }
        Ok(words)
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("user", &self.user)
            .field("sysconf_dirs", &self.sysconf_dirs)
            .field("socket_dirs", &self.socket_dirs)
            .finish()
    }
}
