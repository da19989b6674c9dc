//! A connection that reads: every statement under a timeout, read-only, with nothing left behind in the session.
//!
//! Only `query_typed` and simple queries are used, never prepared statements, and only `SET LOCAL`: behind a
//! transaction pooler the next statement may run on another server connection.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage};

use super::connect::{ConnectError, ConnectionDriver};
use super::conninfo::Target;
use super::problem::problem;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::View;

type Connected = Result<(Client, ConnectionDriver), ConnectError>;

/// A statement's parameters with their types.
pub type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// Marks the end of a subquery. Where a statement fails on its rows it is sent once more with `OFFSET 0` there: the subquery
/// is then planned apart, and its columns are computed only for the rows that it gives, as in a refresh. Beside an outer
/// join or under a condition the planner computes `value::int` also for rows that an inner join takes away. No text of
/// PostgreSQL's can hold the mark. A statement that is sent so is a tenth dearer.
pub const FENCE: char = '\0';

/// How long a statement may take, and how long it may wait for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `statement_timeout`.
    pub statement: Duration,
    /// `lock_timeout`.
    pub lock: Duration,
    /// Refuse to read rows through a row security policy: an error instead of rows silently missing.
    pub whole: bool,
    /// Let the planner hand on rows from parallel workers for nothing. A full join does not run in parallel before
    /// PostgreSQL 16, but so both of its sides do (300,000 rows: a quarter less).
    pub parallel: bool,
    /// Does the statement run a view's definition?
    pub definition: bool,
}

/// Whose names stand in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// Ours, all of them qualified.
    Empty,
    /// Those of functions, too, which find what they name on the role's own path.
    Own,
}

impl Limits {
    /// For reading catalogs and signals, which takes milliseconds.
    pub const CHEAP: Limits = Limits::new(Duration::from_secs(5), Duration::from_secs(1), false);

    /// So long for a statement, and for a lock; and whether to refuse to read only some of the rows.
    pub const fn new(statement: Duration, lock: Duration, whole: bool) -> Limits {
        Limits { statement, lock, whole, parallel: false, definition: false }
    }

    /// For reading this view's definition: where its rows depend on the plan, by the usual one, as a refresh runs it.
    pub fn of(self, view: &View) -> Limits {
        Limits { parallel: !view.may_tie(), definition: true, ..self }
    }

    /// The statements that open a read-only transaction under these limits.
    ///
    /// The search_path is empty so that every name is qualified. What a role may have set otherwise and what would change an
    /// answer is as the server has it by default: digits of floats, quotes in definitions; nor is a snapshot waited for.
    fn begin(self, path: Path) -> String {
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE; \
             SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL extra_float_digits = 1; \
             SET LOCAL quote_all_identifiers = off; SET LOCAL row_security = {}{}{}",
            self.statement.as_millis(),
            self.lock.as_millis(),
            if self.whole { "off" } else { "on" },
            if self.parallel { "; SET LOCAL parallel_tuple_cost = 0" } else { "" },
            if path == Path::Empty { "; SET LOCAL search_path = ''" } else { "" },
        )
    }

    fn as_options(self) -> String {
        format!(
            "-c statement_timeout={} -c lock_timeout={} -c default_transaction_deferrable=off -c default_transaction_isolation=read\\ committed",
            self.statement.as_millis(),
            self.lock.as_millis()
        )
    }
}

/// A connection for reading.
pub struct Session {
    client: Client,
    /// The server took our limits when the connection was made, so a statement may stand alone.
    has_limits: bool,
    /// Hashes of the statements that had to be sent apart.
    sent_apart: Mutex<HashSet<u64>>,
}

impl Session {
    /// Connects, with the limits for cheap statements set for the whole session where the server allows it.
    ///
    /// A transaction pooler refuses the start-up parameter `options` (SQLSTATE 08P01); then it is left out.
    pub async fn connect(target: &Target, role: &str) -> Result<Session, Problem> {
        let options = Limits::CHEAP.as_options();
        match Session::open(target, Some(&options), role).await {
            Err(error) if error.refuses_options() => Session::opened(Session::open(target, None, role).await, false),
            outcome => Session::opened(outcome, true),
        }
    }

    /// Connects with the role's own limits: for what may take as long as it takes.
    pub async fn connect_without_limits(target: &Target, role: &str) -> Result<Session, Problem> {
        Session::opened(Session::open(target, None, role).await, false)
    }

    async fn open(target: &Target, options: Option<&str>, role: &str) -> Connected {
        target.connect(options, &format!("mvtop {role}")).await
    }

    fn opened(connected: Connected, has_limits: bool) -> Result<Session, Problem> {
        let (client, driver) = connected.map_err(|e| {
            let kind = if e.needs_password() { ProblemKind::Password } else { ProblemKind::Connection };
            Problem { kind, text: e.to_string() }
        })?;
        tokio::spawn(driver);
        Ok(Session { client, has_limits, sent_apart: Mutex::default() })
    }

