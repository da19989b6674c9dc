//! What is told apart from a cause that it looks like.

use mvtop::domain::schedule::{Dialect, Schedule};

use super::*;

#[test]
fn one_job_that_works_is_enough_and_the_others_troubles_are_only_told() {
    let diagnosis = diagnose(&two_jobs(|job| job.active = false), night());
    assert_eq!(diagnosis.verdict, Verdict::Ok);
    assert_eq!(diagnosis.views[0].causes[0].code, CauseCode::JobPaused);
    assert_eq!(diagnosis.views[0].causes[0].severity, Severity::Note);
    assert_eq!(diagnosis.views[0].job, Some(JobId(3)), "the one that works is the view's");
}

#[test]
fn a_job_that_runs_elsewhere_promises_nothing_here() {
    let report = &diagnose(&job_and_runs(|job, _| job.here = false), night()).views[0];
    assert_eq!((report.job, report.next), (None, None));
    assert_eq!(report.freshness.limit.length, Some(TimeDelta::minutes(5)));
}

#[test]
fn a_launcher_that_cannot_be_seen_is_not_called_dead_and_on_a_standby_none_is_expected() {
    assert!(!codes(&Snapshot { launcher: None, ..job_and_runs(|_, _| {}) }).contains(&"launcher_dead"));
    let dead = Snapshot { launcher: Some(false), ..job_and_runs(|_, runs| drop(runs.drain(..4))) };
    assert!(!codes(&dead).contains(&"runs_missing"), "a dead launcher is why they are missing");
    assert_eq!(
        codes(&with_server(dead, |s| s.standby = true)),
        ["late", "standby", "view_is_true"][1..],
        "not late yet"
    );
}

#[test]
fn a_gap_after_which_runs_came_again_is_over() {
    let over = job_and_runs(|_, runs| drop(runs.drain(1..9)));
    assert!(!codes(&over).contains(&"runs_missing"), "{:?}", codes(&over));
}

#[test]
fn durations_that_cannot_be_believed_accuse_nobody() {
    let slow = job_and_runs(|_, runs| runs.iter_mut().for_each(|r| r.end = r.start.map(|s| s + TimeDelta::minutes(6))));
    let doubtful = with_cron(slow, |c| c.workers = Some(true));
    assert!(!codes(&doubtful).contains(&"refresh_slower_than_interval"));
}

#[test]
fn a_view_is_no_truer_than_the_materialized_view_that_it_reads() {
    let mut snapshot = job_and_runs(|_, _| {});
    let mut source = view_state(incident(), night() - TimeDelta::hours(74));
    Arc::make_mut(&mut source.view).oid = Oid(99);
    Arc::make_mut(&mut source.view).name.name = "mv_ejecutivos".into();
    snapshot.views.push(Arc::new(source));
    let snapshot = with_view(snapshot, |v| Arc::make_mut(&mut v.view).base_tables.extend([Oid(99)]));
    let (diagnosis, cause) = found(&snapshot, CauseCode::ReadsStaleView);
    assert_eq!((cause.severity, cause.remedy), (Severity::Warning, Some(Remedy::RefreshSource)));
    let report = &diagnosis.views[0];
    assert_eq!(report.verdict, Verdict::Warning);
    assert!(
        report.what.ends_with("is as its definition, but that reads mv_ejecutivos, which is itself wrong"),
        "{}",
        report.what
    );
    assert!(!codes(&snapshot).contains(&"view_is_true"));
}

#[test]
fn a_function_that_throws_dice_is_named_only_where_rows_differ() {
    let dice = |snapshot| with_view(snapshot, |v| Arc::make_mut(&mut v.view).volatile = vec!["random".into()]);
    assert!(codes(&dice(drifted(|_, _| {}))).contains(&"volatile_definition"));
    assert!(!codes(&dice(job_and_runs(|_, _| {}))).contains(&"volatile_definition"));
}

