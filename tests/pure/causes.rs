//! The causes beyond the incident's own: a table of Snapshots, each with the code, words and remedy it must give.

mod apart;

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::{Cause, CauseCode, Diagnosis, Failure, Remedy, Severity, Verdict, diagnose};
use mvtop::domain::job::{Homes, Job, JobId, RemovedJob, Run, RunId, RunStatus};
use mvtop::domain::server::{Cron, CronExtension, Server};
use mvtop::domain::snapshot::{BulkWrite, Refreshing, Snapshot, ViewState, Waited};
use mvtop::domain::stats::JobStats;
use mvtop::domain::view::Oid;

use crate::scene::*;

pub fn with_server(mut snapshot: Snapshot, edit: impl FnOnce(&mut Server)) -> Snapshot {
    edit(Arc::make_mut(snapshot.server.as_mut().unwrap()));
    refigured(snapshot)
}

fn with_cron(snapshot: Snapshot, edit: impl FnOnce(&mut CronExtension)) -> Snapshot {
    with_server(snapshot, |server| {
        if let Cron::Present(cron) = &mut server.cron {
            edit(cron);
        }
    })
}

pub fn with_view(mut snapshot: Snapshot, edit: impl FnOnce(&mut ViewState)) -> Snapshot {
    edit(Arc::make_mut(&mut snapshot.views[0]));
    snapshot
}

fn with_removed(mut snapshot: Snapshot, status: RunStatus) -> Snapshot {
    let history = Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value);
    let command = refresh_job().command;
    let job = RemovedJob { id: JobId(9), command, username: "postgres".into(), search_path: None, here: true };
    let start = Some(night() - TimeDelta::hours(3));
    history.runs.push(Run { id: RunId(1), job: job.id, status, start, ..history.runs[0].clone() });
    history.removed = vec![job];
    history.settle(Homes::new());
    snapshot
}

fn with_namesake(mut snapshot: Snapshot) -> Snapshot {
    let mut other = (*snapshot.views[0]).clone();
    let view = Arc::make_mut(&mut other.view);
    (view.oid, view.name.schema) = (Oid(99), "ventas".into());
    snapshot.views.push(Arc::new(other));
    snapshot
}

/// The jobs' figures as the keeper makes them.
fn refigured(mut snapshot: Snapshot) -> Snapshot {
    if let Some(cron) = snapshot.server.as_ref().and_then(|s| s.cron.present()) {
        snapshot.jobs = Arc::new(JobStats::all(snapshot.history.value().unwrap(), cron, night()));
    }
    snapshot
}

/// The view as its job left it two minutes ago, with some of it edited.
pub fn job_and_runs(edit: impl FnOnce(&mut Job, &mut Vec<Run>)) -> Snapshot {
    scheduled_snapshot(healed(), TimeDelta::minutes(2), edit)
}

pub fn drifted(edit: impl FnOnce(&mut Job, &mut Vec<Run>)) -> Snapshot {
    scheduled_snapshot(incident(), TimeDelta::minutes(2), edit)
}

fn two_jobs(second: impl FnOnce(&mut Job)) -> Snapshot {
    let (first, mut other) = (refresh_job(), Job { id: JobId(4), ..refresh_job() });
    second(&mut other);
    let view = view_state(healed(), night() - TimeDelta::minutes(2));
    snapshot(vec![view], history(vec![first, other], runs(3, 5)))
}

fn found(snapshot: &Snapshot, code: CauseCode) -> (Diagnosis, Cause) {
    let diagnosis = diagnose(snapshot, night());
    let causes = &diagnosis.views[0].causes;
    let cause = causes.iter().find(|c| c.code == code).cloned();
    let codes: Vec<&str> = causes.iter().map(|c| c.code.code()).collect();
    let cause = cause.unwrap_or_else(|| panic!("{} is not among {codes:?}", code.code()));
    (diagnosis, cause)
}

