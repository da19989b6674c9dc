//! What is wrong with a view's jobs and their runs.

use chrono::TimeDelta;

use super::failure::{Failure, headline};
use super::{Cause, CauseCode, Remedy, Scene, Severity};
use crate::domain::job::{History, Job, Run, RunStatus};
use crate::domain::snapshot::ViewState;
use crate::domain::stats::JobStats;
use crate::domain::time::{Time, ago, clock, human};

/// How long pg_cron waits for a run to start (10 s), and a little more.
const STARTS_WITHIN: TimeDelta = TimeDelta::seconds(12);

/// How long after a start of the server pg_cron's launcher may need.
const LAUNCHER_STARTS_WITHIN: TimeDelta = TimeDelta::seconds(5);

/// How far back the last fire time of a schedule is looked for.
const LAST_FIRES: TimeDelta = TimeDelta::minutes(1);

/// A view whose jobs are looked at.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub view: &'a ViewState,
    pub history: &'a History,
    /// When it was refreshed, if nothing has differed since.
    pub true_since: Option<Time>,
}

/// A cause and when it came, if that is known.
type Trouble = (Cause, Option<Time>);

impl Scene<'_> {
    /// What is wrong with its jobs. One that works is enough: then the others' troubles are only worth saying.
    pub(super) fn troubles(&self, jobs: &[&Job], kept: Kept) -> Vec<Cause> {
        let of_job = |job: &&Job| self.job_troubles(job, kept).into_iter().map(|cause| cause.about(job)).collect();
        let each: Vec<Vec<Cause>> = jobs.iter().map(of_job).collect();
        let one_works = each.iter().any(|causes| causes.iter().all(|c| c.severity == Severity::Note));
        let mut causes: Vec<Cause> = each.into_iter().flatten().collect();
        if one_works {
            causes.iter_mut().for_each(|c| c.severity = Severity::Note);
        }
        causes
    }

    fn job_troubles(&self, job: &Job, kept: Kept) -> Vec<Cause> {
        let history = kept.history;
        let Some(stats) = JobStats::find(self.jobs, job.id) else { return Vec::new() };
        if let Some(cause) = cannot_fire(job, stats) {
            return vec![cause];
        }
        let is_standby = self.snapshot.server.as_ref().is_some_and(|s| s.standby);
        // Where runs are not recorded any more, the last recorded one need not be the last.
        let is_logged = !history.unlogged;
        let troubles = [
            self.last_failure(job, kept.view, history).filter(|_| is_logged),
            self.stuck(job, stats, history).filter(|_| is_logged),
            self.missing(job, stats, history).filter(|_| !is_standby),
            too_slow(job, stats).map(|cause| (cause, None)),
        ];
        let is_mended = |at: Option<Time>| at.is_some_and(|at| kept.true_since > Some(at));
        let told = |(cause, at)| if is_mended(at) { self.mended(cause, stats) } else { cause };
        troubles.into_iter().flatten().map(told).collect()
    }

    /// What to say where the view was refreshed since and is true: a refresh is not asked for again.
    fn mended(&self, cause: Cause, stats: &JobStats) -> Cause {
        let is_missing = cause.code == CauseCode::RunsMissing;
        match (cause.remedy, stats.next) {
            (Some(Remedy::Refresh), _) if is_missing => Cause { remedy: Some(Remedy::SearchLog), ..cause },
            (Some(Remedy::Refresh), Some(next)) => {
                let due = human((next - self.now).max(TimeDelta::zero()));
                let text = format!("{} It was refreshed since; the next run is due in {due}.", cause.text);
                Cause { remedy: Some(Remedy::Wait), text, ..cause }
            }
            _ => cause,
        }
    }

    fn last_failure(&self, job: &Job, view: &ViewState, history: &History) -> Option<Trouble> {
        let run = history.runs_of(job.id).find(|r| !r.status.is_open())?;
        if run.status != RunStatus::Failed {
            return None;
        }
        let message = run.message.as_deref().unwrap_or("no message");
        let when = run.start.map_or(String::new(), |s| format!(" {} ago", ago(s, self.now)));
        let (failure, remedy, meaning) = reading_right(message, view).unwrap_or_else(|| {
            let failure = Failure::of(message);
            (failure, failure.remedy(), failure.meaning().map(Into::into))
        });
        let meaning = meaning.map_or(String::new(), |m| format!("; {m}"));
        let text = format!("The last run of {} failed{when}: {}{meaning}.", job.title(), headline(message));
        let at = run.end.or(run.start).or(before(run, history));
        Some((Cause::grave(CauseCode::RunFailed(failure), remedy, text), at))
    }

    /// A restart leaves runs that were connecting or sending so for ever; a newer run, or the restart, tells them from
    /// one that has just begun, once the time is over that pg_cron gives each to start.
    fn stuck(&self, job: &Job, stats: &JobStats, history: &History) -> Option<Trouble> {
        let run = history.runs_of(job.id).next()?;
        if !matches!(run.status, RunStatus::Starting | RunStatus::Connecting | RunStatus::Sending) {
            return None;
        }
        let since = before(run, history).map_or(String::new(), |t| format!(" since {}", clock(t, self.now)));
        // It began before any newer one did, and at a time of its schedule, if that is known.
        let newer = history.runs.iter().take_while(|r| r.id > run.id).filter_map(|r| r.start).min();
        let is_over = |began: Time| self.now - began > STARTS_WITHIN;
        let is_due = self.last_fire(stats).is_some_and(is_over);
        let restarted = self.snapshot.server.as_ref().zip(before(run, history)).is_some_and(|(s, t)| s.started_at > t);
        let text = format!(
            "Run {} of {} has been {}{since} and stays so: a restart leaves such runs behind.",
            run.id.0,
            job.title(),
            run.status.word()
        );
        let stays = newer.is_some_and(is_over) || is_due && (newer.is_some() || restarted);
        let at = before(run, history);
        stays.then(|| (Cause::grave(CauseCode::RunStuck, Remedy::Refresh, text), at))
    }

    /// The newest time at which a job was to begin within the last minute; the beginning of that, if there was none.
    fn last_fire(&self, stats: &JobStats) -> Option<Time> {
        let cron = self.snapshot.server.as_ref()?.cron.present()?;
        let since = self.now - LAST_FIRES;
        let fires = stats.schedule.as_ref().ok()?.fires_between(since, self.now, cron.tz());
        Some(fires.last().unwrap_or(since))
    }

    /// Runs that did not come, and none has come since.
    fn missing(&self, job: &Job, stats: &JobStats, history: &History) -> Option<Trouble> {
        let gap = stats.gaps.last()?;
        let last = history.runs_of(job.id).filter_map(|r| r.start).max();
        let runs = if gap.missed == 1 { "1 run".into() } else { format!("{} runs", gap.missed) };
        let missing = format!("{runs} of {} did not come since {}", job.title(), clock(gap.from, self.now));
        // A server that was not there launched nothing, and at its start the launcher needs a moment. It was there if it
        // launched others.
        let began_in = |from: Time, to: Time| history.runs.iter().filter_map(|r| r.start).any(|s| s >= from && s < to);
        let was_down = |started: &Time| gap.to <= *started + LAUNCHER_STARTS_WITHIN && !began_in(gap.from, *started);
        let started = self.snapshot.server.as_ref().map(|s| s.started_at);
        if let Some(started) = started.filter(was_down) {
            let text = format!("{missing}: the server was started at {}.", clock(started, self.now));
            return (last < Some(gap.from)).then(|| (Cause::note(CauseCode::RunsMissing, Remedy::Wait, text), None));
        }
        let text = format!("{missing}, and nothing says why.");
        (last < Some(gap.from)).then(|| (Cause::grave(CauseCode::RunsMissing, Remedy::Refresh, text), Some(gap.from)))
    }
}

