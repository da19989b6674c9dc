//! Changes things: each plan in one transaction on a connection of its own, its SQL known beforehand, and afterwards a
//! look at what is there now.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::conninfo::Target;
use super::fix::proof_sql;
use super::problem::problem;
use super::session::{Limits, Session};
use crate::domain::fix::{Fix, Plan, Proof};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::text::visible;

/// A refresh that waits for its lock installs data from before the wait, so it never waits long.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done; what was found afterwards, where the plan says how to look.
    Done(Option<Found>),
    /// Cancelled: nothing was changed.
    Cancelled,
    /// The lock was not had in time: nothing was changed.
    LockTimeout,
    /// It failed, and nothing was changed.
    Failed(Problem),
    /// It ended early, and what it had done by then stays: what that is, in words.
    Partly(Problem, String),
    /// The connection was lost on the way: whether it was done must be looked at.
    Unclear(Problem),
}

/// What a look after a change found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Is it as the plan promised?
    pub good: bool,
    /// What is there now.
    pub text: String,
}

/// What an action reports while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server process that runs it, by which it can be cancelled.
    Running(i32),
    /// It ended after this time.
    Ended(Ending, Duration),
}

/// Carries out a plan, reporting the backend first.
pub async fn run(target: &Target, plan: &Plan, report: impl Fn(Event)) {
    let began = Instant::now();
    let ending = match connect_for(target, plan).await {
        Ok(session) => execute(&session, plan, &report).await,
        Err(problem) => Ending::Failed(problem),
    };
    report(Event::Ended(ending, began.elapsed()));
}

/// Looks at what is there now, by what a plan promised.
///
/// # Errors
/// Why it could not be looked at.
pub async fn look(target: &Target, database: Option<&str>, proof: &Proof) -> Result<Found, Problem> {
    found(&connect(target, database).await?, proof).await
}

/// A job's own command finds what it names on its role's path, and brings its own transactions: nothing of ours is set for it.
async fn connect_for(target: &Target, plan: &Plan) -> Result<Session, Problem> {
    match (&plan.fix, &plan.database) {
        (Fix::CronRunNow(_), Some(database)) => {
            Session::connect_plain(&target.clone().in_database(database), "action").await
        }
        (Fix::CronRunNow(_), None) => Session::connect_plain(target, "action").await,
        (_, database) => connect(target, database.as_deref()).await,
    }
}

async fn connect(target: &Target, database: Option<&str>) -> Result<Session, Problem> {
    // No limits for the session: each transaction brings its own, and a job's command may take as long as it takes.
    match database {
        Some(database) => Session::connect_without_limits(&target.clone().in_database(database), "action").await,
        None => Session::connect_without_limits(target, "action").await,
    }
}

async fn execute(session: &Session, plan: &Plan, report: &impl Fn(Event)) -> Ending {
    let mut done = 0;
    loop {
        match once(session, plan, report).await {
            Ok(rows) if plan.batches && rows > 0 => done += rows,
            Ok(_) => break,
            Err(ending) if done > 0 => return partly(ending, format!("{done} rows were deleted before")),
            Err(ending) => return ending,
        }
    }
    let Some(proof) = &plan.proof else { return Ending::Done(None) };
    let looked = proved(session, plan, proof).await.unwrap_or_else(|problem| Found {
        good: false,
        text: format!("it was done, but could not be looked at: {}", problem.text),
    });
    Ending::Done(Some(looked))
}

/// The same end, after what stays.
fn partly(ending: Ending, stays: String) -> Ending {
    let other = |text: &str| Problem { kind: ProblemKind::Other, text: text.into() };
    let problem = match ending {
        Ending::Cancelled => other("it was cancelled"),
        Ending::LockTimeout => other("the lock was not free in time"),
        Ending::Failed(problem) | Ending::Unclear(problem) | Ending::Partly(problem, _) => problem,
        Ending::Done(_) => return ending,
    };
    Ending::Partly(problem, stays)
}

/// Runs the statements one after the other; how many rows they changed.
async fn once(session: &Session, plan: &Plan, report: &impl Fn(Event)) -> Result<u64, Ending> {
    let mut rows = 0;
    if let [alone] = plan.statements.as_slice() {
        return by_itself(session, alone, report).await;
    }
    for (i, statement) in plan.statements.iter().enumerate() {
        match session.batch(statement).await {
            Ok(changed) => rows += changed,
            Err(error) => {
                let is_last = i + 1 == plan.statements.len();
                let _ = session.batch("ROLLBACK").await;
                return Err(ending(&error, plan, statement, is_last));
            }
        }
        // Inside the transaction, so that a transaction pooler cannot answer for another backend.
        if i == 0 {
            report(Event::Running(session.backend_pid().await.map_err(Ending::Failed)?));
        }
    }
    Ok(rows)
}

