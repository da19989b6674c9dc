//! What a fix needs and has not, each as it reads after "it needs".

use super::jobs::job_failure;
use super::{BaseTable, Facts, Need};
use crate::domain::diagnosis::Failure;
use crate::domain::job::Job;
use crate::domain::reading::ProblemKind;
use crate::domain::rights::needs_to_change;
use crate::domain::server::{Cron, Server};
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::view::{Trigger, View};

/// What every refresh needs where the last one found a key twice.
pub const UNIQUE_ROWS: &str = "a definition without double rows: it gives a key of the unique index twice";

/// What the names of this program's triggers begin with.
pub const TRIGGER: &str = "mvtop_refresh_";

/// That nothing can be changed here at all.
pub fn closed(server: Option<&Server>) -> Vec<Need> {
    server.and_then(needs_to_change).map(Need::Missing).into_iter().collect()
}

/// What is missing for a cron job.
pub fn cron_needs(server: Option<&Server>, facts: &Facts) -> Option<String> {
    let rights = &facts.rights;
    match server.map(|s| &s.cron) {
        // Whether this role may schedule there is known only there.
        Some(cron) if cron.other_database().is_some() => None,
        Some(Cron::Present(_)) if !rights.can_schedule => Some("EXECUTE on cron.schedule(text, text, text)".into()),
        Some(Cron::Present(_)) => None,
        Some(Cron::Forbidden) => Some("USAGE on the schema cron".into()),
        _ if rights.cron_offered => {
            let preload = "pg_cron in shared_preload_libraries (a restart), then CREATE EXTENSION pg_cron";
            let create = "CREATE EXTENSION pg_cron, by a superuser";
            Some(if rights.cron_preloaded == Some(false) { preload } else { create }.into())
        }
        _ => Some("the server package of pg_cron".into()),
    }
}

/// What is missing to change a job that is there.
pub fn alter_needs(server: Option<&Server>, facts: &Facts) -> Option<String> {
    // Whether this role may in another database is known only there.
    let is_elsewhere = server.is_some_and(|s| s.cron.other_database().is_some());
    let text = "EXECUTE on cron.alter_job, which pg_cron 1.4 brought and keeps from PUBLIC";
    (!is_elsewhere && !facts.rights.can_alter_job).then(|| text.into())
}

/// What is missing for a job that is there to do its work, whatever its schedule.
pub fn job_needs(snapshot: &Snapshot, view: &View, facts: &Facts, job: &Job) -> Option<String> {
    let title = job.title();
    let is_concurrent = snapshot.history.value().is_some_and(|h| h.modes(job, &view.name).any(|mode| mode));
    match is_concurrent {
        true if !view.has_unique_index => Some(format!("the unique index first: {title} refreshes it CONCURRENTLY")),
        true if facts.rights.owner_lacks_temp => {
            Some(format!("TEMP on the database for {}: {title} refreshes it CONCURRENTLY", view.owner))
        }
        _ if job_failure(snapshot, job) == Some(Failure::Timeout) => {
            Some(format!("a longer statement_timeout for {}: {title} runs into it", job.username))
        }
        _ => None,
    }
}

/// The tags of the commands by which triggers are made.
pub const TRIGGER_TAGS: [&str; 5] =
    ["CREATE FUNCTION", "REVOKE", "ALTER FUNCTION", "CREATE TRIGGER", "REFRESH MATERIALIZED VIEW"];

/// The tags of the commands by which a view becomes a plain one, but for those that a way back needs besides.
pub const PLAIN_TAGS: [&str; 12] = [
    "CREATE VIEW",
    "ALTER VIEW",
    "CREATE MATERIALIZED VIEW",
    "ALTER MATERIALIZED VIEW",
    "REFRESH MATERIALIZED VIEW",
    "DROP TRIGGER",
    "DROP FUNCTION",
    "GRANT",
    "REVOKE",
    "COMMENT",
    "DROP MATERIALIZED VIEW",
    "DROP VIEW",
];

/// The base tables on which triggers are made: the function belongs to the view's owner, who may replace it and so can do what
/// each writer can. That gives him nothing only where he owns the table or is a member of its owner.
pub fn trigger_tables(facts: &Facts) -> impl Iterator<Item = &BaseTable> {
    facts.rights.tables.iter().filter(|t| t.takes_triggers() && t.is_of_owner)
}

/// The base tables that are left out, as people say them: their writes do not refresh the view.
pub fn left_out(facts: &Facts) -> Vec<String> {
    facts.rights.tables.iter().filter(|t| t.takes_triggers() && !t.is_of_owner).map(|t| t.name.short()).collect()
}

