//! What its job, or the lack of one, explains.

use super::runs::Kept;
use super::{Cause, CauseCode, Remedy, Scene, Severity};
use crate::domain::job::{History, Job, RemovedJob, RunStatus};
use crate::domain::rights::{hidden_jobs, no_jobs};
use crate::domain::server::{Cron, CronExtension};
use crate::domain::snapshot::ViewState;
use crate::domain::time::{Time, ago, clock};
use crate::domain::view::ViewName;

impl Scene<'_> {
    pub(super) fn schedule(&self, view: &ViewState, true_since: Option<Time>) -> Vec<Cause> {
        let Some(server) = &self.snapshot.server else { return Vec::new() };
        let (cron, history) = match (&server.cron, self.history) {
            (Cron::Present(cron), Some(history)) => (cron, history),
            (Cron::Present(_), None) => return Vec::new(),
            _ if view.rules.elsewhere => return Vec::new(),
            (without, _) => return no_jobs(self.snapshot).map(|text| no_cron(without, text)).into_iter().collect(),
        };
        let jobs: Vec<&Job> = history.jobs_refreshing(&view.view.name).collect();
        // Something outside refreshes it: only a job that is here and in trouble says anything.
        if jobs.is_empty() && view.rules.elsewhere {
            return Vec::new();
        }
        let mut causes = if jobs.is_empty() {
            vec![self.unscheduled(view, history, cron)]
        } else {
            self.troubles(&jobs, Kept { view, history, true_since })
        };
        let is_needed = jobs.iter().any(|j| j.active);
        if is_needed && history.unlogged {
            let text = "cron.log_run is off: no run is recorded, so whether its job's runs come is not known.";
            causes.push(Cause::note(CauseCode::HistoryNotVisible, None, text));
        }
        if is_needed && let Some(cause) = self.launcher(cron, history).filter(|_| !server.standby) {
            // It is why they are missing.
            causes.retain(|c| c.code != CauseCode::RunsMissing);
            causes.push(cause);
        }
        causes
    }

    /// Why no job refreshes it, as far as that can be seen.
    fn unscheduled(&self, view: &ViewState, history: &History, cron: &CronExtension) -> Cause {
        let name = &view.view.name;
        let elsewhere = history.jobs_naming(&name.name).find(|(job, named)| !job.here && *named == name);
        if let Some((job, _)) = elsewhere {
            let text = format!("Its job {} runs in the database {}, not in this one.", job.title(), job.database);
            return Cause::grave(CauseCode::JobInOtherDatabase, Remedy::FixJob, text).about(job);
        }
        let is_view = |other: &ViewName| self.snapshot.views.iter().any(|v| v.view.name == *other);
        let mut namesakes = history.jobs_naming(&name.name).filter(|(job, other)| job.here && *other != name);
        let namesake = namesakes.find(|(_, other)| is_view(other));
        if let Some((job, other)) = namesake {
            let text = format!("The job {} refreshes {other}, another view of the same name.", job.title());
            return Cause::grave(CauseCode::JobRefreshesOtherView, Remedy::FixJob, text).about(job);
        }
        let good = |job: &RemovedJob| {
            let own = history.runs_refreshing(name).filter(|r| r.job == job.id && r.status == RunStatus::Succeeded);
            own.filter_map(|r| r.start).max()
        };
        let removed = history.removed.iter().filter(|j| history.was_to_refresh(j, name));
        if let Some((last, job)) = removed.map(|job| (good(job), job)).max_by_key(|(last, job)| (*last, job.id)) {
            let id = job.id.0;
            let text = match last {
                Some(last) => format!("Job {id} refreshed it last {} ago and no longer exists.", ago(last, self.now)),
                None => format!("Job {id} was to refresh it and no longer exists; no good run of it is known."),
            };
            return Cause::grave(CauseCode::JobRemoved, Remedy::Schedule, text);
        }
        let hidden = self.snapshot.server.as_deref().and_then(hidden_jobs).filter(|_| cron.row_security);
        if let Some(hidden) = hidden {
            let text = format!("No job that is visible refreshes it; {hidden}");
            return Cause::note(CauseCode::HistoryNotVisible, Remedy::Grant, text);
        }
        if let Some(job) = history.job_of_hidden_names() {
            let text = format!(
                "The job {} makes the names of what it refreshes as it runs: whether this view is among them is not seen.",
                job.title()
            );
            return Cause::new(CauseCode::HistoryNotVisible, Severity::Warning, None, text).about(job);
        }
        Cause::grave(CauseCode::NeverScheduled, Remedy::Schedule, "No cron job refreshes it.")
    }

    /// What stops every job.
    fn launcher(&self, cron: &CronExtension, history: &History) -> Option<Cause> {
        if cron.preloaded == Some(false) {
            let text = "pg_cron is installed but not in shared_preload_libraries, so no job runs.";
            return Some(Cause::grave(CauseCode::CronNotPreloaded, Remedy::PreloadCron, text));
        }
        if let Some(job) = history.ownerless() {
            let text = format!(
                "The job {} belongs to the role {}, which no longer exists: pg_cron stops at it, so no job runs.",
                job.title(),
                job.username
            );
            return Some(Cause::grave(CauseCode::JobOfDroppedRole, Remedy::RemoveJob, text).about(job));
        }
        if cron.launches == Some(false) {
            let text = "cron.launch_active_jobs is off, so no job runs.";
            return Some(Cause::grave(CauseCode::LauncherOff, Remedy::LaunchJobs, text));
        }
        if self.snapshot.launcher != Some(false) {
            return None;
        }
        let last = history.runs.iter().filter_map(|r| r.start).max();
        let last = last.map_or(String::new(), |l| format!(" since {}", clock(l, self.now)));
        let text = format!("pg_cron's launcher does not run, so no job has run{last}; it logs nothing.");
        Some(Cause::grave(CauseCode::LauncherDead, Remedy::RestartLauncher, text))
    }
}

fn no_cron(cron: &Cron, text: String) -> Cause {
    match cron {
        Cron::NotLoaded => Cause::grave(CauseCode::CronNotPreloaded, Remedy::PreloadCron, text),
        Cron::Absent | Cron::NotCreated => Cause::grave(CauseCode::CronMissing, Remedy::InstallCron, text),
        _ => Cause::note(CauseCode::CronNotVisible, Remedy::Grant, text),
    }
}
