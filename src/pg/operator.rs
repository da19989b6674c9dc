//! Changes things: each action in one transaction on a connection of its own, its SQL known beforehand.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::compare::qualified;
use super::conninfo::Target;
use super::problem::problem;
use super::session::Session;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::{RefreshMode, ViewName};

/// A refresh that waits for its lock installs data from before the wait, so it never waits long.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// The statement that refreshes a view.
pub fn refresh_statement(view: &ViewName, mode: RefreshMode) -> String {
    let concurrently = if mode == RefreshMode::Concurrently { "CONCURRENTLY " } else { "" };
    format!("REFRESH MATERIALIZED VIEW {concurrently}{}", qualified(view))
}

/// The exact statements of a refresh, in order.
pub fn refresh_sql(view: &ViewName, mode: RefreshMode) -> Vec<String> {
    vec![
        "BEGIN".into(),
        format!("SET LOCAL lock_timeout = '{}s'", LOCK_TIMEOUT.as_secs()),
        "SET LOCAL statement_timeout = 0".into(),
        refresh_statement(view, mode),
        "COMMIT".into(),
    ]
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done.
    Done,
    /// Cancelled: nothing was changed.
    Cancelled,
    /// The lock was not had in time: nothing was changed.
    LockTimeout,
    /// It failed, and nothing was changed.
    Failed(Problem),
    /// The connection was lost on the way: whether it was done must be looked at.
    Unclear(Problem),
}

/// What an action reports while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server process that runs it, by which it can be cancelled.
    Running(i32),
    /// It ended after this time.
    Ended(Ending, Duration),
}

/// Runs the statements one after the other, reporting the backend first.
pub async fn run(target: &Target, statements: &[String], report: impl Fn(Event)) {
    let began = Instant::now();
    let ending = match Session::connect(target, "action").await {
        Ok(session) => execute(&session, statements, &report).await,
        Err(problem) => Ending::Failed(problem),
    };
    report(Event::Ended(ending, began.elapsed()));
}

async fn execute(session: &Session, statements: &[String], report: &impl Fn(Event)) -> Ending {
    for (i, statement) in statements.iter().enumerate() {
        if let Err(error) = session.batch(statement).await {
            let _ = session.batch("ROLLBACK").await;
            return ending(&error);
        }
        // Inside the transaction, so that a transaction pooler cannot answer for another backend.
        if i == 0 {
            match session.backend_pid().await {
                Ok(pid) => report(Event::Running(pid)),
                Err(problem) => return Ending::Failed(problem),
            }
        }
    }
    Ending::Done
}

fn ending(error: &tokio_postgres::Error) -> Ending {
    let problem = problem(error);
    match error.code() {
        Some(code) if *code == SqlState::QUERY_CANCELED => Ending::Cancelled,
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => Ending::LockTimeout,
        _ if problem.kind == ProblemKind::Connection => Ending::Unclear(problem),
        _ => Ending::Failed(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_one_transaction_with_a_short_lock_timeout_and_quoted_names() {
        let name = ViewName { schema: "public".into(), name: "Año \"x\"".into() };
        let sql = refresh_sql(&name, RefreshMode::Concurrently);
        assert_eq!(sql.first().map(String::as_str), Some("BEGIN"));
        assert_eq!(sql[1], "SET LOCAL lock_timeout = '3s'");
        assert_eq!(sql[3], "REFRESH MATERIALIZED VIEW CONCURRENTLY \"public\".\"Año \"\"x\"\"\"");
        assert_eq!(sql.last().map(String::as_str), Some("COMMIT"));
        let plain = refresh_sql(&name, RefreshMode::PlainNotPopulated);
        assert!(!plain[3].contains("CONCURRENTLY"));
    }
}
