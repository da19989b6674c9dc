//! Runs Test 2: one row goes to another ejecutivo in a transaction that is rolled back, and the view is watched.
//!
//! REPEATABLE READ, so that what others write meanwhile moves no count. No search_path is set: the application's
//! triggers run as they would for the application. Whatever happens, nothing stays: the transaction is never committed,
//! and a lost connection rolls it back.

use std::time::{Duration, Instant};

use postgres_protocol::escape::{escape_identifier as quote, escape_literal as literal};
use tokio::time::interval;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::compare::{definition, live, qualified};
use super::fix::refresh_sql;
use super::look::{Query, ViewReader};
use super::operator::LOCK_TIMEOUT;
use super::problem::problem;
use super::session::{Limits, Session};
use crate::domain::diagnosis::who;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::verify::{Reassignment, Refreshes, Run, Seen, Source, Trial};
use crate::domain::view::View;

/// How often a waiting test looks whom it waits for.
const LOOK: Duration = Duration::from_millis(200);

/// How often it is tried again when another session changed the same rows meanwhile.
const TRIES: u32 = 3;

/// The test as SQL, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    begin: Vec<String>,
    live: String,
    update: String,
    refresh: Option<String>,
    view: String,
    proof: String,
}

impl Script {
    /// The statements for a reassignment; none may run longer than `limit`.
    pub fn of(view: &View, plan: &Reassignment, limit: Duration) -> Script {
        let Source { table, column, id, from, .. } = &plan.source;
        let key = |member: &crate::domain::groups::Member| literal(&member.key.clone().flatten().unwrap_or_default());
        let row = format!("{} = {}", quote(id), literal(&plan.row));
        Script {
            begin: vec![
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE".into(),
                format!("SET LOCAL lock_timeout = '{}s'", LOCK_TIMEOUT.as_secs()),
                format!("SET LOCAL statement_timeout = {}", limit.as_millis()),
            ],
            live: seen(plan, &definition(view)),
            update: format!(
                "UPDATE {} SET {column} = {} WHERE {row} AND {column} = {}",
                qualified(table),
                key(&plan.source.to),
                key(from),
                column = quote(column),
            ),
            refresh: match plan.refreshes {
                Refreshes::ByHand(mode) => Some(refresh_sql(&view.name, mode)),
                Refreshes::ByTriggers | Refreshes::Never => None,
            },
            view: seen(plan, &qualified(&view.name)),
            proof: format!("SELECT {} = {} FROM {} WHERE {row}", quote(column), key(from), qualified(table)),
        }
    }

    /// All of it, as it is sent.
    pub fn statements(&self) -> Vec<String> {
        let mut all = self.begin.clone();
        all.extend([self.live.clone(), self.update.clone()]);
        all.extend(self.refresh.clone());
        all.extend([self.view.clone(), "ROLLBACK".into(), self.proof.clone()]);
        all
    }
}

/// Rows of the two, and whose the row is.
fn seen(plan: &Reassignment, side: &str) -> String {
    let Source { shown: (group, id), from, to, .. } = &plan.source;
    let group = quote(group);
    let of = |member: &crate::domain::groups::Member| {
        let value = literal(&member.key.clone().flatten().unwrap_or_default());
        format!("count(*) FILTER (WHERE {group} = {value})")
    };
    format!(
        "SELECT {}, {}, max({group}::text) FILTER (WHERE {} = {}) FROM {side}",
        of(from),
        of(to),
        quote(id),
        literal(&plan.row)
    )
}

