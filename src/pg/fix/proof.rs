//! Writes the query that looks what is there after a change, from a [`Proof`]: one row `(good, text)`.

use super::{literal, name_literal};
use crate::domain::fix::{Proof, Since};
use crate::domain::job::JobId;
use crate::pg::compare::qualified;

/// The query. Its names are quoted and qualified; pg_cron's tables and pg_catalog need no path.
pub fn proof_sql(proof: &Proof) -> String {
    match proof {
        Proof::NewJob { name, schedule } => {
            let filter = format!("jobname = {} AND username = current_user", literal(name));
            job(&filter, Some(true), Some(schedule))
        }
        Proof::Job { id, active, schedule } => job(&by_id(*id), *active, schedule.as_deref()),
        Proof::NoJob(id) => format!(
            "SELECT count(*) = 0, CASE WHEN count(*) = 0 THEN 'job {id} is gone' ELSE 'job {id} is still there' END \
             FROM cron.job WHERE {filter}",
            id = id.0,
            filter = by_id(*id),
        ),
        Proof::Triggers { function, wanted, tables } => format!(
            "SELECT count(*) = {wanted}, format('writes to %s of {tables} base tables refresh it', count(*)) FROM pg_catalog.pg_trigger t \
             JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = {} AND p.proname = {} AND t.tgenabled IN ('O', 'A')",
            literal(&function.schema),
            literal(&function.name),
        ),
        Proof::Kind { view, plain } => format!(
            "SELECT relkind = '{}', CASE relkind WHEN 'v' THEN 'it is a plain view now' ELSE 'it is a materialized view now' END \
             FROM pg_catalog.pg_class WHERE oid = {}::regclass",
            if *plain { 'v' } else { 'm' },
            name_literal(view),
        ),
        Proof::Index { index, wanted } => format!(
            "SELECT {}coalesce((SELECT i.indisunique AND i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = to_regclass({})), false), {}",
            if *wanted { "" } else { "NOT " },
            literal(&qualified(index)),
            literal(if *wanted { "CONCURRENTLY is possible" } else { "the index is gone" }),
        ),
        Proof::Runs { days } => format!(
            "SELECT count(*) FILTER (WHERE {old}) = 0, format('%s runs are left, %s of them older than {days} days', count(*), \
             count(*) FILTER (WHERE {old})) FROM cron.job_run_details d",
            old = old_runs(*days),
        ),
        Proof::Session { pid, since, ended } => format!(
            "SELECT count(*) = 0, CASE WHEN count(*) = 0 THEN 'it blocks nothing any more' ELSE 'it is still there, ' || max(state) END \
             FROM pg_catalog.pg_stat_activity WHERE {}{}",
            session(*pid, *since),
            if *ended { "" } else { " AND state <> 'idle'" },
        ),
    }
}

/// Exactly one job is as it should be, and what it is.
fn job(filter: &str, active: Option<bool>, schedule: Option<&str>) -> String {
    let active = active.map(|active| if active { "active" } else { "NOT active" }.to_string());
    let schedule = schedule.map(|schedule| format!("schedule = {}", literal(schedule)));
    let good: Vec<String> = active.into_iter().chain(schedule).collect();
    let good = if good.is_empty() { "true".into() } else { good.join(" AND ") };
    format!(
        "SELECT count(*) = 1 AND coalesce(bool_and({good}), false), \
         coalesce(string_agg(format('job %s %s: %s, %s, in %s as %s', jobid, coalesce(jobname, ''), schedule, \
         CASE WHEN active THEN 'active' ELSE 'paused' END, database, username), '; '), 'there is no such job') \
         FROM cron.job WHERE {filter}"
    )
}

fn by_id(id: JobId) -> String {
    format!("jobid = {}", id.0)
}

/// What tells a run of `cron.job_run_details AS d` that is older than so many days. One that could not connect has no times
/// before pg_cron 1.6.3: it is older than an old one that came after it. One under way has begun.
pub(super) fn old_runs(days: u32) -> String {
    let ended = |row: &str| format!("{row}.end_time < now() - interval '{days} days'");
    format!(
        "({} OR d.end_time IS NULL AND d.start_time IS NULL AND d.runid < (SELECT max(o.runid) FROM cron.job_run_details o WHERE {}))",
        ended("d"),
        ended("o"),
    )
}

/// What tells a session of `pg_stat_activity`, unless it went on to something else meanwhile.
pub(super) fn session(pid: i32, since: Option<Since>) -> String {
    let same = since.map_or(String::new(), |since| {
        let (column, at) = match since {
            Since::Transaction(at) => ("xact_start", at),
            // Of one that forgot its COMMIT only the time of its last statement is known.
            Since::Statement(at) => ("query_start", at),
        };
        format!(" AND {column} = {}", literal(&at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)))
    });
    format!("pid = {pid}{same}")
}
