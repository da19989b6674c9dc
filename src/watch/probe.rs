//! The probes as data: what is asked, and what came back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::task::JoinHandle;

use crate::domain::drift::{Flow, Scope};
use crate::domain::fix::Facts;
use crate::domain::freshness::Stamp;
use crate::domain::groups::Labels;
use crate::domain::job::{Run, RunId};
use crate::domain::look::LookReport;
use crate::domain::matrix::Comparison;
use crate::domain::reading::{Measured, Problem, ProblemKind};
use crate::domain::snapshot::{ColumnValues, DrillIndex, DrillTarget, RowDetail};
use crate::domain::time::Time;
use crate::domain::view::{Oid, View};
use crate::pg::conninfo::Target;
use crate::pg::look::ViewReader;
use crate::pg::probes::compare::Before;
use crate::pg::probes::cron::{Elsewhere, Jobs};
use crate::pg::session::{Limits, Session};
use crate::pg::{catalog, probes};

/// One thing to ask the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// The views with these OIDs, or all.
    Catalog(Option<Vec<Oid>>),
    /// pg_cron's jobs.
    Jobs,
    /// pg_cron's runs above an id.
    Runs(RunId),
    /// pg_cron in another database than the one watched: both, and its runs above an id.
    Elsewhere(String, String, RunId),
    /// Times and size of a view; whether it is populated.
    Stamp(Arc<View>, bool),
    /// How many values each column of a view has.
    Columns(Arc<View>),
    /// What queries of the configuration call values: column, query.
    Labels(Arc<View>, Vec<(String, String)>),
    /// A view against its definition; what was seen of it before.
    Compare(Arc<View>, Scope, Before),
    /// What the fixes of a view must know; whether it is populated.
    Facts(Arc<View>, bool),
    /// The drifted rows of one ejecutivo; the last comparison, if nothing moved since.
    Index(Arc<View>, DrillTarget, Option<Arc<Comparison>>),
    /// Those that such a list begins with: the flow that they are of, by this comparison.
    First(Arc<View>, DrillTarget, Arc<Comparison>, Flow),
    /// The values of one page of them: its number and its keys.
    Page(Arc<View>, usize, Vec<String>),
}

/// What a probe brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Catch {
    /// For [`Probe::Catalog`].
    Views(Vec<View>),
    /// For [`Probe::Jobs`].
    Jobs(Jobs),
    /// For [`Probe::Runs`].
    Runs(Vec<Run>),
    /// For [`Probe::Elsewhere`].
    Elsewhere(Elsewhere),
    /// For [`Probe::Stamp`].
    Stamp(Stamp),
    /// For [`Probe::Columns`].
    Columns(Vec<ColumnValues>),
    /// For [`Probe::Labels`].
    Labels(Labels),
    /// For [`Probe::Compare`].
    Comparison(Comparison),
    /// For [`Probe::Facts`].
    Facts(Box<Facts>),
    /// For [`Probe::Index`] and [`Probe::First`].
    Index(DrillIndex),
    /// For [`Probe::Page`].
    Page(Vec<RowDetail>),
}

/// A probe's end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked.
    pub probe: Probe,
    /// The server's time when it was asked.
    pub at: Time,
    /// This machine's time when it was asked.
    pub asked: Time,
    /// How long it took.
    pub took: Duration,
    /// What came back.
    pub outcome: Result<Catch, Problem>,
    /// How the view was looked at, if it was.
    pub look: Option<Arc<LookReport>>,
}

impl Answer {
    /// A list's beginning that cannot be read is none: what only saves time holds nothing up.
    pub fn spare_beginning(&mut self) {
        let is_spared = |problem: &Problem| problem.kind != ProblemKind::Connection;
        if matches!(self.probe, Probe::First(..)) && self.outcome.as_ref().is_err_and(is_spared) {
            self.outcome = Ok(Catch::Index(DrillIndex { is_beginning: true, ..DrillIndex::default() }));
        }
    }

    /// What the task that asks says, or that it panicked: what waits for an answer must not wait for ever.
    pub async fn of(task: JoinHandle<Answer>, probe: Probe, at: Time) -> Answer {
        let (began, asked) = (Instant::now(), Utc::now());
        task.await.unwrap_or_else(|_| {
            let broken = catalog::unexpected("a probe that broke off; this is a fault of mvtop's");
            Answer { probe, at, asked, took: began.elapsed(), outcome: Err(broken), look: None }
        })
    }