#[test]
fn a_clock_beside_the_time_of_the_refresh_is_named_where_rows_differ() {
    let clock = |snapshot, definition: &str| {
        with_view(snapshot, |v| {
            v.view =
                Arc::new(mvtop::domain::view::View { definition: definition.into(), ..(*v.view).clone() }.clocked())
        })
    };
    let [reads, stamps] = ["SELECT (now() - '1 day'::interval) AS prospecto_id", "SELECT 1, 2, 3, 4, 5, now() AS now"];
    assert!(codes(&clock(drifted(|_, _| {}), reads)).contains(&"volatile_definition"));
    assert!(!codes(&clock(drifted(|_, _| {}), stamps)).contains(&"volatile_definition"));
    assert!(!codes(&clock(job_and_runs(|_, _| {}), reads)).contains(&"volatile_definition"));
    let [listed, stamp] = ["now()", "1"]
        .map(|value| format!("WITH w AS (SELECT {value} AS a) SELECT a, 2, 3, 4, 5, now() AS now FROM w"));
    assert!(codes(&clock(drifted(|_, _| {}), &listed)).contains(&"volatile_definition"));
    assert!(!codes(&clock(drifted(|_, _| {}), &stamp)).contains(&"volatile_definition"), "also after a WITH list");
}

#[test]
fn a_right_that_the_owner_lacks_on_what_the_view_reads_is_told_from_not_being_the_owner() {
    let denied = |what: &str| {
        with_view(failed(&format!("ERROR:  permission denied for {what}⏎CONTEXT:  SQL statement")), |v| {
            Arc::make_mut(&mut v.view).base_names.insert(Oid(98), "mv_origen".into());
        })
    };
    for what in ["materialized view mv_origen", "table prospectos"] {
        let (_, cause) = found(&denied(what), CauseCode::RunFailed(Failure::Other));
        assert_eq!(cause.remedy, Some(Remedy::Grant));
        assert!(cause.text.ends_with("reads as the view's owner postgres, who needs SELECT on it."), "{}", cause.text);
    }
    found(&denied("materialized view mv_conversaciones_dashboard"), CauseCode::RunFailed(Failure::NotOwner));
    let (_, other) = found(&denied("table bitacora"), CauseCode::RunFailed(Failure::Other));
    assert_eq!(other.remedy, Some(Remedy::Refresh), "what else the job does need not be what a refresh does");
}

#[test]
fn a_run_that_may_still_start_is_not_stuck() {
    let restarted = |snapshot, ago| with_server(snapshot, |s| s.started_at = night() - TimeDelta::seconds(ago));
    let is_stuck = |snapshot: &Snapshot| codes(snapshot).contains(&"run_stuck");
    let newer = |ago| connecting(Some(TimeDelta::seconds(ago)));
    assert!(!is_stuck(&newer(3)), "its schedule is due just now");
    assert!(is_stuck(&newer(15)));
    assert!(!is_stuck(&restarted(connecting(None), 10)), "it may have begun after the restart");
    let hourly = |mut snapshot: Snapshot| {
        let figures = Arc::make_mut(&mut snapshot.jobs);
        figures[0].schedule = Schedule::parse("40 * * * *", Dialect::latest()).map_err(|e| e.to_string());
        snapshot
    };
    assert!(is_stuck(&hourly(newer(3))), "its schedule was due long ago");
    assert!(is_stuck(&hourly(restarted(connecting(None), 10))));
    assert!(!is_stuck(&hourly(connecting(None))), "nothing came since");
}

#[test]
fn a_key_that_live_gives_twice_is_made_unique_before_anything_is_refreshed() {
    let twice = |snapshot| {
        with_view(snapshot, |v| {
            let compared = incident().with_key_twice(true);
            v.drift = measured(Arc::new(compared), night(), 80);
        })
    };
    let (diagnosis, cause) = found(&twice(incident_snapshot()), CauseCode::KeyTwice);
    let report = &diagnosis.views[0];
    assert_eq!((report.verdict, cause.remedy), (Verdict::Critical, Some(Remedy::UniqueRows)));
    assert!(cause.text.starts_with("Its definition gives a prospecto_id twice"), "{}", cause.text);
    assert_ne!(report.remedy, Some(Remedy::Refresh), "it would fail");
    let failed = failed("ERROR:  new data for materialized view \"mv\" contains duplicate rows");
    assert!(!codes(&twice(failed)).contains(&"key_twice"), "the failed run says it");
}

#[test]
fn a_definition_that_somebody_locked_is_said_not_to_be_known_instead_of_being_compared_for_ever() {
    let locked = with_view(incident_snapshot(), |v| {
        v.view = Arc::new(mvtop::domain::view::View { definition: "".into(), ..(*v.view).clone() });
        v.forget_comparisons();
    });
    let report = &diagnose(&locked, night()).views[0];
    assert_eq!(report.what, "Whether mv_conversaciones_dashboard is true is not known");
    let cause = report.causes.iter().find(|c| c.code == CauseCode::CannotCompare).expect("its reason");
    assert!(cause.text.contains("another session has locked what it reads"), "{}", cause.text);
}
