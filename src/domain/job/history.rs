//! The jobs and the newest runs together, and which of them refresh a view.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::command::{Homes, Reader, Refresh, Routine};
use super::path::SearchPath;
use super::{Job, JobId, Ran, RemovedJob, Run};
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
    /// The routines, in the database that is looked at, that refresh something when a command calls them.
    pub routines: Vec<Routine>,
    /// Where views are that a command may name without a schema; see [`History::homes`].
    pub homes: Homes,
    /// Was the window full, so that older runs exist which were not read?
    pub truncated: bool,
    /// Is no run recorded any more (`cron.log_run` is off)? Then there may have been newer ones.
    pub unlogged: bool,
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
    refreshers: HashMap<String, Vec<(usize, Refresh)>>,
    /// The runs of one job with one command.
    alike: Vec<Vec<usize>>,
    /// By a view, the places among these of those that refreshed it.
    refreshed: HashMap<ViewName, Vec<usize>>,
    ownerless: Option<usize>,
    /// An active job that makes the names of what it refreshes as it runs.
    hides_names: Option<usize>,
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
        let hides = |job: &Job| job.active && job.here && history.reader(true).hides_names(&job.command, &job.path());
        let hides_names = history.jobs.iter().position(hides);
        let mut places = Places { ownerless, hides_names, ..Places::default() };
        for (place, run) in history.runs.iter().enumerate() {
            places.runs.entry(run.job).or_default().push(place);
        }
        places.sort_runs(history);
        for (place, job) in history.jobs.iter().enumerate() {
            for refresh in history.reader(job.here).refreshes(&job.command, job.path()) {
                let named = places.refreshers.entry(refresh.view.name.clone()).or_default();
                if !named.iter().rev().take_while(|(of, _)| *of == place).any(|(_, known)| *known == refresh) {
                    named.push((place, refresh));
                }
            }
        }
        places
    }

    /// Sorts the runs by what they ran, and that by what it refreshes.
    fn sort_runs(&mut self, history: &History) {
        let jobs: HashMap<JobId, &Job> = history.jobs.iter().map(|job| (job.id, job)).collect();
        let mut known: HashMap<(JobId, Option<*const Ran>), usize> = HashMap::new();
        for (place, run) in history.runs.iter().enumerate() {
            let kind = *known.entry((run.job, run.ran.as_ref().map(Arc::as_ptr))).or_insert_with(|| {
                self.alike.push(Vec::new());
                let kind = self.alike.len() - 1;
                for view in history.views_of(run, jobs.get(&run.job).copied()) {
                    let kinds = self.refreshed.entry(view).or_default();
                    if kinds.last() != Some(&kind) {
                        kinds.push(kind);
                    }
                }
                kind
            });
            self.alike[kind].push(place);
        }
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

    /// The runs whose own command refreshes the view, of each job the newest first: a job may have done something else before
    /// it was changed.
    pub fn runs_refreshing(&self, view: &ViewName) -> impl Iterator<Item = &Run> {
        let places = self.places();
        let kinds = places.refreshed.get(view).into_iter().flatten();
        kinds.flat_map(|&kind| &places.alike[kind]).map(|&place| &self.runs[place])
    }

    /// The views that a run of this job refreshed if it succeeded.
    fn views_of(&self, run: &Run, job: Option<&Job>) -> Vec<ViewName> {
        let gone = || self.removed.iter().find(|gone| gone.id == run.job);
        let now = || match job {
            Some(job) => Some((job.command.as_str(), job.here)),
            None => gone().map(|gone| (gone.command.as_str(), gone.here)),
        };
        let ran = run.ran.as_ref().map(|ran| (ran.command.as_str(), ran.here));
        let Some((command, true)) = ran.or_else(now) else { return Vec::new() };
        let path = match job {
            Some(job) => job.path(),
            None => gone().map_or(SearchPath::of(None, ""), RemovedJob::path),
        };
        self.reader(true).refreshes(command, path).into_iter().map(|refresh| refresh.view).collect()
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

    /// Takes in which views there are, so that a bare name in a command finds its view.
    pub fn settle(&mut self, homes: Homes) {
        (self.homes, self.index) = (homes, Index::default());
    }

    /// In which schemas the views of each bare name are.
    pub fn homes<'a>(views: impl Iterator<Item = &'a ViewName>) -> Homes {
        let mut schemas = Homes::new();
        views.for_each(|view| schemas.entry(view.name.clone()).or_default().push(view.schema.clone()));
        schemas
    }

    /// Was this job to refresh the view, in the database that is looked at?
    pub fn was_to_refresh(&self, gone: &RemovedJob, view: &ViewName) -> bool {
        gone.here && self.reader(true).refreshes(&gone.command, gone.path()).iter().any(|refresh| refresh.view == *view)
    }

    /// What is known of the database in which a command runs: of another one no routine is.
    fn reader(&self, here: bool) -> Reader<'_> {
        Reader { homes: &self.homes, routines: if here { &self.routines } else { &[] } }
    }

    /// Does this job refresh the view, in the database that is looked at?
    pub fn job_refreshes(&self, job: &Job, view: &ViewName) -> bool {
        self.jobs_refreshing(view).any(|j| j.id == job.id)
    }

    /// The jobs that refresh a view.
    pub fn jobs_refreshing<'a>(&'a self, view: &'a ViewName) -> impl Iterator<Item = &'a Job> {
        let named = self.jobs_naming(&view.name).filter(move |(job, name)| job.here && *name == view);
        let mut last = None;
        named.map(|(job, _)| job).filter(move |job| last.replace(job.id) != Some(job.id))
    }

    /// The jobs, of whichever database, whose commands refresh a view of this bare name, each with which.
    pub fn jobs_naming(&self, name: &str) -> impl Iterator<Item = (&Job, &ViewName)> {
        let named = self.places().refreshers.get(name).into_iter().flatten();
        named.map(|(place, refresh)| (&self.jobs[*place], &refresh.view))
    }

    /// An active job of which is not seen what it refreshes, for it makes the names as it runs.
    pub fn job_of_hidden_names(&self) -> Option<&Job> {
        self.places().hides_names.map(|place| &self.jobs[place])
    }

    /// How a job's runs refresh the view, each time that they do: with CONCURRENTLY? What it calls is read, too.
    pub fn modes<'a>(&'a self, job: &'a Job, view: &'a ViewName) -> impl Iterator<Item = bool> {
        self.refreshes_by(job, view).map(|refresh| refresh.concurrently)
    }

    /// Do a job's runs let readers go on: those of the view, or else of whatever it refreshes? `None`: it is not told, for
    /// nothing is seen that it refreshes.
    pub fn lets_read(&self, job: &Job, view: &ViewName) -> Option<bool> {
        let both = |a, b| a && b;
        let all = || self.reader(job.here).refreshes(&job.command, job.path()).into_iter().map(|r| r.concurrently);
        self.modes(job, view).reduce(both).or_else(|| all().reduce(both))
    }

    /// By whose rights a job refreshes the view, where those are not its own: the owners of the SECURITY DEFINER routines
    /// in which it does.
    pub fn definers<'a>(&'a self, job: &'a Job, view: &'a ViewName) -> impl Iterator<Item = &'a str> {
        self.refreshes_by(job, view).filter_map(|refresh| refresh.definer.as_deref())
    }

    fn refreshes_by<'a>(&'a self, job: &'a Job, view: &'a ViewName) -> impl Iterator<Item = &'a Refresh> {
        let named = self.places().refreshers.get(&view.name).into_iter().flatten();
        let own = named.filter(|(place, refresh)| self.jobs[*place].id == job.id && refresh.view == *view);
        own.map(|(_, refresh)| refresh)
    }

    /// A job whose role does not exist any more.
    pub fn ownerless(&self) -> Option<&Job> {
        self.places().ownerless.map(|place| &self.jobs[place])
    }

    fn places(&self) -> &Places {
        self.index.0.get_or_init(|| Places::of(self))
    }
}
