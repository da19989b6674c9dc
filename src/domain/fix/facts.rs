//! What a fix of one view must know beyond the Snapshot: rights, pieces to put back, and times that were measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::way_back::Grant;
use crate::domain::job::JobId;
use crate::domain::view::{Oid, ViewName};

/// The answer of the fixes' probe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// What the catalogs say.
    pub rights: Rights,
    /// What must be put back when the view changes its kind.
    pub pieces: Pieces,
    /// Whose code stands around it.
    pub code: Code,
    /// A typical query of the dashboard against the view and against its definition.
    pub dashboard: Option<Dashboard>,
    /// The mean width of a row in bytes.
    pub row_bytes: Option<f64>,
    /// Columns that are unique in the definition's rows today, best first; looked for only where no index is.
    pub unique: Vec<Vec<String>>,
}

/// What this role may do, and what is there to do it with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Rights {
    /// The base tables.
    pub tables: Vec<BaseTable>,
    /// Member of the view's owner?
    pub owns: bool,
    /// CREATE on the view's schema.
    pub can_create: bool,
    /// Lacks the view's owner that right, so that nobody but a superuser can give him a new view there?
    pub owner_lacks_create: bool,
    /// Whom default privileges give new functions in the view's schema, whoever makes them; quoted.
    pub function_grantees: Vec<String>,
    /// Member of pg_signal_backend.
    pub can_signal: bool,
    /// May the view's owner make no temporary table, so that CONCURRENTLY fails?
    pub owner_lacks_temp: bool,
    /// The unique indexes that CONCURRENTLY can use.
    pub unique_indexes: Vec<String>,
    /// The columns whose type a unique index takes.
    pub indexable: Vec<String>,
    /// Is pg_cron among the extensions that this server has?
    pub cron_offered: bool,
    /// Is it in shared_preload_libraries? `None`: hidden from this role.
    pub cron_preloaded: Option<bool>,
    /// EXECUTE on `cron.schedule(name, schedule, command)`.
    pub can_schedule: bool,
    /// EXECUTE on `cron.schedule_in_database` (1.4), which PUBLIC has not.
    pub can_schedule_elsewhere: bool,
    /// EXECUTE on `cron.alter_job` (1.4), which PUBLIC has not.
    pub can_alter_job: bool,
    /// DELETE on `cron.job_run_details`.
    pub can_purge: bool,
    /// For a plain view that this program made of a materialized one: how it was stored, as JSON.
    pub way_back: Option<String>,
    /// The roles that are named there and still exist.
    #[serde(default)]
    pub roles_left: Vec<String>,
}

/// A table that the definition reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BaseTable {
    /// Its OID.
    pub oid: Oid,
    /// Its name.
    #[serde(flatten)]
    pub name: ViewName,
    /// `pg_class.relkind`.
    pub kind: char,
    /// The TRIGGER privilege.
    pub can_trigger: bool,
    /// Member of its owner? Dropping a trigger needs that.
    pub owns: bool,
    /// Is the view's owner its owner or a member of him? Then no code of the view's owner runs with rights that he has not.
    pub is_of_owner: bool,
    /// The role that owns it.
    pub owner: String,
}

impl BaseTable {
    /// Can a trigger see all writes to it? Not those to a foreign table, and none fires on a view.
    pub fn takes_triggers(&self) -> bool {
        matches!(self.kind, 'r' | 'p')
    }
}

/// Finished statements that put back what hangs on a view, under its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Pieces {
    /// The definition that was read together with them.
    pub definition: String,
    /// By what it is told whether any of it was changed meanwhile.
    pub same: String,
    /// Access method, options and tablespace, as they stand between name and AS.
    pub storage: String,
    /// The view's schema and name, quoted as the server quotes.
    pub full_name: String,
    /// Grants and comments.
    pub keep: Vec<String>,
    /// Rights that are not handed to a plain view.
    pub grants: Vec<Grant>,
    /// Indexes, statistics and column settings of a materialized view.
    pub rebuild: Vec<String>,
    /// Plain views that read it, pointed at the new one: they keep their own grants and comments.
    pub follow: Vec<Follower>,
    /// Those of them that belong to others.
    pub foreign_readers: Vec<String>,
    /// What depends on it and cannot be pointed at another one.
    pub stuck: Vec<String>,
}

/// A plain view that reads the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Follower {
    /// Its OID.
    pub oid: Oid,
    /// The statement that points it at the new one.
    pub sql: String,
    /// Hash of the functions, operators, types and relations that its rule names by OID, but for the view itself.
    pub means: String,
}

/// How long a typical query takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// It took this long.
    Took(Duration),
    /// It was given up after this long.
    Over(Duration),
}

impl Timing {
    /// The time, or the least it would be.
    pub fn least(self) -> Duration {
        match self {
            Timing::Took(length) | Timing::Over(length) => length,
        }
    }
}

/// `WHERE <first group column> = <its most frequent value>`: what a dashboard asks all day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// The column.
    pub column: String,
    /// Against the view as it is.
    pub view: Timing,
    /// Against the definition, run live.
    pub live: Timing,
}

/// What a job was before this program set it right: kept in the journal, so that the way back is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The job.
    pub job: JobId,
    /// Its schedule.
    pub schedule: String,
    /// Was it active?
    pub active: bool,
}
