//! Takes jobs and runs into the Snapshot, and makes their figures and the views' last days of them.

use std::sync::Arc;

use super::Keeper;
use crate::domain::day::{Day, remember};
use crate::domain::freshness::Freshness;
use crate::domain::job::{History, Run, RunId};
use crate::domain::look::Refresher;
use crate::domain::server::Cron;
use crate::domain::stats::JobStats;
use crate::domain::time::Time;
use crate::watch::probe::{Answer, Catch, Probe};

impl Keeper {
    pub(super) fn fold_history(&mut self, answer: Answer, at: Time) {
        let mut history = self.snapshot.history.value().map(|h| (**h).clone()).unwrap_or_default();
        let above = match answer.probe {
            Probe::Runs(above) | Probe::Elsewhere(_, _, above) => above,
            _ => RunId(0),
        };
        let mut extension = None;
        let outcome = answer.measured(|catch| match catch {
            Catch::Jobs(jobs) => {
                (history.jobs, history.removed, history.routines) = (jobs.jobs, jobs.removed, jobs.routines);
                Some(history)
            }
            Catch::Runs(runs) => {
                merge(&mut history, runs, above);
                Some(history)
            }
            Catch::Elsewhere(found) => {
                extension = Some(found.extension);
                let jobs = found.jobs;
                (history.jobs, history.removed, history.routines) = (jobs.jobs, jobs.removed, jobs.routines);
                merge(&mut history, found.runs, above);
                Some(history)
            }
            _ => None,
        });
        if let (Some(extension), Some(server)) = (extension, &mut self.edit().server) {
            Arc::make_mut(server).cron = Cron::Present(extension);
        }
        let server = self.snapshot.server.as_ref();
        let unlogged = server.and_then(|s| s.cron.present()).is_some_and(|cron| cron.logs_runs == Some(false));
        let outcome = outcome.map(|m| m.map(|history| History { unlogged, ..history }));
        if let Ok(measured) = &outcome {
            self.last.newest_run = measured.value.runs.first().map_or(RunId(0), |r| r.id);
        }
        let outcome = outcome.map(|m| m.map(Arc::new));
        self.edit().history.finish(outcome, at);
        self.settle_names();
        self.figure_jobs(at, true);
    }

    /// Commands name views as they like: which one is meant depends on which there are.
    pub(super) fn settle_names(&mut self) {
        let snapshot = self.edit();
        let Some(measured) = &mut snapshot.history.last else { return };
        let homes = History::homes(snapshot.views.iter().map(|v| &v.view.name));
        // Most catalogs that are read have the same views as before, and a history that is shared is copied.
        if measured.value.homes != homes {
            Arc::make_mut(&mut measured.value).settle(homes);
        }
        self.find_refreshers();
    }

    /// Each view is looked at under the settings of whoever refreshes it: the roles of its active jobs, else its owner.
    fn find_refreshers(&mut self) {
        let Some(history) = self.snapshot.history.value().cloned() else { return };
        let cron = self.snapshot.server.as_ref().and_then(|s| s.cron.present());
        let may_be_hidden = cron.is_some_and(|cron| cron.row_security);
        for place in 0..self.snapshot.views.len() {
            let view = &self.snapshot.views[place].view;
            let mut jobs = Vec::new();
            for job in history.jobs_refreshing(&view.name).filter(|job| job.active) {
                if !jobs.contains(&job.username) {
                    jobs.push(job.username.clone());
                }
            }
            let refresher = Refresher { jobs, may_be_hidden };
            if view.refresher != refresher {
                let (oid, before) = (view.oid, view.clone());
                let state = Arc::make_mut(&mut self.edit().views[place]);
                Arc::make_mut(&mut state.view).refresher = refresher;
                let is_same = state.view.asks_the_same(&before);
                if !is_same {
                    self.forget_comparisons(oid);
                }
            }
        }
    }

    /// Makes the jobs' figures, when a run came (`is_new`) or another minute began.
    pub(super) fn figure_jobs(&mut self, at: Time, is_new: bool) {
        let minute = at.timestamp().div_euclid(60);
        if !is_new && minute == self.last.minute {
            return;
        }
        self.last.minute = minute;
        let snapshot = self.edit();
        let Some(server) = snapshot.server.as_ref() else { return };
        if let (Some(history), Some(cron)) = (snapshot.history.value(), server.cron.present()) {
            let mut jobs = JobStats::all(history, cron, at);
            if server.standby {
                // What has not arrived here yet may well have run.
                jobs.iter_mut().for_each(JobStats::forget_missing);
            }
            snapshot.jobs = Arc::new(jobs);
        }
        self.figure_days(at);
    }

    /// Makes each view's last day from the jobs' figures.
    pub(super) fn figure_days(&mut self, at: Time) {
        (0..self.snapshot.views.len()).for_each(|place| self.figure_day(place, at));
    }

    /// Makes one view's last day. A view whose day is the same is not touched, for the first touch copies it.
    pub(super) fn figure_day(&mut self, place: usize, at: Time) {
        let (view, history) = (&self.snapshot.views[place], self.snapshot.history.value().map(|h| &**h));
        let known = Freshness::of(view, history, &self.snapshot.jobs, at).refreshed.map(|r| r.at);
        if let Some(refreshed) = known.filter(|known| view.refreshes.last() != Some(known)) {
            remember(&mut Arc::make_mut(&mut self.edit().views[place]).refreshes, refreshed, at);
        }
        let view = &self.snapshot.views[place];
        let day = Day::of(&self.snapshot, view, at).map(Arc::new);
        if view.day != day {
            Arc::make_mut(&mut self.edit().views[place]).day = day;
        }
    }
}

/// Puts newly read runs in the place of those above `above`.
fn merge(history: &mut History, mut runs: Vec<Run>, above: RunId) {
    history.truncated |= runs.len() as i64 >= History::WINDOW;
    history.runs.retain(|r| r.id <= above);
    for run in &mut runs {
        // What a job ran last is mostly what it runs again, and then it is kept once.
        let before = history.runs.iter().find(|r| r.job == run.job).filter(|before| before.ran == run.ran);
        if let Some(before) = before {
            run.ran.clone_from(&before.ran);
        }
    }
    history.runs.splice(0..0, runs);
    if history.runs.len() as i64 > History::WINDOW {
        history.runs.truncate(History::WINDOW as usize);
        history.truncated = true;
    }
}