/// A refresh reads by the rights of the view's owner: what to say where those are not enough for a relation that the view
/// reads.
fn reading_right(message: &str, view: &ViewState) -> Option<(Failure, Remedy, Option<String>)> {
    let (denied, view) = (Failure::denied(message)?, &view.view);
    let is_read = denied != view.name.name && view.base_names.values().any(|name| name == denied);
    let meaning = format!("a refresh reads as the view's owner {}, who needs SELECT on it", view.owner);
    is_read.then_some((Failure::Other, Remedy::Grant, Some(meaning)))
}

/// The newest start before a run: it cannot have begun earlier.
fn before(run: &Run, history: &History) -> Option<Time> {
    history.runs.iter().filter(|r| r.id < run.id).find_map(|r| r.start)
}

fn cannot_fire(job: &Job, stats: &JobStats) -> Option<Cause> {
    let title = job.title();
    if !job.active {
        return Some(Cause::grave(CauseCode::JobPaused, Remedy::Resume, format!("Its job {title} is paused.")));
    }
    let never = |text| Some(Cause::grave(CauseCode::ScheduleNeverFires, Remedy::FixSchedule, text));
    match &stats.schedule {
        Err(why) => {
            never(format!("Its job {title} has a schedule that this pg_cron cannot read, so it never runs: {why}."))
        }
        Ok(schedule) if stats.next.is_none() && !schedule.runs_at_start() => {
            never(format!("Its job {title} has the schedule {}, which never fires.", job.schedule))
        }
        Ok(schedule) if schedule.runs_at_start() => never(format!(
            "Its job {title} runs once at a start of the server and not by the clock ({}).",
            job.schedule
        )),
        Ok(_) => None,
    }
}

fn too_slow(job: &Job, stats: &JobStats) -> Option<Cause> {
    let (usual, interval) = (stats.p50.filter(|_| stats.reliable)?, stats.interval?);
    let text = format!(
        "A refresh by {} takes {}, longer than the {} between two: each starts late and the server never rests.",
        job.title(),
        human(usual),
        human(interval)
    );
    (usual >= interval)
        .then(|| Cause::new(CauseCode::RefreshSlowerThanInterval, Severity::Warning, Remedy::FixSchedule, text))
}
