//! One table of actions: it feeds the dispatch, the footer, the help and the README's table of keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere but in dialogs and fields.
    Everywhere,
    /// On the screen of panes.
    Panes,
    /// On the screen of one ejecutivo's rows.
    Drill,
    /// On the screen of what can be done.
    Fix,
    /// In a dialog that asks.
    Dialog,
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

/// Every key there is. The footer shows them in this order.
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
    key(Action::Enter, &["Enter"], "rows", "look at the selected ejecutivo's drifted rows", Scope::Panes),
    key(Action::Jump(0), &["b"], "BOOM", "the selected ejecutivo's drift in BOOM", Scope::Everywhere),
    key(Action::Jump(1), &["v"], "VEN", "the selected ejecutivo's drift in VEN", Scope::Everywhere),
    key(
        Action::Back,
        &["Esc", "Backspace"],
        "back",
        "one step back: filter, rows, lens, maximised pane, message",
        Scope::Everywhere,
    ),
    key(Action::Filter, &["/"], "filter", "show only the rows that contain what you type", Scope::Panes),
    key(Action::Sort, &["s"], "sort", "next order: worst first, name, view, live", Scope::Panes),
    key(Action::Lens, &["w"], "who sees", "what an administrador, a coordinador, an ejecutivo sees", Scope::Panes),
    key(Action::Measure, &["R"], "measure", "compare the selected view now, whatever the budget", Scope::Everywhere),
    key(Action::Zoom, &["z"], "zoom", "give the pane the whole screen, and back", Scope::Panes),
    key(Action::Freeze, &["Space"], "freeze", "stand still to read; again to go on", Scope::Everywhere),
    key(Action::Theme, &["t"], "theme", "next theme", Scope::Everywhere),
    key(Action::NextPane, &["Tab"], "pane", "next pane", Scope::Panes),
    key(Action::Log, &["L"], "log", "what was changed from here, by whom, and what came of it", Scope::Everywhere),
    key(Action::Help, &["?"], "help", "all keys", Scope::Everywhere),
    key(Action::Quit, &["q", "Ctrl-c"], "quit", "leave; a refresh that still runs is cancelled", Scope::Everywhere),
    key(Action::Suspend, &["Ctrl-z"], "", "stop; fg in the shell goes on", Scope::Everywhere),
    key(Action::PreviousPane, &["Shift-Tab"], "", "pane before", Scope::Panes),
    key(Action::Pane(0), &["1"], "", "views", Scope::Panes),
    key(Action::Pane(1), &["2"], "", "cron history", Scope::Panes),
    key(Action::Pane(2), &["3"], "", "counts by ejecutivo", Scope::Panes),
    key(Action::Pane(3), &["4"], "", "view against live", Scope::Panes),
    key(Action::Up, &["Up", "k"], "", "one row up", Scope::Everywhere),
    key(Action::Down, &["Down", "j"], "", "one row down", Scope::Everywhere),
    key(Action::Left, &["Left", "h"], "", "column or coordinación to the left", Scope::Everywhere),
    key(Action::Right, &["Right", "l"], "", "column or coordinación to the right", Scope::Everywhere),
    key(Action::PageUp, &["PgUp", "Ctrl-u"], "", "a screenful up", Scope::Everywhere),
    key(Action::PageDown, &["PgDn", "Ctrl-d"], "", "a screenful down", Scope::Everywhere),
    key(Action::First, &["g", "Home"], "", "first row", Scope::Everywhere),
    key(Action::Last, &["G", "End"], "", "last row", Scope::Everywhere),
    key(Action::Right, &["Tab"], "next", "next coordinación", Scope::Drill),
    key(Action::Left, &["Shift-Tab"], "", "coordinación before", Scope::Drill),
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
];

/// The bindings of these scopes, in the table's order.
pub fn bindings(scopes: &[Scope]) -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().filter(move |b| scopes.contains(&b.scope))
}

/// What a key event does in these scopes.
pub fn action(event: &KeyEvent, scopes: &[Scope]) -> Option<Action> {
    let name = name(event)?;
    bindings(scopes).find(|b| b.keys.contains(&name.as_str())).map(|b| b.action)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for scopes in [
            &[Scope::Everywhere, Scope::Panes][..],
            &[Scope::Everywhere, Scope::Drill],
            &[Scope::Everywhere, Scope::Fix],
            &[Scope::Dialog],
        ] {
            let mut seen = std::collections::HashMap::new();
            for binding in bindings(scopes) {
                for key in binding.keys {
                    let other = seen.insert(*key, binding.action);
                    assert_eq!(other, None, "{key} is bound twice in {scopes:?}");
                }
            }
        }
    }

    #[test]
    fn the_key_that_confirms_is_not_a_key_that_starts_an_action() {
        let confirm: Vec<_> = TABLE.iter().filter(|b| b.action == Action::Confirm).flat_map(|b| b.keys).collect();
        assert!(TABLE.iter().filter(|b| b.danger).flat_map(|b| b.keys).all(|k| !confirm.contains(&k)));
    }
}
