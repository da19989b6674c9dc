//! The proof's judgement: what passes, what warns, what fails, what is not proven.

mod read;

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::groups::Member;
use mvtop::domain::job::{self, Job, JobId, RunId, RunStatus};
use mvtop::domain::server::Cron;
use mvtop::domain::snapshot::Snapshot;
use mvtop::domain::verify::*;
use mvtop::domain::view::{Oid, RefreshMode, View, ViewName};

use crate::scene::*;

const OTHER: Oid = Oid(16_501);

fn table(name: &str) -> ViewName {
    ViewName { schema: "public".into(), name: name.into() }
}

fn facts() -> Facts {
    Facts {
        tables: vec![(TABLE, table("prospectos")), (OTHER, table("mensajes"))],
        refreshers: vec!["postgres".into()],
        ..Facts::default()
    }
}

fn triggers(on: &[(Oid, bool)]) -> Facts {
    let trigger = |&(table, enabled): &(Oid, bool)| RefreshTrigger {
        table,
        name: format!("refresca_{}", table.0),
        enabled,
        search_path: None,
        body: String::new(),
        writes: 28,
    };
    Facts { triggers: on.iter().map(trigger).collect(), ..facts() }
}

fn source() -> Source {
    let member = |name: &str| Member { key: Some(Some(name.into())), label: Some(name.into()) };
    Source {
        table: table("prospectos"),
        column: "ejecutivo_id".into(),
        id: "id".into(),
        shown: ("ejecutivo_id".into(), "prospecto_id".into()),
        from: member("osmara"),
        to: member("berta"),
        can_update: true,
    }
}

fn trial(before: (i64, i64), after: (i64, i64), owner: &str) -> Trial {
    let seen = |(from, to), owner: &str| Seen { from, to, owner: Some(owner.into()) };
    let source = source();
    let refreshes = Refreshes::ByHand(RefreshMode::Concurrently);
    Trial::Ran(Box::new(Run {
        reassignment: Reassignment { source, row: "7".into(), refreshes, surroundings: Default::default() },
        before: seen(before, "osmara"),
        after: seen(after, owner),
        undone: true,
        took_ms: 4,
    }))
}

fn moved() -> Trial {
    trial((29, 85), (28, 86), "berta")
}

struct Case {
    snapshot: Snapshot,
    facts: Facts,
    trial: Trial,
    tolerance: Tolerance,
    is_plain: bool,
}

fn case(snapshot: Snapshot) -> Case {
    Case { snapshot, facts: facts(), trial: moved(), tolerance: Tolerance::default(), is_plain: false }
}

impl Case {
    fn verify(&self) -> Verification {
        verify(&Evidence {
            snapshot: &self.snapshot,
            view: &self.snapshot.views[0],
            is_plain: self.is_plain,
            facts: &self.facts,
            trial: &self.trial,
            tolerance: self.tolerance,
            now: night(),
        })
    }

    /// Every statement that does not simply hold, as `code outcome`, and the exit code.
    fn said(&self) -> (String, u8) {
        let verification = self.verify();
        let quiet = |o: Outcome| matches!(o, Outcome::Pass | Outcome::Note);
        let loud = verification.checks().filter(|c| !quiet(c.outcome));
        let said: Vec<String> = loud.map(|c| format!("{} {}", c.code, c.outcome.code())).collect();
        (said.join(", "), verification.exit_code(false))
    }

    fn text(&self, code: &str) -> String {
        let verification = self.verify();
        let check = verification.checks().find(|c| c.code == code).unwrap_or_else(|| panic!("no {code}"));
        format!("{} {}", check.text, check.details.join("; "))
    }
}

fn scheduled(edit: impl FnOnce(&mut Job, &mut Vec<job::Run>)) -> Case {
    case(scheduled_snapshot(healed(), TimeDelta::minutes(2), edit))
}

fn with_view(mut case: Case, edit: impl FnOnce(&mut View)) -> Case {
    let mut view = view();
    edit(&mut view);
    Arc::make_mut(&mut case.snapshot.views[0]).view = Arc::new(view);
    case
}

