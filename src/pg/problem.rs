//! PostgreSQL's errors in the words of the domain, classed by SQLSTATE.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::text::visible;

/// What an error means to a person.
pub fn problem(error: &Error) -> Problem {
    let Some(db) = error.as_db_error() else {
        return Problem { kind: ProblemKind::Connection, text: chain(error) };
    };
    let message = visible(db.message()).into_owned();
    let (kind, text) = match db.code() {
        code if is_connection(code) => (ProblemKind::Connection, message),
        code if *code == SqlState::LOCK_NOT_AVAILABLE => {
            (ProblemKind::LockTimeout, "another session holds a lock on it that shuts readers out".into())
        }
        code if *code == SqlState::QUERY_CANCELED => (ProblemKind::Timeout, message),
        // The standby's replay needed what the statement was reading, e.g. the lock of a refresh.
        code if *code == SqlState::T_R_SERIALIZATION_FAILURE => (ProblemKind::LockTimeout, message),
        // By the function that raised it, for the message is in the server's language.
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE && db.routine() == Some("check_enable_rls") => {
            (ProblemKind::RowSecurity, message)
        }
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => (ProblemKind::Permission, message),
        code => (ProblemKind::Other, format!("{message} (SQLSTATE {})", code.code())),
    };
    Problem { kind, text }
}

fn is_connection(code: &SqlState) -> bool {
    code.code().starts_with("08") || code.code().starts_with("57P")
}

/// An error with all its causes in one line: tokio-postgres says "error connecting to server" and keeps the reason inside.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    visible(&text).into_owned()
}
