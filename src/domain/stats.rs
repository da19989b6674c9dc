//! What a job's runs of the last day say: how many, how long, how many failed, which are missing.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::freshness::GRACE;
use super::job::{History, Job, JobId, Run, RunId, RunStatus};
use super::schedule::{Dialect, Schedule};
use super::server::CronExtension;
use super::time::Time;

/// Fire times without a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first fire time without a run.
    pub from: Time,
    /// The last one.
    pub to: Time,
    /// How many.
    pub missed: usize,
}

/// A job's last 24 hours, as far as the history reaches.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStats {
    /// The job.
    pub job: JobId,
    /// Its schedule read as pg_cron would; the error's text when it cannot be read.
    pub schedule: Result<Schedule, String>,
    /// The longest pause the schedule makes between two runs.
    pub interval: Option<TimeDelta>,
    /// The pause between the run that should be over by now and the next one: by night another than by day.
    pub promised: Option<TimeDelta>,
    /// When it runs next; `None` when paused or when it never fires.
    pub next: Option<Time>,
    /// The time from which runs were counted: a day ago, or the first run seen where that is later.
    pub since: Option<Time>,
    /// Runs that ended.
    pub ended: usize,
    /// Runs that ended badly.
    pub failed: usize,
    /// Runs there should have been since then, or since the schedule was in force, if that is later; `None` where that
    /// cannot be said.
    pub expected: Option<usize>,
    /// Where runs are missing.
    pub gaps: Vec<Gap>,
    /// Median duration.
    pub p50: Option<TimeDelta>,
    /// 95th percentile of the duration.
    pub p95: Option<TimeDelta>,
    /// The longest.
    pub max: Option<TimeDelta>,
    /// Can the durations be believed? Not on an old pg_cron with background workers.
    pub reliable: bool,
    /// Durations of the newest good runs in milliseconds, oldest first, for a sparkline.
    pub recent_ms: Vec<u64>,
}

/// How far back the figures look.
pub const SPAN: TimeDelta = TimeDelta::hours(24);

/// How many durations a sparkline gets at most.
const RECENT: usize = 60;

/// pg_cron starts a run 6–31 ms after its minute; a run this much later still belongs to it.
const SLACK: TimeDelta = TimeDelta::seconds(5);

impl JobStats {
    /// The share of ended runs that succeeded.
    pub fn success_rate(&self) -> Option<f64> {
        (self.ended > 0).then(|| (self.ended - self.failed) as f64 / self.ended as f64)
    }

    /// How many runs are missing.
    pub fn missed(&self) -> usize {
        self.gaps.iter().map(|g| g.missed).sum()
    }

    /// Says nothing of runs that did not come.
    pub fn forget_missing(&mut self) {
        self.expected = None;
        self.gaps.clear();
    }

    /// The figures of one job among those of all. They are in the order of the jobs' ids, as the server gives them.
    pub fn find(all: &[JobStats], id: JobId) -> Option<&JobStats> {
        let found = all.binary_search_by_key(&id, |s| s.job).ok().map(|place| &all[place]);
        found.or_else(|| all.iter().find(|s| s.job == id))
    }

    /// The figures of every job.
    pub fn all(history: &History, cron: &CronExtension, now: Time) -> Vec<JobStats> {
        let counts_runs = cron.launches != Some(false) && cron.logs_runs != Some(false);
        let (dialect, reliable) = (cron.dialect(), cron.has_reliable_durations());
        let times = history.times();
        let figures =
            |job| JobStats { reliable, ..JobStats::of(job, history, &times, dialect, cron.tz(), counts_runs, now) };
        history.jobs.iter().map(figures).collect()
    }

    fn of(
        job: &Job,
        history: &History,
        times: &[Option<Time>],
        dialect: Dialect,
        tz: Tz,
        counts_runs: bool,
        now: Time,
    ) -> JobStats {
        let schedule = Schedule::parse(&job.schedule, dialect).map_err(|e| e.to_string());
        let all = || history.runs.iter().zip(times).filter(|(run, _)| run.job == job.id);
        let is_recent = |time: &Option<Time>| time.is_none_or(|t| t >= now - SPAN);
        let day: Vec<&Run> = all().filter(|(_, time)| is_recent(time)).map(|(run, _)| run).collect();
        // A job that ran before the day began was there all day, even if it never ran in it.
        let since = all().filter_map(|(run, _)| run.start).min().map(|first| first.max(now - SPAN));
        let gaps = match (&schedule, in_force(job, history, since)) {
            (Ok(schedule), Some(since)) if job.active && counts_runs => {
                Some(expect(schedule, &day, since.max(now - SPAN - SLACK), now, tz))
            }
            _ => None,
        };
        let mut lengths: Vec<TimeDelta> = good(&day).filter_map(|r| r.duration()).collect();
        let recent_ms = lengths.iter().take(RECENT).rev().map(|l| l.num_milliseconds().max(0) as u64).collect();
        lengths.sort();
        let long = percentile(&lengths, 95);
        JobStats {
            job: job.id,
            interval: schedule.as_ref().ok().and_then(|s| s.longest_gap(now, tz)),
            promised: schedule.as_ref().ok().and_then(|s| s.pause_around(now - long.unwrap_or_default() - GRACE, tz)),
            next: schedule.as_ref().ok().filter(|_| job.active).and_then(|s| s.next_after(now, tz)),
            since,
            ended: day.iter().filter(|r| !r.status.is_open()).count(),
            failed: day.iter().filter(|r| r.status == RunStatus::Failed).count(),
            expected: gaps.as_ref().map(|(expected, _)| *expected),
            gaps: gaps.map(|(_, gaps)| gaps).unwrap_or_default(),
            p50: percentile(&lengths, 50),
            p95: long,
            max: lengths.last().copied(),
            reliable: true,
            recent_ms,
            schedule,
        }
    }
}