#[test]
fn each_set_up_fails_warns_or_passes_as_documented() {
    let incident = "fresh fail, groups fail, values warning, as_administrador fail, as_coordinador fail, \
                    as_ejecutivo fail, kept warning";
    let late = |facts| Case { facts, ..case(scheduled_snapshot(healed(), TimeDelta::hours(3), |_, r| r.clear())) };
    let cases: Vec<(&str, Case, &str, u8)> = vec![
        ("the incident", case(incident_snapshot()), incident, 1),
        ("refreshed by hand", case(healed_snapshot()), "kept warning", 0),
        ("a job", scheduled(|_, _| {}), "", 0),
        ("a plain view", Case { is_plain: true, ..case(healed_snapshot()) }, "", 0),
        (
            "triggers on every table",
            Case { facts: triggers(&[(TABLE, true), (OTHER, true)]), ..case(healed_snapshot()) },
            "",
            0,
        ),
        ("triggers, nobody wrote for hours", late(triggers(&[(TABLE, true), (OTHER, true)])), "success_24h skipped", 0),
        (
            "triggers on one of two",
            Case { facts: triggers(&[(TABLE, true)]), ..case(healed_snapshot()) },
            "triggers warning",
            0,
        ),
        (
            "a disabled trigger",
            Case { facts: triggers(&[(TABLE, true), (OTHER, false)]), ..case(healed_snapshot()) },
            "triggers fail",
            1,
        ),
        ("a paused job", scheduled(|j, _| j.active = false), "job_active fail, next_run fail", 1),
        ("a job elsewhere", scheduled(|j, _| (j.here, j.database) = (false, "otra".into())), "job_database fail", 1),
        ("a job of a stranger", scheduled(|j, _| j.username = "ana".into()), "job_owner fail", 1),
        (
            "a schedule that never fires",
            scheduled(|j, _| j.schedule = "0 0 30 2 *".into()),
            "job_schedule fail, next_run fail",
            1,
        ),
        (
            "a schedule nobody can read",
            scheduled(|j, _| j.schedule = "Monday".into()),
            "job_schedule fail, next_run fail",
            1,
        ),
        ("no run yet", scheduled(|_, r| r.clear()), "success_24h skipped", 0),
        (
            "runs that should have come by now",
            scheduled(|j, r| {
                // Of another job, whose first run since shows that time went by; no id is missing.
                j.changed_after = Some(RunId(4));
                r.iter_mut().zip((1..=8).rev()).for_each(|(r, id)| (r.id, r.job) = (RunId(id), JobId(7)));
                r.truncate(8);
            }),
            "last_run fail, success_24h skipped",
            1,
        ),
        (
            "a schedule of two minutes ago, and runs by the one before",
            scheduled(|j, r| {
                j.changed_after = Some(r[0].id);
                r.retain(|r| r.start.is_some_and(|s| s.timestamp() / 60 % 60 == 15));
            }),
            "",
            0,
        ),
        (
            "the last run failed",
            scheduled(|_, r| r[0].status = RunStatus::Failed),
            "last_run fail, success_24h warning",
            1,
        ),
        ("one run failed", scheduled(|_, r| r[9].status = RunStatus::Failed), "success_24h warning", 0),
        (
            "every third run failed",
            scheduled(|_, r| r.iter_mut().skip(1).step_by(3).for_each(|r| r.status = RunStatus::Failed)),
            "success_24h fail",
            1,
        ),
        ("late", case(scheduled_snapshot(healed(), TimeDelta::hours(3), |_, _| {})), "fresh fail", 1),
        (
            "no unique index",
            with_view(case(healed_snapshot()), |v| v.has_unique_index = false),
            "kept warning, unique_index warning",
            0,
        ),
        (
            "CONCURRENTLY without one",
            with_view(scheduled(|_, _| {}), |v| v.has_unique_index = false),
            "unique_index fail",
            1,
        ),
        (
            "no groups",
            with_view(scheduled(|_, _| {}), |v| v.groups.clear()),
            "as_coordinador skipped, as_ejecutivo skipped",
            0,
        ),
    ];
    for (name, case, expected, code) in cases {
        assert_eq!(case.said(), (expected.to_string(), code), "{name}");
    }
}