    /// Has the connection ended?
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs one cheap statement alone, in one round trip and without a transaction around it.
    pub async fn glance(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Problem> {
        if self.has_limits {
            self.client.query_typed(sql, parameters).await.map_err(|e| problem(&e))
        } else {
            self.read(Limits::CHEAP, sql, parameters).await
        }
    }

    /// Runs one statement in a read-only transaction of its own, pipelined into one round trip.
    pub async fn read(&self, limits: Limits, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Problem> {
        let mut rows = Vec::new();
        let take = |row| {
            match row {
                Some(row) => rows.push(row),
                None => rows.clear(),
            }
            true
        };
        self.sent(limits, sql, parameters, take).await?;
        Ok(rows)
    }

    /// The same, each row taken as it comes: a row of the protocol is many times as large as what is kept of it.
    pub async fn each(
        &self,
        limits: Limits,
        sql: &str,
        parameters: Parameters<'_>,
        mut take: impl FnMut(Row),
    ) -> Result<(), Problem> {
        self.sent(limits, sql, parameters, |row| row.map(&mut take).is_some()).await
    }

    /// Where a definition does not run as it is sent, though a refresh may run it, it is sent once more in another way: on the
    /// role's path where a name is not found (until PostgreSQL 16 a refresh runs on the path of whoever asks for it, and
    /// functions may need that), planned apart where it fails on its rows (see [`FENCE`]). If rows were taken by then, `take`
    /// is given none, and says whether it forgot them.
    async fn sent(
        &self,
        limits: Limits,
        sql: &str,
        parameters: Parameters<'_>,
        mut take: impl FnMut(Option<Row>) -> bool,
    ) -> Result<(), Problem> {
        let (mut path, mut apart) = (Path::Empty, self.was_sent_apart(sql));
        loop {
            let mut taken = 0;
            let count = |row| {
                taken += 1;
                take(Some(row));
            };
            let Err(error) = self.run(limits, path, &fenced(sql, apart), parameters, count).await else {
                if apart {
                    lock(&self.sent_apart).insert(hash(sql));
                }
                return Ok(());
            };
            let can_change = limits.definition && (taken == 0 || take(None));
            if can_change && path == Path::Empty && is_unfound(&error) && self.refreshes_on_a_path().await {
                path = Path::Own;
            } else if can_change && !apart && sql.contains(FENCE) && is_of_rows(&error) {
                apart = true;
            } else {
                return Err(problem(&error));
            }
        }
    }

    /// Did this statement have to be sent apart before? Then it need not fail first.
    fn was_sent_apart(&self, sql: &str) -> bool {
        sql.contains(FENCE) && lock(&self.sent_apart).contains(&hash(sql))
    }

    async fn refreshes_on_a_path(&self) -> bool {
        let version = self.client.query_typed("SELECT current_setting('server_version_num')::int4", &[]).await;
        version.is_ok_and(|rows| rows.iter().all(|row| row.get::<_, i32>(0) < 170_000))
    }

    async fn run(
        &self,
        limits: Limits,
        path: Path,
        sql: &str,
        parameters: Parameters<'_>,
        mut take: impl FnMut(Row),
    ) -> Result<(), tokio_postgres::Error> {
        let begin = limits.begin(path);
        let rows = async {
            let typed = parameters.iter().map(|(value, kind)| (*value, kind.clone()));
            let mut rows = std::pin::pin!(self.client.query_typed_raw(sql, typed).await?);
            while let Some(row) = rows.try_next().await? {
                take(row);
            }
            Ok(())
        };
        let (begun, read, ended) =
            tokio::join!(self.client.batch_execute(&begin), rows, self.client.batch_execute("COMMIT"));
        begun.and(read).and(ended)
    }

    /// Runs statements as they are; for the operator, which brings its own transaction.
    /// How many rows they changed or returned.
    pub async fn batch(&self, sql: &str) -> Result<u64, tokio_postgres::Error> {
        let messages = self.client.simple_query(sql).await?;
        Ok(messages.iter().map(|m| if let SimpleQueryMessage::CommandComplete(rows) = m { *rows } else { 0 }).sum())
    }

    /// Runs one statement as it is and gives its rows; for an operator in a transaction of its own.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query_typed(sql, &[]).await
    }

    /// The server process behind this connection; ask inside a transaction, for a pooler may change it between two.
    pub async fn backend_pid(&self) -> Result<i32, Problem> {
        let rows = self.client.query_typed("SELECT pg_backend_pid()", &[]).await.map_err(|e| problem(&e))?;
        rows.first().map(|row| row.get(0)).ok_or_else(|| super::catalog::unexpected("no backend pid"))
    }
}

fn fenced(sql: &str, apart: bool) -> String {
    sql.replace(FENCE, if apart { "OFFSET 0" } else { "" })
}

fn hash(sql: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    sql.hash(&mut hasher);
    hasher.finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is a name missing that another path may have?
fn is_unfound(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_FUNCTION].contains(code))
}

/// Did the statement fail on some row: a value, a subquery of several rows, a function that raises what it likes? Not on a right,
/// a limit, the server's state or the connection.
fn is_of_rows(error: &tokio_postgres::Error) -> bool {
    const OTHERS: [&str; 10] = ["08", "25", "28", "40", "42", "53", "55", "57", "58", "XX"];
    error.code().is_some_and(|code| !OTHERS.iter().any(|class| code.code().starts_with(class)))
}
