//! A view's last 24 hours: what the runs, gaps and ages add up to, and the schedule that is advised.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::day::{Day, remember};
use mvtop::domain::job::{Job, Run, RunStatus};
use mvtop::domain::server::Cron;
use mvtop::domain::snapshot::Snapshot;
use mvtop::domain::stats::JobStats;

use crate::scene::*;

fn scheduled(edit: impl FnOnce(&mut Job, &mut Vec<Run>)) -> Snapshot {
    scheduled_snapshot(healed(), TimeDelta::zero(), edit)
}

fn day(snapshot: &Snapshot) -> Day {
    Day::of(snapshot, &snapshot.views[0], night()).expect("a day is known")
}

#[test]
fn a_good_day_is_all_within_its_limit() {
    let day = day(&scheduled(|_, _| {}));
    assert_eq!((day.expected, day.ended, day.failed, day.missed()), (Some(287), 288, 0, 0));
    assert_eq!((day.success_rate(), day.within), (Some(1.0), Some(1.0)));
    let (age, _) = day.worst.unwrap();
    assert!(age > TimeDelta::minutes(5) && age < day.limit.unwrap(), "an interval and a refresh: {age}");
    let took = day.took.unwrap();
    assert!(took.p50 <= took.p95 && took.p95 <= took.max && took.max < TimeDelta::seconds(3) && took.reliable);
}

#[test]
fn a_gap_is_the_worst_age_and_its_time_the_share_that_was_too_old() {
    // Twelve runs missing, an hour and five minutes between two that came.
    let day = day(&scheduled(|_, runs| drop(runs.drain(100..112))));
    assert_eq!((day.expected, day.missed(), day.gaps.len()), (Some(287), 12, 1));
    let (age, at) = day.worst.unwrap();
    assert_eq!(age.num_minutes(), 65);
    assert!(at > day.gaps[0].to && at - day.gaps[0].to < TimeDelta::minutes(6), "when the next one came: {at}");
    let within = day.within.unwrap();
    assert!((0.955..0.96).contains(&within), "an hour of a day is 4.2 %: {within}");
}

#[test]
fn a_day_is_held_to_the_tightest_job_of_the_whole_day() {
    let command = refresh_job().command;
    let jobs = vec![job(3, "de-dia", "*/5 0-6 * * *", &command), job(4, "siempre", "*/30 * * * *", &command)];
    let snapshot = snapshot(vec![view_state(healed(), night())], history(jobs, runs(4, 30)));
    assert_eq!(day(&snapshot).limit.unwrap().num_minutes(), 30, "the other one rests for 17 hours");
}

#[test]
fn failed_runs_make_nothing_younger() {
    let day = day(&scheduled(|_, runs| runs[20..26].iter_mut().for_each(|r| r.status = RunStatus::Failed)));
    assert_eq!((day.failed, day.missed()), (6, 0), "they came, and failed");
    assert_eq!(day.worst.unwrap().0.num_minutes(), 35);
}

#[test]
fn on_the_night_of_the_incident_the_whole_day_was_too_old() {
    let day = day(&incident_snapshot());
    assert_eq!((day.expected, day.ended, day.within), (None, 0, Some(0.0)));
    assert_eq!(day.worst, Some((TimeDelta::hours(74), night())));
    assert_eq!(day.since, night() - TimeDelta::hours(24));
}

#[test]
fn the_advice_is_the_longest_schedule_that_keeps_the_limit_with_its_load() {
    let kept = day(&scheduled(|_, _| {})).advice.unwrap();
    assert_eq!(kept.schedule, Some((TimeDelta::minutes(5), "*/5 * * * *".into())), "the one it has");
    assert!((0.004..0.007).contains(&kept.load.unwrap()), "1.6 s in 300: {kept:?}");
    let night = day(&incident_snapshot());
    let advice = night.advice.clone().unwrap();
    assert_eq!(advice.schedule, Some((TimeDelta::minutes(4), "*/4 * * * *".into())), "5 min less 30 s and a refresh");
    assert!(advice.estimated, "no run says how long a refresh takes; a comparison does");
    assert_eq!(advice.text(night.limit.unwrap()), "longest schedule to keep 5m: */4 * * * *, load about 0.0 %");
}

