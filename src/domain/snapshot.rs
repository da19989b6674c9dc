//! The Snapshot: everything known about one database at one moment. Every face is a view of it.

mod drill;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::day::Day;
use super::fix::Facts;
use super::freshness::Stamp;
use super::groups::Labels;
use super::job::History;
use super::job::JobId;
use super::look::LookReport;
use super::matrix::Comparison;
use super::reading::Reading;
use super::rules::Rules;
use super::server::{Link, Replica, Server};
use super::stats::JobStats;
use super::time::Time;
use super::view::{Oid, View};

pub use drill::{DriftRow, Drill, DrillIndex, DrillTarget, RowDetail};

/// Everything known about one database at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The connection.
    pub link: Link,
    /// What the server is; kept while the connection is down.
    pub server: Option<Arc<Server>>,
    /// The last pulse that was answered.
    pub pulse: Option<Pulse>,
    /// Why the list of views could not be read, if it could not.
    pub catalog: Reading<()>,
    /// Every materialized view of the database, by name.
    pub views: Vec<Arc<ViewState>>,
    /// The names in the configuration that are no view's here.
    pub unmatched: Vec<String>,
    /// pg_cron's jobs and runs.
    pub history: Reading<Arc<History>>,
    /// Does pg_cron's launcher run? `None`: this role may not see it, or there is no pg_cron.
    pub launcher: Option<bool>,
    /// The replica that takes the comparisons, if one is to.
    pub replica: Option<Arc<Replica>>,
    /// Each job's figures, in the history's order; made anew when a run came and every minute.
    pub jobs: Arc<Vec<JobStats>>,
    /// The rows a person is looking at, if any.
    pub drill: Option<Arc<Drill>>,
    /// Has everything been read, well or badly, that was wanted?
    pub settled: bool,
}

/// The last pulse that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// The server's time in it.
    pub at: Time,
    /// The server's clock minus this machine's.
    pub offset: TimeDelta,
    /// How long it took there and back.
    pub took: Duration,
}

impl Snapshot {
    /// Nothing known yet.
    pub fn connecting(now: Time) -> Snapshot {
        Snapshot {
            link: Link::Connecting { since: now },
            server: None,
            pulse: None,
            catalog: Reading::default(),
            views: Vec::new(),
            unmatched: Vec::new(),
            history: Reading::default(),
            launcher: None,
            replica: None,
            jobs: Arc::default(),
            drill: None,
            settled: false,
        }
    }

    /// The server's time, given this machine's.
    pub fn server_time(&self, local: Time) -> Time {
        local + self.pulse.map_or(TimeDelta::zero(), |p| p.offset)
    }

    /// The figures of one job.
    pub fn job(&self, id: JobId) -> Option<&JobStats> {
        JobStats::find(&self.jobs, id)
    }

    /// The view with this OID.
    pub fn view(&self, oid: Oid) -> Option<&Arc<ViewState>> {
        self.views.iter().find(|v| v.view.oid == oid)
    }
}

/// The change signals of one view that a pulse reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// `pg_class.xmin` of the view: moves with every refresh, even one that changes no row, and with GRANT and the like.
    pub xmin: u32,
    /// What of its catalog row a refresh leaves as it is: where this moves, too, it was changed and not refreshed.
    pub shape: i64,
    /// A sum over the base tables' ins+upd+del counters and file numbers: different when the truth moved.
    pub bases: Option<i64>,
    /// Was it ever populated?
    pub populated: bool,
}

/// A refresh (or another holder of its lock) that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshing {
    /// The backend.
    pub pid: i32,
    /// Its role.
    pub user: String,
    /// Its application_name.
    pub application: String,
    /// The server's time when its statement started; `None` where this role may not see it.
    pub since: Option<Time>,
    /// `CONCURRENTLY` (ExclusiveLock), so that readers go on.
    pub concurrently: bool,
    /// Has it the lock, or does it wait?
    pub granted: bool,
    /// `pg_stat_activity.state`: `active` while it works; `None` where this role may not see it.
    pub state: Option<String>,
    /// Whom it waits for: for the view's lock, or having that, for a base table's.
    pub blocked_by: Vec<Blocker>,
}

impl Refreshing {
    /// Has it refreshed, or locked, the view and then forgotten to commit? Nobody sees what it did, and no other
    /// refresh can run.
    pub fn is_forgotten(&self) -> bool {
        self.granted && self.state.as_deref().is_some_and(|s| s.starts_with("idle in transaction"))
    }
}

/// A session that others wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The backend.
    pub pid: i32,
    /// Its role.
    pub user: String,
    /// Its application_name.
    pub application: String,
    /// `pg_stat_activity.state`, e.g. `idle in transaction`.
    pub state: String,
    /// Since when it is in its transaction.
    pub since: Option<Time>,
    /// The beginning of its newest statement; `None` where this role may not see it.
    pub query: Option<String>,
}

/// A session to cancel or to end, so that the view can be refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Who. Of one that forgot its COMMIT `since` is the time of its last statement.
    pub by: Blocker,
    /// Has it itself refreshed, or locked, the view, and nobody need wait for it yet?
    pub forgot: bool,
}

impl Obstacle {
    /// Does it run nothing, so that there is nothing to cancel?
    pub fn is_idle(&self) -> bool {
        self.by.state.starts_with("idle")
    }
}

/// Many rows of a base table written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkWrite {
    /// The table.
    pub table: String,
    /// Rows inserted, updated or deleted.
    pub rows: i64,
    /// When it was seen: the server's time.
    pub at: Time,
    /// How many rows a minute the table usually sees, as far as was watched.
    pub usual: i64,
}

