//! The scenarios, in the order in which the causes are told.

use super::super::cluster::SUPERUSER;
use super::Step::{self, Busy, Close, FreezeLauncher, Keep, Open, Restart, Run, Sql, Standby, StopServer};
use super::{Scenario, run};

/// The team's job, once an hour and half an hour away from now, with a day of good runs; the view refreshed just now.
const JOB: Step = Sql(include_str!("sql/job.sql"));
/// Osmara's prospectos go from BOOM back to VEN, which the view has not seen.
const MOVED: Step = Sql(include_str!("sql/moved.sql"));
/// A role that may read everything but is nobody special.
const ANALISTA: Step = Sql(include_str!("sql/analista.sql"));
const SEES_CRON: Step = Sql("GRANT USAGE ON SCHEMA cron TO analista");
const REFRESH: &str = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
const REFRESH_AND_FORGET: &str = "BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
const NAME: &str = "refresh-conversaciones-dashboard";

const fn scenario(name: &'static str, line: &'static str, steps: &'static [Step]) -> Scenario {
    Scenario { name, line, role: SUPERUSER, still: false, steps }
}

const fn still(scenario: Scenario) -> Scenario {
    Scenario { still: true, ..scenario }
}

const fn as_role(role: &'static str, scenario: Scenario) -> Scenario {
    Scenario { role, ..scenario }
}

/// Causes that this system's pg_cron cannot have, and why.
pub const ELSEWHERE: &[(&str, &str)] = &[("launcher_off", "needs pg_cron 1.6, which has cron.launch_active_jobs")];

