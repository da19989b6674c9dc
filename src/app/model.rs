//! The Model: everything that the screen shows and the keys act on.

use std::sync::Arc;

use tui_input::Input;

pub use super::sort::{Sort, ViewSort};

use super::action::ActionRun;
use super::arming::Buttons;
use super::fix::{FixScreen, ScheduleField};
use super::question::Question;
use crate::domain::diagnosis::{Diagnosis, ViewReport, diagnose};
use crate::domain::drift::Flow;
use crate::domain::job::{Job, JobId, Run};
use crate::domain::lens::{Lens, Role};
use crate::domain::matrix::{Comparison, Line};
use crate::domain::snapshot::{Drill, Snapshot, ViewState};
use crate::domain::time::Time;
use crate::domain::view::Oid;
use crate::journal::Entry;
use crate::keys::{Keymap, Scope};

/// What stays the same while the console runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where it is connected, e.g. `crm@db:5432 as postgres`, after its profile's name; no password.
    pub place: String,
    /// No actions at all.
    pub read_only: bool,
    /// The keys in force.
    pub keys: Keymap,
    /// The configuration file that is read, or would be if it existed.
    pub config_file: Option<String>,
    /// The themes' names.
    pub themes: Vec<String>,
    /// Why what is changed cannot be written down, if so.
    pub unlogged: Option<String>,
}

/// The smallest terminal that has room for what matters: columns, rows.
pub const SMALLEST: (u16, u16) = (60, 16);

/// The panes, in the order of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// Every view with its freshness.
    Views,
    /// pg_cron's jobs and runs.
    Cron,
    /// Counts by ejecutivo × coordinación.
    #[default]
    Counts,
    /// The flow between groups.
    Flow,
}

impl Pane {
    /// All of them.
    pub const ALL: [Pane; 4] = [Pane::Views, Pane::Cron, Pane::Counts, Pane::Flow];

    /// Its place in [`Pane::ALL`].
    pub fn place(self) -> usize {
        Pane::ALL.iter().position(|p| *p == self).unwrap_or_default()
    }

    /// The pane `steps` further on.
    pub fn step(self, steps: usize) -> Pane {
        Pane::ALL[(self.place() + steps) % Pane::ALL.len()]
    }
}

/// The value of a line's group, by which the cursor holds on to it when the order changes.
pub type LineKey = Option<Option<Arc<str>>>;

/// The counts pane's own state.
#[derive(Clone, Debug, Default)]
pub struct CountsPane {
    /// The line under the cursor.
    pub selected: Option<LineKey>,
    /// The order.
    pub sort: Sort,
    /// What lines must contain.
    pub filter: Input,
    /// Is the filter being typed?
    pub editing: bool,
    /// The first column group shown.
    pub column: usize,
    /// The lines that pass the filter, in order: places in the matrix.
    pub order: Vec<usize>,
}

/// The views pane's own state.
#[derive(Clone, Debug, Default)]
pub struct ViewsPane {
    /// The order.
    pub sort: ViewSort,
    /// What names must contain.
    pub filter: Input,
    /// Is the filter being typed?
    pub editing: bool,
    /// The views that pass the filter, in order: places in the Snapshot.
    pub order: Vec<usize>,
}

/// The choice of the columns that a view's rows are counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The view.
    pub view: Oid,
    /// The column under the cursor; `None`: the first of the list.
    pub column: Option<String>,
    /// The chosen ones: lines, then columns.
    pub chosen: Vec<String>,
}

/// The screen of one ejecutivo's rows.
#[derive(Clone, Debug, Default)]
pub struct DrillScreen {
    /// The view.
    pub view: Option<Oid>,
    /// Whose rows.
    pub member: LineKey,
    /// What they are called.
    pub title: String,
    /// The column group looked at; `None`: all.
    pub tab: Option<LineKey>,
    /// The row under the cursor, among those of the tab.
    pub row: usize,
    /// The rows of the tab: places in the index.
    pub rows: Vec<usize>,
    /// The same counted by where they come from and go to.
    pub flow: Vec<Flow>,
}

/// What lies over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// All keys; the first line shown.
    Help(u16),
    /// Do this?
    Act(Question),
    /// By which columns are the rows counted?
    Groups(Choice),
    /// The log of actions, newest first; the first line shown.
    Log(u16),
    /// A run of a cron job as it was when it was opened, and the first line shown.
    Run(Run, u16),
    /// An action runs: leave and cancel it?
    Quit(Buttons),
}

