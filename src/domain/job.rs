//! pg_cron's jobs and their runs.

mod command;
mod history;
mod path;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::command::own_refreshes;
pub use self::command::{Homes, Routine, is_whole, trigger_modes};
pub use self::history::{History, Index};
use self::path::SearchPath;
pub use self::path::schemas_of_path;
use super::text::visible;
use super::time::Time;

/// `cron.job.jobid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

/// `cron.job_run_details.runid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

/// A row of `cron.job`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Its schedule in pg_cron's own dialect.
    pub schedule: String,
    /// The SQL it runs.
    pub command: String,
    /// The database it runs in.
    pub database: String,
    /// The role it runs as.
    pub username: String,
    /// Whether it is active; a paused job keeps its schedule.
    pub active: bool,
    /// Does it run in the database that is looked at? Elsewhere it refreshes another view of the same name.
    pub here: bool,
    /// Does the role it runs as still exist? If not, pg_cron stops at it and runs no job at all.
    pub owner_exists: bool,
    /// The newest run, of whichever job, that was last written before this job was: its schedule came later. `None`: every
    /// run that is known was written after it.
    #[serde(default)]
    pub changed_after: Option<RunId>,
    /// The search_path that the settings of its role and database give it, if they do.
    #[serde(default)]
    pub search_path: Option<String>,
}

/// A job that is gone, known from the runs it left behind: pg_cron keeps those for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RemovedJob {
    /// Its id.
    pub id: JobId,
    /// The SQL its last run executed.
    pub command: String,
    /// The role it ran as.
    #[serde(default)]
    pub username: String,
    /// The search_path that the settings of that role and its database give it, if they do.
    #[serde(default)]
    pub search_path: Option<String>,
    /// Did that run in the database that is looked at?
    pub here: bool,
}

impl Job {
    fn path(&self) -> SearchPath<'_> {
        SearchPath::of(self.search_path.as_deref(), &self.username)
    }

    /// Its name, else its command, with what a terminal would obey made visible: for showing only.
    pub fn title(&self) -> Cow<'_, str> {
        visible(self.name.as_deref().unwrap_or(&self.command))
    }

    /// Is it one REFRESH and nothing else? What it calls may do more.
    pub fn only_refreshes(&self) -> bool {
        let statements = self.command.split(';').filter(|s| !s.trim().is_empty()).count();
        statements == 1 && own_refreshes(&self.command) == 1
    }
}

impl RemovedJob {
    fn path(&self) -> SearchPath<'_> {
        SearchPath::of(self.search_path.as_deref(), &self.username)
    }
}

/// `cron.job_run_details.status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// A connection or worker is being started.
    Starting,
    /// The connection is being made (a server restart leaves it so for ever).
    Connecting,
    /// The command is being sent (a server restart leaves it so for ever).
    Sending,
    /// The command runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It failed; the message says why.
    Failed,
    /// A word this program does not know.
    Other(String),
}

impl RunStatus {
    /// The status a word stands for.
    pub fn parse(word: &str) -> RunStatus {
        match word {
            "starting" => RunStatus::Starting,
            "connecting" => RunStatus::Connecting,
            "sending" => RunStatus::Sending,
            "running" => RunStatus::Running,
            "succeeded" => RunStatus::Succeeded,
            "failed" => RunStatus::Failed,
            other => RunStatus::Other(other.into()),
        }
    }

    /// Will it still change?
    pub fn is_open(&self) -> bool {
        !matches!(self, RunStatus::Succeeded | RunStatus::Failed)
    }

    /// The word for it.
    pub fn word(&self) -> &str {
        match self {
            RunStatus::Starting => "starting",
            RunStatus::Connecting => "connecting",
            RunStatus::Sending => "sending",
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Other(word) => word,
        }
    }
}

/// A row of `cron.job_run_details`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id; ids rise with time, though not strictly.
    pub id: RunId,
    /// The job; it may no longer exist, runs outlive jobs.
    pub job: JobId,
    /// How far it is.
    pub status: RunStatus,
    /// The last command tag, or the error's text.
    pub message: Option<String>,
    /// When it began to run; NULL for one that never did.
    pub start: Option<Time>,
    /// When it ended.
    pub end: Option<Time>,
    /// What it ran; `None`: what its job would run now, as far as is known.
    pub ran: Option<Arc<Ran>>,
}

/// What a run ran. Its job may have been changed since. Many runs share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The SQL.
    pub command: String,
    /// Did it run in the database that is looked at?
    pub here: bool,
}

impl Run {
    /// How long it ran, if it ran and ended.
    pub fn duration(&self) -> Option<chrono::TimeDelta> {
        Some(self.end? - self.start?)
    }
}
