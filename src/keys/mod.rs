//! One table of actions: it feeds the dispatch, the footer, the help and the README's table of keys. What is in force is a
//! [`Keymap`]: the table with what a person bound anew.

mod keymap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::text::nearest;

pub use keymap::{Bound, Clash, Keymap};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Leave the program.
    Quit,
    /// Show all keys.
    Help,
    /// Go to the next pane.
    NextPane,
    /// Go to the pane before.
    PreviousPane,
    /// Go to the n-th pane.
    Pane(usize),
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One column or tab to the left.
    Left,
    /// One column or tab to the right.
    Right,
    /// A screenful up.
    PageUp,
    /// A screenful down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// Look into the selected row.
    Enter,
    /// Go back one step.
    Back,
    /// Refresh the selected view.
    Refresh,
    /// Look at the selected ejecutivo's rows in the n-th bound group (BOOM, VEN).
    Jump(usize),
    /// Filter the rows.
    Filter,
    /// Change the order.
    Sort,
    /// See as administrador, coordinador, ejecutivo, and as oneself again.
    Lens,
    /// Stand still, or go on.
    Freeze,
    /// Give the pane the whole screen, or back.
    Zoom,
    /// The next theme.
    Theme,
    /// Measure now.
    Measure,
    /// Cancel the refresh that runs.
    CancelRefresh,
    /// Look at what can be done about the selected view.
    Fix,
    /// Do what is under the cursor of the fix screen.
    Choose,
    /// Type a schedule.
    Schedule,
    /// Pause the job, or let it go on.
    PauseJob,
    /// Remove the job.
    RemoveJob,
    /// Run the job's command now.
    RunJob,
    /// Cancel what a refresh waits for.
    CancelBlocker,
    /// End the session that a refresh waits for.
    EndBlocker,
    /// Look at the log of what was changed.
    Log,
    /// Stop, and let the shell have the terminal.
    Suspend,
    /// Say yes in a dialog.
    Confirm,
    /// Choose the columns that rows are counted by.
    Groups,
    /// Go to the view that needs a person most.
    Worst,
    /// Take what is under the cursor into the choice, or out of it.
    Toggle,
}

impl Action {
    /// Its stable name, by which the configuration binds keys to it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Quit => "quit",
            Action::Help => "help",
            Action::NextPane => "next_pane",
            Action::PreviousPane => "previous_pane",
            Action::Pane(n) => ["views", "cron", "counts", "flow"].get(n).copied().unwrap_or("pane"),
            Action::Up => "up",
            Action::Down => "down",
            Action::Left => "left",
            Action::Right => "right",
            Action::PageUp => "page_up",
            Action::PageDown => "page_down",
            Action::First => "first",
            Action::Last => "last",
            Action::Enter => "enter",
            Action::Back => "back",
            Action::Refresh => "refresh",
            Action::Jump(_) => "jump",
            Action::Filter => "filter",
            Action::Sort => "sort",
            Action::Freeze => "freeze",
            Action::Zoom => "zoom",
            Action::Theme => "theme",
            Action::Measure => "measure",
            Action::CancelRefresh => "cancel",
            Action::Suspend => "suspend",
            Action::Confirm => "confirm",
            Action::Groups => "groups",
            Action::Worst => "worst",
            Action::Lens => "lens",
            Action::Fix => "fix",
            Action::Choose => "choose",
            Action::Schedule => "schedule",
            Action::EndBlocker => "end_blocker",
            Action::CancelBlocker => "cancel_blocker",
            Action::PauseJob => "pause_job",
            Action::RunJob => "run_job",
            Action::RemoveJob => "remove_job",
            Action::Log => "log",
            Action::Toggle => "toggle",
        }
    }
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere but in dialogs and fields.
    Everywhere,
    /// On the screen of panes.
    Panes,
    /// In the pane of the views.
    Views,
    /// In the pane of the jobs and runs.
    Cron,
    /// In the panes of lines and flows.
    Lines,
    /// On the screen of one ejecutivo's rows.
    Drill,
    /// On the screen of what can be done.
    Fix,
    /// In a dialog that asks.
    Dialog,
    /// In a dialog that is only read.
    Reading,
    /// In a list to choose from.
    Choice,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// The keys, the first one shown.
    pub keys: &'static [&'static str],
    /// One or two words for the footer; empty: not shown there.
    pub label: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// Where.
    pub scope: Scope,
    /// Does it change the database? Then it asks first, and read-only mode drops it.
    pub danger: bool,
}