/// The job's newest run is connecting; another job's began after it, so long ago.
pub fn connecting(newer: Option<TimeDelta>) -> Snapshot {
    job_and_runs(|_, runs| {
        let start = Some(night() - TimeDelta::seconds(20));
        let one = |id, job| Run { id: RunId(id), job: JobId(job), start, ..runs[0].clone() };
        let newest = Run { status: RunStatus::Connecting, message: None, start: None, end: None, ..one(20_000, 3) };
        let newer = newer.map(|ago| Run { start: Some(night() - ago), ..one(20_001, 8) });
        let before = one(19_999, 8);
        runs.extend([Some(before), Some(newest), newer].into_iter().flatten());
    })
}

fn failed(message: &str) -> Snapshot {
    job_and_runs(|_, runs| {
        (runs[0].status, runs[0].message) = (RunStatus::Failed, Some(message.into()));
    })
}

/// A Snapshot, the cause it must give, and that cause's weight, remedy and words.
type Case = (Snapshot, CauseCode, Severity, Option<Remedy>, &'static str);

fn each_is_told(cases: Vec<Case>) {
    for (snapshot, code, severity, remedy, words) in cases {
        let (_, cause) = found(&snapshot, code);
        assert_eq!((cause.severity, cause.remedy), (severity, remedy), "{}: {}", code.code(), cause.text);
        assert!(cause.text.contains(words), "{}: {}", code.code(), cause.text);
        assert!(cause.text.ends_with('.') || cause.text.ends_with('…'), "{}", cause.text);
    }
}

#[test]
fn a_job_that_is_not_there_or_not_right_is_told_with_its_remedy() {
    use {CauseCode as C, Remedy as R, Severity as S};
    each_is_told(vec![
        (
            with_removed(incident_snapshot(), RunStatus::Succeeded),
            C::JobRemoved,
            S::Grave,
            Some(R::Schedule),
            "3h ago and no longer exists",
        ),
        (
            with_removed(incident_snapshot(), RunStatus::Failed),
            C::JobRemoved,
            S::Grave,
            Some(R::Schedule),
            "was to refresh it and no longer exists; no good run of it is known",
        ),
        (
            job_and_runs(|job, _| (job.here, job.database) = (false, "postgres".into())),
            C::JobInOtherDatabase,
            S::Grave,
            Some(R::FixJob),
            "in the database postgres",
        ),
        (
            with_namesake(job_and_runs(|job, _| {
                job.command = "REFRESH MATERIALIZED VIEW ventas.mv_conversaciones_dashboard".into();
            })),
            C::JobRefreshesOtherView,
            S::Grave,
            Some(R::FixJob),
            "ventas.mv_conversaciones_dashboard, another view",
        ),
        (
            connecting(Some(TimeDelta::seconds(20))),
            C::RunStuck,
            S::Grave,
            Some(R::Refresh),
            "has been connecting since 02:14:40",
        ),
        (
            job_and_runs(|_, runs| runs.iter_mut().for_each(|r| r.end = r.start.map(|s| s + TimeDelta::minutes(6)))),
            C::RefreshSlowerThanInterval,
            S::Warning,
            Some(R::FixSchedule),
            "takes 6m, longer than the 5m",
        ),
    ]);
}

#[test]
fn what_stops_or_delays_every_run_is_told_with_its_remedy() {
    use {CauseCode as C, Remedy as R, Severity as S};
    each_is_told(vec![
        (
            job_and_runs(|job, _| job.owner_exists = false),
            C::JobOfDroppedRole,
            S::Grave,
            Some(R::RemoveJob),
            "the role postgres, which no longer exists",
        ),
        (
            with_cron(job_and_runs(|_, _| {}), |c| c.preloaded = Some(false)),
            C::CronNotPreloaded,
            S::Grave,
            Some(R::PreloadCron),
            "shared_preload_libraries",
        ),
        (
            with_cron(job_and_runs(|_, _| {}), |c| c.launches = Some(false)),
            C::LauncherOff,
            S::Grave,
            Some(R::LaunchJobs),
            "cron.launch_active_jobs is off",
        ),
        (
            Snapshot { launcher: Some(false), ..job_and_runs(|_, _| {}) },
            C::LauncherDead,
            S::Grave,
            Some(R::RestartLauncher),
            "launcher does not run",
        ),
        (
            with_server(drifted(|_, _| {}), |s| s.standby = true),
            C::Standby,
            S::Note,
            Some(R::Primary),
            "This is a standby",
        ),
    ]);
}

#[test]
fn what_happens_to_the_view_itself_is_told_with_its_remedy() {
    use {CauseCode as C, Remedy as R, Severity as S};
    each_is_told(vec![
        (
            with_view(drifted(|_, _| {}), |v| {
                v.bulk = Some(BulkWrite {
                    table: "prospectos".into(),
                    rows: 1_660,
                    at: night() - TimeDelta::seconds(12),
                    usual: 30,
                });
            }),
            C::BulkWrite,
            S::Warning,
            Some(R::Refresh),
            "changed 1,660 rows of prospectos 12s ago; it usually sees 30 a minute",
        ),
        (
            with_view(drifted(|_, _| {}), |v| {
                v.waited = Some(Waited {
                    who: "postgres (pg_cron, pid 31)".into(),
                    since: night() - TimeDelta::minutes(3),
                    until: night() - TimeDelta::minutes(1),
                });
            }),
            C::StaleInstall,
            S::Warning,
            Some(R::Refresh),
            "waited 2m for its lock and installed what was true before",
        ),
        (
            // Two minutes ago by its column, and the run that made it took four times its usual minute.
            drifted(|_, runs| {
                runs[0].start = Some(night() - TimeDelta::minutes(2));
                runs[0].end = Some(night() - TimeDelta::seconds(30));
            }),
            C::StaleInstall,
            S::Warning,
            Some(R::Refresh),
            "took 1m30s instead of 1.6s",
        ),
        (job_and_runs(|_, _| {}), C::ViewIsTrue, S::Note, None, "If people still miss rows"),
        (
            with_view(drifted(|_, _| {}), |v| v.refreshing = vec![holder(Some("idle in transaction"))]),
            C::RefreshUncommitted,
            S::Grave,
            Some(R::CancelBlocker),
            "without a COMMIT",
        ),
        (
            with_view(drifted(|_, _| {}), |v| v.refreshing = vec![holder(Some("active"))]),
            C::RefreshRunning,
            S::Note,
            Some(R::Wait),
            "refreshes it now for 40s",
        ),
    ]);
}

pub fn holder(state: Option<&str>) -> Refreshing {
    Refreshing {
        pid: 10,
        user: "ana".into(),
        application: "psql".into(),
        since: Some(night() - TimeDelta::seconds(40)),
        concurrently: true,
        granted: true,
        state: state.map(Into::into),
        blocked_by: vec![],
    }
}

#[test]
fn a_failed_run_is_classed_by_its_message_each_class_with_its_own_way_out() {
    use {Failure as F, Remedy as R};
    for (message, class, remedy) in [
        ("ERROR:  must be owner of materialized view mv⏎", F::NotOwner, R::FixJob),
        ("ERROR:  permission denied for materialized view mv", F::NotOwner, R::FixJob),
        (
            "ERROR:  cannot refresh materialized view \"public.mv\" concurrently⏎HINT:  Create a unique index with no WHERE clause",
            F::NoUniqueIndex,
            R::CreateIndex,
        ),
        (
            "ERROR:  new data for materialized view \"mv\" contains duplicate rows without any null columns",
            F::Duplicates,
            R::UniqueRows,
        ),
        (
            "ERROR:  duplicate key value violates unique constraint \"mv_key\"⏎DETAIL:  Key (id)=(1) already exists.⏎CONTEXT:  \
             SQL statement \"INSERT INTO public.mv SELECT (diff.newdata).* FROM pg_temp_3.pg_temp_1 diff WHERE tid IS NULL\"",
            F::Duplicates,
            R::UniqueRows,
        ),
        (
            "ERROR:  could not create unique index \"mv_key\"⏎DETAIL:  Key (id)=(1) is duplicated.",
            F::Duplicates,
            R::UniqueRows,
        ),
        ("ERROR:  duplicate key value violates unique constraint \"bitacora_pkey\"", F::Other, R::Refresh),
        ("ERROR:  permission denied for table bitacora", F::Other, R::Refresh),
        ("ERROR:  CONCURRENTLY cannot be used when the materialized view is not populated", F::Other, R::Refresh),
        ("ERROR:  canceling statement due to statement timeout", F::Timeout, R::FixJob),
        ("ERROR:  canceling statement due to lock timeout", F::LockTimeout, R::Refresh),
        ("ERROR:  deadlock detected⏎DETAIL:  Process 1 waits", F::Deadlock, R::Refresh),
        (
            "ERROR:  division by zero⏎CONTEXT:  SQL statement \"refresh materialized view concurrently t.mv\"⏎PL/pgSQL function t.f() line 1",
            F::Other,
            R::Refresh,
        ),
        (
            "ERROR:  canceling statement due to statement timeout⏎CONTEXT:  SQL statement \"refresh materialized view concurrently t.mv\"",
            F::Timeout,
            R::FixJob,
        ),
        (
            "ERROR:  deadlock detected⏎DETAIL:  Process 1 waits⏎HINT:  See server log for query details.⏎CONTEXT:  SQL statement \"refresh materialized view concurrently t.mv\"",
            F::Deadlock,
            R::Refresh,
        ),
        (
            "ERROR:  syntax error at or near \"t\"⏎LINE 1: REFRESH MATERIALIZED VIEW CONCURRENTLY t t",
            F::Other,
            R::Refresh,
        ),
        ("connection failed", F::Connection, R::FixJob),
        ("connection lost", F::Connection, R::FixJob),
        ("job startup timeout", F::StartupTimeout, R::Refresh),
        ("job canceled", F::Cancelled, R::Refresh),
        ("ERROR:  canceling statement due to user request", F::Cancelled, R::Refresh),
        ("server restarted", F::ServerRestarted, R::Refresh),
        ("ERROR:  division by zero", F::Other, R::Refresh),
        ("FEHLER:  Division durch Null", F::Other, R::Refresh),
    ] {
        let (_, cause) = found(&failed(message), CauseCode::RunFailed(class));
        assert_eq!(cause.remedy, Some(remedy), "{message}");
        assert!(!cause.text.contains("ERROR:") && !cause.text.contains('⏎'), "one line, no noise: {}", cause.text);
    }
}

#[test]
fn every_code_is_a_word_of_its_own() {
    let mut codes: Vec<&str> = CauseCode::ALL.iter().map(|c| c.code()).collect();
    assert!(codes.iter().all(|c| c.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), CauseCode::ALL.len());
}

#[test]
fn schedules_that_never_fire_are_told_from_those_that_this_pg_cron_cannot_read() {
    let modern = |snapshot| with_cron(snapshot, |c| (c.version, c.timezone) = ("1.6".into(), Some("GMT".into())));
    for (schedule, is_modern, words) in [
        ("0 0 30 2 *", false, "which never fires"),
        ("0 0 * * fri-sun", false, "which never fires"),
        ("0 5-1 * * *", false, "which never fires"),
        ("@yearly", true, "which never fires"),
        ("30 seconds", false, "cannot read"),
        ("*/60 * * * *", true, "cannot read"),
    ] {
        let snapshot = job_and_runs(|job, _| job.schedule = schedule.into());
        let snapshot = if is_modern { modern(snapshot) } else { snapshot };
        let (_, cause) = found(&snapshot, CauseCode::ScheduleNeverFires);
        assert!(cause.text.contains(words), "{schedule}: {}", cause.text);
        assert_eq!(cause.remedy, Some(Remedy::FixSchedule));
    }
    let reboot = job_and_runs(|job, _| job.schedule = "@reboot".into());
    let (diagnosis, cause) = found(&reboot, CauseCode::ScheduleNeverFires);
    assert!(
        cause.text.ends_with("runs once at a start of the server and not by the clock (@reboot)."),
        "{}",
        cause.text
    );
    assert_eq!(diagnosis.verdict, Verdict::Warning, "as verify fails it");
    let yearly = job_and_runs(|job, _| job.schedule = "@yearly".into());
    assert!(!codes(&yearly).contains(&"schedule_never_fires"), "before 1.6 @yearly fires: {:?}", codes(&yearly));
}

pub fn codes(snapshot: &Snapshot) -> Vec<&'static str> {
    diagnose(snapshot, night()).views[0].causes.iter().map(|c| c.code.code()).collect()
}
