//! Changes things: each plan in one transaction on a connection of its own, its SQL known beforehand, and afterwards a
//! look at what is there now.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::conninfo::Target;
use super::problem::problem;
use super::session::{Limits, Session};
use crate::domain::fix::Plan;
use crate::domain::reading::{Problem, ProblemKind};

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
    let ending = match connect(target, plan.database.as_deref()).await {
        Ok(session) => execute(&session, plan, &report).await,
        Err(problem) => Ending::Failed(problem),
    };
    report(Event::Ended(ending, began.elapsed()));
}

/// Looks at what is there now, by a plan's proof.
///
/// # Errors
/// Why it could not be looked at.
pub async fn look(target: &Target, database: Option<&str>, proof: &str) -> Result<Found, Problem> {
    found(&connect(target, database).await?, proof).await
}

async fn connect(target: &Target, database: Option<&str>) -> Result<Session, Problem> {
    match database {
        Some(database) => Session::connect(&target.clone().in_database(database), "action").await,
        None => Session::connect(target, "action").await,
    }
}

async fn execute(session: &Session, plan: &Plan, report: &impl Fn(Event)) -> Ending {
    loop {
        match once(session, &plan.statements, report).await {
            Ok(rows) if plan.batches && rows > 0 => {}
            Ok(_) => break,
            Err(ending) => return ending,
        }
    }
    let Some(proof) = &plan.proof else { return Ending::Done(None) };
    let looked = found(session, proof).await.unwrap_or_else(|problem| Found {
        good: false,
        text: format!("it was done, but could not be looked at: {}", problem.text),
    });
    Ending::Done(Some(looked))
}

/// Runs the statements one after the other; how many rows they changed.
async fn once(session: &Session, statements: &[String], report: &impl Fn(Event)) -> Result<u64, Ending> {
    let mut rows = 0;
    for (i, statement) in statements.iter().enumerate() {
        match session.batch(statement).await {
            Ok(changed) => rows += changed,
            Err(error) => {
                let is_last = i + 1 == statements.len();
                let _ = session.batch("ROLLBACK").await;
                return Err(ending(&error, is_last));
            }
        }
        // Inside the transaction, so that a transaction pooler cannot answer for another backend.
        if i == 0 {
            report(Event::Running(session.backend_pid().await.map_err(Ending::Failed)?));
        }
    }
    Ok(rows)
}

async fn found(session: &Session, proof: &str) -> Result<Found, Problem> {
    // Names in it are quoted and qualified; pg_cron's tables and pg_catalog need no path.
    let rows = session.read(Limits::CHEAP, proof, &[]).await?;
    let row = rows.first().ok_or_else(|| super::catalog::unexpected("nothing was found"))?;
    Ok(Found {
        good: row.get::<_, Option<bool>>(0).unwrap_or(false),
        text: row.get::<_, Option<String>>(1).unwrap_or_default(),
    })
}

/// Only a COMMIT whose answer was lost leaves a doubt: before it nothing counts.
fn ending(error: &tokio_postgres::Error, is_last: bool) -> Ending {
    let problem = problem(error);
    match error.code() {
        Some(code) if *code == SqlState::QUERY_CANCELED => Ending::Cancelled,
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => Ending::LockTimeout,
        _ if problem.kind == ProblemKind::Connection && is_last => Ending::Unclear(problem),
        _ => Ending::Failed(problem),
    }
}
