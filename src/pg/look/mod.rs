//! Looks at a view as a refresh would: by whose rights, under whose settings, and with the code of strangers confined.
//!
//! A [`ViewReader`] is the one way to run a definition, or anything else that may run somebody's code. Each look is one
//! transaction sent as one batch: what is set, a guard that locks all that is read against changes and compares the code that
//! can run with the code that was judged, the statement, the end.

mod code;
mod guard;
mod path;
mod plan;
mod run;
mod sandbox;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

pub use plan::LookPlan;
pub use run::ViewLook;

use super::conninfo::Target;
use super::session::Session;
use crate::domain::look::{Look, LookReport, Refusal};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::{Oid, View};

/// Marks the end of a subquery. Where a statement fails on its rows it is sent once more with `OFFSET 0` there: the subquery
/// is then planned apart, and its columns are computed only for the rows that it gives, as in a refresh. Beside an outer
/// join or under a condition the planner computes `value::int` also for rows that an inner join takes away. No text of
/// PostgreSQL's can hold the mark. A statement that is sent so is a tenth dearer.
pub const FENCE: char = '\0';

/// How much longer than its statement_timeout a statement may take before its session is ended.
const GRACE: Duration = Duration::from_secs(2);

/// How often a look is tried again where the code that it runs was changed since it was judged.
const TRIES: usize = 3;

/// A statement that reads a view or its definition, and the columns that it gives with their types: text, bigint, boolean,
/// double precision, timestamptz and arrays of them.
pub struct Query {
    /// The statement, in which [`FENCE`] may stand.
    pub sql: String,
    /// Its columns.
    pub columns: Vec<(&'static str, &'static str)>,
}

/// Runs looks on connections of its own, and remembers what was judged.
pub struct ViewReader {
    target: Target,
    /// Does the catalog's description of a view hold for the role of this connection?
    is_described: bool,
    /// Is it the connection of `look_dsn`, which nothing takes the place of?
    is_look_dsn: bool,
    trusted_owners: Vec<String>,
    /// Ends what does not end by itself; `None`: a connection is made for it.
    watcher: Option<Arc<Session>>,
    /// `server_version_num`, 0 where it is not known.
    version: i32,
    direct: AsyncMutex<Option<Arc<Session>>>,
    /// Why nothing is looked at by it at all, if so.
    refusal: Option<Problem>,
    /// What runs strangers' code serves nothing else.
    sandbox: AsyncMutex<Option<Arc<Session>>>,
    plans: Mutex<HashMap<Oid, Arc<LookPlan>>>,
    /// Was code of strangers seen in the database? Then no view is simple.
    has_strangers: AtomicBool,
    /// Hashes of the statements that had to be planned apart.
    sent_apart: Mutex<HashSet<u64>>,
}

impl ViewReader {
    /// Reads by this target; roles in `trusted_owners` may own code that runs with this role's rights. `is_described` says
    /// that the catalog was read by the same role on the same server.
    pub fn new(target: Target, trusted_owners: Vec<String>, is_described: bool) -> ViewReader {
        ViewReader {
            target,
            is_described,
            is_look_dsn: false,
            trusted_owners,
            watcher: None,
            version: 0,
            direct: AsyncMutex::default(),
            refusal: None,
            sandbox: AsyncMutex::default(),
            plans: Mutex::default(),
            has_strangers: AtomicBool::new(false),
            sent_apart: Mutex::default(),
        }
    }

    /// One that looks at nothing, for this reason.
    #[must_use]
    pub fn refusing(self, why: Problem) -> ViewReader {
        ViewReader { refusal: Some(why), ..self }
    }

    /// One that reads by `look_dsn`: where that cannot connect nothing is compared, with that reason.
    #[must_use]
    pub fn by_look_dsn(self) -> ViewReader {
        ViewReader { is_look_dsn: true, ..self }
    }

    /// With a connection that was made already.
    #[must_use]
    pub fn with_session(mut self, session: Arc<Session>) -> ViewReader {
        self.direct = AsyncMutex::new(Some(session));
        self
    }

