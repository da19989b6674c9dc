//! What this role may not see or do here, each with the sentence that says why. Every face says these same sentences.

use super::reading::{Problem, ProblemKind};
use super::server::{Cron, Server};
use super::snapshot::{Snapshot, ViewState};
use super::view::{Hidden, View};

/// Something that is off here, whatever the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Off {
    /// A stable word for what: `refresh`, `jobs`, `other_jobs`, `sessions`.
    pub what: &'static str,
    /// Why, and what it needs, in one sentence.
    pub why: String,
}

/// Why a view cannot be refreshed from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRefresh {
    /// Why, and what it needs.
    pub why: String,
    /// What to do instead, in a few words.
    pub instead: String,
}

/// Why nothing can be changed on this server, whatever the rights; `None`: it can.
pub fn no_change(server: &Server) -> Option<NoRefresh> {
    let because = |why: &str, instead: &str| Some(NoRefresh { why: why.into(), instead: instead.into() });
    if server.standby {
        let why = "this is a standby: nothing can be changed here, connect to the primary";
        return because(why, "Connect to the primary.");
    }
    if server.read_only {
        let why = "default_transaction_read_only is on for this role, database or server: set it off there, or connect \
                   with options='-c default_transaction_read_only=off'";
        return because(why, "r is off: default_transaction_read_only is on.");
    }
    None
}

/// What changing anything on this server needs, as it reads after "it needs"; `None`: nothing.
pub fn needs_to_change(server: &Server) -> Option<String> {
    no_change(server)?;
    Some(match server.standby {
        true => "the primary: this is a standby, where nothing can be changed".into(),
        false => "default_transaction_read_only off: it is on for this role, database or server".into(),
    })
}

/// Why this role cannot refresh this view on this server; `None`: it can.
pub fn no_refresh(server: &Server, view: &View) -> Option<NoRefresh> {
    no_change(server).or_else(|| {
        let (role, name) = (&server.user, view.name.short());
        (!view.can_refresh).then(|| NoRefresh {
            why: format!("{role} may not refresh {name}: it needs {}", server.refresh_right()),
            instead: format!("Its owner {} may refresh it.", view.owner),
        })
    })
}

/// Why pg_cron's jobs are not known, or that there can be none; `None`: they can be read.
pub fn no_jobs(snapshot: &Snapshot) -> Option<String> {
    let server = snapshot.server.as_deref()?;
    let user = &server.user;
    Some(match &server.cron {
        Cron::Absent => "pg_cron is not installed on this server, so no job refreshes anything.".into(),
        Cron::NotLoaded => {
            "pg_cron is not loaded here, so no job runs: it must be in shared_preload_libraries, and its \
                            extension must be created."
                .into()
        }
        Cron::NotCreated => {
            format!("pg_cron works from the database {}, but CREATE EXTENSION pg_cron was never run.", server.database)
        }
        Cron::Hidden => format!(
            "pg_cron is not in this database, and whether it works from another one is hidden from {user}: seeing that \
             needs pg_monitor."
        ),
        Cron::Elsewhere(database) => match snapshot.history.problem() {
            Some(problem) => format!("pg_cron keeps its jobs in the database {database}: {}.", problem.text),
            None => format!("pg_cron keeps its jobs in the database {database}; reading them there…"),
        },
        Cron::Forbidden => {
            format!("pg_cron's jobs are closed to {user}: it needs USAGE on the schema cron and SELECT on its tables.")
        }
        Cron::Present(_) => return None,
    })
}

/// That other roles' jobs are hidden, if they are.
pub fn hidden_jobs(server: &Server) -> Option<String> {
    server.cron.present().filter(|extension| extension.row_security)?;
    let user = &server.user;
    Some(format!(
        "{user} sees only its own jobs and runs: row security hides those of other roles, and BYPASSRLS would show them."
    ))
}

/// Why the comparison failed, as far as rights explain it.
pub fn cannot_compare(server: Option<&Server>, state: &ViewState, problem: &Problem) -> String {
    let (view, watcher) = (&state.view, server.map_or("this role", |s| &s.user));
    // With look_dsn another role looks, of which the catalog's description of the view says nothing.
    let user = state.look.as_ref().map_or(watcher, |look| &look.session);
    if user != watcher && problem.kind == ProblemKind::Permission {
        return problem.text.clone();
    }
    match (problem.kind, &view.hides) {
        (ProblemKind::RowSecurity, Some(Hidden { table, role })) => format!(
            "row security may hide rows of {table} from {role}, by whose rights a refresh reads it, and they would look like \
             drift; it can be compared if {role} has BYPASSRLS or owns {table}"
        ),
        (ProblemKind::RowSecurity, None) => format!(
            "row security hides rows from {user}, and they would look like drift ({}); a role with BYPASSRLS can compare it",
            problem.text
        ),
        (ProblemKind::Permission, _) if !view.lacks.is_empty() => format!("{user} needs {}", view.lacks.join(" and ")),
        _ => problem.text.clone(),
    }
}

/// Everything that is off here whatever the view.
pub fn off(snapshot: &Snapshot) -> Vec<Off> {
    let Some(server) = snapshot.server.as_deref() else { return Vec::new() };
    let sessions = (!server.reads_all_stats).then(|| {
        let user = &server.user;
        format!("what other roles' sessions do is hidden from {user}: seeing that needs pg_monitor")
    });
    let all = [
        ("refresh", no_change(server).map(|no| no.why)),
        ("jobs", no_jobs(snapshot)),
        ("other_jobs", hidden_jobs(server)),
        ("sessions", sessions),
    ];
    all.into_iter().filter_map(|(what, why)| Some(Off { what, why: why? })).collect()
}
