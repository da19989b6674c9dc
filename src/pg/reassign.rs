//! Runs Test 2: one row goes to another ejecutivo in a transaction that is rolled back, and the view is watched.
//!
//! REPEATABLE READ, so that what others write meanwhile moves no count. The UPDATE fires the application's triggers, checks and
//! the like with the rights of whoever runs it: where any of that is a stranger's, it is not run, and under the table's lock that
//! is looked at once more. It runs on the role's own search_path, as for the application, but for schemas in which a stranger
//! could hide another function of the same name. Whatever happens, nothing stays: the transaction is never committed, and a
//! lost connection rolls it back.

use std::time::{Duration, Instant};

use postgres_protocol::escape::{escape_identifier as quote, escape_literal as literal};
use tokio::time::interval;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::catalog::unexpected;
use super::compare::{definition, live, qualified};
use super::fix::{refresh_sql, same_view};
use super::look::{Query, ViewReader};
use super::operator::LOCK_TIMEOUT;
use super::problem::problem;
use super::session::{Limits, Session};
use crate::domain::diagnosis::who;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::verify::{Reassignment, Refreshes, Run, Seen, Source, Surroundings, Trial};
use crate::domain::view::{View, ViewName};

/// How often a waiting test looks whom it waits for.
const LOOK: Duration = Duration::from_millis(200);

/// How often it is tried again when another session changed the same rows meanwhile.
const TRIES: u32 = 3;

/// The test as SQL, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    begin: Vec<String>,
    lock: String,
    same: String,
    live: String,
    path: String,
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
                "SET LOCAL search_path = pg_catalog, pg_temp".into(),
            ],
            // Before anything is read: then nobody can give the table another trigger behind the look at its code.
            lock: format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", qualified(table)),
            same: same_view(view),
            path: format!(
                "SELECT pg_catalog.set_config('search_path', {}, true)",
                literal(&plan.surroundings.search_path)
            ),
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
        all.extend([&self.lock, &self.same, &self.live, &self.path, &self.update].map(String::clone));
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
pub async fn pick(
    reader: &ViewReader,
    view: &View,
    source: &Source,
    limits: Limits,
) -> Result<Option<String>, Problem> {
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

const SURROUNDINGS: &str = include_str!("sql/verify_code.sql");

/// Whose code the test would run, and on which path.
///
/// # Errors
/// What the database said.
pub async fn surroundings(
    session: &Session,
    view: &View,
    source: &Source,
    trusted: &[String],
) -> Result<Surroundings, Problem> {
    // The server would compile the large statement for seconds.
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY; SET LOCAL jit = off; SET LOCAL search_path = pg_catalog, pg_temp";
    session.batch(begin).await.map_err(|e| problem(&e))?;
    let read = read_surroundings(session, view, &source.table, trusted).await;
    session.batch("COMMIT").await.map_err(|e| problem(&e))?;
    read.map_err(|e| problem(&e)).and_then(|json| parsed(&json))
}

async fn read_surroundings(
    session: &Session,
    view: &View,
    table: &ViewName,
    trusted: &[String],
) -> Result<String, tokio_postgres::Error> {
    let trusted: Vec<String> = trusted.iter().map(|role| literal(role)).collect();
    let trusted = format!("ARRAY[{}]", trusted.join(", "));
    let table = format!("{}::regclass", literal(&qualified(table)));
    let sql = SURROUNDINGS
        .replace("{view}", &view.oid.0.to_string())
        .replace("{table}", &table)
        .replace("{trusted}", &trusted);
    Ok(session.rows(&sql).await?.first().map_or(String::new(), |row| row.get(0)))
}

fn parsed(json: &str) -> Result<Surroundings, Problem> {
    serde_json::from_str(json).map_err(|e| unexpected(&format!("the code around a table: {e}")))
}

/// Runs it on `session`, while `watcher` looks whom it waits for.
pub async fn run(
    session: &Session,
    watcher: &Session,
    view: &View,
    script: &Script,
    plan: Reassignment,
    trusted: &[String],
) -> Trial {
    let test = Test { session, watcher, view, script, plan: &plan, trusted };
    for _ in 1..TRIES {
        match test.attempt().await {
            Err(Stop::Changed) => {}
            ended => return ended.unwrap_or_else(Stop::trial),
        }
    }
    test.attempt().await.unwrap_or_else(Stop::trial)
}

/// Why it could not be run to its end. Nothing is changed.
enum Stop {
    /// Another session changed the same rows meanwhile.
    Changed,
    /// A name was not found on the path.
    Unfound(String),
    Other(String),
}

impl Stop {
    fn trial(self) -> Trial {
        Trial::NotProven(match self {
            Stop::Changed => "another session changed the same rows meanwhile; run it again".into(),
            Stop::Unfound(why) | Stop::Other(why) => why,
        })
    }
}

/// What a run of it needs.
struct Test<'a> {
    session: &'a Session,
    watcher: &'a Session,
    view: &'a View,
    script: &'a Script,
    plan: &'a Reassignment,
    /// Roles whose code may run with our rights.
    trusted: &'a [String],
}

