//! Keeps the Snapshot: folds pulses and answers into it and says which probe is to run next.
//!
//! `fold` takes in what comes, `plan` says what is asked next; both are methods of one [`Keeper`].
//! No I/O and no clock of its own, so that every rule of when what runs can be tested.

mod fold;
mod history;
mod plan;
mod signals;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::Request;
use crate::domain::drift::Scope;
use crate::domain::job::RunId;
use crate::domain::reading::{Problem, Progress};
use crate::domain::rules::Rulebook;
use crate::domain::server::{Link, Replica, Server};
use crate::domain::snapshot::{Drill, Snapshot, ViewState};
use crate::domain::time::Time;
use crate::domain::view::Oid;
use crate::pg::probes::pulse;

/// Open runs further back than this many ids are not waited for: a restart leaves some `connecting` for ever.
const OPEN_RUNS: i64 = 100;

/// What is wanted of one view.
#[derive(Clone, Copy, Debug)]
struct Want {
    stamp: bool,
    labels: bool,
    groups: bool,
    values: bool,
    /// After a failure: not before this.
    not_before: Option<Instant>,
}

impl Want {
    const ALL: Want = Want { stamp: true, labels: true, groups: true, values: true, not_before: None };
}

/// The kinds of comparison, each resting under its half of the budget.
#[derive(Clone, Copy, Debug, Default)]
struct Lanes {
    groups: Option<Instant>,
    values: Option<Instant>,
}

impl Lanes {
    fn of(&mut self, scope: Scope) -> &mut Option<Instant> {
        match scope {
            Scope::Groups => &mut self.groups,
            Scope::Values => &mut self.values,
        }
    }
}

/// Folds answers, plans probes.
pub struct Keeper {
    snapshot: Arc<Snapshot>,
    only: Vec<String>,
    budget: f64,
    rules: Rulebook,
    /// Does another role look at views?
    has_look_role: bool,
    /// The columns that a person chose to count by, in this session.
    chosen: BTreeMap<Oid, Vec<String>>,
    /// The views whose columns' values somebody wants to know.
    columns: Vec<Oid>,
    wants: BTreeMap<Oid, Want>,
    catalog: Option<Option<Vec<Oid>>>,
    jobs: bool,
    runs: bool,
    pages: Vec<usize>,
    prices: Vec<Oid>,
    lanes: Lanes,
    catalog_busy: bool,
    cheap_busy: bool,
    view_busy: bool,
    /// After a failure of a catalog, of a cheap probe, or of the drill's: not before this.
    catalog_rest: Option<Instant>,
    cheap_rest: Option<Instant>,
    drill_rest: Option<Instant>,
    /// When pg_cron's tables in another database are read next; `None`: now.
    elsewhere: Option<Instant>,
    last: LastSignals,
}

/// The last pulse's signals that are not a view's own.
#[derive(Default)]
struct LastSignals {
    tables: Vec<Oid>,
    /// By the tables that were asked about.
    schema: Option<(Vec<Oid>, i64)>,
    jobs: Option<String>,
    runs: Option<String>,
    newest_run: RunId,
    counters: writes::Window,
    minute: i64,
    wants_pulse: bool,
    /// The base tables' counters.
    counted: BTreeMap<Oid, signals::Table>,
    /// Refreshes that wait for their lock, by view.
    waiting: BTreeMap<Oid, signals::Waiting>,
}

impl Keeper {
    /// A keeper of nothing yet; `only` names the views to measure (empty: all), `budget` the share of the server's time.
    pub fn new(snapshot: Snapshot, only: Vec<String>, budget: f64) -> Keeper {
        Keeper {
            snapshot: Arc::new(snapshot),
            only,
            budget,
            rules: Rulebook::default(),
            has_look_role: false,
            chosen: BTreeMap::new(),
            columns: Vec::new(),
            wants: BTreeMap::new(),
            catalog: None,
            jobs: false,
            runs: false,
            pages: Vec::new(),
            prices: Vec::new(),
            lanes: Lanes::default(),
            catalog_busy: false,
            cheap_busy: false,
            view_busy: false,
            catalog_rest: None,
            cheap_rest: None,
            drill_rest: None,
            elsewhere: None,
            last: LastSignals::default(),
        }
    }