impl Binding {
    /// The stable name of the line: the action's, with where it works if that is not everywhere or in the panes.
    pub fn name(&self) -> String {
        let action = self.action.name();
        match self.scope {
            Scope::Everywhere | Scope::Panes | Scope::Lines => action.into(),
            Scope::Views => format!("views_{action}"),
            Scope::Cron => format!("cron_{action}"),
            Scope::Drill => format!("rows_{action}"),
            Scope::Fix => format!("fix_{action}"),
            Scope::Dialog => format!("dialog_{action}"),
            Scope::Reading => format!("reading_{action}"),
            Scope::Choice => format!("choice_{action}"),
        }
    }
}

const fn key(
    action: Action,
    keys: &'static [&'static str],
    label: &'static str,
    help: &'static str,
    scope: Scope,
) -> Binding {
    Binding { action, keys, label, help, scope, danger: false }
}

const fn danger(binding: Binding) -> Binding {
    Binding { danger: true, ..binding }
}

/// Every key there is from the start, but those that jump to a group. The footer shows them in this order.
pub const TABLE: &[Binding] = &[
    danger(key(Action::Refresh, &["r"], "refresh", "refresh the selected view (asks first)", Scope::Everywhere)),
    key(Action::Fix, &["f"], "fix", "what can be done about the selected view, with its price here", Scope::Everywhere),
    danger(key(Action::Choose, &["Enter"], "do it", "do what is under the cursor (asks first)", Scope::Fix)),
    key(Action::Schedule, &["e"], "schedule", "another schedule for the job to be installed", Scope::Fix),
    key(Action::CancelRefresh, &["c"], "cancel", "cancel the action that you started", Scope::Everywhere),
    danger(key(
        Action::EndBlocker,
        &["K"],
        "end blocker",
        "end the session that a refresh waits for (asks first)",
        Scope::Everywhere,
    )),
    danger(key(
        Action::CancelBlocker,
        &["C"],
        "cancel blocker",
        "cancel what a refresh waits for (asks first)",
        Scope::Everywhere,
    )),
    danger(key(
        Action::PauseJob,
        &["p"],
        "pause/go on",
        "cron pane: pause the job, or let it go on (asks first)",
        Scope::Panes,
    )),
    danger(key(
        Action::Schedule,
        &["e"],
        "schedule",
        "cron pane: another schedule for the job (asks first)",
        Scope::Panes,
    )),
    danger(key(Action::RunJob, &["n"], "run now", "cron pane: run the job's command now (asks first)", Scope::Panes)),
    danger(key(Action::RemoveJob, &["x"], "remove", "cron pane: remove the job (asks first)", Scope::Panes)),
    key(Action::Enter, &["Enter"], "rows", "panes 3 and 4: look at the selected line's drifted rows", Scope::Lines),
    key(Action::Enter, &["Enter"], "counts", "pane 1: to the selected view's counts", Scope::Views),
    key(Action::Enter, &["Enter"], "run", "cron pane: the run's whole message, times and command", Scope::Cron),
    key(
        Action::Back,
        &["Esc", "Backspace"],
        "back",
        "one step back: filter, rows, lens, maximised pane, message",
        Scope::Everywhere,
    ),
    key(Action::Filter, &["/"], "filter", "show only the rows or views that contain what you type", Scope::Panes),
    key(Action::Sort, &["s"], "sort", "next order of the rows or views: worst first, name, …", Scope::Panes),
    key(Action::Groups, &["o"], "groups", "choose the columns that rows are counted by", Scope::Panes),
    key(Action::Lens, &["w"], "who sees", "what the people or the group of one value see, and back", Scope::Panes),
    key(Action::Measure, &["R"], "measure", "compare the selected view now, whatever the budget", Scope::Everywhere),
    key(Action::Zoom, &["z"], "zoom", "give the pane the whole screen, and back", Scope::Panes),
    key(Action::Freeze, &["Space"], "freeze", "stand still to read; again to go on", Scope::Everywhere),
    key(Action::Theme, &["t"], "theme", "next theme", Scope::Everywhere),
    key(Action::NextPane, &["Tab"], "pane", "next pane", Scope::Panes),
    key(Action::Worst, &["!"], "", "select the view that needs a person most", Scope::Panes),
    key(Action::Log, &["L"], "log", "what was changed from here, by whom, and what came of it", Scope::Everywhere),
    key(Action::Help, &["?"], "help", "all keys", Scope::Everywhere),
    key(Action::Quit, &["q", "Ctrl-c"], "quit", "leave; a refresh that still runs is cancelled", Scope::Everywhere),
    key(Action::Suspend, &["Ctrl-z"], "", "stop; fg in the shell goes on", Scope::Everywhere),
    key(Action::PreviousPane, &["Shift-Tab"], "", "pane before", Scope::Panes),
    key(Action::Pane(0), &["1"], "", "views", Scope::Panes),
    key(Action::Pane(1), &["2"], "", "cron history", Scope::Panes),
    key(Action::Pane(2), &["3"], "", "counts by group", Scope::Panes),
    key(Action::Pane(3), &["4"], "", "view against live", Scope::Panes),
    key(Action::Up, &["Up", "k"], "", "one row up", Scope::Everywhere),
    key(Action::Down, &["Down", "j"], "", "one row down", Scope::Everywhere),
    key(Action::Left, &["Left", "h"], "", "column or group to the left", Scope::Everywhere),
    key(Action::Right, &["Right", "l"], "", "column or group to the right", Scope::Everywhere),
    key(Action::PageUp, &["PgUp", "Ctrl-u"], "", "a screenful up", Scope::Everywhere),
    key(Action::PageDown, &["PgDn", "Ctrl-d"], "", "a screenful down", Scope::Everywhere),
    key(Action::First, &["g", "Home"], "", "first row", Scope::Everywhere),
    key(Action::Last, &["G", "End"], "", "last row", Scope::Everywhere),
    key(Action::Right, &["Tab"], "next", "next group", Scope::Drill),
    key(Action::Left, &["Shift-Tab"], "", "group before", Scope::Drill),
    key(Action::Confirm, &["y"], "yes", "do it", Scope::Dialog),
    key(Action::Back, &["Esc", "n", "q"], "no", "leave everything as it is", Scope::Dialog),
    key(Action::Left, &["Left", "h", "Shift-Tab"], "", "the other button", Scope::Dialog),
    key(Action::Right, &["Right", "l", "Tab"], "choose", "the other button", Scope::Dialog),
    key(Action::Enter, &["Enter"], "press", "press the button", Scope::Dialog),
    key(Action::Up, &["Up", "k"], "", "scroll up", Scope::Dialog),
    key(Action::Down, &["Down", "j"], "", "scroll down", Scope::Dialog),
    key(Action::PageUp, &["PgUp", "Ctrl-u"], "", "scroll up by ten", Scope::Dialog),
    key(Action::PageDown, &["PgDn", "Ctrl-d", "Space"], "", "scroll down by ten", Scope::Dialog),
    key(Action::Quit, &["Ctrl-c"], "", "leave", Scope::Dialog),
    key(Action::Back, &["Esc", "Enter", "q"], "close", "close it", Scope::Reading),
    key(Action::Up, &["Up", "k"], "", "scroll up", Scope::Reading),
    key(Action::Down, &["Down", "j"], "scroll", "scroll down", Scope::Reading),
    key(Action::PageUp, &["PgUp", "Ctrl-u"], "", "scroll up by ten", Scope::Reading),
    key(Action::PageDown, &["PgDn", "Ctrl-d", "Space"], "", "scroll down by ten", Scope::Reading),
    key(Action::Quit, &["Ctrl-c"], "", "leave", Scope::Reading),
    key(Action::Toggle, &["Space"], "choose", "take the column, or not; at most two", Scope::Choice),
    key(Action::Enter, &["Enter"], "apply", "count by the chosen columns", Scope::Choice),
    key(Action::Back, &["Esc", "q"], "cancel", "leave everything as it is", Scope::Choice),
    key(Action::Up, &["Up", "k"], "", "one row up", Scope::Choice),
    key(Action::Down, &["Down", "j"], "", "one row down", Scope::Choice),
    key(Action::PageUp, &["PgUp", "Ctrl-u"], "", "a screenful up", Scope::Choice),
    key(Action::PageDown, &["PgDn", "Ctrl-d"], "", "a screenful down", Scope::Choice),
    key(Action::First, &["g", "Home"], "", "first row", Scope::Choice),
    key(Action::Last, &["G", "End"], "", "last row", Scope::Choice),
    key(Action::Quit, &["Ctrl-c"], "", "leave", Scope::Choice),
];

