//! Which runs refreshed a view, and what they say of its age.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::{CauseCode, Remedy, Verdict, diagnose};
use mvtop::domain::freshness::{Freshness, FreshnessState};
use mvtop::domain::job::{History, JobId, Ran, Run, RunStatus};
use mvtop::domain::snapshot::Snapshot;
use mvtop::domain::stats::JobStats;

use crate::scene::*;

/// The view without a column that tells its age, and its job's runs as edited.
fn by_runs(edit: impl FnOnce(&mut Vec<Run>)) -> Snapshot {
    let mut view = view_state(healed(), night());
    view.stamp = Default::default();
    let mut all = runs(3, 5);
    edit(&mut all);
    snapshot(vec![view], history(vec![refresh_job()], all))
}

fn freshness(snapshot: &Snapshot) -> Freshness {
    Freshness::of(&snapshot.views[0], snapshot.history.value().map(|h| &**h), &snapshot.jobs, night())
}

#[test]
fn only_a_run_whose_own_command_refreshed_the_view_in_this_database_says_its_age() {
    let ran = |command: &str, here| Some(Arc::new(Ran { command: command.into(), here }));
    let refresh = refresh_job().command;
    for (what, is_refresh) in [
        (None, true),
        (ran(&refresh, true), true),
        (ran(&refresh, false), false),
        (ran("SELECT 1", true), false),
        (ran("REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard", true), true),
    ] {
        let snapshot = by_runs(|runs| {
            runs.iter_mut().for_each(|run| run.ran = ran("SELECT 1", true));
            runs[2].ran = what.clone();
        });
        let age = freshness(&snapshot).age.map(|age| age.num_minutes());
        assert_eq!(age, is_refresh.then_some(9), "{what:?}");
    }
    assert_eq!(freshness(&by_runs(|_| {})).age.map(|age| age < TimeDelta::minutes(1)), Some(true));
    let never = by_runs(|runs| runs.iter_mut().for_each(|run| run.ran = ran("SELECT 1", true)));
    assert_eq!(freshness(&never).state, FreshnessState::Unknown);
    assert!(never.views[0].day.as_ref().is_some_and(|day| day.worst.is_none()), "nor any age of the day");
}

fn with_history(mut snapshot: Snapshot, edit: impl FnOnce(&mut History)) -> Snapshot {
    edit(Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value));
    snapshot
}

#[test]
fn where_runs_are_not_recorded_any_more_the_last_recorded_one_says_nothing() {
    let off = |edit: fn(&mut Vec<Run>)| {
        let mut snapshot = with_history(by_runs(edit), |history| history.unlogged = true);
        Arc::make_mut(&mut snapshot.jobs).iter_mut().for_each(JobStats::forget_missing);
        snapshot
    };
    for snapshot in [off(|runs| drop(runs.drain(..200))), off(|runs| runs[0].status = RunStatus::Failed)] {
        assert_eq!(freshness(&snapshot).state, FreshnessState::Unknown);
        let diagnosis = diagnose(&snapshot, night());
        let causes = &diagnosis.views[0].causes;
        assert_eq!((diagnosis.verdict, causes[0].code), (Verdict::Ok, CauseCode::HistoryNotVisible), "{causes:?}");
        assert!(causes[0].text.starts_with("cron.log_run is off"), "{}", causes[0].text);
    }
}

#[test]
fn a_refresh_that_was_done_since_is_not_asked_for_again() {
    let five_past = |runs: &mut Vec<Run>| {
        drop(runs.drain(..1));
        (runs[0].status, runs[0].message) = (RunStatus::Failed, Some("ERROR:  deadlock detected".into()));
    };
    // Refreshed two minutes ago; the run failed five minutes ago, and the one after it has not come yet.
    let told = |comparison, edit: fn(&mut Vec<Run>), minutes| {
        let snapshot = scheduled_snapshot(comparison, TimeDelta::minutes(minutes), |job, runs| {
            job.schedule = "10-59/5 * * * *".into();
            edit(runs);
        });
        diagnose(&snapshot, night() + TimeDelta::seconds(2)).views.remove(0)
    };
    let report = told(healed(), five_past, 2);
    assert_eq!((report.verdict, report.remedy), (Verdict::Warning, Some(Remedy::Wait)));
    let text = &report.causes[0].text;
    assert!(text.ends_with("It was refreshed since; the next run is due in 4m58s."), "{text}");
    assert_eq!(told(incident(), five_past, 2).causes[0].remedy, Some(Remedy::Refresh), "rows differ again");
    assert_eq!(told(healed(), five_past, 7).causes[0].remedy, Some(Remedy::Refresh), "that was before the run");

    let missing = told(healed(), |runs| drop(runs.drain(..3)), 2);
    assert_eq!((missing.causes[0].code, missing.remedy), (CauseCode::RunsMissing, Some(Remedy::SearchLog)));
    assert_eq!(missing.advice().as_deref(), Some("The server's log may say why pg_cron's launcher starts no run."));
    assert_eq!(told(healed(), |runs| drop(runs.drain(..3)), 12).causes[0].remedy, Some(Remedy::Refresh));
}

#[test]
fn runs_that_a_server_missed_before_it_was_started_are_explained_by_that() {
    let missed = |started_ago, other| {
        let mut snapshot = scheduled_snapshot(healed(), TimeDelta::minutes(2), |job, runs| {
            job.schedule = "10-59/5 * * * *".into();
            drop(runs.drain(..2));
            runs[0].job = if other { JobId(8) } else { runs[0].job };
            runs[0].start = Some(night() - TimeDelta::minutes(if other { 4 } else { 10 }));
        });
        let server = Arc::make_mut(snapshot.server.as_mut().unwrap());
        server.started_at = night() - TimeDelta::seconds(started_ago);
        diagnose(&snapshot, night() + TimeDelta::seconds(2)).views.remove(0)
    };
    let report = missed(200, false);
    assert_eq!((report.verdict, report.causes[0].remedy), (Verdict::Ok, Some(Remedy::Wait)), "{:?}", report.causes);
    let text =
        "1 run of refresh-conversaciones-dashboard did not come since 02:10:00: the server was started at 02:11:40.";
    assert_eq!(report.causes[0].text, text);
    for (started_ago, other) in [(400, false), (200, true)] {
        let text = missed(started_ago, other).causes[0].text.clone();
        assert!(text.ends_with("and nothing says why."), "it was up: {text}");
    }
}
