//! Which of the jobs that refresh a view is worth setting right, and which of them no schedule mends.

use std::cmp::Reverse;

use super::needs::{job_needs, may_alter};
use super::{Facts, Need};
use crate::domain::diagnosis::Failure;
use crate::domain::job::{Job, Run, RunStatus};
use crate::domain::snapshot::Snapshot;
use crate::domain::view::View;

/// Why a job's last run that ended failed, if it did.
pub fn job_failure(snapshot: &Snapshot, job: &Job) -> Option<Failure> {
    // Where runs are not recorded any more, the last recorded one need not be the last.
    let history = snapshot.history.value().filter(|h| !h.unlogged)?;
    let run = history.runs_of(job.id).find(|r| !r.status.is_open()).filter(|r| r.status == RunStatus::Failed)?;
    Some(Failure::of(run.message.as_deref().unwrap_or_default()))
}

/// Is a run of it known that went well?
fn has_succeeded(snapshot: &Snapshot, job: &Job) -> bool {
    snapshot.history.value().is_some_and(|h| h.runs_of(job.id).any(|r| r.status == RunStatus::Succeeded))
}

/// So many runs in a row that were never answered are no server without room for a moment.
const UNANSWERED: usize = 3;

/// Can it not get to where it runs? A connection that is refused says so; one that is never answered may have met a server
/// without room, unless that is how the last runs all ended.
fn is_cut_off(snapshot: &Snapshot, job: &Job) -> bool {
    let Some(history) = snapshot.history.value().filter(|h| !h.unlogged) else { return false };
    let ended = history.runs_of(job.id).filter(|r| !r.status.is_open()).take(UNANSWERED);
    let failure = |run: &Run| {
        let failed = run.status == RunStatus::Failed;
        failed.then(|| Failure::of(run.message.as_deref().unwrap_or_default()))
    };
    let last: Vec<Option<Failure>> = ended.map(failure).collect();
    let is_unanswered = !last.is_empty() && last.iter().all(|f| *f == Some(Failure::StartupTimeout));
    is_unanswered || last.first() == Some(&Some(Failure::Connection))
}

/// The job of this role that refreshes the view and can be set right instead of making a second one: of several the one
/// that works, is active, and lets readers go on. Where one connects to (`nodename`) no function of pg_cron changes, so one
/// that cannot is none.
pub fn job_to_set_right<'a>(snapshot: &'a Snapshot, view: &'a View) -> Option<&'a Job> {
    let server = snapshot.server.as_deref()?;
    let history = snapshot.history.value()?;
    let is_own = |j: &&Job| j.username == server.user && j.database == server.database;
    let jobs = history.jobs_refreshing(&view.name).filter(is_own).filter(|j| !is_cut_off(snapshot, j));
    // The first of equals: ids rise.
    jobs.max_by_key(|j| {
        let lets_read = history.lets_read(j, &view.name) == Some(true);
        (job_failure(snapshot, j).is_none(), j.active, lets_read, Reverse(j.id))
    })
}

/// The active jobs that would refresh the view and fail at each run for a reason that neither a schedule nor a second job
/// takes away, each with that reason.
pub fn broken_jobs<'a>(snapshot: &'a Snapshot, view: &'a View) -> Vec<(&'a Job, String)> {
    let naming = snapshot.history.value().into_iter().flat_map(|h| h.jobs_naming(&view.name.name));
    let jobs = naming.filter(|(job, name)| job.active && job.owner_exists && **name == view.name);
    let mut last = None;
    // One that refreshes it in two ways is named twice.
    let jobs = jobs.filter(|(job, _)| last.replace(job.id) != Some(job.id));
    jobs.filter_map(|(job, _)| Some((job, broken(snapshot, job)?))).collect()
}

fn broken(snapshot: &Snapshot, job: &Job) -> Option<String> {
    if !job.here {
        let text = format!("runs in the database {}, where no run of it is known to have succeeded", job.database);
        // That none is known to have failed either says nothing: its database may have a view of that name, too.
        return (job_failure(snapshot, job).is_some() && !has_succeeded(snapshot, job)).then_some(text);
    }
    Some(match job_failure(snapshot, job)? {
        _ if is_cut_off(snapshot, job) => "cannot connect to where it runs".into(),
        Failure::NotOwner => format!("fails, for {} may not refresh it", job.username),
        Failure::Timeout => format!("runs into the statement_timeout of {}", job.username),
        _ => return None,
    })
}

/// What keeps every job from running, as it reads after "it needs".
pub fn stopped(snapshot: &Snapshot) -> Option<String> {
    let server = snapshot.server.as_deref().filter(|s| !s.standby)?;
    let cron = server.cron.present()?;
    if cron.preloaded == Some(false) {
        return Some("pg_cron in shared_preload_libraries, and a restart: until then no job runs".into());
    }
    if let Some(job) = snapshot.history.value().and_then(|h| h.ownerless()) {
        return Some(format!("the job {} removed: its role is gone, and pg_cron stops at it", job.title()));
    }
    if cron.launches == Some(false) {
        return Some("cron.launch_active_jobs = on: until then no job runs".into());
    }
    let is_dead = snapshot.launcher == Some(false);
    is_dead.then(|| "a restart of the server: pg_cron's launcher does not run, so no job does".into())
}

/// That a job is as it would be made, so that nothing would be done.
pub fn unchanged(job: &Job, schedule: &str) -> Option<Need> {
    let is_so = job.active && job.schedule == schedule;
    is_so.then(|| Need::Already(format!("{} is active with this schedule", job.title())))
}

/// The paused job that would keep the view true again, where no other does and this role may let it go on.
pub fn job_to_resume<'a>(snapshot: &'a Snapshot, view: &'a View, facts: &Facts) -> Option<&'a Job> {
    let history = snapshot.history.value()?;
    let server = snapshot.server.as_deref();
    let can_alter = facts.rights.can_alter_job || server.is_some_and(|s| s.cron.other_database().is_some());
    let is_kept = history.jobs_refreshing(&view.name).any(|j| j.active && broken(snapshot, j).is_none());
    if is_kept || !can_alter || stopped(snapshot).is_some() {
        return None;
    }
    history.jobs_refreshing(&view.name).find(|j| {
        let works = j.owner_exists && broken(snapshot, j).is_none();
        !j.active && works && may_alter(server, j) && job_needs(snapshot, view, facts, j).is_none()
    })
}
