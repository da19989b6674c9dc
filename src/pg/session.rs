//! A connection that reads: every statement under a timeout, read-only, on a clean search_path, with nothing left behind in
//! the session.
//!
//! Only `query_typed` and simple queries are used, never prepared statements, and only `SET LOCAL`: behind a
//! transaction pooler the next statement may run on another server connection.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage};

use super::connect::{ConnectError, ConnectionDriver};
use super::conninfo::Target;
use super::problem::problem;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::time::Time;
use crate::domain::view::View;

type Connected = Result<(Client, ConnectionDriver), ConnectError>;

/// A statement's parameters with their types.
pub type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// The search_path of every statement: names are the server's own, and a temporary table or type that somebody left behind
/// in a shared backend hides none of them. With an empty path pg_temp would come first.
pub const CLEAN_PATH: &str = "pg_catalog, pg_temp";

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
}

impl Limits {
    /// For reading catalogs and signals, which takes milliseconds.
    pub const CHEAP: Limits = Limits::new(Duration::from_secs(5), Duration::from_secs(1), false);

    /// So long for a statement, and for a lock; and whether to refuse to read only some of the rows.
    pub const fn new(statement: Duration, lock: Duration, whole: bool) -> Limits {
        Limits { statement, lock, whole, parallel: false }
    }

    /// For reading this view's definition: where its rows depend on the plan, by the usual one, as a refresh runs it.
    pub fn of(self, view: &View) -> Limits {
        Limits { parallel: !view.may_tie(), ..self }
    }

    /// The statements that open a transaction under these limits, read-only unless `writes`.
    ///
    /// What a role may have set otherwise and what would change an answer is as the server has it by default: digits of
    /// floats, quotes in definitions; nor is a snapshot waited for.
    pub fn begin(self, writes: bool) -> String {
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED, READ {}, NOT DEFERRABLE; SET LOCAL search_path = {CLEAN_PATH}; \
             SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL extra_float_digits = 1; \
             SET LOCAL quote_all_identifiers = off; SET LOCAL standard_conforming_strings = on; SET LOCAL ROLE NONE; \
             SET LOCAL row_security = {}{}",
            if writes { "WRITE" } else { "ONLY" },
            self.statement.as_millis(),
            self.lock.as_millis(),
            if self.whole { "off" } else { "on" },
            if self.parallel { "; SET LOCAL parallel_tuple_cost = 0" } else { "" },
        )
    }

    fn as_options(self) -> String {
        format!(
            "{CLEAN_OPTIONS} -c statement_timeout={} -c lock_timeout={} -c default_transaction_deferrable=off \
             -c default_transaction_isolation=read\\ committed",
            self.statement.as_millis(),
            self.lock.as_millis()
        )
    }
}

/// Start-up options of every session: nothing is written, no name is found in a schema where strangers may create, and no
/// constant is read otherwise than the server prints it. Nor is a role taken on by a setting of the role or the database: whoever
/// can run code could give that one back.
const CLEAN_OPTIONS: &str = "-c search_path=pg_catalog,pg_temp -c default_transaction_read_only=on -c standard_conforming_strings=on -c role=none";

/// Tells where a transaction runs.
const WHERE: &str = "SELECT pg_backend_pid() AS pid, transaction_timestamp() AS began";

/// What else is set to read catalogs. Compiling a large query of them takes many times as long as running it; and constants of a
/// definition are written so that every setting reads them alike.
pub const FOR_CATALOGS: &str = "; SET LOCAL jit = off; SET LOCAL datestyle = ISO; SET LOCAL intervalstyle = postgres";

/// A connection for reading.
pub struct Session {
    client: Client,
    /// The server took our start-up options, and they are known to be in force: a statement may stand alone.
    has_options: AtomicBool,
    /// The transaction that a look runs in, as long as it may be under way.
    running: Running,
}

/// A transaction of ours: the server process and when it began there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The server process.
    pub pid: i32,
    /// `now()` of its transaction, by which it is told from a later one of another client.
    pub began: Time,
}

/// Remembers which backend runs something for us.
#[derive(Default)]
struct Running {
    pid: AtomicI32,
    began: Mutex<Option<Time>>,
}

/// One transaction, sent whole: what opens it, a condition under which it goes on, the statement, what ends it.
pub struct Batch<'a> {
    /// `BEGIN` and our own settings.
    pub begin: String,
    /// What is set or made before the condition is looked at; apart from `begin`, so that nothing in it can keep the
    /// transaction from being opened.
    pub setup: Option<&'a str>,
    /// A query that fails unless the statement may run; gives `pid` and `began`.
    pub guard: Option<&'a str>,
    /// The statement.
    pub sql: &'a str,
    /// Its parameters.
    pub parameters: Parameters<'a>,
    /// `COMMIT` or `ROLLBACK`.
    pub end: &'static str,
}

/// Where a [`Batch`] failed.
pub enum BatchError {
    /// There is no connection to send it on.
    Connection(Problem),
    /// It could not be opened, or the condition does not hold.
    Guard(tokio_postgres::Error),
    /// The statement or the end of its transaction.
    Statement(tokio_postgres::Error),
}

impl BatchError {
    /// What it means to a person.
    pub fn into_problem(self) -> Problem {
        match self {
            BatchError::Connection(problem) => problem,
            BatchError::Guard(error) | BatchError::Statement(error) => problem(&error),
        }
    }
}