#[test]
fn strict_lets_no_warning_pass() {
    let verification = case(healed_snapshot()).verify();
    assert_eq!((verification.exit_code(false), verification.exit_code(true)), (0, 1));
    assert_eq!(scheduled(|_, _| {}).verify().exit_code(true), 0);
}

#[test]
fn test_2_needs_one_to_leave_one_to_arrive_and_the_row_to_be_there() {
    let outcomes = [
        (moved(), "", 0),
        (trial((29, 85), (29, 85), "osmara"), "reassign fail", 1),
        (trial((29, 85), (28, 85), "berta"), "reassign fail", 1),
        (trial((29, 85), (28, 86), "carla"), "reassign fail", 1),
        (Trial::NotProven("a lock".into()), "reassign not_proven", 3),
        (Trial::Skipped("--no-write".into()), "reassign skipped", 0),
    ];
    for (trial, expected, code) in outcomes {
        let case = Case { trial: trial.clone(), ..scheduled(|_, _| {}) };
        assert_eq!(case.said(), (expected.to_string(), code), "{trial:?}");
    }
}

#[test]
fn what_fails_weighs_more_than_what_is_not_proven() {
    let case = Case { trial: Trial::NotProven("a lock".into()), ..case(incident_snapshot()) };
    assert_eq!(case.said().1, 1);
}

#[test]
fn the_tolerance_lets_groups_and_people_pass_and_never_the_age() {
    let case = Case { tolerance: Tolerance::Percent(50.0), ..case(incident_snapshot()) };
    assert_eq!(
        case.said().0,
        "fresh fail, groups fail, as_coordinador fail, as_ejecutivo fail, kept warning",
        "BOOM and Osmara: all of it"
    );
    let said = case.text("as_ejecutivo");
    assert!(said.starts_with("1 of 3 affected by more than 50 %"), "{said}");
    let case = Case { tolerance: Tolerance::Rows(1_000), ..case };
    assert_eq!(case.said().0, "fresh fail, kept warning");
    let said = case.text("groups");
    assert!(said.contains("groups differ, none by more than 1000 rows"), "{said}");
}

#[test]
fn the_documents_own_total_is_green_on_the_incident_and_said_beside_it() {
    let case = case(incident_snapshot());
    let text = case.text("total_5_percent");
    assert!(text.contains("view 3,230, live 3,230: green"), "{text}");
    assert!(case.text("groups").contains("Osmara Partida · VEN 166 instead of 0"), "{}", case.text("groups"));
    assert!(case.text("as_ejecutivo").contains("Osmara Partida sees 166, should see 29 (-137)"));
}

#[test]
fn where_jobs_cannot_be_seen_nothing_is_said_to_be_missing() {
    for cron in [Cron::Forbidden, Cron::Elsewhere("postgres".into())] {
        let mut case = case(healed_snapshot());
        Arc::make_mut(case.snapshot.server.as_mut().unwrap()).cron = cron;
        assert_eq!(case.said(), ("kept not_proven".to_string(), 3));
    }
}

#[test]
fn another_view_s_concurrently_asks_no_unique_index_of_this_one() {
    let command = "REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard; REFRESH MATERIALIZED VIEW CONCURRENTLY o";
    let scheduled = scheduled(|job, _| job.command = command.into());
    assert_eq!(with_view(scheduled, |v| v.has_unique_index = false).said().0, "unique_index warning");
}

#[test]
fn old_values_that_triggers_should_have_caught_are_a_failure() {
    let changed =
        comparison(mvtop::domain::drift::Scope::Values, &[(Some(("Berta", "VEN")), Some(("Berta", "VEN")), 90, 4)]);
    let by_job = case(scheduled_snapshot(changed.clone(), TimeDelta::minutes(2), |_, _| {}));
    assert_eq!(by_job.said().0, "values warning");
    let facts = triggers(&[(TABLE, true), (OTHER, true)]);
    let by_triggers = Case { facts, ..case(scheduled_snapshot(changed, TimeDelta::minutes(2), |_, _| {})) };
    assert_eq!(by_triggers.said().0, "values fail");
}