/// Every scenario.
pub const ALL: &[Scenario] = &[
    scenario("unreachable", "the server is down", &[StopServer]),
    as_role(
        "analista",
        scenario(
            "not_readable",
            "the role that looks may not read the view",
            &[JOB, Sql("CREATE ROLE analista LOGIN")],
        ),
    ),
    scenario(
        "never_populated",
        "the view was emptied WITH NO DATA",
        &[JOB, Sql("REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard WITH NO DATA")],
    ),
    scenario(
        "refresh_blocked",
        "pg_cron's refresh waits for one that was never committed",
        &[JOB, MOVED, Open("psql", REFRESH_AND_FORGET), Busy("pg_cron", REFRESH)],
    ),
    scenario(
        "refresh_uncommitted",
        "somebody refreshed in a transaction and went to lunch",
        &[JOB, MOVED, Open("psql", REFRESH_AND_FORGET)],
    ),
    scenario("never_scheduled", "the incident: nothing refreshes the view (the default)", &[]),
    scenario("job_paused", "the job is paused", &[JOB, MOVED, Sql(include_str!("sql/pause.sql"))]),
    scenario(
        "job_removed",
        "the job was unscheduled, its runs are still in the history",
        &[JOB, MOVED, Sql("SELECT cron.unschedule('refresh-conversaciones-dashboard')")],
    ),
    scenario(
        "job_in_other_database",
        "the job was scheduled in the database postgres",
        &[Sql(include_str!("sql/other_database.sql"))],
    ),
    scenario(
        "job_refreshes_other_view",
        "the job refreshes a view of the same name in another schema",
        &[Sql(include_str!("sql/other_view.sql"))],
    ),
    scenario(
        "schedule_never_fires",
        "the job waits for the 30th of February",
        &[JOB, MOVED, Sql(include_str!("sql/february.sql"))],
    ),
    scenario(
        "job_of_dropped_role",
        "another job's role was dropped, which stops every job",
        &[JOB, MOVED, Sql(include_str!("sql/dropped_role.sql"))],
    ),
    scenario(
        "cron_not_preloaded",
        "the server came back without pg_cron in shared_preload_libraries",
        &[JOB, MOVED, Sql("ALTER SYSTEM SET shared_preload_libraries = 'plpgsql'"), Restart],
    ),
    scenario(
        "launcher_dead",
        "pg_cron's launcher was ended and stays dead",
        &[JOB, MOVED, Sql(include_str!("sql/end_launcher.sql"))],
    ),
    scenario("cron_missing", "pg_cron is not installed in this database", &[Sql("DROP EXTENSION pg_cron")]),
    scenario(
        "key_twice",
        "the definition began to give rows twice, and no refresh has been tried since",
        &[JOB, MOVED, Sql(include_str!("sql/duplicates.sql"))],
    ),
    scenario(
        "run_failed_not_owner",
        "the job's role does not own the view",
        &[JOB, MOVED, Sql(include_str!("sql/other_owner.sql")), Run(NAME)],
    ),
    scenario(
        "run_failed_no_unique_index",
        "the unique index was dropped",
        &[JOB, MOVED, Sql("DROP INDEX mv_conversaciones_dashboard_prospecto"), Run(NAME)],
    ),
    scenario(
        "run_failed_duplicates",
        "the definition began to give rows twice",
        &[JOB, MOVED, Sql(include_str!("sql/duplicates.sql")), Run(NAME)],
    ),
    scenario(
        "run_failed_timeout",
        "the job's role has a statement_timeout that is too short",
        &[JOB, MOVED, Sql(include_str!("sql/statement_timeout.sql")), Run(NAME)],
    ),
    scenario(
        "run_failed_lock_timeout",
        "the run did not get its lock in time",
        &[JOB, MOVED, Sql(include_str!("sql/lock_timeout.sql")), Open("psql", REFRESH_AND_FORGET), Run(NAME), Close],
    ),
    scenario("run_failed_deadlock", "the run lost a deadlock", &[JOB, MOVED, Sql(include_str!("sql/deadlock.sql"))]),
    scenario(
        "run_failed_connection",
        "pg_cron cannot connect to where the job is to run",
        &[JOB, MOVED, Sql("UPDATE cron.job SET nodename = '/nowhere' WHERE jobname ~ '^refresh'"), Run(NAME)],
    ),
    scenario(
        "run_failed_startup_timeout",
        "the run did not start in time",
        &[JOB, MOVED, Sql(include_str!("sql/startup_timeout.sql"))],
    ),
    scenario(
        "run_failed_cancelled",
        "the run was cancelled, for its job was paused and resumed",
        &[JOB, MOVED, Sql(include_str!("sql/cancelled.sql"))],
    ),
    scenario(
        "run_failed_server_restarted",
        "the server was restarted during the run",
        &[JOB, MOVED, Sql(include_str!("sql/running.sql")), Restart, Sql(include_str!("sql/await_restarted.sql"))],
    ),
    scenario(
        "last_run_failed",
        "the run failed for a reason of its own",
        &[JOB, MOVED, Sql(include_str!("sql/division.sql")), Run(NAME)],
    ),
    scenario(
        "run_stuck",
        "a restart left the newest run connecting for ever",
        &[JOB, MOVED, Sql(include_str!("sql/stuck.sql"))],
    ),
    scenario(
        "runs_missing",
        "pg_cron's launcher is there but hangs",
        &[Sql(include_str!("sql/stopped_runs.sql")), FreezeLauncher],
    ),
    as_role("analista", scenario("late", "the view is old, and this role sees no reason", &[ANALISTA, SEES_CRON])),
    still(scenario(
        "reads_stale_view",
        "the ejecutivos come out of a materialized view that nothing refreshes",
        &[JOB, Sql(include_str!("sql/reads_stale_view.sql"))],
    )),
    still(as_role(
        "auditora",
        scenario(
            "cannot_compare",
            "row security hides rows from the role that looks",
            &[JOB, Sql(include_str!("sql/auditora.sql"))],
        ),
    )),
    still(scenario(
        "stale_install",
        "a refresh waits for its lock and installs what was true before",
        &[JOB, Keep(|conninfo| Box::pin(run::refresh_late(conninfo)))],
    )),
    scenario(
        "refresh_slower_than_interval",
        "a refresh of 75 s is scheduled every minute",
        &[Sql(include_str!("sql/slow_runs.sql"))],
    ),
    still(scenario(
        "bulk_write",
        "an import touches every prospecto at once",
        &[JOB, Keep(|conninfo| Box::pin(run::import(conninfo)))],
    )),
    still(scenario(
        "depends_on_refresher",
        "the job's role has another time zone than the view's owner",
        &[JOB, Sql(include_str!("sql/depends_on_refresher.sql"))],
    )),
    still(scenario("standby", "the server is a standby", &[JOB, MOVED, Standby])),
    as_role(
        "analista",
        scenario("cron_not_visible", "the role that looks may not read pg_cron's tables", &[JOB, ANALISTA]),
    ),
    as_role(
        "analista",
        scenario(
            "history_not_visible",
            "row security hides the job from the role that looks",
            &[JOB, ANALISTA, SEES_CRON],
        ),
    ),
    scenario(
        "refresh_running",
        "a refresh has been running for a while",
        &[JOB, MOVED, Sql(include_str!("sql/slow_view.sql")), Busy("crm nightly", REFRESH)],
    ),
    scenario("normal_drift", "all is well: refreshed on time, the tables moved on since", &[JOB, MOVED]),
    still(scenario(
        "volatile_definition",
        "the definition gives other values at each run",
        &[JOB, Sql(include_str!("sql/volatile.sql"))],
    )),
    still(scenario("view_is_true", "all is well: every row matches", &[JOB])),
];
