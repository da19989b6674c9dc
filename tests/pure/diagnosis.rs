//! The table of causes: a Snapshot in, the verdict and the worst cause's code out.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::{CauseCode, Diagnosis, Failure, Remedy, Verdict, diagnose};
use mvtop::domain::drift::Scope;
use mvtop::domain::freshness::{FreshnessState, LimitSource, Source};
use mvtop::domain::job::{Job, JobId, Run, RunStatus};
use mvtop::domain::reading::{Problem, ProblemKind, Progress};
use mvtop::domain::server::{Cron, Link};
use mvtop::domain::snapshot::{Blocker, Refreshing, Snapshot, ViewState};

use mvtop::domain::view::{Oid, Trigger};

use crate::scene::*;

fn verdict_and_cause(snapshot: &Snapshot) -> (Verdict, Option<CauseCode>) {
    let diagnosis = diagnose(snapshot, night());
    (diagnosis.verdict, diagnosis.views[0].causes.first().map(|c| c.code))
}

fn said(snapshot: &Snapshot) -> (Diagnosis, String) {
    let diagnosis = diagnose(snapshot, night());
    let text = diagnosis.views[0].causes.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join(" ");
    (diagnosis, text)
}

fn edited(mut snapshot: Snapshot, edit: impl FnOnce(&mut ViewState)) -> Snapshot {
    edit(Arc::make_mut(&mut snapshot.views[0]));
    snapshot
}

fn with_cron(mut snapshot: Snapshot, cron: Cron) -> Snapshot {
    Arc::make_mut(snapshot.server.as_mut().unwrap()).cron = cron;
    snapshot
}

fn fresh(edit: impl FnOnce(&mut mvtop::domain::job::Job, &mut Vec<mvtop::domain::job::Run>)) -> Snapshot {
    scheduled_snapshot(healed(), TimeDelta::minutes(2), edit)
}

#[test]
fn the_incident_is_critical_because_nothing_was_ever_scheduled_and_osmara_is_named_first() {
    let snapshot = incident_snapshot();
    let diagnosis = diagnose(&snapshot, night());
    let view = &diagnosis.views[0];
    assert_eq!(verdict_and_cause(&snapshot), (Verdict::Critical, Some(CauseCode::NeverScheduled)));
    assert_eq!(view.remedy, Some(Remedy::Refresh));
    assert_eq!(
        view.whom.as_deref(),
        Some("Osmara Partida sees VEN 166 instead of 0, BOOM 0 instead of 29; 2 more are affected")
    );
    assert!(view.what.contains("194 of 3,230 misplaced, 200 outdated"), "{}", view.what);
    assert_eq!(view.freshness.state, FreshnessState::Late);
    assert_eq!(view.next, None);
}

#[test]
fn a_total_that_is_the_same_on_both_sides_hides_nothing() {
    let snapshot = incident_snapshot();
    let totals = snapshot.views[0].drift.value().unwrap().totals;
    assert_eq!(totals.view, totals.live, "the scene has the trap of the incident");
    assert_eq!(verdict_and_cause(&snapshot).0, Verdict::Critical);
}

#[test]
fn after_a_refresh_by_hand_it_is_true_but_still_a_warning_for_nothing_keeps_it_so() {
    assert_eq!(verdict_and_cause(&healed_snapshot()), (Verdict::Warning, Some(CauseCode::NeverScheduled)));
}

#[test]
fn with_its_job_on_time_all_is_well() {
    let snapshot = fresh(|_, _| {});
    let diagnosis = diagnose(&snapshot, night());
    assert_eq!(verdict_and_cause(&snapshot), (Verdict::Ok, Some(CauseCode::ViewIsTrue)));
    let limit = diagnosis.views[0].freshness.limit;
    assert_eq!(limit.source, LimitSource::Job(JobId(3)));
    let length = limit.length.unwrap();
    assert!(length > TimeDelta::minutes(5) && length < TimeDelta::minutes(6), "{limit:?}");
}

#[test]
fn drift_within_the_limit_of_a_working_job_is_normal() {
    let snapshot = scheduled_snapshot(incident(), TimeDelta::minutes(2), |_, _| {});
    assert_eq!(verdict_and_cause(&snapshot), (Verdict::Ok, Some(CauseCode::NormalDrift)));
    assert!(said(&snapshot).1.contains("next refresh"));
    let report = &diagnose(&snapshot, night()).views[0];
    assert!(report.what.contains(" is as of 2m ago: 394 of 3,230 rows differ by now"), "{}", report.what);
    assert_eq!(report.whom, None);
}