impl Test<'_> {
    async fn attempt(&self) -> Result<Trial, Stop> {
        let began = Instant::now();
        let outcome = self.in_transaction().await;
        // Rolled back whatever happened; where the connection is lost the server does it.
        let rolled_back = self.session.batch("ROLLBACK").await;
        let (before, after) = outcome?;
        rolled_back.map_err(|e| stop(&e, &None))?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let left = self.session.read(Limits::CHEAP, &self.script.proof, &[]).await.map_err(|p| Stop::Other(p.text))?;
        let undone = left.first().and_then(|row| row.get::<_, Option<bool>>(0)).unwrap_or(false);
        Ok(Trial::Ran(Box::new(Run { reassignment: self.plan.clone(), before, after, undone, took_ms })))
    }

    async fn in_transaction(&self) -> Result<(Seen, Seen), Stop> {
        let Test { session, watcher, script, .. } = *self;
        // Asked before, for within the transaction it would fix what that sees: the lock must come first. Behind a pooler it may
        // be another backend; then whoever holds the lock is not named.
        let asked =
            session.read(Limits::CHEAP, "SELECT pg_backend_pid()", &[]).await.map_err(|p| Stop::Other(p.text))?;
        let pid = asked.first().map_or(0, |row| row.get(0));
        for statement in &script.begin {
            session.batch(statement).await.map_err(|e| stop(&e, &None))?;
        }
        watched(watcher, pid, session.batch(&script.lock)).await?;
        let pid = session.backend_pid().await.map_err(|p| Stop::Other(p.text))?;
        session.batch(&script.same).await.map_err(|e| stop(&e, &None))?;
        self.refuse_strangers().await?;
        let before = look(session, &script.live).await?;
        session.batch(&script.path).await.map_err(|e| stop(&e, &None))?;
        let update = format!("{} RETURNING 1", script.update);
        let updated = watched(watcher, pid, session.rows(&update)).await.map_err(|stop| self.explained(stop))?;
        if updated.len() != 1 {
            let why = "the row was changed meanwhile, or row security hides it from this role; run it again";
            return Err(Stop::Other(why.into()));
        }
        if let Some(refresh) = &script.refresh {
            watched(watcher, pid, session.batch(refresh)).await.map_err(|stop| self.explained(stop))?;
        }
        Ok((before, look(session, &script.view).await?))
    }

    /// Looks at the code once more, now that nothing that is read can become another: by the other connection, for the snapshot of
    /// this transaction may be older than the locks.
    async fn refuse_strangers(&self) -> Result<(), Stop> {
        // A query that nothing uses locks what it names, and what lies below that, and runs nothing of it.
        let named = self.view.names.iter().enumerate();
        let locks: Vec<String> = named.map(|(i, r)| format!("r{i} AS (SELECT FROM {})", qualified(&r.name))).collect();
        if !locks.is_empty() {
            let sql = format!("WITH {} SELECT 1", locks.join(", "));
            self.session.batch(&sql).await.map_err(|e| stop(&e, &None))?;
        }
        let found = surroundings(self.watcher, self.view, &self.plan.source, self.trusted).await;
        found.map_err(|p| Stop::Other(p.text))?.refused().map_or(Ok(()), |why| Err(Stop::Other(why)))
    }

    /// The reason, with what was left off the path where that may be why.
    fn explained(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Unfound(why) => Stop::Other(why + &self.plan.surroundings.unfound()),
            other => other,
        }
    }
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

const UNFOUND: [SqlState; 3] = [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_FUNCTION, SqlState::UNDEFINED_OBJECT];

fn stop(error: &tokio_postgres::Error, holder: &Option<String>) -> Stop {
    let said = problem(error);
    match error.code() {
        Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => Stop::Changed,
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => {
            let holder = holder.as_deref().unwrap_or("another session holds it");
            let waited = LOCK_TIMEOUT.as_secs();
            Stop::Other(format!(
                "a lock was not free within {waited}s: {holder}; nothing was changed, try again when it ends"
            ))
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Stop::Other(format!("not possible for this role: {}", said.text))
        }
        Some(code) if UNFOUND.contains(code) => {
            Stop::Unfound(format!("it could not be run, and nothing was changed: {}", said.text))
        }
        _ if said.kind == ProblemKind::Connection => {
            Stop::Other(format!("the connection was lost and the server rolls it back: {}", said.text))
        }
        _ => Stop::Other(format!("it could not be run, and nothing was changed: {}", said.text)),
    }
}
