//! What is looked at once more in the transaction itself: between a question and its yes another object may have taken the
//! place of what was shown. Each is a statement that fails, and with it the whole transaction.

use super::{Ground, dollars, literal, name_literal};
use crate::domain::fix::BaseTable;
use crate::domain::fix::code::tags;
use crate::domain::job::Job;
use crate::domain::view::{View, ViewKind, ViewName};
use crate::pg::compare::qualified;

/// A statement that fails with these words unless a condition holds; one that is not known does not hold.
pub(super) fn unless(conditions: &[(String, String)]) -> String {
    let check = |(condition, said): &(String, String)| {
        format!("IF ({condition}) IS NOT TRUE\nTHEN RAISE {}; END IF;", literal(&said.replace('%', "%%")))
    };
    let checks: Vec<String> = conditions.iter().map(check).collect();
    format!("DO {}", dollars(&format!("BEGIN {} END", checks.join("\n"))))
}

/// Is a statement of a plan one that only fails or does nothing? All blocks in plans are; those in a job's command are its own.
pub(super) fn is_guard(statement: &str) -> bool {
    statement.starts_with("DO $mvtop")
}

/// Is the relation of this OID still the one of that name and owner? Its path is clean, so pg_catalog's names need no schema.
fn is_same(oid: u32, name: &ViewName, owner: &str) -> String {
    let (name, owner) = (name_literal(name), literal(owner));
    format!(
        "EXISTS (SELECT FROM pg_class WHERE oid = {oid} AND oid = to_regclass({name}) AND pg_get_userbyid(relowner) = {owner})"
    )
}

/// That the view is the one that was shown: its OID, name, owner and kind.
fn same_view_check(view: &View) -> (String, String) {
    let kind = if view.kind == ViewKind::Plain { 'v' } else { 'm' };
    let same = is_same(view.oid.0, &view.name, &view.owner);
    let same = same.replace("WHERE oid", &format!("WHERE relkind = '{kind}' AND oid"));
    (same, format!("{} is another view now, or another's: look again", view.name.short()))
}

/// A statement that fails unless the view is the one that was shown.
pub fn same_view(view: &View) -> String {
    unless(&[same_view_check(view)])
}

/// No event trigger runs a stranger's code for these commands.
fn no_strangers(tags: &[&str]) -> (String, String) {
    let tags: Vec<String> = tags.iter().map(|t| literal(t)).collect();
    let condition = format!(
        "NOT EXISTS (SELECT FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid\n  \
         JOIN pg_roles o ON o.oid = p.proowner AND NOT o.rolsuper AND o.rolname <> SESSION_USER\n  \
         WHERE e.evtenabled <> 'D' AND e.evtevent <> 'login' AND (e.evttags IS NULL OR e.evttags && ARRAY[{}]))",
        tags.join(", ")
    );
    (condition, "an event trigger would run a stranger's function with your rights: look again".into())
}

/// The table of pg_cron's has no trigger of a stranger.
fn no_cron_strangers(table: &str) -> (String, String) {
    let condition = format!(
        "NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid\n  \
         JOIN pg_roles o ON o.oid = p.proowner AND NOT o.rolsuper AND o.rolname <> SESSION_USER\n  \
         WHERE t.tgrelid = 'cron.{table}'::regclass AND NOT t.tgisinternal AND t.tgenabled <> 'D')"
    );
    (condition, format!("a trigger on cron.{table} would run a stranger's function: look again"))
}

/// What a statement writes of pg_cron's.
pub(super) fn cron_table(statement: &str) -> Option<&'static str> {
    if statement.starts_with("DELETE FROM cron.job_run_details") {
        return Some("job_run_details");
    }
    statement.starts_with("SELECT cron.").then_some("job")
}

impl Ground<'_> {
    /// Looks, before these statements, whether the view is the one that was shown; and whether they would run a stranger's code,
    /// where that is not known beforehand.
    pub(super) fn guard(&self, statements: &[String]) -> String {
        let tags = tags(statements);
        let strangers = (!tags.is_empty() && self.view.facts.value().is_none()).then(|| no_strangers(&tags));
        let checks = [same_view_check(&self.view.view)].into_iter().chain(strangers);
        unless(&checks.chain(self.cron_checks(statements)).collect::<Vec<_>>())
    }

    /// No trigger of a stranger on what these statements write of pg_cron's, where that is not known beforehand.
    fn cron_checks(&self, statements: &[String]) -> Option<(String, String)> {
        let is_known = self.view.facts.value().is_some() && self.cron_home().is_none();
        statements.iter().filter(|_| !is_known).find_map(|s| cron_table(s)).map(no_cron_strangers)
    }

    /// That pg_cron's history has no trigger of a stranger, where that is not known beforehand.
    pub(super) fn guard_runs(&self, delete: &String) -> Option<String> {
        self.cron_checks(std::slice::from_ref(delete)).map(|check| unless(&[check]))
    }

    /// Looks whether a job is the one that was shown.
    pub(super) fn guard_job(&self, job: &Job, statements: &[String]) -> String {
        let Job { name, username, command, database, .. } = job;
        let name = name.as_deref().map_or("NULL".into(), literal);
        let same = format!(
            "EXISTS (SELECT FROM cron.job j WHERE j.jobid = {} AND j.jobname IS NOT DISTINCT FROM {name} AND j.username = {}\n  \
             AND j.database = {} AND j.command = {})",
            job.id.0,
            literal(username),
            literal(database),
            literal(command),
        );
        let said = format!("{} is another job now: look again", job.title());
        unless(&[(same, said)].into_iter().chain(self.cron_checks(statements)).collect::<Vec<_>>())
    }

    /// Looks whether a name for a new job is still free: `schedule` would overwrite the job that has it.
    pub(super) fn guard_name(&self, name: &str) -> String {
        let free = format!(
            "NOT EXISTS (SELECT FROM cron.job j WHERE j.jobname = {} AND j.username = CURRENT_USER)",
            literal(name)
        );
        unless(&[(free, format!("a job {name} is there by now: look again"))])
    }
}

/// Looks whether tables are those that were shown, once their triggers are there and nobody can rename them.
pub(super) fn same_tables(tables: &[&BaseTable]) -> Vec<(String, String)> {
    let check = |t: &&BaseTable| {
        let said = format!("{} is another table now, or another's: look again", t.name.short());
        (is_same(t.oid.0, &t.name, &t.owner), said)
    };
    tables.iter().map(check).collect()
}

/// A function that nobody but its owner may execute, and that nobody else owns.
pub(super) fn is_closed(function: &str, owner: &str) -> (String, String) {
    let condition = format!(
        "(SELECT pg_get_userbyid(p.proowner) = {} AND NOT EXISTS (\n  \
         SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e WHERE e.grantee <> p.proowner)\n  \
         FROM pg_proc p WHERE p.oid = {}::regprocedure)",
        literal(owner),
        literal(&format!("{function}()")),
    );
    (condition, "default privileges gave the triggers' function to others meanwhile: look again".into())
}

/// The text of a relation's name as SQL finds it.
pub(super) fn regclass(name: &str) -> String {
    format!("{}::regclass", literal(name))
}

/// A name as it is looked up.
pub(super) fn view_regclass(name: &ViewName) -> String {
    regclass(&qualified(name))
}
