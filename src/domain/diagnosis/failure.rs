//! Why a run failed, told from the message it left: PostgreSQL's English texts and pg_cron's fixed ones.

use super::remedy::Remedy;

/// The classes of failures, each with its own way out. Messages in another language (`lc_messages`) are `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The job's role may not refresh the view.
    NotOwner,
    /// CONCURRENTLY without a usable unique index.
    NoUniqueIndex,
    /// The definition gives rows that the unique index does not take.
    Duplicates,
    /// `statement_timeout`.
    Timeout,
    /// `lock_timeout`.
    LockTimeout,
    /// Another session wanted locks in the opposite order.
    Deadlock,
    /// pg_cron could not connect, or lost the connection.
    Connection,
    /// The worker or connection did not start in time.
    StartupTimeout,
    /// Somebody cancelled or terminated it, or the job was paused or removed meanwhile.
    Cancelled,
    /// The server, or only pg_cron's launcher, was restarted meanwhile.
    ServerRestarted,
    /// Anything else; the message says what.
    Other,
}

/// What each class is recognised by in the first line and the hint, the first match counts. What stands below tells only
/// where it happened, and a REFRESH … CONCURRENTLY may be quoted there whatever went wrong.
const SIGNS: [(&str, Failure); 15] = [
    ("due to statement timeout", Failure::Timeout),
    ("due to lock timeout", Failure::LockTimeout),
    ("deadlock detected", Failure::Deadlock),
    ("due to user request", Failure::Cancelled),
    ("due to administrator command", Failure::Cancelled),
    ("must be owner of", Failure::NotOwner),
    ("permission denied for materialized view", Failure::NotOwner),
    ("contains duplicate rows", Failure::Duplicates),
    ("could not create unique index", Failure::Duplicates),
    ("create a unique index", Failure::NoUniqueIndex),
    ("connection failed", Failure::Connection),
    ("connection lost", Failure::Connection),
    ("job startup timeout", Failure::StartupTimeout),
    ("job canceled", Failure::Cancelled),
    ("server restarted", Failure::ServerRestarted),
];

/// The error of a key that comes twice, and the statement by which REFRESH … CONCURRENTLY writes what is new: without that
/// in the error's context the key may be another table's.
const TWICE: [&str; 2] = ["duplicate key value violates unique constraint", "(diff.newdata)"];

/// What CONCURRENTLY says without a usable index, before its hint; without the name between.
const NO_INDEX: [&str; 2] = ["cannot refresh materialized view", "concurrently"];

impl Failure {
    /// The class of a message.
    pub fn of(message: &str) -> Failure {
        let message = message.to_lowercase();
        let mut lines = message.split(LINE_ENDS);
        let first = lines.next().unwrap_or_default();
        let hint = lines.find(|line| line.trim_start().starts_with("hint:")).unwrap_or_default();
        if first.contains(TWICE[0]) && message.contains(TWICE[1]) {
            return Failure::Duplicates;
        }
        if NO_INDEX.iter().all(|part| first.contains(part)) {
            return Failure::NoUniqueIndex;
        }
        let found = SIGNS.iter().find(|(sign, _)| first.contains(sign) || hint.contains(sign));
        found.map_or(Failure::Other, |&(_, class)| class)
    }

    /// The relation that somebody lacks a right on, as the message has it: bare.
    pub(super) fn denied(message: &str) -> Option<&str> {
        let (_, rest) = headline(message).split_once("permission denied for ")?;
        ["materialized view ", "table ", "view ", "foreign table "].iter().find_map(|kind| rest.strip_prefix(kind))
    }

    /// The stable word for it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Failure::NotOwner => "run_failed_not_owner",
            Failure::NoUniqueIndex => "run_failed_no_unique_index",
            Failure::Duplicates => "run_failed_duplicates",
            Failure::Timeout => "run_failed_timeout",
            Failure::LockTimeout => "run_failed_lock_timeout",
            Failure::Deadlock => "run_failed_deadlock",
            Failure::Connection => "run_failed_connection",
            Failure::StartupTimeout => "run_failed_startup_timeout",
            Failure::Cancelled => "run_failed_cancelled",
            Failure::ServerRestarted => "run_failed_server_restarted",
            Failure::Other => "last_run_failed",
        }
    }

    /// What it means, where the message does not say it.
    pub(super) fn meaning(self) -> Option<&'static str> {
        match self {
            Failure::NotOwner => {
                Some("only the view's owner may refresh it, from PostgreSQL 17 on also a role with MAINTAIN")
            }
            Failure::NoUniqueIndex => Some("CONCURRENTLY needs a unique index on plain columns, without WHERE"),
            Failure::Duplicates => Some("its definition gives a key twice"),
            Failure::Timeout => Some("it takes longer than the job's role is allowed"),
            Failure::LockTimeout => Some("another session held a lock it needs"),
            Failure::Deadlock => Some("another session took its locks in the opposite order"),
            Failure::Connection => Some("pg_cron could not connect to where the job runs"),
            Failure::StartupTimeout => Some("the server had no room to start it"),
            Failure::Cancelled | Failure::ServerRestarted | Failure::Other => None,
        }
    }

    /// The way out.
    pub(super) fn remedy(self) -> Remedy {
        match self {
            Failure::NotOwner | Failure::Connection | Failure::Timeout => Remedy::FixJob,
            Failure::NoUniqueIndex => Remedy::CreateIndex,
            Failure::Duplicates => Remedy::UniqueRows,
            Failure::LockTimeout
            | Failure::Deadlock
            | Failure::StartupTimeout
            | Failure::Cancelled
            | Failure::ServerRestarted
            | Failure::Other => Remedy::Refresh,
        }
    }
}

/// Line ends have been made visible where a message comes from the history.
const LINE_ENDS: [char; 2] = ['\n', '⏎'];

/// The first line of a message, without PostgreSQL's `ERROR:` before it.
pub(super) fn headline(message: &str) -> &str {
    let line = message.split(LINE_ENDS).next().unwrap_or_default().trim();
    line.strip_prefix("ERROR:").unwrap_or(line).trim()
}