/// Runs a statement that brings its own transactions: what it committed before it fails stays.
async fn by_itself(session: &Session, statement: &str, report: &impl Fn(Event)) -> Result<u64, Ending> {
    let settings =
        "SELECT pg_backend_pid(), reset_val::int8 FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'";
    let rows = session.read(Limits::CHEAP, settings, &[]).await.map_err(Ending::Failed)?;
    let (pid, limit) = rows.first().map_or((0, 0), |row| (row.get(0), row.get::<_, i64>(1)));
    report(Event::Running(pid));
    let began = Instant::now();
    session.batch(statement).await.map_err(|error| {
        let stays = "what it had committed by then stays".to_string();
        let problem = problem(&error);
        if problem.kind != ProblemKind::Timeout {
            return Ending::Partly(problem, stays);
        }
        // The server says both by one code, and the words are in its language.
        let is_limit = limit > 0 && began.elapsed() >= Duration::from_millis(limit.unsigned_abs());
        let text = match is_limit {
            true => format!("the statement_timeout of this role, {limit}ms, ended it"),
            false => "it was cancelled".into(),
        };
        Ending::Partly(Problem { text, ..problem }, stays)
    })
}

/// How long a session that was told to end may take.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// Looks at what is there now; after a signal until it has been heard, for the server only sends it.
async fn proved(session: &Session, plan: &Plan, proof: &Proof) -> Result<Found, Problem> {
    let is_signal = matches!(plan.fix, Fix::Cancel(_) | Fix::Terminate(_));
    let began = Instant::now();
    loop {
        let looked = found(session, proof).await?;
        if looked.good || !is_signal || began.elapsed() > ENDS_WITHIN {
            return Ok(looked);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn found(session: &Session, proof: &Proof) -> Result<Found, Problem> {
    let rows = session.read(Limits::CHEAP, &proof_sql(proof), &[]).await?;
    let row = rows.first().ok_or_else(|| super::catalog::unexpected("nothing was found"))?;
    Ok(Found {
        good: row.get::<_, Option<bool>>(0).unwrap_or(false),
        text: visible(&row.get::<_, Option<String>>(1).unwrap_or_default()).into_owned(),
    })
}

/// Only a COMMIT whose answer was lost leaves a doubt: before it nothing counts.
fn ending(error: &tokio_postgres::Error, plan: &Plan, statement: &str, is_last: bool) -> Ending {
    let mut problem = problem(error);
    match error.code() {
        Some(code) if *code == SqlState::QUERY_CANCELED => Ending::Cancelled,
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => Ending::LockTimeout,
        _ if problem.kind == ProblemKind::Connection && is_last => Ending::Unclear(problem),
        _ => {
            problem.text += &explained(error, plan, statement);
            Ending::Failed(problem)
        }
    }
}

/// What a failure means in this plan, where the server's message does not say it.
fn explained(error: &tokio_postgres::Error, plan: &Plan, statement: &str) -> String {
    let detail = error.as_db_error().and_then(|e| e.detail()).map_or(String::new(), |d| format!(": {}", visible(d)));
    match (&plan.fix, error.code()) {
        (Fix::CreateUnique(_), Some(code)) if *code == SqlState::UNIQUE_VIOLATION => {
            format!("{detail} If the view is old, refresh it first; else name other columns (--columns)")
        }
        (_, Some(code)) if *code == SqlState::UNIQUE_VIOLATION => detail,
        (Fix::Refresh, _) if error.as_db_error().and_then(|e| e.routine()) == Some("InitTempTableNamespace") => {
            "; CONCURRENTLY makes one as the view's owner, who lacks TEMP on the database: mvtop fix refresh does without"
                .into()
        }
        (Fix::TriggersInstall, _) if statement.starts_with("REFRESH") => {
            "; every write would fail so: under the triggers' own search_path its definition does not run. Have the \
             functions that it calls name their tables with the schema"
                .into()
        }
        (Fix::PlainView, _) if statement.starts_with("REFRESH") => {
            "; its definition does not run, so a plain view would shut its readers out".into()
        }
        _ => String::new(),
    }
}
