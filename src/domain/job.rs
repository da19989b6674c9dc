//! pg_cron's jobs and their runs.

mod command;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use self::command::{Homes, command_refreshes};
use self::command::{refreshed_names, refreshed_views};
use super::time::Time;
use super::view::ViewName;

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
    /// The bodies of the functions and procedures in its command that refresh something.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// A job that is gone, known from the runs it left behind: pg_cron keeps those for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RemovedJob {
    /// Its id.
    pub id: JobId,
    /// The SQL its last run executed.
    pub command: String,
    /// Did that run in the database that is looked at?
    pub here: bool,
    /// When it began.
    pub last: Option<Time>,
}

impl Job {
    /// Its name, else its command.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.command)
    }

    /// Is it one REFRESH and nothing else? What it calls may do more.
    pub fn only_refreshes(&self) -> bool {
        let statements = self.command.split(';').filter(|s| !s.trim().is_empty()).count();
        statements == 1 && refreshed_names(&self.command).len() == 1
    }

    /// Does its command let readers go on?
    pub fn is_concurrent(&self) -> bool {
        self.command.to_lowercase().contains("concurrently")
    }

    /// What it runs: its command, and the bodies of what that calls.
    fn statements(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.command).chain(&self.calls).map(String::as_str)
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
}

impl Run {
    /// How long it ran, if it ran and ended.
    pub fn duration(&self) -> Option<chrono::TimeDelta> {
        Some(self.end? - self.start?)
    }
}

/// The jobs and the newest runs that this role may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// All jobs, by id.
    pub jobs: Vec<Job>,
    /// The jobs that left runs among the newest and exist no more, by id.
    pub removed: Vec<RemovedJob>,
    /// The newest runs, newest first, at most [`History::WINDOW`].
    pub runs: Vec<Run>,
    /// Where views are that a command may name without a schema; see [`History::homes`].
    pub homes: Homes,
    /// Was the window full, so that older runs exist which were not read?
    pub truncated: bool,
    /// Where what is; made when first asked for.
    pub index: Index,
}

/// Finds a history's runs and refreshing jobs without reading all of it again: with hundreds of jobs, every view would
/// read every command and every job every run. A copy makes its own, for it may be changed first.
#[derive(Debug, Default)]
pub struct Index(OnceLock<Places>);

#[derive(Debug, Default)]
struct Places {
    runs: HashMap<JobId, Vec<usize>>,
    /// By a view's bare name, the jobs whose commands refresh one of that name, each with which.
    refreshers: HashMap<String, Vec<(usize, ViewName)>>,
    ownerless: Option<usize>,
}

impl Clone for Index {
    fn clone(&self) -> Index {
        Index::default()
    }
}

impl PartialEq for Index {
    fn eq(&self, _: &Index) -> bool {
        true
    }
}

impl Eq for Index {}

impl Places {
    fn of(history: &History) -> Places {
        let ownerless = history.jobs.iter().position(|job| !job.owner_exists);
        let mut places = Places { ownerless, ..Places::default() };
        for (place, run) in history.runs.iter().enumerate() {
            places.runs.entry(run.job).or_default().push(place);
        }
        for (place, job) in history.jobs.iter().enumerate() {
            for view in job.statements().flat_map(|sql| refreshed_views(sql, &history.homes)) {
                let named = places.refreshers.entry(view.name.clone()).or_default();
                if named.last().is_none_or(|last| *last != (place, view.clone())) {
                    named.push((place, view));
                }
            }
        }
        places
    }
}

impl History {
    /// How many of the newest runs are read.
    ///
    /// A bound by runid keeps the query at a few buffers however long the history is; by start_time it reads all.
    pub const WINDOW: i64 = 5_000;