/// From when on the job's schedule was surely in force: its first run, or, where the job was changed after runs that are
/// known, the end of the first run since, of whichever job. `None`: there was none since, so nobody can say; nor of a job
/// without any run while ids are missing since it was made, for then runs were taken out of the history, maybe its own.
fn in_force(job: &Job, history: &History, first: Option<Time>) -> Option<Time> {
    let first = first.map(|first| first - SLACK);
    let Some(changed) = job.changed_after else { return first };
    if first.is_none() && !is_complete(history, changed) {
        return None;
    }
    let after = history.runs.iter().filter(|r| r.id > changed);
    after.filter_map(|r| r.end).min().map(|since| first.map_or(since, |first| first.max(since)))
}

/// Are all runs after this one known? Their ids come from a sequence.
fn is_complete(history: &History, changed: RunId) -> bool {
    let known = history.runs.iter().take_while(|r| r.id > changed).count() as i64;
    history.runs.first().is_none_or(|newest| newest.id.0 - changed.0 == known)
}

fn good<'a>(runs: &'a [&'a Run]) -> impl Iterator<Item = &'a Run> {
    runs.iter().copied().filter(|r| r.status == RunStatus::Succeeded)
}

fn percentile(sorted: &[TimeDelta], percent: usize) -> Option<TimeDelta> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

/// How many fire times there were since then, and those without a run.
///
/// A fire time has its run when one starts between it and the next. One that falls into a run still under way is
/// not missing: pg_cron queues it behind.
fn expect(schedule: &Schedule, runs: &[&Run], since: Time, now: Time, tz: Tz) -> (usize, Vec<Gap>) {
    let fires: Vec<Time> = schedule.fires_between(since, now - SLACK, tz).collect();
    let mut spans: Vec<(Time, Time)> = runs.iter().filter_map(|r| Some((r.start?, end(r, now)?))).collect();
    spans.sort();
    let mut gaps: Vec<Gap> = Vec::new();
    let mut last_missed = false;
    for (i, &fire) in fires.iter().enumerate() {
        let until = fires.get(i + 1).copied().unwrap_or(now);
        let first = spans.partition_point(|&(start, _)| start < fire);
        let started = spans.get(first).is_some_and(|&(start, _)| start < until);
        let busy = first > 0 && spans[first - 1].1 > fire;
        let missed = !started && !busy;
        match gaps.last_mut() {
            Some(gap) if missed && last_missed => *gap = Gap { to: fire, missed: gap.missed + 1, ..*gap },
            _ if missed => gaps.push(Gap { from: fire, to: fire, missed: 1 }),
            _ => {}
        }
        last_missed = missed;
    }
    (fires.len(), gaps)
}

/// When a run ended, or will not have before now. One that a restart cut off has no end of its own and lasts no longer.
fn end(run: &Run, now: Time) -> Option<Time> {
    run.end.or(if run.status.is_open() { Some(now) } else { run.start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::tests::job;
    use chrono::{TimeZone, Utc};

    fn at(minute: i64) -> Time {
        Utc.with_ymd_and_hms(2026, 2, 4, 0, 0, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn history(minutes: &[i64]) -> History {
        let run = |(i, &minute): (usize, &i64)| Run {
            id: RunId(i as i64),
            job: JobId(1),
            status: RunStatus::Succeeded,
            message: None,
            start: Some(at(minute) + TimeDelta::milliseconds(12)),
            end: Some(at(minute) + TimeDelta::milliseconds(1_012 + 10 * i as i64)),
            ran: None,
        };
        let job = Job { schedule: "*/5 * * * *".into(), ..job("SELECT 1") };
        let mut runs: Vec<Run> = minutes.iter().enumerate().map(run).collect();
        runs.reverse();
        History { jobs: vec![job], runs, ..History::default() }
    }

    fn stats(history: &History, now: Time) -> JobStats {
        JobStats::of(&history.jobs[0], history, &history.times(), Dialect::latest(), chrono_tz::UTC, true, now)
    }

    #[test]
    fn runs_that_came_are_expected_and_leave_no_gap() {
        let stats = stats(&history(&[0, 5, 10, 15]), at(17));
        assert_eq!((stats.expected, stats.ended, stats.missed()), (Some(4), 4, 0));
        assert_eq!(stats.success_rate(), Some(1.0));
        assert_eq!(stats.p50, Some(TimeDelta::milliseconds(1_010)));
        assert_eq!(stats.next, Some(at(20)));
    }

    #[test]
    fn by_day_a_schedule_that_rests_at_night_promises_what_it_keeps_by_day() {
        let mut history = history(&[0]);
        history.jobs[0].schedule = "*/5 7-22 * * *".into();
        let promised = |minute| stats(&history, at(minute)).promised;
        assert_eq!(promised(14 * 60 + 1), Some(TimeDelta::minutes(5)));
        assert_eq!(promised(3 * 60), Some(TimeDelta::minutes(8 * 60 + 5)));
        assert_eq!(promised(7 * 60), Some(TimeDelta::minutes(8 * 60 + 5)), "the first run of the day is not over yet");
        assert_eq!(promised(7 * 60 + 1), Some(TimeDelta::minutes(5)));
    }

    #[test]
    fn runs_that_did_not_come_are_one_gap_with_its_bounds() {
        let stats = stats(&history(&[0, 5, 25, 30]), at(32));
        assert_eq!(stats.gaps, [Gap { from: at(10), to: at(20), missed: 3 }]);
        assert_eq!(stats.expected, Some(7));
    }

    #[test]
    fn a_launcher_that_died_shows_as_a_gap_up_to_now() {
        let stats = stats(&history(&[0, 5]), at(31));
        assert_eq!(stats.gaps, [Gap { from: at(10), to: at(30), missed: 5 }]);
    }

    #[test]
    fn a_fire_time_during_a_long_run_is_queued_not_missed() {
        let mut history = history(&[0, 5, 15]);
        history.runs[1].end = Some(at(14));
        assert_eq!(stats(&history, at(17)).missed(), 0);
    }

    #[test]
    fn a_job_that_did_not_run_all_day_is_missed_all_day() {
        let stats = stats(&history(&[0, 5]), at(0) + TimeDelta::hours(30));
        assert_eq!((stats.ended, stats.expected, stats.missed()), (0, Some(288), 288));
    }

    #[test]
    fn what_a_restart_cut_off_does_not_hide_the_runs_that_did_not_come() {
        let mut history = history(&[0, 5]);
        (history.runs[0].status, history.runs[0].end) = (RunStatus::Failed, None);
        assert_eq!(stats(&history, at(31)).missed(), 5);
    }

    #[test]
    fn a_run_that_never_began_counts_for_the_day_in_which_its_neighbours_ran() {
        let mut history = history(&[0, 5, 10]);
        (history.runs[1].status, history.runs[1].start, history.runs[1].end) = (RunStatus::Failed, None, None);
        assert_eq!(stats(&history, at(11)).failed, 1);
        assert_eq!(stats(&history, at(11) + TimeDelta::hours(24)).failed, 0, "a day later it is no longer of the day");
    }

    #[test]
    fn a_schedule_that_was_changed_promises_nothing_of_the_time_before() {
        let mut history = history(&[0, 60, 120]);
        history.jobs[0].changed_after = Some(RunId(2));
        assert_eq!((stats(&history, at(190)).expected, stats(&history, at(190)).missed()), (None, 0), "no run since");
        let other =
            Run { id: RunId(7), job: JobId(2), start: Some(at(180)), end: Some(at(181)), ..history.runs[0].clone() };
        history.runs.insert(0, other);
        let gaps = stats(&history, at(192)).gaps;
        assert_eq!(gaps, [Gap { from: at(185), to: at(190), missed: 2 }], "the other job ran, so its time is known");
    }

    #[test]
    fn a_job_that_never_ran_is_missed_once_others_ran_after_it_was_made() {
        let mut history = history(&[0, 5]);
        history.jobs[0].id = JobId(2);
        assert_eq!(stats(&history, at(60)).expected, None, "it may be older than what is known");
        history.jobs[0].changed_after = Some(RunId(0));
        assert_eq!(stats(&history, at(17)).missed(), 2);
    }

    #[test]
    fn a_job_whose_runs_may_have_been_purged_is_not_said_to_have_missed_them() {
        let mut history = history(&[0, 5, 10]);
        (history.jobs[0].id, history.jobs[0].changed_after) = (JobId(2), Some(RunId(0)));
        assert_eq!(stats(&history, at(17)).missed(), 2);
        history.runs.remove(1);
        assert_eq!(stats(&history, at(17)).expected, None);
    }

    #[test]
    fn a_paused_job_has_no_expectation() {
        let mut history = history(&[0, 5]);
        history.jobs[0].active = false;
        let stats = stats(&history, at(60));
        assert_eq!((stats.expected, stats.next, stats.gaps.len()), (None, None, 0));
    }
}