/// A refresh that waited for its lock before it was done. What it installed is true of the time before the wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waited {
    /// Who refreshed, in words.
    pub who: String,
    /// When its statement began: what the data is true of.
    pub since: Time,
    /// When it was done.
    pub until: Time,
}

/// One view and all that is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewState {
    /// The catalog's description.
    pub view: Arc<View>,
    /// What the configuration says of it.
    pub rules: Arc<Rules>,
    /// What the configuration says of columns that it does not have, in sentences.
    pub misfits: Vec<String>,
    /// Its columns' numbers of values; read when somebody wants to choose among them.
    pub columns: Reading<Arc<Vec<ColumnValues>>>,
    /// The labels of its groups' values, where a query of the configuration gives them.
    pub labels: Reading<Arc<Labels>>,
    /// The last pulse's signals.
    pub signal: Signal,
    /// When a refresh was seen: xmin moved between two looks.
    pub observed: Option<Time>,
    /// The last look before that, where it was not a moment before: some time between both the refresh was.
    pub unseen_since: Option<Time>,
    /// What its data was true of at each refresh that was known while somebody looked, over the last day, the oldest first.
    pub refreshes: Vec<Time>,
    /// When the base tables were last seen to move, since the console looks.
    pub moved: Option<Time>,
    /// The newest bulk write to a base table, until the next refresh.
    pub bulk: Option<BulkWrite>,
    /// The newest refresh, if it was seen to wait for its lock.
    pub waited: Option<Waited>,
    /// How its refreshes went over the last day; made anew when a run came and every minute.
    pub day: Option<Arc<Day>>,
    /// Times and size.
    pub stamp: Reading<Stamp>,
    /// The newest comparison, of whichever scope.
    pub drift: Reading<Arc<Comparison>>,
    /// The newest comparison of all values, which alone knows *changed*.
    pub values: Reading<Arc<Comparison>>,
    /// How the newest comparison of groups only was made.
    pub counted: Option<Counted>,
    /// When the next comparison may run under the budget, if one is wanted: the server's time.
    pub due: Option<Time>,
    /// Refreshes under way.
    pub refreshing: Vec<Refreshing>,
    /// Rows written to the base tables of late; `None`: not watched for long enough.
    pub writes: Option<Writes>,
    /// What its fixes must know; read when somebody asks.
    pub facts: Reading<Arc<Facts>>,
    /// How it was looked at last; `None`: it was not yet.
    pub look: Option<Arc<LookReport>>,
}

/// Rows written to the base tables of a view, as the pulse's counters say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writes {
    /// How many.
    pub rows: u64,
    /// In how long; where there were none, from ten seconds in steps of ten, to the nearest.
    pub over: TimeDelta,
}

impl Writes {
    /// Rows a minute.
    pub fn per_minute(self) -> f64 {
        self.rows as f64 * 60_000.0 / (self.over.num_milliseconds().max(1)) as f64
    }
}

impl ViewState {
    /// A view of which only the catalog is known.
    pub fn new(view: Arc<View>) -> ViewState {
        ViewState {
            view,
            rules: Arc::default(),
            misfits: Vec::new(),
            columns: Reading::default(),
            labels: Reading::default(),
            signal: Signal { populated: true, ..Signal::default() },
            observed: None,
            unseen_since: None,
            refreshes: Vec::new(),
            moved: None,
            bulk: None,
            waited: None,
            day: None,
            stamp: Reading::default(),
            drift: Reading::default(),
            values: Reading::default(),
            counted: None,
            due: None,
            refreshing: Vec::new(),
            writes: None,
            facts: Reading::default(),
            look: None,
        }
    }

    /// Have the base tables moved, or the view been refreshed, since the last comparison?
    pub fn is_drift_outdated(&self) -> bool {
        self.drift.last.as_ref().is_some_and(|measured| self.moved_after(measured.at))
    }

    /// The sessions that keep it from being refreshed: those that a refresh waits for, then those that forgot to commit
    /// their own.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        let waited_for = self.refreshing.iter().flat_map(|r| &r.blocked_by);
        let mut all: Vec<Obstacle> = waited_for.map(|b| Obstacle { by: b.clone(), forgot: false }).collect();
        for r in self.refreshing.iter().filter(|r| r.is_forgotten() && r.pid != 0) {
            let (state, since) = (r.state.clone().unwrap_or_default(), r.since);
            let (user, application) = (r.user.clone(), r.application.clone());
            if !all.iter().any(|o| o.by.pid == r.pid) {
                let by = Blocker { pid: r.pid, user, application, state, since, query: None };
                all.push(Obstacle { by, forgot: true });
            }
        }
        all
    }

    /// Has another session locked it against readers? Whoever reads it then waits.
    pub fn is_locked(&self) -> bool {
        self.refreshing.iter().any(|r| r.granted && !r.concurrently)
    }

    /// They answered another question than what is asked now.
    pub fn forget_comparisons(&mut self) {
        (self.drift, self.values, self.counted) = (Reading::default(), Reading::default(), None);
    }

    /// Were the base tables seen to move, or the view refreshed, after this time?
    pub fn moved_after(&self, at: Time) -> bool {
        [self.moved, self.observed].into_iter().flatten().any(|moved| moved > at)
    }
}

/// How a comparison of groups was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What it took.
    pub took: Duration,
    /// The joins of the definition that it did not run.
    pub without: Vec<String>,
}

/// How many different values a column has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnValues {
    /// The column.
    pub name: String,
    /// How many; `None`: it could not be told.
    pub values: Option<u64>,
    /// Where that comes from.
    pub source: ValuesSource,
}

/// Where a number of values comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValuesSource {
    /// The planner's statistics: an estimate over all rows.
    Statistics,
    /// A count over the first rows, at most so many.
    First(u64),
}
