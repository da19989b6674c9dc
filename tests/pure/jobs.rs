//! Which job a fix sets right, and what it does about those that no schedule mends.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::diagnose;
use mvtop::domain::fix::{Fix, Plan};
use mvtop::domain::job::{Job, Run, RunStatus};
use mvtop::domain::snapshot::Snapshot;
use mvtop::pg::fix::Ground;

use crate::scene::*;

/// The night with these jobs and runs, everything allowed.
fn night_with(jobs: Vec<Job>, runs: Vec<Run>) -> Snapshot {
    let state = view_state(incident(), night() - TimeDelta::hours(2));
    let mut snapshot = snapshot(vec![state], history(jobs, runs));
    Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(facts()), night(), 120);
    Arc::make_mut(snapshot.server.as_mut().unwrap()).superuser = true;
    snapshot
}

fn every_four_minutes(snapshot: &Snapshot) -> Plan {
    let (view, diagnosis) = (&snapshot.views[0], diagnose(snapshot, night()));
    let ground = Ground { snapshot, view, report: diagnosis.view(VIEW), now: night() };
    ground.plan(&Fix::CronInstall { schedule: "*/4 * * * *".into() }).unwrap()
}

/// The newest run of a job, failed with this message.
fn failed(job: i64, message: &str) -> Run {
    let newest = runs(job, 5).remove(0);
    Run { status: RunStatus::Failed, message: Some(message.into()), ..newest }
}

#[test]
fn of_several_jobs_the_one_that_works_is_set_right() {
    let paused =
        Job { active: false, ..job(1, "tw1", "*/10 * * * *", "REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard") };
    let works = job(2, "tw2", "*/5 * * * *", "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard");
    let plan = every_four_minutes(&night_with(vec![paused.clone(), works], Vec::new()));
    assert!(plan.sql().contains("job_id := 2") && !plan.sql().contains("job_id := 1"), "{}", plan.sql());
    let alone = every_four_minutes(&night_with(vec![paused], Vec::new()));
    assert!(alone.sql().contains("job_id := 1"), "{}", alone.sql());
}

#[test]
fn that_all_of_a_command_moves_to_the_new_schedule_is_said() {
    let command = "DELETE FROM t.log; REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard";
    let plan = every_four_minutes(&night_with(vec![job(1, "dos", "*/10 * * * *", command)], Vec::new()));
    assert!(plan.notes.iter().any(|n| n.contains("All that it does") && n.contains("DELETE FROM t.log")), "{plan:?}");
}

#[test]
fn a_job_that_fails_whatever_its_schedule_is_paused_beside_a_new_one() {
    let theirs = Job { username: "cron_crm".into(), ..refresh_job() };
    let elsewhere = Job { database: "postgres".into(), here: false, ..refresh_job() };
    type Case = (Job, &'static str, &'static str);
    let cases: [Case; 5] = [
        (theirs.clone(), "ERROR: must be owner of materialized view mv", "cron_crm may not refresh it"),
        (theirs, "ERROR: canceling statement due to statement timeout", "runs into the statement_timeout of cron_crm"),
        (elsewhere, "ERROR: relation does not exist", "runs in the database postgres"),
        (refresh_job(), "connection failed", "cannot connect to where it runs"),
        (refresh_job(), "job startup timeout", "cannot connect to where it runs"),
    ];
    for (job, message, why) in cases {
        let mut snapshot = night_with(vec![job], vec![failed(3, message)]);
        let plan = every_four_minutes(&snapshot);
        let sql = plan.sql();
        assert!(plan.needs.is_empty() && sql.contains("cron.schedule("), "{message}: {plan:?}");
        assert!(sql.contains("cron.alter_job(job_id := 3, active := false)"), "{message}: {sql}");
        let said = plan.notes.join(" ");
        assert!(said.contains(why) && !said.contains("refreshes it already"), "{message}: {said}");
        // Without the right to change it, it is told of.
        let mut poor = facts();
        poor.rights.can_alter_job = false;
        Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(poor), night(), 120);
        let plan = every_four_minutes(&snapshot);
        assert!(!plan.sql().contains("alter_job") && plan.notes.join(" ").contains("goes on failing"), "{plan:?}");
    }
}

#[test]
fn a_job_that_once_found_no_room_to_start_is_set_right_and_one_that_runs_into_its_timeout_needs_a_longer_one() {
    let mut all = runs(3, 5);
    all[0] = failed(3, "job startup timeout");
    let plan = every_four_minutes(&night_with(vec![refresh_job()], all));
    assert!(plan.needs.is_empty() && plan.sql().contains("job_id := 3, schedule := '*/4 * * * *'"), "{plan:?}");
    let mut all = runs(3, 5);
    for run in &mut all[..3] {
        (run.status, run.message) = (RunStatus::Failed, Some("job startup timeout".into()));
    }
    let plan = every_four_minutes(&night_with(vec![refresh_job()], all));
    assert!(plan.sql().contains("cron.schedule("), "none of its last runs was answered: {}", plan.sql());
    let own = night_with(vec![refresh_job()], vec![failed(3, "ERROR: canceling statement due to statement timeout")]);
    let needs = every_four_minutes(&own).needs;
    assert!(needs[0].text().starts_with("a longer statement_timeout for postgres"), "{needs:?}");
}

#[test]
fn the_lock_of_the_refresh_of_now_is_told_beside_whom_the_runs_make_wait() {
    let new = every_four_minutes(&night_with(Vec::new(), Vec::new()));
    let there = every_four_minutes(&night_with(vec![refresh_job()], runs(3, 5)));
    let waits = job(3, "x", "*/5 * * * *", "REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard");
    let waits = every_four_minutes(&night_with(vec![waits], runs(3, 5)));
    for plan in [&new, &there, &waits] {
        assert!(plan.refreshes && plan.impact.starts_with("It takes ExclusiveLock"), "{}", plan.impact);
        assert_eq!(plan.impact.contains("Readers wait while it runs"), std::ptr::eq(plan, &waits), "{}", plan.impact);
    }
}