/// The row to reassign: one that is live with whom it leaves. `None`: they have none any more.
///
/// # Errors
/// What the database said.
pub async fn pick(reader: &ViewReader, view: &View, source: &Source, limits: Limits) -> Result<Option<String>, Problem> {
    let look = reader.look(view).await?;
    let view = &*look.view();
    let (group, id) = (quote(&source.shown.0), quote(&source.shown.1));
    let from = source.from.key.iter().flatten().next().map_or("", |key| &**key);
    let sql = format!(
        "SELECT {id}::text AS id FROM {} WHERE {group}::text = $1 AND {id} IS NOT NULL ORDER BY {id} LIMIT 1",
        live(view)
    );
    let query = Query { sql, columns: vec![("id", "text")] };
    let rows = look.rows(limits.of(view), &query, &[(&from, Type::TEXT)]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Runs it on `session`, while `watcher` looks whom it waits for.
pub async fn run(session: &Session, watcher: &Session, script: &Script, plan: Reassignment) -> Trial {
    for _ in 1..TRIES {
        match attempt(session, watcher, script, &plan).await {
            Err(Stop::Changed) => {}
            ended => return ended.unwrap_or_else(Stop::trial),
        }
    }
    attempt(session, watcher, script, &plan).await.unwrap_or_else(Stop::trial)
}

/// Why it could not be run to its end. Nothing is changed.
enum Stop {
    /// Another session changed the same rows meanwhile.
    Changed,
    Other(String),
}

impl Stop {
    fn trial(self) -> Trial {
        Trial::NotProven(match self {
            Stop::Changed => "another session changed the same rows meanwhile; run it again".into(),
            Stop::Other(why) => why,
        })
    }
}

async fn attempt(session: &Session, watcher: &Session, script: &Script, plan: &Reassignment) -> Result<Trial, Stop> {
    let began = Instant::now();
    let outcome = in_transaction(session, watcher, script).await;
    // Rolled back whatever happened; where the connection is lost the server does it.
    let rolled_back = session.batch("ROLLBACK").await;
    let (before, after) = outcome?;
    rolled_back.map_err(|e| stop(&e, &None))?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let left = session.rows(&script.proof).await.map_err(|e| stop(&e, &None))?;
    let undone = left.first().and_then(|row| row.get::<_, Option<bool>>(0)).unwrap_or(false);
    Ok(Trial::Ran(Box::new(Run { reassignment: plan.clone(), before, after, undone, took_ms })))
}

async fn in_transaction(session: &Session, watcher: &Session, script: &Script) -> Result<(Seen, Seen), Stop> {
    for statement in &script.begin {
        session.batch(statement).await.map_err(|e| stop(&e, &None))?;
    }
    let pid = session.backend_pid().await.map_err(|p| Stop::Other(p.text))?;
    let before = look(session, &script.live).await?;
    let update = format!("{} RETURNING 1", script.update);
    let updated = watched(watcher, pid, session.rows(&update)).await?;
    if updated.len() != 1 {
        let why = "the row was changed meanwhile, or row security hides it from this role; run it again";
        return Err(Stop::Other(why.into()));
    }
    if let Some(refresh) = &script.refresh {
        watched(watcher, pid, session.batch(refresh)).await?;
    }
    Ok((before, look(session, &script.view).await?))
}

async fn look(session: &Session, sql: &str) -> Result<Seen, Stop> {
    let rows = session.rows(sql).await.map_err(|e| stop(&e, &None))?;
    let row = rows.first().ok_or_else(|| Stop::Other("nothing came back".into()))?;
    Ok(Seen { from: row.get(0), to: row.get(1), owner: row.get(2) })
}

/// Awaits a statement that may wait for a lock, and remembers for whom.
async fn watched<T>(
    watcher: &Session,
    pid: i32,
    statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Stop> {
    tokio::pin!(statement);
    let mut ticks = interval(LOOK);
    let mut holder = None;
    loop {
        tokio::select! {
            biased;
            ended = &mut statement => return ended.map_err(|e| stop(&e, &holder)),
            _ = ticks.tick() => holder = blocker(watcher, pid).await.or(holder),
        }
    }
}

/// In words; `None`: nobody, or it could not be asked.
async fn blocker(watcher: &Session, pid: i32) -> Option<String> {
    let rows = watcher.read(Limits::CHEAP, include_str!("sql/blockers.sql"), &[(&pid, Type::INT4)]).await.ok()?;
    let row = rows.first()?;
    let text = |name: &str| row.get::<_, Option<&str>>(name).unwrap_or_default();
    let state = row.get::<_, Option<&str>>("state").unwrap_or("in a state this role may not see");
    Some(format!("{} holds it, {state}", who(text("user"), text("application"), row.get("pid"))))
}

fn stop(error: &tokio_postgres::Error, holder: &Option<String>) -> Stop {
    let said = problem(error);
    match error.code() {
        Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => Stop::Changed,
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => {
            let holder = holder.as_deref().unwrap_or("another session holds it");
            let waited = LOCK_TIMEOUT.as_secs();
            Stop::Other(format!(
                "a lock was not free within {waited} s: {holder}; nothing was changed, try again when it ends"
            ))
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Stop::Other(format!("not possible for this role: {}", said.text))
        }
        _ if said.kind == ProblemKind::Connection => {
            Stop::Other(format!("the connection was lost and the server rolls it back: {}", said.text))
        }
        _ => Stop::Other(format!("it could not be run, and nothing was changed: {}", said.text)),
    }
}