    /// The same, following what the configuration says of views.
    #[must_use]
    pub fn with_rules(self, rules: Rulebook) -> Keeper {
        Keeper { rules, ..self }
    }

    /// The same, with views looked at by another role.
    #[must_use]
    pub fn with_look_role(self, has_look_role: bool) -> Keeper {
        Keeper { has_look_role, ..self }
    }

    fn edit(&mut self) -> &mut Snapshot {
        Arc::make_mut(&mut self.snapshot)
    }

    fn edit_view(&mut self, oid: Oid) -> Option<&mut ViewState> {
        self.edit().views.iter_mut().find(|v| v.view.oid == oid).map(Arc::make_mut)
    }

    /// The Snapshot as it is now.
    pub fn snapshot(&mut self, local: Time, now: Instant) -> Arc<Snapshot> {
        // What did not change is not touched: it stays the same Arc, and nobody draws it again.
        let settled = self.is_settled();
        if self.snapshot.settled != settled {
            self.edit().settled = settled;
        }
        self.set_due(local, now);
        self.snapshot.clone()
    }

    /// The server's time for this machine's.
    pub fn server_time(&self, local: Time) -> Time {
        self.snapshot.server_time(local)
    }

    /// A connection was made: what was known may have changed meanwhile, so everything is wanted again.
    pub fn connected(&mut self, server: Server) {
        let has_cron = server.cron.is_here();
        self.edit().server = Some(Arc::new(server));
        self.edit().link = Link::Up;
        self.catalog = Some(None);
        (self.jobs, self.runs) = (has_cron, has_cron);
        (self.catalog_busy, self.cheap_busy, self.view_busy, self.elsewhere) = (false, false, false, None);
        (self.catalog_rest, self.cheap_rest, self.drill_rest) = (None, None, None);
        self.last = LastSignals::default();
        self.lanes = Lanes::default();
        self.wants.values_mut().for_each(|w| *w = Want::ALL);
        // A view is not looked at before a pulse told whether it was refreshed meanwhile.
        self.edit().views.iter_mut().map(Arc::make_mut).for_each(|view| view.signal.bases = None);
    }

    /// The connection was lost. The last values stay.
    pub fn disconnected(&mut self, problem: Problem, tries: u32, local: Time) {
        let snapshot = self.edit();
        let since = match snapshot.link {
            Link::Down { since, .. } | Link::Connecting { since } | Link::Silent { since } => since,
            Link::Up => local,
        };
        snapshot.link = Link::Down { since, why: problem.text, kind: problem.kind, tries };
        let settle = |progress: &mut Progress| {
            if matches!(progress, Progress::Loading { .. }) {
                *progress = Progress::Idle;
            }
        };
        settle(&mut snapshot.catalog.progress);
        settle(&mut snapshot.history.progress);
        for view in snapshot.views.iter_mut().map(Arc::make_mut) {
            settle(&mut view.stamp.progress);
            settle(&mut view.drift.progress);
            settle(&mut view.values.progress);
            settle(&mut view.columns.progress);
            settle(&mut view.labels.progress);
            view.refreshing.clear();
        }
        if let Some(drill) = snapshot.drill.as_mut().map(Arc::make_mut) {
            settle(&mut drill.index.progress);
            drill.pages.clear();
        }
    }

    /// The pulse has had no answer for a while.
    pub fn silent(&mut self, elapsed: Duration, local: Time) {
        if self.snapshot.link == Link::Up {
            let elapsed = TimeDelta::from_std(elapsed).unwrap_or_default();
            self.edit().link = Link::Silent { since: local - elapsed };
        }
    }