impl Session {
    /// Connects, with the limits for cheap statements set for the whole session where the server allows it.
    ///
    /// A transaction pooler refuses the start-up parameter `options` (SQLSTATE 08P01), or drops it in silence: until
    /// [`Session::trust_options`] was told that they are in force, no statement stands alone.
    pub async fn connect(target: &Target, role: &str) -> Result<Session, Problem> {
        Session::with_options(target, &Limits::CHEAP.as_options(), role).await
    }

    /// Connects with the role's own limits: for what may take as long as it takes.
    pub async fn connect_without_limits(target: &Target, role: &str) -> Result<Session, Problem> {
        Session::with_options(target, CLEAN_OPTIONS, role).await
    }

    /// Connects as the role itself would, with nothing of ours set: for a job's own command.
    pub async fn connect_plain(target: &Target, role: &str) -> Result<Session, Problem> {
        Session::opened(Session::open(target, None, role).await)
    }

    async fn with_options(target: &Target, options: &str, role: &str) -> Result<Session, Problem> {
        match Session::open(target, Some(options), role).await {
            Err(error) if error.refuses_options() => Session::opened(Session::open(target, None, role).await),
            outcome => Session::opened(outcome),
        }
    }

    async fn open(target: &Target, options: Option<&str>, role: &str) -> Connected {
        target.connect(options, &format!("mvtop {role}")).await
    }

    fn opened(connected: Connected) -> Result<Session, Problem> {
        let (client, driver) = connected.map_err(|e| {
            let kind = if e.needs_password() { ProblemKind::Password } else { ProblemKind::Connection };
            Problem { kind, text: e.to_string() }
        })?;
        tokio::spawn(driver);
        Ok(Session { client, has_options: AtomicBool::new(false), running: Running::default() })
    }

    /// Has the connection ended?
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// From now on a cheap statement may stand alone: the server was asked, and our options are in force.
    pub fn trust_options(&self) {
        self.has_options.store(true, Ordering::Relaxed);
    }

    /// The transaction of a look that may be under way; `None`: none is.
    pub fn running(&self) -> Option<Backend> {
        let pid = self.running.pid.load(Ordering::Relaxed);
        let began = *lock(&self.running.began);
        began.filter(|_| pid != 0).map(|began| Backend { pid, began })
    }

    /// Ends the server process of a transaction of ours, if it is still that transaction's.
    pub async fn end(&self, backend: Backend) -> Result<(), Problem> {
        let sql = "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.pid = $1::int4 AND a.xact_start = $2::timestamptz";
        self.glance(sql, &[(&backend.pid, Type::INT4), (&backend.began, Type::TIMESTAMPTZ)]).await.map(drop)
    }

    /// Runs one cheap statement alone, in one round trip and without a transaction around it.
    pub async fn glance(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Problem> {
        if self.has_options.load(Ordering::Relaxed) {
            self.client.query_typed(sql, parameters).await.map_err(|e| problem(&e))
        } else {
            self.read(Limits::CHEAP, sql, parameters).await
        }
    }

    /// Runs one statement of our own in a read-only transaction, pipelined into one round trip.
    pub async fn read(&self, limits: Limits, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Problem> {
        let mut rows = Vec::new();
        self.each(limits, sql, parameters, |row| rows.push(row)).await?;
        Ok(rows)
    }

    /// As [`Session::read`], each row taken as it comes: a row of the protocol is many times as large as what is kept of it.
    pub async fn each(
        &self,
        limits: Limits,
        sql: &str,
        parameters: Parameters<'_>,
        take: impl FnMut(Row),
    ) -> Result<(), Problem> {
        let begin = limits.begin(false) + FOR_CATALOGS;
        let batch = Batch { begin, setup: None, guard: None, sql, parameters, end: "COMMIT" };
        self.run(batch, take).await.map_err(BatchError::into_problem)
    }

    /// Runs a batch in one round trip. While its statement runs, [`Session::running`] tells where, if it has a guard.
    pub async fn run(&self, batch: Batch<'_>, mut take: impl FnMut(Row)) -> Result<(), BatchError> {
        let Batch { begin, setup, guard, sql, parameters, end } = batch;
        let set_up = async {
            match setup {
                Some(setup) => self.client.batch_execute(setup).await,
                None => Ok(()),
            }
        };
        // Known before anything of the setup can hang.
        let told = async {
            match guard.and(setup) {
                Some(_) => self.client.query_typed(WHERE, &[]).await.map(|rows| self.runs(&rows)),
                None => Ok(()),
            }
        };
        let guarded = async {
            let Some(guard) = guard else { return Ok(()) };
            self.client.query_typed(guard, &[]).await.map(|rows| self.runs(&rows))
        };
        let rows = async {
            let typed = parameters.iter().map(|(value, kind)| (*value, kind.clone()));
            let mut rows = std::pin::pin!(self.client.query_typed_raw(sql, typed).await?);
            while let Some(row) = rows.try_next().await? {
                take(row);
            }
            Ok(())
        };
        let (begun, told, set_up, guarded, read, ended) = tokio::join!(
            self.client.batch_execute(&begin),
            told,
            set_up,
            guarded,
            rows,
            self.client.batch_execute(end)
        );
        self.running.pid.store(0, Ordering::Relaxed);
        begun.and(told).and(set_up).and(guarded).map_err(BatchError::Guard)?;
        read.and(ended).map_err(BatchError::Statement)
    }

    /// Remembers where a transaction of ours runs.
    fn runs(&self, rows: &[Row]) {
        if let Some(row) = rows.first() {
            self.running.pid.store(row.get("pid"), Ordering::Relaxed);
            *lock(&self.running.began) = Some(row.get("began"));
        }
    }

    /// Runs statements as they are, for the operator, which brings its own transaction; how many rows they changed or returned.
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