#[test]
fn where_a_refresh_takes_longer_than_the_limit_no_schedule_is_advised() {
    let slow = scheduled(|job, runs| {
        job.active = false;
        runs.iter_mut().for_each(|r| r.end = r.start.map(|s| s + TimeDelta::minutes(7)));
    });
    let day = day(&slow);
    let advice = day.advice.clone().unwrap();
    assert_eq!((&advice.schedule, advice.load), (&None, None));
    assert_eq!(advice.text(day.limit.unwrap()), "no schedule keeps 5m: a refresh takes 7m");
}

#[test]
fn an_old_pg_cron_with_workers_has_its_durations_marked() {
    let mut snapshot = scheduled(|_, _| {});
    if let Cron::Present(cron) = &mut Arc::make_mut(snapshot.server.as_mut().unwrap()).cron {
        cron.workers = Some(true);
        snapshot.jobs = Arc::new(JobStats::all(snapshot.history.value().unwrap(), cron, night()));
    }
    let day = day(&snapshot);
    assert!(!day.took.unwrap().reliable);
    assert!(day.lines(night())[0].contains("as recorded"), "{:?}", day.lines(night()));
}

#[test]
fn the_day_is_told_in_three_sentences() {
    let lines = day(&scheduled(|_, runs| drop(runs.drain(100..112)))).lines(night());
    assert_eq!(
        lines,
        [
            "24 h: 275 of 287 runs came, 100.0 % good, p50 1.6s, p95 2s, longest 2s",
            "24 h: within 5m32s for 95.8 %, worst 1h05m at 02-03 18:00",
            "24 h: longest schedule to keep 5m32s: */5 * * * *, load 0.5 %",
        ]
    );
}

#[test]
fn a_refresh_by_hand_does_not_make_the_console_forget_what_it_saw_before() {
    let mut snapshot = healed_snapshot();
    let forgetful = day(&snapshot);
    assert_eq!(forgetful.since, night() - TimeDelta::seconds(5));
    let said = forgetful.ages(night()).unwrap();
    assert_eq!(said, "its age is known only since 02:14:55", "and no share of five seconds");
    let view = Arc::make_mut(&mut snapshot.views[0]);
    for at in [night() - TimeDelta::hours(74), night() - TimeDelta::seconds(5)] {
        remember(&mut view.refreshes, at, night());
        remember(&mut view.refreshes, at, night());
    }
    assert_eq!(view.refreshes.len(), 2);
    let day = day(&snapshot);
    assert_eq!((day.since, day.worst.unwrap().0.num_hours()), (night() - TimeDelta::hours(24), 73));
    assert!(day.ages(night()).unwrap().starts_with("within 5m for 0.0 %, worst 3d"), "{:?}", day.ages(night()));
}

#[test]
fn where_no_run_was_due_none_is_said_to_have_come() {
    let day = Day { expected: Some(0), ended: 0, ..day(&scheduled(|_, _| {})) };
    assert_eq!(Day { failed: 0, took: None, ..day }.lines(night())[0], "24 h: no run was due");
}

#[test]
fn a_share_of_other_runs_than_those_that_were_due_says_of_how_many() {
    let snapshot = scheduled(|job, runs| {
        // Written anew after the older of two runs, which failed.
        runs.truncate(2);
        runs[1].status = RunStatus::Failed;
        (job.schedule, job.changed_after) = ("*/15 * * * *".into(), Some(runs[1].id));
    });
    let line =
        Day::of(&snapshot, &snapshot.views[0], night() + TimeDelta::seconds(9)).unwrap().lines(night()).remove(0);
    assert!(
        line.starts_with("24 h: no run was due, 50.0 % of 2 good") || line.contains("came, 50.0 % of 2 good"),
        "{line}"
    );
}