    /// The pulse was refused, though the connection stands.
    pub fn pulse_failed(&mut self, problem: Problem, local: Time) {
        tracing::warn!(why = problem.text, "the pulse failed");
        let now = self.server_time(local);
        self.edit().catalog.finish(Err(problem), now);
    }

    /// Is a pulse wanted at once, because there are tables that the last one did not ask about?
    pub fn take_wants_pulse(&mut self) -> bool {
        std::mem::take(&mut self.last.wants_pulse)
    }

    /// What the next pulse is to ask about.
    pub fn question(&self) -> pulse::Question {
        pulse::Question {
            tables: self.last.tables.clone(),
            plain: self.snapshot.views.iter().filter(|v| v.view.is_plain()).map(|v| v.view.oid).collect(),
            cron: self.snapshot.server.as_ref().is_some_and(|s| s.cron.is_here()),
            above: RunId(self.last.newest_run.0 - OPEN_RUNS),
        }
    }

    /// Can pg_cron's tables be read, or at least tried, here or in another database?
    fn knows_cron(&self) -> bool {
        self.snapshot.server.as_ref().is_some_and(|s| s.cron.is_here() || s.cron.other_database().is_some())
    }

    /// The replica that takes the comparisons was looked at.
    pub fn replica(&mut self, replica: Option<Arc<Replica>>) {
        if self.snapshot.replica != replica {
            self.edit().replica = replica;
        }
    }

    fn want_catalog(&mut self, mut oids: Vec<Oid>) {
        self.catalog = match self.catalog.take() {
            Some(None) => Some(None),
            Some(Some(wanted)) => {
                oids.extend(wanted);
                Some(Some(oids))
            }
            None => Some(Some(oids)),
        };
    }

    /// Takes in what a face asks.
    pub fn request(&mut self, request: Request) {
        match request {
            Request::Measure(oid) => {
                self.wants.insert(oid, Want::ALL);
                self.want_catalog(vec![oid]);
                (self.lanes, self.drill_rest) = (Lanes::default(), None);
                if let Some(drill) = self.edit().drill.as_mut().map(Arc::make_mut) {
                    drill.index.last = None;
                    drill.pages.clear();
                }
            }
            Request::Price(oid) if !self.prices.contains(&oid) => self.prices.push(oid),
            Request::Group(oid, columns) => self.group(oid, columns),
            Request::Columns(oid) if !self.columns.contains(&oid) => self.columns.push(oid),
            Request::Drill(target) => {
                self.pages.clear();
                self.drill_rest = None;
                self.edit().drill = target.map(|t| Arc::new(Drill::new(t)));
            }
            Request::Page(page) if !self.pages.contains(&page) => {
                self.pages.push(page);
                // Only what is still on the screen is worth reading.
                if self.pages.len() > 3 {
                    self.pages.remove(0);
                }
            }
            Request::Price(_) | Request::Columns(_) | Request::Page(_) | Request::Cancel(_) | Request::Reconnect => {}
        }
    }

    /// Counts by other columns: what was compared was another question, so it goes.
    fn group(&mut self, oid: Oid, columns: Vec<String>) {
        self.with_view(oid, |v| {
            Arc::make_mut(&mut v.view).group_by(&columns, &v.rules);
            v.forget_comparisons();
        });
        self.chosen.insert(oid, columns);
        self.edit().drill = None;
        if let Some(want) = self.wants.get_mut(&oid) {
            (want.groups, want.values, want.not_before) = (true, true, None);
        }
        self.lanes = Lanes::default();
    }

    fn with_view(&mut self, oid: Oid, edit: impl FnOnce(&mut ViewState)) {
        if let Some(view) = self.edit_view(oid) {
            edit(view);
        }
    }

    fn with_drill(&mut self, edit: impl FnOnce(&mut Drill)) {
        if let Some(drill) = self.edit().drill.as_mut().map(Arc::make_mut) {
            edit(drill);
        }
    }
}
