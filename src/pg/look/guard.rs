//! The condition under which a look goes on: what it names is what was judged, and so is all code that it can run.
//!
//! The guard names every relation in a WITH query that nothing reads. Its parse takes ACCESS SHARE on each, through plain views
//! too, and plans and runs nothing of theirs: from then on nobody can replace, rename or alter them until the look ends.

use postgres_protocol::escape::{escape_identifier as quote, escape_literal};
use tokio_postgres::error::SqlState;

use super::code::Code;
use crate::domain::look::{Look, WhySelf};
use crate::domain::view::{NamedRelation, View};
use crate::pg::compare::qualified;

/// Everything that decides what code runs, as one hash.
const MARKS: &str = include_str!("../sql/code_marks.sql");

/// What this role has and the roles of strangers lack.
pub(super) const RISK: &str = include_str!("../sql/risk.sql");

/// That this role still has nothing to lose to these strangers: a grant may come at any moment.
pub(super) fn nothing_to_lose(code: &Code) -> String {
    let roles: Vec<String> = code.roles_of_strangers().iter().map(i64::to_string).collect();
    format!("NOT EXISTS ({})", RISK.replace("$1::int8[]", &format!("'{{{}}}'::int8[]", roles.join(","))))
}

/// The query of `code.sql`, with the marks of what it finds.
pub(super) fn code_sql() -> String {
    let marks = MARKS
        .replace("{relations}", "SELECT oid FROM relations")
        .replace("{functions}", "SELECT oid FROM functions")
        .replace("{types}", "SELECT objid FROM code WHERE classid = 'pg_type'::regclass")
        .replace("{schemas}", "SELECT oid FROM schemas");
    include_str!("../sql/code.sql").replace("'marks', {marks}", &format!("'marks', {marks}"))
}

/// For a view that runs nothing but what came with the server: what it reads is the same, and no stranger has a function in
/// this database that could have come in.
pub(super) fn simple(view: &View, session: &str, trusted: &[String]) -> String {
    let rules = format!(
        "(SELECT coalesce(sum(w.xmin::text::int8), 0) FROM pg_rewrite w WHERE w.ev_class = ANY ({})) = {}",
        oids(view.relations.iter().map(|oid| i64::from(oid.0))),
        view.below,
    );
    all_hold(&view.names, &[rules, nobodys(session, trusted)])
}

fn nobodys(session: &str, trusted: &[String]) -> String {
    let trusted: Vec<String> = trusted.iter().map(String::as_str).chain([session]).map(literal).collect();
    format!(
        "NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid >= 16384 AND p.proowner NOT IN \
         (SELECT r.oid FROM pg_roles r WHERE r.rolsuper OR r.rolname IN ({})))",
        trusted.join(", ")
    )
}

/// For a view whose code was judged: all of it is as it was then, and so is what this role has to lose where that decided.
pub(super) fn judged(code: &Code, look: &Look) -> String {
    let mut conditions = conditions(code);
    conditions.extend((*look == Look::AsSelf(WhySelf::NothingToLose)).then(|| nothing_to_lose(code)));
    all_hold(&names(code), &conditions)
}

/// What is locked before the conditions are looked at. Planning locks children, too: where a stranger could use the wait for
/// one of them, that wait comes before.
pub(super) fn names(code: &Code) -> Vec<NamedRelation> {
    let children = if code.is_attachable() { code.children.as_slice() } else { &[] };
    let mut names: Vec<NamedRelation> = code.names.iter().chain(children).cloned().collect();
    names.sort_by_key(|relation| relation.oid);
    names.dedup_by_key(|relation| relation.oid);
    names
}

/// That code is as it was when it was judged, and that no more is about to come.
pub(super) fn conditions(code: &Code) -> Vec<String> {
    let quiet = code.is_attachable().then(|| nothing_is_being_attached(code));
    [marks_hold(code)].into_iter().chain(quiet).collect()
}

/// Nobody else makes an index on what is read, nor holds an index of it shut. ACCESS SHARE keeps neither out: an index that is
/// made but not yet committed is in no mark, and planning waits for one that is being rebuilt, so that whoever holds both could
/// choose the moment between this guard and its statement.
fn nothing_is_being_attached(code: &Code) -> String {
    let relations = oids(code.relations.iter().copied());
    format!(
        "NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid() \
         AND l.mode IN ('ShareLock', 'AccessExclusiveLock') \
         AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) \
         AND (l.relation = ANY ({relations}) OR l.relation IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = ANY ({relations}))))"
    )
}

/// The condition that code is as it was when it was judged.
fn marks_hold(code: &Code) -> String {
    let each = |list: &[i64]| format!("SELECT unnest({})", oids(list.iter().copied()));
    let marks = MARKS
        .replace("{relations}", &each(&code.relations))
        .replace("{functions}", &each(&code.functions))
        .replace("{types}", &each(&code.types))
        .replace("{schemas}", &each(&code.schemas));
    format!("{marks} = {}", literal(&code.marks))
}

/// A guard that locks these relations, and holds while they have these names and all conditions hold.
pub(super) fn all_hold(names: &[NamedRelation], conditions: &[String]) -> String {
    let locks: Vec<String> =
        names.iter().enumerate().map(|(i, r)| format!("r{i} AS (SELECT FROM {})", qualified(&r.name))).collect();
    let named = (!names.is_empty()).then(|| {
        let rows =
            names.iter().map(|r| format!("({}, {}, {})", r.oid.0, literal(&r.name.schema), literal(&r.name.name)));
        format!(
            "(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid = ANY ({}) AND (c.oid, n.nspname, c.relname) IN ({})) = {}",
            oids(names.iter().map(|r| i64::from(r.oid.0))),
            rows.collect::<Vec<_>>().join(", "),
            names.len(),
        )
    });
    let all: Vec<String> = named.into_iter().chain(conditions.iter().cloned()).collect();
    let condition = if all.is_empty() { "true".into() } else { all.join(" AND ") };
    let with = if locks.is_empty() { String::new() } else { format!("WITH {}\n", locks.join(", ")) };
    with + &checked(&condition)
}

/// A query that gives the backend and its transaction, and fails with 22012 (division by zero) unless the condition holds.
pub(super) fn checked(condition: &str) -> String {
    format!(
        "SELECT pg_backend_pid() / CASE WHEN {condition} THEN 1 ELSE 0 END AS pid, transaction_timestamp() AS began"
    )
}

/// Did a guard fail because its condition does not hold, or because what it names is gone?
pub(super) fn is_changed(error: &tokio_postgres::Error) -> bool {
    let changed = [SqlState::DIVISION_BY_ZERO, SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME];
    error.code().is_some_and(|code| changed.contains(code))
}

fn oids(list: impl Iterator<Item = i64>) -> String {
    format!("'{{{}}}'::oid[]", list.map(|oid| oid.to_string()).collect::<Vec<_>>().join(","))
}

pub(super) fn literal(text: &str) -> String {
    escape_literal(text).trim_start().to_string()
}

/// A role's name as SQL.
pub(super) fn role(name: &str) -> String {
    quote(name)
}