#[test]
fn rows_that_differ_weigh_by_their_age_against_the_limit_and_not_by_what_will_become_of_it() {
    let by_hand = |age| {
        let view =
            edited(incident_snapshot(), |view| view.stamp.last.as_mut().unwrap().value.column = Some(night() - age));
        verdict_and_cause(&view)
    };
    assert_eq!(by_hand(TimeDelta::seconds(8)), (Verdict::Warning, Some(CauseCode::NeverScheduled)));
    assert_eq!(by_hand(TimeDelta::minutes(6)), (Verdict::Critical, Some(CauseCode::NeverScheduled)));
    let resumed = scheduled_snapshot(incident(), TimeDelta::hours(74), |_, _| {});
    assert_eq!(verdict_and_cause(&resumed), (Verdict::Critical, Some(CauseCode::Late)), "a job is active, and yet");
}

/// The night is at 02:15.
#[test]
fn a_schedule_that_rests_at_another_hour_is_held_to_what_it_keeps_now() {
    let verdict = |schedule: &str| {
        let edit = |job: &mut Job, _: &mut Vec<Run>| job.schedule = schedule.into();
        diagnose(&scheduled_snapshot(incident(), TimeDelta::minutes(70), edit), night()).verdict
    };
    assert_eq!(verdict("*/5 0-6 * * *"), Verdict::Critical, "it should have run fourteen times since");
    assert_ne!(verdict("*/5 7-22 * * *"), Verdict::Critical, "it rests until 07:00");
}

#[test]
fn data_dates_from_the_begin_of_the_refresh_and_from_the_last_look_before_one_that_nobody_saw() {
    let minutes = |n| night() - TimeDelta::minutes(n);
    let long = |_: &mut Job, runs: &mut Vec<Run>| {
        runs.truncate(1);
        (runs[0].start, runs[0].end) = (Some(minutes(20)), Some(minutes(10)));
    };
    let age = |edit: &dyn Fn(&mut ViewState), runs: &dyn Fn(&mut Job, &mut Vec<Run>)| {
        let snapshot = edited(scheduled_snapshot(incident(), TimeDelta::zero(), |j, r| runs(j, r)), |view| {
            view.stamp.last.as_mut().unwrap().value.column = None;
            edit(view);
        });
        diagnose(&snapshot, night()).views[0].freshness.age.unwrap().num_minutes()
    };
    let committed = |view: &mut ViewState| view.stamp.last.as_mut().unwrap().value.committed = Some(minutes(10));
    let seen = |view: &mut ViewState| view.observed = Some(minutes(10));
    let unseen = |view: &mut ViewState| (view.observed, view.unseen_since) = (Some(minutes(10)), Some(minutes(90)));
    let none = |_: &mut Job, runs: &mut Vec<Run>| runs.clear();
    assert_eq!([age(&committed, &long), age(&seen, &long)], [20, 20]);
    assert_eq!([age(&committed, &none), age(&seen, &none), age(&unseen, &none)], [10, 10, 90]);
}

#[test]
fn a_prepared_transaction_that_holds_the_lock_is_told_with_what_ends_it() {
    let held = edited(incident_snapshot(), |view| {
        view.refreshing = vec![Refreshing {
            pid: 0,
            user: String::new(),
            application: String::new(),
            since: None,
            concurrently: true,
            granted: true,
            state: Some("idle in transaction, prepared".into()),
            blocked_by: vec![],
        }];
    });
    let (_, text) = said(&held);
    assert!(text.contains("a prepared transaction has held its lock: COMMIT PREPARED"), "{text}");
    assert!(held.views[0].obstacles().is_empty(), "no session to end");
}

#[test]
fn an_unknown_age_is_never_said_to_be_on_time() {
    let snapshot = edited(scheduled_snapshot(incident(), TimeDelta::zero(), |_, runs| runs.clear()), |view| {
        view.stamp.last.as_mut().unwrap().value.column = None;
    });
    let (diagnosis, text) = said(&snapshot);
    assert_eq!((diagnosis.verdict, diagnosis.views[0].freshness.age), (Verdict::Critical, None));
    assert!(text.contains("No signal says when it was refreshed") && !text.contains("on time"), "{text}");
}

