//! How bad it is and what comes first: what could not be compared is never called true, wrong rows are put right first.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::{Verdict, diagnose};
use mvtop::domain::drift::Scope;
use mvtop::domain::matrix::Comparison;
use mvtop::domain::reading::{Problem, ProblemKind, Progress};
use mvtop::domain::snapshot::Snapshot;

use crate::causes::{codes, drifted, holder, job_and_runs, with_server, with_view};
use crate::scene::*;

#[test]
fn wrong_rows_are_put_right_first_and_then_kept_so_where_a_refresh_can_be_done() {
    let paused = || drifted(|job, _| job.active = false);
    let advice = |snapshot: &Snapshot| diagnose(snapshot, night()).views[0].advice();
    assert_eq!(advice(&paused()).as_deref(), Some("Refresh, then resume its job."));
    let dead = Snapshot { launcher: Some(false), ..drifted(|_, _| {}) };
    assert_eq!(advice(&dead).as_deref(), Some("Refresh. Then: Restart the server."));
    let held = with_view(paused(), |v| v.refreshing = vec![holder(Some("idle in transaction"))]);
    assert_eq!(advice(&held).as_deref(), Some("End what blocks it."));
    let standby = with_server(paused(), |s| s.standby = true);
    assert_eq!(advice(&standby).as_deref(), Some("Connect to the primary."));
}

fn failing(mut snapshot: Snapshot, kind: ProblemKind, moved: bool) -> Snapshot {
    snapshot = with_view(snapshot, |v| {
        let why = Problem { kind, text: "canceling statement due to statement timeout".into() };
        v.values.progress = Progress::Failed { at: night(), why };
        v.moved = moved.then(night);
    });
    snapshot
}

#[test]
fn a_look_that_failed_counts_only_when_what_was_known_no_longer_stands() {
    let stands = failing(job_and_runs(|_, _| {}), ProblemKind::Timeout, false);
    assert_eq!(diagnose(&stands, night()).verdict, Verdict::Ok);
    let outdated = failing(job_and_runs(|_, _| {}), ProblemKind::Timeout, true);
    assert_eq!(diagnose(&outdated, night()).verdict, Verdict::Unknown);
}

#[test]
fn values_that_could_never_be_compared_are_not_called_true() {
    let same: Comparison = comparison(Scope::Groups, &[(Some(("a", "b")), Some(("a", "b")), 5, 0)]);
    let snapshot = with_view(job_and_runs(|_, _| {}), |v| {
        v.drift = measured(Arc::new(same), night(), 1);
        v.values = Default::default();
    });
    let snapshot = failing(snapshot, ProblemKind::Timeout, false);
    assert_eq!(diagnose(&snapshot, night()).verdict, Verdict::Unknown);
    assert!(!codes(&snapshot).contains(&"view_is_true"));
}

#[test]
fn a_late_view_that_was_never_compared_is_unknown_not_a_warning() {
    let snapshot = with_view(scheduled_snapshot(healed(), TimeDelta::hours(9), |_, _| {}), |v| {
        (v.drift, v.values) = Default::default();
    });
    assert_eq!(diagnose(&snapshot, night()).verdict, Verdict::Unknown);
}
