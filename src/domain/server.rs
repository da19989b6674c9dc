//! What the server is, and what this role may see and do there.

use chrono::TimeDelta;

use super::reading::ProblemKind;
use super::schedule::Dialect;
use super::time::{Time, human};

/// The server at the other end, as it was when the connection was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `server_version_num`, e.g. 150018.
    pub version_num: i32,
    /// The database.
    pub database: String,
    /// The role.
    pub user: String,
    /// When the postmaster started.
    pub started_at: Time,
    /// Is it a standby? Then nothing can be changed here.
    pub standby: bool,
    /// Is `default_transaction_read_only` on, for the server, this database or this role? Then an action would fail.
    pub read_only: bool,
    /// Superuser: sees and may do everything.
    pub superuser: bool,
    /// May this role read other sessions' query texts (pg_read_all_stats)?
    pub reads_all_stats: bool,
    /// pg_cron, as seen from this database.
    pub cron: Cron,
}

impl Server {
    /// The major version, e.g. 15.
    pub fn major(&self) -> i32 {
        self.version_num / 10_000
    }

    /// The right that a refresh needs on this version.
    pub fn refresh_right(&self) -> &'static str {
        if self.major() >= 17 {
            "the MAINTAIN privilege on it, or to be its owner"
        } else {
            "to be its owner or a member of the owning role"
        }
    }
}

/// pg_cron, as seen from this database by this role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cron {
    /// Its files are not on the server's machine: nothing of it can run.
    Absent,
    /// Its files are there, but its library is not loaded.
    NotLoaded,
    /// Its library is loaded and works from this database, where its extension was never created.
    NotCreated,
    /// The extension is not in this database, and whether it works from another one this role may not see: the
    /// settings of pg_cron show themselves to pg_read_all_settings only.
    Hidden,
    /// It keeps its tables in another database (`cron.database_name`), which was not read yet.
    Elsewhere(String),
    /// Its tables are here, but this role may not read them.
    Forbidden,
    /// Its tables can be read.
    Present(CronExtension),
}

/// An installed pg_cron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronExtension {
    /// The database that holds its tables, where that is not the one watched.
    pub elsewhere: Option<String>,
    /// `extversion`; says 1.6 for all of 1.6.x.
    pub version: String,
    /// `cron.timezone`; the setting exists from 1.5 and is visible only to pg_read_all_settings.
    pub timezone: Option<String>,
    /// `cron.launch_active_jobs`; exists from 1.6.
    pub launches: Option<bool>,
    /// `cron.log_run`; off means that no run is recorded.
    pub logs_runs: Option<bool>,
    /// `cron.use_background_workers`: runs are workers instead of connections.
    pub workers: Option<bool>,
    /// Is its library in shared_preload_libraries? `None`: this role may not see it. Without it no job ever runs.
    pub preloaded: Option<bool>,
    /// Does row security hide other roles' jobs and runs from this role?
    pub row_security: bool,
}

impl Cron {
    /// The extension, where its tables can be read.
    pub fn present(&self) -> Option<&CronExtension> {
        match self {
            Cron::Present(extension) => Some(extension),
            _ => None,
        }
    }
}

impl Cron {
    /// Are its tables readable in the database that is watched?
    pub fn is_here(&self) -> bool {
        self.present().is_some_and(|extension| extension.elsewhere.is_none())
    }

    /// The other database that holds its tables.
    pub fn other_database(&self) -> Option<&str> {
        match self {
            Cron::Elsewhere(database) => Some(database),
            cron => cron.present()?.elsewhere.as_deref(),
        }
    }
}

impl CronExtension {
    /// Can the durations in its history be believed?
    ///
    /// Before 1.5.2, with background workers, it takes the end time before it waits for the worker's result: refreshes
    /// of 13 s were recorded as 0.3 s. `extversion` does not tell 1.5.2 from 1.5.0, so all of 1.5 counts as doubtful.
    pub fn has_reliable_durations(&self) -> bool {
        self.workers != Some(true) || !["1.3", "1.4", "1.5"].iter().any(|v| self.version.starts_with(v))
    }

    /// The schedule language it speaks.
    pub fn dialect(&self) -> Dialect {
        Dialect::of(&self.version, self.timezone.is_some(), self.launches.is_some())
    }

    /// The time zone its schedules are in: GMT unless the setting says otherwise.
    pub fn tz(&self) -> chrono_tz::Tz {
        self.timezone.as_deref().and_then(|name| name.parse().ok()).unwrap_or(chrono_tz::UTC)
    }
}

/// The replica that takes the comparisons off the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Where it is, e.g. `crm@replica:5432 as postgres`; no password.
    pub place: String,
    /// How far its replay was behind at the last look; `None`: not known.
    pub lag: Option<TimeDelta>,
    /// Why the server itself is compared instead, if so.
    pub problem: Option<String>,
}

impl Replica {
    /// Where comparisons run, in a few words.
    pub fn describe(&self) -> String {
        match (&self.problem, self.lag) {
            (Some(problem), _) => format!("comparing here, not on the replica: {problem}"),
            (None, Some(lag)) if lag <= TimeDelta::zero() => format!("compares on {}, up to date", self.place),
            (None, Some(lag)) => format!("compares on {}, {} behind", self.place, human(lag)),
            (None, None) => format!("compares on {}", self.place),
        }
    }
}

/// The connection as the pulse knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// No connection yet.
    Connecting {
        /// This machine's time when the first try began.
        since: Time,
    },
    /// Connected.
    Up,
    /// Connected, but the last pulse has had no answer yet for longer than a pulse should take.
    Silent {
        /// This machine's time when it was sent.
        since: Time,
    },
    /// The connection was lost, or never had.
    Down {
        /// This machine's time when it was lost.
        since: Time,
        /// What the last try said.
        why: String,
        /// What kind of failure that was.
        kind: ProblemKind,
        /// How many tries failed since.
        tries: u32,
    },
}