#[test]
fn what_keeps_this_role_or_server_from_test_2_is_named() {
    let state = healed_snapshot().views[0].clone();
    let mut server = server();
    assert_eq!(
        refreshes(&state, false, &facts(), Some(&server), &source()),
        Ok(Refreshes::ByHand(RefreshMode::Concurrently))
    );
    assert_eq!(refreshes(&state, true, &facts(), Some(&server), &source()), Ok(Refreshes::Never));
    assert_eq!(
        refreshes(&state, false, &triggers(&[(TABLE, true)]), Some(&server), &source()),
        Ok(Refreshes::ByTriggers)
    );
    assert_eq!(
        refreshes(&state, false, &triggers(&[(TABLE, false)]), Some(&server), &source()),
        Ok(Refreshes::ByHand(RefreshMode::Concurrently)),
        "a disabled trigger refreshes nothing"
    );
    let strangers = with_view(case(healed_snapshot()), |v| v.can_refresh = false);
    let locked = Source { can_update: false, ..source() };
    let Err(Trial::NotProven(why)) = refreshes(&strangers.snapshot.views[0], false, &facts(), Some(&server), &locked)
    else {
        panic!("a stranger may refresh")
    };
    assert!(why.starts_with("not possible for this role: postgres may not refresh"), "{why}");
    assert!(why.ends_with("postgres may not UPDATE prospectos.ejecutivo_id"), "{why}");
    server.standby = true;
    assert!(matches!(refreshes(&state, true, &facts(), Some(&server), &source()), Err(Trial::NotProven(_))));
}

#[test]
fn the_row_goes_from_who_is_hit_worst_and_still_has_rows_to_the_next() {
    let feed = |column: &str, is_unique| Feed {
        table: table("prospectos"),
        column: column.into(),
        is_unique,
        can_update: true,
    };
    let definition =
        " SELECT p.id AS prospecto_id,\n    p.ejecutivo_id,\n    p.coordinacion_id\n   FROM public.prospectos p";
    let facts = Facts { feeds: vec![feed("id", true), feed("ejecutivo_id", false)], ..facts() };
    let case = with_view(case(incident_snapshot()), |v| v.definition = definition.into());
    let find = |facts: &Facts| Source::find(&case.snapshot.views[0], facts, &incident().drift);
    let source = find(&facts).unwrap();
    assert_eq!((source.from.title(), source.to.title()), ("Osmara Partida", "Berta Lagos"));
    assert_eq!((source.column.as_str(), source.id.as_str()), ("ejecutivo_id", "id"));
    assert_eq!(source.shown, ("ejecutivo_id".to_string(), "prospecto_id".to_string()));

    let refused = |facts: Facts| match find(&facts) {
        Err(Trial::Skipped(why) | Trial::NotProven(why)) => why,
        other => panic!("{other:?}"),
    };
    let nameless =
        Facts { feeds: facts.feeds.iter().cloned().map(|f| Feed { is_unique: false, ..f }).collect(), ..facts.clone() };
    assert!(refused(nameless).contains("no column of the view names a row of prospectos"));
    assert!(refused(Facts { feeds: vec![], ..facts }).contains("no base table's column was found"));
}

#[test]
fn a_job_whose_role_may_not_refresh_may_call_what_runs_as_the_owner() {
    let called = |definer: &str| {
        let mut case = scheduled(|job, _| {
            (job.username, job.command) = ("appuser".into(), "SELECT refresca()".into());
        });
        let history = &mut case.snapshot.history.last.as_mut().unwrap().value;
        let history = Arc::make_mut(history);
        history.settle(job::Homes::new());
        history.routines = vec![job::Routine {
            schema: "public".into(),
            name: "refresca".into(),
            body: "begin refresh materialized view mv_conversaciones_dashboard; end".into(),
            search_path: None,
            definer: Some(definer.into()),
        }];
        case
    };
    assert_eq!(called("postgres").said(), (String::new(), 0));
    assert!(called("postgres").text("job_owner").contains("refreshes it as postgres, who may"));
    assert_eq!(called("otro").said(), ("job_owner fail".into(), 1));
}
