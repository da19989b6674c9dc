//! What is looked at after a change, as data: the log keeps it, and `pg::fix` writes the query from it each time, so that no
//! SQL from a file is ever run.

use serde::{Deserialize, Serialize};

use crate::domain::job::JobId;
use crate::domain::time::Time;
use crate::domain::view::ViewName;

/// What must be there after a change, for it to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A job of this role, by its name, is active with this schedule.
    NewJob {
        /// `cron.job.jobname`.
        name: String,
        /// In pg_cron's own dialect.
        schedule: String,
    },
    /// A job is as it should be, in what is said here.
    Job {
        /// Which.
        id: JobId,
        /// Active or paused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active: Option<bool>,
        /// In pg_cron's own dialect.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schedule: Option<String>,
    },
    /// The job is gone.
    NoJob(JobId),
    /// So many of the base tables have a trigger of this function.
    Triggers {
        /// The function's schema and name.
        function: ViewName,
        /// How many should have one.
        wanted: usize,
        /// How many base tables there are.
        tables: usize,
    },
    /// The view is of this kind.
    Kind {
        /// Which: its OID is another after the change.
        view: ViewName,
        /// Plain, or materialized?
        plain: bool,
    },
    /// The unique index is there, or is not.
    Index {
        /// The index's schema and name.
        index: ViewName,
        /// Should it be?
        wanted: bool,
    },
    /// No run is left that ended more than so many days ago.
    Runs {
        /// Days to keep.
        days: u32,
    },
    /// The session is gone, or at least does nothing any more.
    Session {
        /// Its server process.
        pid: i32,
        /// Since when it was seen to be at what it did: another session may get the same number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Since>,
        /// Must it be gone?
        ended: bool,
    },
}

/// By what a session is told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// The begin of its transaction.
    Transaction(Time),
    /// The begin of its last statement.
    Statement(Time),
}
