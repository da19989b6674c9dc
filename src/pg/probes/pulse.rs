//! The pulse: one cheap statement a second that reads every change signal.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::domain::job::RunId;
use crate::domain::reading::Problem;
use crate::domain::snapshot::{Blocker, Refreshing};
use crate::domain::text::visible;
use crate::domain::time::Time;
use crate::domain::view::Oid;
use crate::pg::catalog::unexpected;
use crate::pg::session::Session;

/// What the pulse is asked about.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The base tables of all views.
    pub tables: Vec<Oid>,
    /// The plain views to look at; the materialized ones always are.
    pub plain: Vec<Oid>,
    /// Are pg_cron's tables readable?
    pub cron: bool,
    /// A little below the newest run known.
    pub above: RunId,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The server's clock.
    pub at: Time,
    /// Each view's OID and what its catalog row says.
    pub views: Vec<(Oid, Shown)>,
    /// Different when a view below was replaced, or a partition or an index came or went.
    pub schema: i64,
    /// The tables that were asked about.
    pub tables: Vec<Oid>,
    /// Each one's rows written so far, in the same order.
    pub counters: Vec<i64>,
    /// Each one's file number: another after TRUNCATE or a rewrite.
    pub files: Vec<i64>,
    /// Who holds or wants the lock of a refresh, by view.
    pub held: Vec<(Oid, Refreshing)>,
    /// Different when a job changed.
    pub jobs: Option<String>,
    /// Different when a run came or changed.
    pub runs: Option<String>,
    /// Does pg_cron's launcher run? `None` where this role may not see it.
    pub launcher: Option<bool>,
}

/// What a view's catalog row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its `xmin`: moves with every refresh, even one that changes no row, and with GRANT, OWNER TO, RENAME and SET.
    pub xmin: u32,
    /// A hash of what those change: a refresh leaves it as it is. So do VACUUM FULL and CLUSTER, which look like one.
    pub shape: i64,
    /// Is it populated?
    pub populated: bool,
}

/// What one connection's last pulse read from rows. Until a transaction ends they are the same, and are not read again:
/// with 500 views, two thirds of the price.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Option<Seen>>>);

#[derive(Clone, Debug)]
struct Seen {
    mark: String,
    asked: Asked,
    rows: Rows,
}

/// What of a question decides which rows are read.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    tables: Vec<Oid>,
    plain: Vec<Oid>,
    cron: bool,
    above: RunId,
}

#[derive(Clone, Debug)]
struct Rows {
    views: Vec<(Oid, Shown)>,
    schema: i64,
    jobs: Option<String>,
    runs: Option<String>,
}

impl Memory {
    /// What the server is told to have shown: where it is the same again, rows are not read.
    pub fn mark(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|seen| seen.mark.clone())
    }

    fn recall(&self, question: &Question) -> Option<Seen> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone().filter(|seen| seen.asked == question.asked())
    }

    fn keep(&self, seen: Option<Seen>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

impl Question {
    fn asked(&self) -> Asked {
        Asked { tables: self.tables.clone(), plain: self.plain.clone(), cron: self.cron, above: self.above }
    }
}

/// The statement, with or without pg_cron's tables.
pub fn sql(cron: bool) -> &'static str {
    static WITH: LazyLock<String> = LazyLock::new(|| whole(include_str!("../sql/pulse_cron.sql")));
    static WITHOUT: LazyLock<String> = LazyLock::new(|| whole(include_str!("../sql/pulse_no_cron.sql")));
    if cron { &WITH } else { &WITHOUT }
}

fn whole(part: &str) -> String {
    include_str!("../sql/pulse.sql").replace("/* cron */", part)
}