/// A short message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// When it goes.
    pub until: Time,
}

/// Everything that the screen shows and the keys act on.
#[derive(Clone, Debug)]
pub struct Model {
    /// What stays the same.
    pub settings: Settings,
    /// This machine's time.
    pub now: Time,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// What is shown: the newest Snapshot, or the one at which the display was frozen.
    pub snapshot: Arc<Snapshot>,
    /// The newest Snapshot.
    pub newest: Arc<Snapshot>,
    /// When the display was frozen.
    pub frozen: Option<Time>,
    /// What the shown Snapshot means.
    pub diagnosis: Diagnosis,
    /// The pane with the keyboard.
    pub focus: Pane,
    /// Has it the whole screen?
    pub zoom: bool,
    /// The selected view.
    pub view: Option<Oid>,
    /// The list of views.
    pub views: ViewsPane,
    /// The selected job.
    pub job: Option<JobId>,
    /// The place of the run under the cursor among those of it, newest first.
    pub run: usize,
    /// The counts.
    pub counts: CountsPane,
    /// The first flow shown.
    pub flow: usize,
    /// Through whose eyes the view is shown; which coordinación's or ejecutivo's, the cursor says.
    pub role: Option<Role>,
    /// One ejecutivo's rows, when they are looked at.
    pub drill: Option<DrillScreen>,
    /// The options for one view, when they are looked at.
    pub fix: Option<FixScreen>,
    /// A schedule that is being typed.
    pub field: Option<ScheduleField>,
    /// The log of actions, as last read, oldest first.
    pub log: Vec<Entry>,
    /// What lies over the screen.
    pub dialog: Option<Dialog>,
    /// The action that runs or ran last.
    pub action: Option<ActionRun>,
    /// A short message.
    pub notice: Option<Notice>,
    /// The theme's place in the list.
    pub theme: usize,
}

impl Model {
    /// A console that knows nothing yet.
    pub fn new(settings: Settings, theme: usize, size: (u16, u16), now: Time) -> Model {
        let snapshot = Arc::new(Snapshot::connecting(now));
        Model {
            settings,
            now,
            size,
            diagnosis: diagnose(&snapshot, now),
            newest: snapshot.clone(),
            snapshot,
            frozen: None,
            focus: Pane::default(),
            zoom: false,
            view: None,
            views: ViewsPane::default(),
            job: None,
            run: 0,
            counts: CountsPane::default(),
            flow: 0,
            role: None,
            drill: None,
            fix: None,
            field: None,
            log: Vec::new(),
            dialog: None,
            action: None,
            notice: None,
            theme,
        }
    }

