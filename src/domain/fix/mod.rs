//! What can be done about a view that is not true: the four options of the incident document and the small repairs,
//! what each costs on this database, and the exact SQL that does it.
//!
//! Pure: [`Facts`] are read by a probe, [`price`] weighs them, and `pg::fix` writes the [`Plan`].

mod best;
pub mod code;
mod facts;
pub mod jobs;
mod need;
pub mod needs;
pub mod offer;
pub mod price;
mod proof;
mod way_back;

use super::job::JobId;
use super::text::make_visible;
use super::view::Oid;

pub use best::Best;
pub use facts::{BaseTable, Dashboard, Facts, Follower, Former, Pieces, Rights, Timing};
pub use need::Need;
pub use offer::{Choice, Offer};
pub use price::{Advice, advise};
pub use proof::{Proof, Since};
pub use way_back::{Grant, WayBack};

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Refresh the view once, now.
    Refresh,
    /// A cron job that refreshes it; one that this role already has is set right instead of doubled.
    CronInstall {
        /// In pg_cron's own dialect.
        schedule: String,
    },
    /// Pause a job.
    CronPause(JobId),
    /// Let a paused job go on.
    CronResume(JobId),
    /// Give a job another schedule.
    CronReschedule(JobId, String),
    /// Run a job's command now, ourselves: pg_cron has no function for it.
    CronRunNow(JobId),
    /// Remove a job.
    CronRemove(JobId),
    /// Make a job again what it was before it was set right.
    CronRestore(Former),
    /// Refresh after each statement that writes to a base table.
    TriggersInstall,
    /// Take those triggers away.
    TriggersRemove,
    /// Replace the materialized view by a plain one.
    PlainView,
    /// The way back: make a plain view materialized again.
    Materialize,
    /// The unique index that CONCURRENTLY needs, on these columns.
    CreateUnique(Vec<String>),
    /// Take that index away again.
    DropUnique,
    /// Delete run history older than this many days, in small batches.
    PurgeRuns {
        /// Days to keep.
        days: u32,
    },
    /// Cancel the statement of a backend that a refresh waits for.
    Cancel(i32),
    /// End the session of a backend that a refresh waits for.
    Terminate(i32),
}

/// What is done, exactly, and what it means: shown before anybody says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it does.
    pub fix: Fix,
    /// The view it is about; none for a repair of the history or a session.
    pub view: Option<Oid>,
    /// What it is about, as people say it.
    pub name: String,
    /// The question, e.g. `Schedule mv every 5 minutes?`.
    pub title: String,
    /// The button's word.
    pub deed: &'static str,
    /// The exact statements, in order: one transaction unless that is impossible, before it perhaps a trial that is rolled back.
    pub statements: Vec<String>,
    /// The places of those statements that change nothing, but fail if what was shown is not so any more.
    pub guards: Vec<usize>,
    /// Where they run, if not in the connection's own database.
    pub database: Option<String>,
    /// Run them again until the one that changes rows changes none.
    pub batches: bool,
    /// Does it refresh the view? Then it is compared again, and before → after is told.
    pub refreshes: bool,
    /// Whom it makes wait.
    pub impact: String,
    /// Does it make people wait or take something away?
    pub grave: bool,
    /// What stands in the way; with anything here it is not done.
    pub needs: Vec<Need>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// How it is undone; `None`: it cannot be.
    pub undo: Option<String>,
    /// What the job was that this sets right.
    pub former: Option<Former>,
    /// What must be there afterwards. It is looked at, because `alter_job` returns without error on a standby and
    /// `schedule` leaves a paused job paused.
    pub proof: Option<Proof>,
}

impl Plan {
    /// Is all as it would make it, so that there is nothing to do?
    pub fn is_done_already(&self) -> bool {
        !self.needs.is_empty() && self.needs.iter().all(Need::is_already)
    }

    /// Is it one transaction, so that an early end leaves nothing of it?
    pub fn is_whole(&self) -> bool {
        !self.batches && self.statements.len() != 1
    }

    /// Makes visible, in all that is only read, what a terminal would obey; the statements stay exact.
    #[must_use]
    pub fn shown(mut self) -> Plan {
        let texts = [&mut self.name, &mut self.title, &mut self.impact].into_iter();
        make_visible(texts.chain(Need::texts(&mut self.needs)).chain(&mut self.notes).chain(&mut self.undo));
        self
    }

    /// The statements as they are read before a yes: each guard as one line, for what it does is to fail.
    pub fn sql_to_read(&self) -> String {
        let line = |(place, statement): (usize, &String)| match self.guards.contains(&place) {
            true => "-- fails unless it is still as shown here (--dry-run prints this check)\n".to_string(),
            false => format!("{statement};\n"),
        };
        self.statements.iter().enumerate().map(line).collect()
    }

    /// The statements as a script.
    pub fn sql(&self) -> String {
        self.statements.iter().map(|s| format!("{s};\n")).collect()
    }
}