/// The keys that jump to a group, and the group, unless the configuration has others.
pub const JUMPS: [(&str, &str); 2] = [("b", "BOOM"), ("v", "VEN")];

/// The scopes that are open at the same time: no key may mean two things in one of these.
pub const TOGETHER: [&[Scope]; 8] = [
    &[Scope::Everywhere, Scope::Panes, Scope::Views],
    &[Scope::Everywhere, Scope::Panes, Scope::Cron],
    &[Scope::Everywhere, Scope::Panes, Scope::Lines],
    &[Scope::Everywhere, Scope::Drill],
    &[Scope::Everywhere, Scope::Fix],
    &[Scope::Dialog],
    &[Scope::Reading],
    &[Scope::Choice],
];

/// A key event as the table writes it: `q`, `G`, `Ctrl-c`, `Shift-Tab`, `PgUp`.
pub fn name(event: &KeyEvent) -> Option<String> {
    let plain = match event.code {
        KeyCode::Char(' ') => "Space".into(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Tab => "Tab".into(),
        KeyCode::BackTab => return Some("Shift-Tab".into()),
        KeyCode::Enter => "Enter".into(),
        KeyCode::Esc => "Esc".into(),
        KeyCode::Backspace => "Backspace".into(),
        KeyCode::Up => "Up".into(),
        KeyCode::Down => "Down".into(),
        KeyCode::Left => "Left".into(),
        KeyCode::Right => "Right".into(),
        KeyCode::PageUp => "PgUp".into(),
        KeyCode::PageDown => "PgDn".into(),
        KeyCode::Home => "Home".into(),
        KeyCode::End => "End".into(),
        KeyCode::F(n) => format!("F{n}"),
        _ => return None,
    };
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(if control { format!("Ctrl-{plain}") } else { plain })
}

/// A key as it is shown: arrows and Space have signs of their own.
pub fn shown(key: &str) -> &str {
    match key {
        "Up" => "↑",
        "Down" => "↓",
        "Left" => "←",
        "Right" => "→",
        "Space" => "␣",
        "Enter" => "⏎",
        key => key,
    }
}

/// Keys with a name of their own, besides single characters and F1 to F12.
const NAMED: [&str; 16] = [
    "Space",
    "Tab",
    "Shift-Tab",
    "Enter",
    "Esc",
    "Backspace",
    "Up",
    "Down",
    "Left",
    "Right",
    "PgUp",
    "PgDn",
    "Home",
    "End",
    "F1",
    "F12",
];

/// Is this a key as [`name`] writes it? Otherwise the nearest one, if any is near.
///
/// # Errors
/// It is none; the nearest named one, if there is one.
pub fn check(key: &str) -> Result<(), Option<&'static str>> {
    let plain = key.strip_prefix("Ctrl-").unwrap_or(key);
    let is_character = plain.chars().count() == 1 && !plain.contains([' ', '\t']);
    let is_function = plain.strip_prefix('F').and_then(|n| n.parse().ok()).is_some_and(|n: u8| (1..=12).contains(&n));
    if is_character || is_function || NAMED.contains(&plain) { Ok(()) } else { Err(nearest(key, &NAMED)) }
}
