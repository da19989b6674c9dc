//! The jobs and the newest runs together, and which of them refresh a view.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::command::{Homes, refreshed_views};
use super::{Job, JobId, RemovedJob, Run};
use crate::domain::time::Time;
use crate::domain::view::ViewName;

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