    /// The value with its time and price, if `pick` finds its own kind of catch in it.
    pub fn measured<T>(self, pick: impl FnOnce(Catch) -> Option<T>) -> Result<Measured<T>, Problem> {
        let (at, asked, took) = (self.at, self.asked, self.took);
        let value = self.outcome.and_then(|c| pick(c).ok_or_else(|| catalog::unexpected("another probe's answer")))?;
        Ok(Measured { value, at, asked, took })
    }
}

impl Probe {
    /// Does it read only catalogs, in milliseconds however large and many the views are?
    pub fn is_cheap(&self) -> bool {
        matches!(self, Probe::Catalog(_) | Probe::Jobs | Probe::Runs(_))
    }

    /// Does it run the view's definition, as long as that takes? These are for the replica, where there is one.
    pub fn is_expensive(&self) -> bool {
        matches!(self, Probe::Compare(..) | Probe::Index(..) | Probe::First(..) | Probe::Page(..))
    }

    /// Asks another database, by a connection of its own.
    pub async fn run_elsewhere(self, target: &Target, at: Time) -> Answer {
        let (began, asked) = (Instant::now(), Utc::now());
        let outcome = match &self {
            Probe::Elsewhere(database, watched, above) => {
                probes::cron::elsewhere(target, database, watched, *above).await
            }
            _ => Err(catalog::unexpected("a probe for this database")),
        };
        Answer { probe: self, at, asked, took: began.elapsed(), outcome: outcome.map(Catch::Elsewhere), look: None }
    }

    /// Asks a cheap one of the catalogs; `at` is the server's time, as far as it is known.
    pub async fn run_cheap(self, session: &Session, at: Time) -> Answer {
        let (began, asked) = (Instant::now(), Utc::now());
        let outcome = self.ask_catalogs(session).await;
        Answer { probe: self, at, asked, took: began.elapsed(), outcome, look: None }
    }

    /// Asks one that reads a view.
    pub async fn run(self, reader: &ViewReader, limits: Limits, at: Time) -> Answer {
        let (began, asked) = (Instant::now(), Utc::now());
        let outcome = self.ask(reader, limits).await;
        let look = self.view().and_then(|view| reader.report(view.oid));
        Answer { probe: self, at, asked, took: began.elapsed(), outcome, look }
    }

    /// The view that it reads, if it reads one.
    pub fn view(&self) -> Option<&Arc<View>> {
        match self {
            Probe::Catalog(_) | Probe::Jobs | Probe::Runs(_) | Probe::Elsewhere(..) => None,
            Probe::Stamp(view, _)
            | Probe::Columns(view)
            | Probe::Labels(view, _)
            | Probe::Compare(view, ..)
            | Probe::Facts(view, _)
            | Probe::Index(view, ..)
            | Probe::First(view, ..)
            | Probe::Page(view, ..) => Some(view),
        }
    }

    async fn ask_catalogs(&self, session: &Session) -> Result<Catch, Problem> {
        Ok(match self {
            Probe::Catalog(only) => Catch::Views(catalog::views(session, only.as_deref()).await?),
            Probe::Jobs => Catch::Jobs(probes::cron::jobs(session, None).await?),
            Probe::Runs(above) => Catch::Runs(probes::cron::runs(session, *above, None).await?),
            _ => return Err(catalog::unexpected("a probe of a view or of another database")),
        })
    }

    async fn ask(&self, reader: &ViewReader, limits: Limits) -> Result<Catch, Problem> {
        Ok(match self {
            Probe::Catalog(_) | Probe::Jobs | Probe::Runs(_) | Probe::Elsewhere(..) => {
                return Err(catalog::unexpected("a probe of the catalogs"));
            }
            Probe::Stamp(view, populated) => Catch::Stamp(probes::stamp::stamp(reader, view, *populated).await?),
            Probe::Columns(view) => Catch::Columns(probes::columns::columns(reader, view, limits).await?),
            Probe::Labels(_, queries) => Catch::Labels(probes::labels::labels(reader, queries, limits).await?),
            Probe::Compare(view, scope, before) => {
                let look = reader.look(view).await?;
                Catch::Comparison(probes::compare::compare(&look, *scope, before, limits).await?)
            }
            Probe::Facts(view, populated) => {
                Catch::Facts(Box::new(probes::facts::facts(reader, view, *populated).await?))
            }
            Probe::Index(view, target, last) => {
                let look = reader.look(view).await?;
                Catch::Index(probes::drill::index(&look, target, last.as_deref(), limits).await?)
            }
            Probe::First(view, _, last, flow) => {
                let look = reader.look(view).await?;
                Catch::Index(probes::drill::first(&look, last, *flow, limits).await?)
            }
            Probe::Page(view, _, keys) => {
                Catch::Page(probes::drill::page(&reader.look(view).await?, keys, limits).await?)
            }
        })
    }
}
