//! Runs one statement of a look: again where it must be, and not longer than it may.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tokio::sync::Mutex as AsyncMutex;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::{FENCE, GRACE, LookPlan, Query, TRIES, ViewReader, connected, guard, lock, refused};
use crate::domain::look::Look;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::View;
use crate::pg::problem::problem;
use crate::pg::session::{Batch, BatchError, Limits, Parameters, Session};

/// One view, looked at.
pub struct ViewLook<'a> {
    pub(super) reader: &'a ViewReader,
    /// As the catalog described it when the look was asked for.
    pub(super) asked: View,
    pub(super) plan: Mutex<Arc<LookPlan>>,
}

impl ViewLook<'_> {
    /// How it is looked at.
    pub fn plan(&self) -> Arc<LookPlan> {
        lock(&self.plan).clone()
    }

    /// The view, its definition as it reads under the look's search_path.
    pub fn view(&self) -> Arc<View> {
        self.plan().view.clone()
    }

    /// Runs a statement and gives its rows.
    ///
    /// # Errors
    /// What the server said.
    pub async fn rows(&self, limits: Limits, query: &Query, parameters: Parameters<'_>) -> Result<Vec<Row>, Problem> {
        let mut rows = Vec::new();
        let take = |row| {
            match row {
                Some(row) => rows.push(row),
                None => rows.clear(),
            }
            true
        };
        self.sent(limits, query, parameters, take).await?;
        Ok(rows)
    }

    /// As [`ViewLook::rows`], each row taken as it comes.
    ///
    /// # Errors
    /// What the server said.
    pub async fn each(
        &self,
        limits: Limits,
        query: &Query,
        parameters: Parameters<'_>,
        mut take: impl FnMut(Row),
    ) -> Result<(), Problem> {
        self.sent(limits, query, parameters, |row| row.map(&mut take).is_some()).await
    }

    /// Where the statement fails on rows that a refresh may not compute it is sent once more, planned apart (see [`FENCE`]);
    /// where the code that it runs was changed, it is judged anew. If rows were taken by then, `take` is given none, and says
    /// whether it forgot them.
    async fn sent(
        &self,
        limits: Limits,
        query: &Query,
        parameters: Parameters<'_>,
        mut take: impl FnMut(Option<Row>) -> bool,
    ) -> Result<(), Problem> {
        let (mut apart, mut tries) = (self.reader.was_sent_apart(&query.sql), 0);
        loop {
            let mut taken = 0;
            let count = |row| {
                taken += 1;
                take(Some(row));
            };
            let sql = fenced(&query.sql, apart);
            match self.once(limits, &Query { sql, columns: query.columns.clone() }, parameters, count).await {
                Ok(()) if apart => {
                    lock(&self.reader.sent_apart).insert(hash(&query.sql));
                    return Ok(());
                }
                Ok(()) => return Ok(()),
                Err(BatchError::Guard(error)) if guard::is_changed(&error) => {
                    tries += 1;
                    self.reader.has_strangers.fetch_or(self.plan().is_simple, Ordering::Relaxed);
                    self.judge_anew(tries).await?;
                }
                Err(BatchError::Statement(error)) => {
                    let can_change = taken == 0 || take(None);
                    if !can_change || apart || !query.sql.contains(FENCE) || !is_of_rows(&error) {
                        return Err(problem(&error));
                    }
                    apart = true;
                }
                Err(other) => return Err(other.into_problem()),
            }
        }
    }

    /// Looks once.
    async fn once(
        &self,
        limits: Limits,
        query: &Query,
        parameters: Parameters<'_>,
        take: impl FnMut(Row),
    ) -> Result<(), BatchError> {
        let plan = self.plan();
        let limits = Limits { whole: matches!(plan.report.look, Look::AsSelf(_)), ..limits };
        let deadline = self.reader.deadline(limits);
        let Some(container) = plan.container(query, parameters) else {
            let session = self.reader.session().await.map_err(BatchError::Connection)?;
            let batch = Batch {
                begin: limits.begin(false) + &deadline,
                setup: plan.setup.as_deref(),
                guard: Some(&plan.guard),
                sql: &query.sql,
                parameters,
                // What code of its own announced, or set for the whole session, goes with the transaction.
                end: if plan.is_simple { "COMMIT" } else { "ROLLBACK" },
            };
            return self.in_time(limits, &session, &self.reader.direct, session.run(batch, take)).await;
        };
        let session =
            connected(&self.reader.sandbox, &self.reader.target, "sandbox").await.map_err(BatchError::Connection)?;
        let setup = format!("{}; {}", plan.setup.as_deref().unwrap_or("SELECT"), container.make);
        let batch = Batch {
            begin: limits.begin(true) + &deadline,
            setup: Some(&setup),
            guard: Some(&container.guard),
            sql: &container.call,
            parameters,
            end: "ROLLBACK",
        };
        self.in_time(limits, &session, &self.reader.sandbox, session.run(batch, take)).await
    }

    /// Waits for the end of a batch until its deadline; then the server process that runs it is ended.
    async fn in_time(
        &self,
        limits: Limits,
        session: &Arc<Session>,
        slot: &AsyncMutex<Option<Arc<Session>>>,
        batch: impl Future<Output = Result<(), BatchError>>,
    ) -> Result<(), BatchError> {
        match tokio::time::timeout(limits.statement + GRACE, batch).await {
            Ok(ended) => ended,
            Err(_) => {
                let ended = self.reader.end(session, slot).await;
                let seconds = limits.statement.as_secs();
                let text = format!(
                    "it did not end after {seconds}s and did not heed being cancelled: its session {}",
                    if ended { "was told to end" } else { "is left, and could not be told to end" }
                );
                Err(BatchError::Connection(Problem { kind: ProblemKind::Timeout, text }))
            }
        }
    }

    async fn judge_anew(&self, tries: usize) -> Result<(), Problem> {
        let changed = || Problem {
            kind: ProblemKind::Changed,
            text: "what its definition reads or calls is being changed; it is looked at again".into(),
        };
        let plan = self.reader.judge(&self.asked).await?;
        // Another text asks another question, which whoever asked must know.
        if tries >= TRIES || !plan.is_same_text(&self.asked) {
            return Err(changed());
        }
        if let Look::NotCompared(refusal) = &plan.report.look {
            return Err(refused(refusal, &plan.report));
        }
        *lock(&self.plan) = plan;
        Ok(())
    }
}

impl ViewReader {
    /// The server's own deadline for a transaction, which no definition can swallow: from PostgreSQL 17.
    fn deadline(&self, limits: Limits) -> String {
        match self.version >= 170_000 {
            true => format!("; SET LOCAL transaction_timeout = {}", (limits.statement + GRACE / 2).as_millis()),
            false => String::new(),
        }
    }

    /// Did this statement have to be planned apart before? Then it need not fail first.
    fn was_sent_apart(&self, sql: &str) -> bool {
        sql.contains(FENCE) && lock(&self.sent_apart).contains(&hash(sql))
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

/// Did the statement fail on some row: a value, a subquery of several rows, a function that raises what it likes? Not on a right,
/// a limit, the server's state or the connection.
fn is_of_rows(error: &tokio_postgres::Error) -> bool {
    const OTHERS: [&str; 10] = ["08", "25", "28", "40", "42", "53", "55", "57", "58", "XX"];
    error.code().is_some_and(|code: &SqlState| !OTHERS.iter().any(|class| code.code().starts_with(class)))
}