#[test]
fn triggers_leave_no_lag_that_would_explain_rows_that_differ() {
    for (writes, words) in
        [(28, "a TRUNCATE passed them by, or a refresh of theirs was lost."), (60, "at every write, and")]
    {
        let trigger =
            Trigger { table: TABLE, name: "t".into(), body: String::new(), search_path: None, enabled: true, writes };
        let kept = edited(incident_snapshot(), |view| Arc::make_mut(&mut view.view).triggers = vec![trigger]);
        assert_eq!(verdict_and_cause(&kept), (Verdict::Critical, Some(CauseCode::Late)));
        let text = diagnose(&kept, night()).views[0].causes[0].text.clone();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_view_that_cannot_be_read_needs_a_person_before_one_that_is_wrong() {
    let mut snapshot = incident_snapshot();
    let mut empty = (*snapshot.views[0]).clone();
    Arc::make_mut(&mut empty.view).oid = Oid(99);
    (empty.signal.populated, empty.drift, empty.values) = (false, Default::default(), Default::default());
    snapshot.views.push(Arc::new(empty));
    assert_eq!(diagnose(&snapshot, night()).worst().map(|v| v.oid), Some(Oid(99)));
}

#[test]
fn that_the_application_may_hide_rows_is_said_only_where_rows_are_somebodys() {
    let ungrouped = edited(fresh(|_, _| {}), |view| Arc::make_mut(&mut view.view).groups.clear());
    assert_eq!(verdict_and_cause(&ungrouped), (Verdict::Ok, None));
    let last = diagnose(&healed_snapshot(), night()).views[0].causes.last().map(|c| (c.code, c.remedy));
    assert_eq!(last, Some((CauseCode::ViewIsTrue, None)));
}

#[test]
fn each_trouble_of_the_job_has_its_cause() {
    let cases: Vec<(Snapshot, CauseCode)> = vec![
        (fresh(|job, _| job.active = false), CauseCode::JobPaused),
        (fresh(|job, _| job.schedule = "* * 30 2 *".into()), CauseCode::ScheduleNeverFires),
        (fresh(|job, _| job.schedule = "*/60 nonsense".into()), CauseCode::ScheduleNeverFires),
        (
            fresh(|_, runs| {
                runs[0].status = RunStatus::Failed;
                runs[0].message = Some("ERROR: must be owner of materialized view".into());
            }),
            CauseCode::RunFailed(Failure::NotOwner),
        ),
        (fresh(|_, runs| drop(runs.drain(..4))), CauseCode::RunsMissing),
        (fresh(|job, _| job.command = "REFRESH MATERIALIZED VIEW otra".into()), CauseCode::NeverScheduled),
    ];
    for (snapshot, code) in cases {
        assert_eq!(verdict_and_cause(&snapshot), (Verdict::Warning, Some(code)));
    }
}

#[test]
fn a_failed_run_is_told_with_its_message() {
    let snapshot = fresh(|_, runs| {
        runs[0].status = RunStatus::Failed;
        runs[0].message = Some("ERROR: must be owner of materialized view\nCONTEXT: more".into());
    });
    let text = said(&snapshot).1;
    assert!(text.contains("must be owner of materialized view") && !text.contains("CONTEXT"), "{text}");
}

#[test]
fn what_cannot_be_known_about_the_schedule_is_never_called_unscheduled() {
    let hidden = with_cron(
        healed_snapshot(),
        match server().cron {
            Cron::Present(extension) => {
                Cron::Present(mvtop::domain::server::CronExtension { row_security: true, ..extension })
            }
            other => other,
        },
    );
    for (snapshot, code) in [
        (with_cron(healed_snapshot(), Cron::Elsewhere("postgres".into())), CauseCode::CronNotVisible),
        (with_cron(healed_snapshot(), Cron::Forbidden), CauseCode::CronNotVisible),
        (hidden, CauseCode::HistoryNotVisible),
        (with_cron(healed_snapshot(), Cron::Absent), CauseCode::CronMissing),
    ] {
        assert_eq!(verdict_and_cause(&snapshot).1, Some(code));
    }
}

#[test]
fn a_blocked_refresh_names_who_blocks_it() {
    let refresh = Refreshing {
        pid: 10,
        user: "postgres".into(),
        application: "pg_cron".into(),
        since: Some(night() - TimeDelta::seconds(40)),
        concurrently: true,
        state: Some("active".into()),
        granted: false,
        blocked_by: vec![Blocker {
            pid: 11,
            user: "ana".into(),
            application: "psql".into(),
            state: "idle in transaction".into(),
            since: Some(night() - TimeDelta::minutes(7)),
            query: Some("UPDATE prospectos SET etapa = 'x'".into()),
        }],
    };
    let snapshot = edited(fresh(|_, _| {}), |view| view.refreshing = vec![refresh.clone()]);
    let (diagnosis, text) = said(&snapshot);
    assert_eq!(diagnosis.views[0].causes[0].code, CauseCode::RefreshBlocked);
    assert!(
        text.contains("waits for 40s for ana (psql, pid 11), idle in transaction for 7m: UPDATE prospectos"),
        "{text}"
    );
    let running = edited(fresh(|_, _| {}), |view| {
        view.refreshing = vec![Refreshing { granted: true, blocked_by: vec![], ..refresh }];
    });
    assert_eq!(diagnose(&running, night()).views[0].remedy, Some(Remedy::Wait));
}

#[test]
fn a_comparison_from_before_the_lock_that_now_hides_the_view_is_told_in_the_past_tense() {
    let locked = edited(fresh(|_, _| {}), |view| {
        view.refreshing = vec![Refreshing {
            pid: 10,
            user: "ana".into(),
            application: "psql".into(),
            since: Some(night()),
            concurrently: false,
            state: Some("active".into()),
            granted: true,
            blocked_by: vec![],
        }];
    });
    assert!(diagnose(&locked, night()).views[0].what.contains("is true: all"));
    let moved = edited(locked, |view| view.moved = Some(night() + TimeDelta::seconds(1)));
    let what = diagnose(&moved, night()).views[0].what.clone();
    assert!(what.contains("was true when last compared: all"), "{what}");
}

#[test]
fn a_view_that_was_never_populated_is_critical() {
    let snapshot = edited(incident_snapshot(), |view| {
        view.signal.populated = false;
        (view.drift, view.values) = Default::default();
    });
    assert_eq!(verdict_and_cause(&snapshot), (Verdict::Critical, Some(CauseCode::NeverPopulated)));
    let said = |snapshot: &Snapshot| {
        let report = diagnose(snapshot, night()).views.remove(0);
        assert_eq!((report.freshness.age, report.what.as_str()), (None, "mv_conversaciones_dashboard holds no data"));
        report.causes[0].text.clone()
    };
    assert!(said(&snapshot).contains("after a refresh 3d02h ago: every query"), "{}", said(&snapshot));
    let never = edited(snapshot, |view| view.stamp = Default::default());
    assert!(said(&never).contains("and not refreshed since: every query"), "{}", said(&never));
}

#[test]
fn a_comparison_that_failed_is_unknown_and_never_drift() {
    let why = Problem { kind: ProblemKind::Permission, text: "query would be affected by row-level security".into() };
    let snapshot = edited(fresh(|_, _| {}), |view| {
        (view.drift, view.values) = Default::default();
        view.drift.progress = Progress::Failed { at: night(), why: why.clone() };
    });
    assert_eq!(verdict_and_cause(&snapshot), (Verdict::Unknown, Some(CauseCode::CannotCompare)));
    assert_eq!(diagnose(&snapshot, night()).views[0].totals, None);
}

#[test]
fn a_server_that_does_not_answer_is_unknown_whatever_was_known() {
    let mut snapshot = fresh(|_, _| {});
    snapshot.link =
        Link::Down { since: night(), why: "connection refused".into(), kind: ProblemKind::Connection, tries: 3 };
    let diagnosis = diagnose(&snapshot, night());
    assert_eq!(diagnosis.verdict, Verdict::Unknown);
    assert_eq!(diagnosis.server.map(|c| c.code), Some(CauseCode::Unreachable));
    assert_eq!(diagnosis.views.len(), 1, "what was known is still there");
}

#[test]
fn a_look_at_groups_only_does_not_say_that_the_view_is_true() {
    let same = comparison(Scope::Groups, &[(Some(("a", "b")), Some(("a", "b")), 5, 0)]);
    let snapshot = edited(fresh(|_, _| {}), |view| {
        view.values = Default::default();
        view.drift = measured(Arc::new(same), night(), 1);
    });
    let diagnosis = diagnose(&snapshot, night());
    assert!(diagnosis.views[0].what.contains("values not compared yet"), "{}", diagnosis.views[0].what);
}

#[test]
fn without_a_refresh_time_column_the_last_good_run_says_how_old_it_is() {
    let snapshot = edited(fresh(|_, _| {}), |view| {
        let stamp = view.stamp.last.as_mut().unwrap();
        stamp.value.column = None;
    });
    let freshness = &diagnose(&snapshot, night()).views[0].freshness;
    let source = freshness.refreshed.as_ref().map(|r| r.source.clone());
    assert!(matches!(source, Some(Source::CronRun(_))), "{source:?}");
    assert_eq!(freshness.state, FreshnessState::Fresh);
}

#[test]
fn with_no_signal_at_all_the_age_is_unknown_and_no_number_is_made_up() {
    let snapshot = edited(incident_snapshot(), |view| view.stamp = Default::default());
    let freshness = &diagnose(&snapshot, night()).views[0].freshness;
    assert_eq!((freshness.state, freshness.age), (FreshnessState::Unknown, None));
}

#[test]
fn no_more_rows_are_misplaced_than_there_are() {
    let one =
        |comparison| snapshot(vec![view_state(comparison, night() - TimeDelta::hours(3))], history(vec![], vec![]));
    let (a, b) = (Some(("a", "x")), Some(("b", "x")));
    let what =
        diagnose(&one(comparison(Scope::Values, &[(a, None, 1, 0), (None, b, 1, 0)])), night()).views.remove(0).what;
    assert!(what.ends_with("is wrong: 2 of 2 misplaced"), "{what}");
}