/// Takes the pulse, of one connection always with the same `memory`, one at a time.
pub async fn pulse(session: &Session, question: &Question, memory: &Memory) -> Result<Answer, Problem> {
    let oids = |list: &[Oid]| list.iter().map(|o| o.0).collect::<Vec<u32>>();
    let (tables, plain, seen) = (oids(&question.tables), oids(&question.plain), memory.recall(question));
    let mark = seen.as_ref().map(|seen| &seen.mark);
    let parameters: [(&(dyn ToSql + Sync), Type); 4] =
        [(&tables, Type::OID_ARRAY), (&plain, Type::OID_ARRAY), (&question.above.0, Type::INT8), (&mark, Type::TEXT)];
    let rows = session.glance(sql(question.cron), &parameters).await?;
    let row = rows.first().ok_or_else(|| unexpected("the pulse came back empty"))?;
    let mark: Option<String> = row.get("mark");
    let known = seen.filter(|seen| mark.as_ref() == Some(&seen.mark));
    let rows = known.map_or_else(|| Rows::of(row), |seen| seen.rows);
    memory.keep(mark.map(|mark| Seen { mark, asked: question.asked(), rows: rows.clone() }));
    Ok(Answer {
        at: row.get::<_, DateTime<Utc>>("at"),
        tables: question.tables.clone(),
        views: rows.views,
        schema: rows.schema,
        counters: row.get("counters"),
        files: row.get("files"),
        held: row.get::<_, Option<&str>>("held").map(held).transpose()?.unwrap_or_default(),
        jobs: rows.jobs,
        runs: rows.runs,
        launcher: row.get("launcher"),
    })
}

impl Rows {
    fn of(row: &Row) -> Rows {
        let (oids, xmins): (Vec<u32>, Vec<Xid>) = (row.get("oids"), row.get("xmins"));
        let (shapes, populated): (Vec<i64>, Vec<bool>) = (row.get("shapes"), row.get("populated"));
        let shown = xmins.into_iter().zip(shapes).zip(populated);
        let shown = shown.map(|((xmin, shape), populated)| Shown { xmin: xmin.0, shape, populated });
        Rows {
            views: oids.into_iter().map(Oid).zip(shown).collect(),
            schema: row.get("schema"),
            jobs: row.get("jobs"),
            runs: row.get("runs"),
        }
    }
}

/// A transaction's number. To have the server write 500 of them as texts, every second, would cost a tenth of the pulse.
struct Xid(u32);

impl FromSql<'_> for Xid {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Xid, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Xid(u32::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::XID
    }
}

#[derive(Deserialize)]
struct Held {
    view: Oid,
    pid: i32,
    granted: bool,
    concurrently: bool,
    user: Option<String>,
    application: Option<String>,
    since: Option<Time>,
    state: Option<String>,
    blocked_by: Option<Vec<HeldBy>>,
}

#[derive(Deserialize)]
struct HeldBy {
    pid: i32,
    user: Option<String>,
    application: Option<String>,
    state: Option<String>,
    since: Option<Time>,
    query: Option<String>,
}

fn held(json: &str) -> Result<Vec<(Oid, Refreshing)>, Problem> {
    let held: Vec<Held> = serde_json::from_str(json).map_err(|e| unexpected(&format!("pg_locks: {e}")))?;
    Ok(held.into_iter().map(|h| (h.view, refreshing(h))).collect())
}

fn refreshing(held: Held) -> Refreshing {
    let blocker = |by: HeldBy| Blocker {
        pid: by.pid,
        user: by.user.unwrap_or_default(),
        application: by.application.unwrap_or_default(),
        state: by.state.unwrap_or_else(|| "in a state this role may not see".into()),
        since: by.since,
        // Without pg_read_all_stats the server says <insufficient privilege>.
        query: by.query.filter(|q| !q.starts_with('<') && !q.is_empty()).map(|q| visible(&q).into_owned()),
    };
    Refreshing {
        pid: held.pid,
        user: held.user.unwrap_or_default(),
        application: held.application.unwrap_or_default(),
        since: held.since,
        concurrently: held.concurrently,
        granted: held.granted,
        state: held.state,
        blocked_by: held.blocked_by.unwrap_or_default().into_iter().map(blocker).collect(),
    }
}