    /// The connection for trusted code, made anew if it ended.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn session(&self) -> Result<Arc<Session>, Problem> {
        if let Some(why) = &self.refusal {
            return Err(why.clone());
        }
        connected(&self.direct, &self.target, "probe").await.map_err(|why| match self.is_look_dsn {
            true => Problem { kind: ProblemKind::NotCompared, text: format!("look_dsn: {}", why.text) },
            false => why,
        })
    }

    /// Is the connection for trusted code there?
    pub async fn is_connected(&self) -> bool {
        self.direct.lock().await.as_ref().is_some_and(|session| !session.is_closed())
    }

    /// Ends the server processes that still run something for us, and lets their connections go: the next look makes others.
    pub async fn end_running(&self) {
        for slot in [&self.direct, &self.sandbox] {
            let session = slot.lock().await.clone();
            if let Some(session) = session.filter(|session| session.running().is_some()) {
                self.end(&session, slot).await;
            }
        }
    }

    /// Ends what this connection runs, and says whether it was told to: a definition may swallow its cancel, but not the end of its
    /// process. The connection is let go in any case.
    async fn end(&self, session: &Arc<Session>, slot: &AsyncMutex<Option<Arc<Session>>>) -> bool {
        slot.lock().await.take_if(|current| Arc::ptr_eq(current, session));
        let Some(backend) = session.running() else { return false };
        let ended = match &self.watcher {
            Some(watcher) => watcher.end(backend).await,
            None => match Session::connect(&self.target, "end").await {
                Ok(own) => own.end(backend).await,
                Err(problem) => Err(problem),
            },
        };
        if let Err(problem) = ended {
            tracing::warn!(pid = backend.pid, why = problem.text, "a session of a look could not be ended");
            return false;
        }
        true
    }

    /// The roles whose code may run with this role's rights, besides superusers and this role itself.
    pub fn trusted_owners(&self) -> &[String] {
        &self.trusted_owners
    }

    /// How a view was looked at last.
    pub fn report(&self, view: Oid) -> Option<Arc<LookReport>> {
        lock(&self.plans).get(&view).map(|plan| plan.report.clone())
    }

    /// With a connection of the same role that ends what does not end by itself, and the server's version.
    #[must_use]
    pub fn watched_by(mut self, watcher: Arc<Session>, version: i32) -> ViewReader {
        self.watcher = self.is_described.then_some(watcher);
        self.version = version;
        self
    }

    /// How this view is looked at, judged now unless that is known.
    ///
    /// # Errors
    /// The catalogs cannot be read. That a view is not compared is no error, but a [`Look`].
    pub async fn plan(&self, view: &View) -> Result<Arc<LookPlan>, Problem> {
        let known = lock(&self.plans).get(&view.oid).filter(|plan| plan.is_for(view)).cloned();
        match known {
            Some(plan) => Ok(plan),
            None if self.is_simple(view) => {
                Ok(self.keep(view, LookPlan::simple(view, self.target.user(), &self.trusted_owners)))
            }
            None => self.judge(view).await,
        }
    }

    /// Does the catalog's description of it tell how it is looked at?
    fn is_simple(&self, view: &View) -> bool {
        let refreshes_itself =
            !view.refresher.may_be_hidden && view.refresher.jobs.iter().all(|job| *job == view.owner);
        // What a person chose for the connection is not what a job's session has.
        let is_usual = self.target.set_in_options().is_empty();
        self.is_described
            && view.is_simple
            && refreshes_itself
            && is_usual
            && !self.has_strangers.load(Ordering::Relaxed)
    }

    /// Reads whose code it can run, and decides.
    async fn judge(&self, view: &View) -> Result<Arc<LookPlan>, Problem> {
        let session = self.session().await?;
        let code = code::read(&session, view, code::Reads::Definition, &self.trusted_owners).await?;
        let plan = LookPlan::judged(&session, view, code, &self.target.set_in_options()).await?;
        Ok(self.keep(view, plan))
    }

    fn keep(&self, view: &View, plan: LookPlan) -> Arc<LookPlan> {
        let plan = Arc::new(plan);
        lock(&self.plans).insert(view.oid, plan.clone());
        plan
    }

    /// Begins a look at a view.
    ///
    /// # Errors
    /// It is not compared, with the reason; or the catalogs cannot be read.
    pub async fn look<'a>(&'a self, view: &View) -> Result<ViewLook<'a>, Problem> {
        let plan = self.plan(view).await?;
        match &plan.report.look {
            Look::NotCompared(refusal) => Err(refused(refusal, &plan.report)),
            _ => Ok(ViewLook { reader: self, asked: view.clone(), plan: Mutex::new(plan) }),
        }
    }
}

async fn connected(
    slot: &AsyncMutex<Option<Arc<Session>>>,
    target: &Target,
    role: &str,
) -> Result<Arc<Session>, Problem> {
    let mut slot = slot.lock().await;
    if let Some(session) = slot.as_ref().filter(|session| !session.is_closed()) {
        return Ok(session.clone());
    }
    let session = Arc::new(Session::connect(target, role).await?);
    *slot = Some(session.clone());
    Ok(session)
}

fn refused(refusal: &Refusal, report: &LookReport) -> Problem {
    let kind = match refusal {
        Refusal::RowSecurity(_) => ProblemKind::RowSecurity,
        Refusal::Lacks(_) => ProblemKind::Permission,
        Refusal::Code(..)
        | Refusal::DependsOnRole
        | Refusal::DependsOnSession(_)
        | Refusal::ClosedSchemas(..)
        | Refusal::UnknownRefresher { .. }
        | Refusal::OwnSetting { .. } => ProblemKind::NotCompared,
    };
    Problem { kind, text: refusal.text(&report.session, &report.owner) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