    /// The job with this id.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.iter().find(|j| j.id == id)
    }

    /// The runs of a job, newest first.
    pub fn runs_of(&self, id: JobId) -> impl Iterator<Item = &Run> {
        self.places().runs.get(&id).into_iter().flatten().map(|&place| &self.runs[place])
    }

    /// When each of [`History::runs`] began, as nearly as can be said: one that never began has a NULL start, and is
    /// then as old as the newest run before it. `None`: nothing older is known.
    pub fn times(&self) -> Vec<Option<Time>> {
        let mut last = None;
        let mut times: Vec<Option<Time>> = self
            .runs
            .iter()
            .rev()
            .map(|r| {
                last = r.start.or(last);
                last
            })
            .collect();
        times.reverse();
        times
    }

    /// Takes in which views there are, so that a bare name in a command finds the only view of that name.
    pub fn settle(&mut self, homes: Homes) {
        (self.homes, self.index) = (homes, Index::default());
    }

    /// Where each view is whose bare name no other has.
    pub fn homes<'a>(views: impl Iterator<Item = &'a ViewName>) -> Homes {
        let mut schemas: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        views.for_each(|view| schemas.entry(&view.name).or_default().push(&view.schema));
        let only = |(name, schemas): (&str, Vec<&str>)| match schemas[..] {
            [schema] => Some((name.to_string(), schema.to_string())),
            _ => None,
        };
        schemas.into_iter().filter_map(only).collect()
    }

    /// Does this command refresh the view?
    pub fn refreshes(&self, command: &str, view: &ViewName) -> bool {
        refreshed_views(command, &self.homes).any(|name| name == *view)
    }

    /// Does this job refresh the view, in the database that is looked at?
    pub fn job_refreshes(&self, job: &Job, view: &ViewName) -> bool {
        self.jobs_refreshing(view).any(|j| j.id == job.id)
    }

    /// The jobs that refresh a view.
    pub fn jobs_refreshing<'a>(&'a self, view: &'a ViewName) -> impl Iterator<Item = &'a Job> {
        let named = self.jobs_naming(&view.name).filter(move |(job, name)| job.here && *name == view);
        named.map(|(job, _)| job)
    }

    /// The jobs, of whichever database, whose commands refresh a view of this bare name, each with which.
    pub fn jobs_naming(&self, name: &str) -> impl Iterator<Item = (&Job, &ViewName)> {
        self.places().refreshers.get(name).into_iter().flatten().map(|(place, name)| (&self.jobs[*place], name))
    }

    /// A job whose role does not exist any more.
    pub fn ownerless(&self) -> Option<&Job> {
        self.places().ownerless.map(|place| &self.jobs[place])
    }

    fn places(&self) -> &Places {
        self.index.0.get_or_init(|| Places::of(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(command: &str, calls: &[&str]) -> Job {
        Job {
            id: JobId(1),
            name: None,
            schedule: "* * * * *".into(),
            command: command.into(),
            database: "crm".into(),
            username: "postgres".into(),
            active: true,
            here: true,
            owner_exists: true,
            changed_after: None,
            calls: calls.iter().map(|body| body.to_string()).collect(),
        }
    }

    fn refreshes(command: &str, schema: &str, name: &str) -> bool {
        let job = job(command, &[]);
        History { jobs: vec![job.clone()], ..History::default() }
            .job_refreshes(&job, &ViewName { schema: schema.into(), name: name.into() })
    }

    fn named(name: &str) -> ViewName {
        let (schema, name) = name.split_once('.').unwrap();
        ViewName { schema: schema.into(), name: name.into() }
    }

    #[test]
    fn a_bare_name_is_the_only_view_of_that_name_and_in_public_where_there_are_more() {
        let mut history = History::default();
        let command = "REFRESH MATERIALIZED VIEW mv";
        history.settle(History::homes([named("ventas.mv")].iter()));
        assert!(history.refreshes(command, &named("ventas.mv")));
        history.settle(History::homes([named("ventas.mv"), named("public.mv")].iter()));
        assert!(!history.refreshes(command, &named("ventas.mv")) && history.refreshes(command, &named("public.mv")));
    }

    #[test]
    fn what_a_command_calls_may_be_what_refreshes() {
        let body = "BEGIN PERFORM 1; REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv; END";
        let history = History { jobs: vec![job("CALL refresca()", &[body])], ..History::default() };
        assert_eq!(history.jobs_refreshing(&named("ventas.mv")).count(), 1);
    }

    #[test]
    fn a_job_refreshes_the_view_its_command_names_however_it_is_written() {
        for command in [
            "REFRESH MATERIALIZED VIEW CONCURRENTLY mv",
            "refresh  materialized\nview public.mv;",
            "SELECT 1; REFRESH MATERIALIZED VIEW \"public\".\"mv\" WITH DATA",
            "/* nightly */ REFRESH MATERIALIZED VIEW MV -- now",
        ] {
            assert!(refreshes(command, "public", "mv"), "{command}");
        }
    }

    #[test]
    fn a_job_does_not_refresh_a_view_with_a_similar_name_or_one_only_mentioned() {
        for command in [
            "REFRESH MATERIALIZED VIEW mv2",
            "REFRESH MATERIALIZED VIEW otro.mv",
            "REFRESH MATERIALIZED VIEW \"MV\"",
            "SELECT 'REFRESH MATERIALIZED VIEW mv'",
            "-- REFRESH MATERIALIZED VIEW mv\nSELECT 1",
            "REFRESH MATERIALIZED VIEW",
            "REFRESH MATERIALIZED VIEW mv WITH NO DATA",
        ] {
            assert!(!refreshes(command, "public", "mv"), "{command}");
        }
        assert!(refreshes("refresh materialized view \"Año \"\"x\"\"\".v", "Año \"x\"", "v"));
    }
}