    /// Is the terminal too small for the screen?
    pub fn is_too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }

    /// The server's time: frozen with the display.
    pub fn server_now(&self) -> Time {
        self.snapshot.server_time(self.frozen.unwrap_or(self.now))
    }

    /// The selected view, else the one that needs a person most. None where the filter shows none: no key acts on what
    /// cannot be seen.
    pub fn selected_view(&self) -> Option<&Arc<ViewState>> {
        if self.views.order.is_empty() && !self.views.filter.value().is_empty() {
            return None;
        }
        let chosen = self.view.and_then(|oid| self.snapshot.view(oid));
        chosen.or_else(|| self.snapshot.view(self.diagnosis.worst()?.oid))
    }

    /// The view that needs a person more than the selected one, if there is such a one: the worst of all.
    pub fn worse_view(&self) -> Option<&ViewReport> {
        let selected = self.selected_report().map(|r| r.verdict);
        self.diagnosis.worst().filter(|worst| selected.is_none_or(|verdict| worst.verdict > verdict))
    }

    /// What is to be said of it.
    pub fn selected_report(&self) -> Option<&ViewReport> {
        self.diagnosis.view(self.selected_view()?.view.oid)
    }

    /// Its newest comparison.
    pub fn comparison(&self) -> Option<&Arc<Comparison>> {
        self.selected_view()?.drift.value()
    }

    /// The eyes through which the view is shown: of the coordinación (column) that comes first, of the ejecutivo (line)
    /// under the cursor. `None`: one's own, or there is nobody there.
    pub fn lens(&self) -> Option<Lens> {
        let role = self.role?;
        let groups = &self.selected_view()?.view.groups;
        match role.place(groups)? {
            None => Some(Lens::all()),
            Some(0) => Lens::of(role, groups, &self.selected_line()?.member),
            Some(_) => Lens::of(role, groups, self.comparison()?.matrix.columns.get(self.counts.column)?),
        }
    }

    /// The flows that are drift, most rows first; with a lens those that it touches.
    pub fn flows(&self) -> impl Iterator<Item = &Flow> {
        let lens = self.lens();
        let comparison = self.comparison().into_iter();
        comparison.flat_map(|c| c.worst().map(move |flow| (c, flow))).filter_map(move |(comparison, flow)| {
            lens.as_ref().is_none_or(|lens| lens.touches(&comparison.drift, flow)).then_some(flow)
        })
    }

    /// The job that keys act on: the chosen one, else the one that belongs to the view. None where neither is there: no key
    /// acts on a job that nobody meant.
    pub fn selected_job(&self) -> Option<&Job> {
        let history = self.snapshot.history.value()?;
        let own = || self.selected_report().and_then(ViewReport::own_job);
        self.job.and_then(|id| history.job(id)).or_else(|| history.job(own()?))
    }

    /// The job whose runs are shown: the selected one, else the first, only to be looked at.
    pub fn shown_job(&self) -> Option<&Job> {
        self.selected_job().or_else(|| self.snapshot.history.value()?.jobs.first())
    }

    /// The run under the cursor.
    pub fn selected_run(&self) -> Option<&Run> {
        self.snapshot.history.value()?.runs_of(self.shown_job()?.id).nth(self.run)
    }

    /// The n-th line of the counts as they are ordered and filtered.
    pub fn line(&self, place: usize) -> Option<&Line> {
        self.comparison()?.matrix.lines.get(*self.counts.order.get(place)?)
    }

    /// The place of the line under the cursor.
    pub fn line_place(&self) -> usize {
        let (Some(selected), Some(comparison)) = (&self.counts.selected, self.comparison()) else { return 0 };
        let line = comparison.matrix.lines.iter().position(|l| l.member.key == *selected);
        line.and_then(|line| self.counts.order.iter().position(|&place| place == line)).unwrap_or(0)
    }

    /// The line under the cursor.
    pub fn selected_line(&self) -> Option<&Line> {
        self.line(self.line_place())
    }

    /// The filter that is being typed.
    pub fn typing(&mut self) -> Option<(&mut Input, &mut bool)> {
        let (views, counts) = (&mut self.views, &mut self.counts);
        match (self.dialog.is_some(), views.editing, counts.editing) {
            (false, true, _) => Some((&mut views.filter, &mut views.editing)),
            (false, false, true) => Some((&mut counts.filter, &mut counts.editing)),
            _ => None,
        }
    }

    /// The rows of the line that is open, not those of another one that were read before.
    pub fn drilled(&self) -> Option<&Drill> {
        let (screen, drill) = (self.drill.as_ref()?, self.snapshot.drill.as_deref()?);
        let is_its = Some(drill.target.view) == screen.view && drill.target.member == screen.member;
        is_its.then_some(drill)
    }

    /// Is a filter being typed?
    pub fn is_typing(&self) -> bool {
        self.dialog.is_none() && (self.views.editing || self.counts.editing)
    }

    /// Where the keys are.
    pub fn scopes(&self) -> &'static [Scope] {
        match (&self.dialog, &self.fix, &self.drill) {
            (Some(Dialog::Groups(_)), ..) => &[Scope::Choice],
            (Some(Dialog::Help(_) | Dialog::Log(_) | Dialog::Run(..)), ..) => &[Scope::Reading],
            (Some(_), ..) => &[Scope::Dialog],
            (None, Some(_), _) => &[Scope::Everywhere, Scope::Fix],
            (None, None, Some(_)) => &[Scope::Everywhere, Scope::Drill],
            (None, None, None) => match self.focus {
                Pane::Views => &[Scope::Everywhere, Scope::Panes, Scope::Views],
                Pane::Cron => &[Scope::Everywhere, Scope::Panes, Scope::Cron],
                Pane::Counts | Pane::Flow => &[Scope::Everywhere, Scope::Panes, Scope::Lines],
            },
        }
    }
}
