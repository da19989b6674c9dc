//! Everything that can keep the demo from starting, each said in one sentence with what to try next.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the demo or its cluster could not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DemoError {
    /// No `postgres` and `initdb` on this system.
    #[error(
        "the demo needs a PostgreSQL server of its own and found no `postgres` and `initdb` under {searched}, through \
         pg_config, or on PATH; on Debian or Ubuntu install one with `apt install postgresql-15 postgresql-15-cron` \
         (or your release's number)"
    )]
    NoServer {
        /// The folder of versioned servers that was looked through first.
        searched: PathBuf,
    },
    /// A server without the pg_cron extension.
    #[error(
        "the demo needs the pg_cron extension and PostgreSQL {major} in {bin} has none; on Debian or Ubuntu install it \
         with `apt install postgresql-{major}-cron`, on other systems install pg_cron from your distribution"
    )]
    NoCron {
        /// Major version of the server that was found.
        major: u32,
        /// Where its programs are.
        bin: PathBuf,
    },
    /// Started by root on a system without an unprivileged user to run the server.
    #[error(
        "PostgreSQL refuses to run as root and this system has neither a user `postgres` nor `nobody`; start the demo \
         as an ordinary user"
    )]
    NoUser,
    /// The number of view rows is outside what the incident's data can be made for.
    #[error("the demo can be made with {min} to {max} view rows, not {rows}; choose a number in that range")]
    RowsOutOfRange {
        /// What was asked for.
        rows: u32,
        /// Fewer would not hold the incident's own rows.
        min: u32,
        /// More would not fit the made-up telephone numbers.
        max: u32,
    },
    /// The folder to keep the demo in holds something else.
    #[error(
        "{path} is not empty and is not a demo kept earlier, so nothing was touched; choose a new or an empty folder"
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Another program holds the kept folder's lock.
    #[error("the demo in {path} is in use by another mvtop; quit that one first or keep this one in another folder")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file, folder or program of the cluster.
    #[error("could not {action} {path}: {source}; check that the folder exists, has room and is yours to write")]
    Io {
        /// What was being done, as a verb: "create", "start".
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `initdb` or the single-user server failed.
    #[error(
        "{program} could not make the cluster, because: {output}; if it may not reach the folder, choose another one"
    )]
    Prepare {
        /// Which program.
        program: &'static str,
        /// The end of what it printed.
        output: String,
    },
    /// The server ended, or was not ready in time.
    #[error("the demo's server did not come up, its log ends with: {log}; if it says why, mend that and start again")]
    Server {
        /// The last lines of its log.
        log: String,
    },
    /// A statement of the loading failed.
    #[error(
        "the demo's database could not be filled ({phase}): {message}; this PostgreSQL may be too new or too old, please report it"
    )]
    Load {
        /// Which step, as told to the user.
        phase: &'static str,
        /// The server's own words.
        message: String,
    },
    /// A background task ended without its result.
    #[error("starting the demo was interrupted ({0}); start it again")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl DemoError {
    /// Whether a package has to be installed first: the server or pg_cron is missing (the program exits with 3 then).
    #[must_use]
    pub const fn missing_package(&self) -> bool {
        matches!(self, Self::NoServer { .. } | Self::NoCron { .. })
    }

    /// A [`DemoError::Io`] for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