/// What is missing for triggers.
pub fn trigger_needs(view: &View, facts: &Facts) -> Vec<Need> {
    let rights = &facts.rights;
    let named = |tables: Vec<&BaseTable>| tables.into_iter().map(|t| t.name.short()).collect::<Vec<_>>().join(", ");
    let mut needs = Vec::new();
    let is_own = |t: &&BaseTable| view.triggers.iter().any(|own| own.table == t.oid && is_own_trigger(own));
    if view.is_kept_by_triggers() {
        needs.push(Need::Already("triggers refresh it after every write".into()));
    } else if rights.tables.iter().any(|t| is_own(&t)) {
        needs.push("the triggers that mvtop made before dropped first: mvtop fix triggers --undo".into());
    }
    if !rights.can_create {
        needs.push("CREATE on the view's schema, for the function".into());
    }
    if rights.owner_lacks_create {
        needs.push(Need::Missing(format!("CREATE on the view's schema for {}, whose function it becomes", view.owner)));
    }
    let closed: Vec<&BaseTable> = trigger_tables(facts).filter(|t| !t.can_trigger).collect();
    if !closed.is_empty() {
        needs.push(Need::Missing(format!("TRIGGER on {}", named(closed))));
    }
    let foreign: Vec<&BaseTable> = trigger_tables(facts).filter(|t| !t.owns).collect();
    if !foreign.is_empty() {
        needs.push(Need::Missing(format!("to own {}: what is made there could not be taken back", named(foreign))));
    }
    let silent: Vec<&BaseTable> = rights.tables.iter().filter(|t| !t.takes_triggers()).collect();
    if !silent.is_empty() {
        needs.push(Need::Missing(format!(
            "base tables that take triggers: {} cannot tell one when it changes",
            named(silent)
        )));
    }
    if rights.tables.is_empty() {
        needs.push("a base table: the definition reads none".into());
    } else if trigger_tables(facts).next().is_none() && !left_out(facts).is_empty() {
        let (owner, tables) = (&view.owner, left_out(facts).join(", "));
        needs.push(Need::Missing(format!("a base table of {owner}, who owns the view: {tables} belong to others, whose writers would run his function")));
    }
    needs.extend(facts.code.event_needs(&TRIGGER_TAGS).into_iter().map(Need::Missing));
    needs
}

/// Did this program make this trigger?
pub fn is_own_trigger(trigger: &Trigger) -> bool {
    trigger.name.starts_with(TRIGGER)
}

/// What dropping this program's triggers needs: to own their tables.
pub fn drop_needs(view: &View, facts: &Facts) -> Option<String> {
    let is_own = |oid| view.triggers.iter().any(|t| t.table == oid && is_own_trigger(t));
    let foreign = facts.rights.tables.iter().filter(|t| !t.owns && is_own(t.oid));
    let foreign: Vec<String> = foreign.map(|t| t.name.short()).collect();
    (!foreign.is_empty()).then(|| format!("to own {}", foreign.join(", ")))
}

/// Triggers of others that refresh it, and may do more: `refrescar on prospectos`.
pub fn other_triggers(view: &View) -> Option<String> {
    let named =
        |t: &Trigger| format!("{} on {}", t.name, view.base_names.get(&t.table).map_or("a base table", String::as_str));
    let others: Vec<String> = view.triggers.iter().filter(|t| !is_own_trigger(t)).map(named).collect();
    (!others.is_empty()).then(|| others.join(", "))
}

/// Only a superuser may change another role's job.
pub fn may_alter(server: Option<&Server>, job: &Job) -> bool {
    server.is_none_or(|s| s.user == job.username || s.superuser)
}

/// What is in the way of changing the view's kind.
pub fn kind_needs(view: &View, facts: &Facts) -> Vec<Need> {
    let mut needs = Vec::new();
    if !facts.rights.owns {
        needs.push("to own the view".into());
    }
    if !facts.rights.can_create {
        needs.push("CREATE on its schema".into());
    }
    if facts.rights.owner_lacks_create {
        needs.push(Need::Missing(format!("CREATE on its schema for {}, whose view it stays", view.owner)));
    }
    needs.extend(facts.code.type_needs().map(Need::Missing));
    if !facts.pieces.stuck.is_empty() {
        needs.push(Need::Missing(format!(
            "{} out of its way: that cannot be pointed at another view",
            facts.pieces.stuck.join(", ")
        )));
    }
    if !facts.pieces.foreign_readers.is_empty() {
        needs.push(Need::Missing(format!("to own {}, which read it", facts.pieces.foreign_readers.join(", "))));
    }
    needs
}

/// What is in the way of a plain view: also what refreshes the view and cannot be stopped without harm, and a
/// definition that fails, which would shut its readers out.
pub fn plain_needs(snapshot: &Snapshot, state: &ViewState, facts: &Facts) -> Vec<Need> {
    let view = &state.view;
    let server = snapshot.server.as_deref();
    let mut needs = kind_needs(view, facts);
    let code = facts.code.reader_needs().into_iter().chain(facts.code.event_needs(&PLAIN_TAGS));
    needs.extend(code.map(Need::Missing));
    if let Some(hidden) = &view.hides {
        let (table, role) = (&hidden.table, &hidden.role);
        needs.push(Need::Missing(format!(
            "no row security between {role} and {table}: a plain view's rows could depend on who reads it"
        )));
    }
    needs.extend(drop_needs(view, facts).map(Need::Missing));
    let others = |t| Need::Missing(format!("{t} dropped first: mvtop did not make them, they may do more"));
    needs.extend(other_triggers(view).map(others));
    let jobs = snapshot.history.value().into_iter().flat_map(|h| h.jobs_refreshing(&view.name)).filter(|j| j.active);
    let can_alter = facts.rights.can_alter_job && server.is_some_and(|s| s.cron.is_here());
    for job in jobs {
        let title = job.title();
        if !job.only_refreshes() {
            needs.push(Need::Missing(format!(
                "{title} to leave it out: it does more than refresh it, and would fail ({})",
                job.command
            )));
        } else if !can_alter || !may_alter(server, job) {
            needs.push(Need::Missing(format!("{title} paused by {}, or it would fail at each run", job.username)));
        }
    }
    let failure = state.values.problem().or(state.drift.problem()).filter(|p| p.kind == ProblemKind::Other);
    needs.extend(failure.map(|p| Need::Missing(format!("a definition that runs: comparing it fails ({})", p.text))));
    needs
}
