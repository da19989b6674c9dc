//! One table of actions: it feeds the dispatch, the footer, the help and the README's table of keys. What is in force is a
//! [`Keymap`]: the table with what a person bound anew.

mod keymap;
mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::diagnosis::Remedy;
use crate::domain::text::nearest;

pub use keymap::{Bound, Clash, Keymap};
pub use table::TABLE;

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
    /// The action by which the console does something about a cause; `None`: it can do nothing.
    pub fn for_remedy(remedy: Remedy) -> Option<Action> {
        match remedy {
            Remedy::Refresh => Some(Action::Refresh),
            Remedy::Measure => Some(Action::Measure),
            Remedy::CancelBlocker => Some(Action::EndBlocker),
            _ => remedy.verb().map(|_| Action::Fix),
        }
    }

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

/// A key as terminals report it: with Ctrl they know no capital letters.
pub fn as_reported(key: &str) -> String {
    match key.strip_prefix("Ctrl-") {
        Some(letter) if letter.chars().count() == 1 => format!("Ctrl-{}", letter.to_lowercase()),
        _ => key.into(),
    }
}

/// Is this a key as [`name`] writes it? Otherwise the nearest one, if any is near.
///
/// # Errors
/// It is none; the nearest named one, if there is one.
pub fn check(key: &str) -> Result<(), Option<&'static str>> {
    let plain = key.strip_prefix("Ctrl-").unwrap_or(key);
    // What a terminal sends for these with Ctrl are Tab and Enter.
    if let "Ctrl-i" | "Ctrl-I" | "Ctrl-m" | "Ctrl-M" = key {
        return Err(Some(if key.ends_with(['i', 'I']) { "Tab" } else { "Enter" }));
    }
    let is_character = plain.chars().count() == 1 && !plain.contains([' ', '\t']);
    let is_function = plain.strip_prefix('F').and_then(|n| n.parse().ok()).is_some_and(|n: u8| (1..=12).contains(&n));
    if is_character || is_function || NAMED.contains(&plain) { Ok(()) } else { Err(nearest(key, &NAMED)) }
}
