//! Why an action is off here and now, as a sentence for the person who pressed its key.

use super::Model;
use super::action::ActionRun;
use super::model::Pane;
use super::{fix, groups, jump};
use crate::domain::diagnosis::who;
use crate::domain::rights;
use crate::domain::server::Link;
use crate::keys::{Action, TABLE, shown};

const READ_ONLY: &str = "read-only mode has no actions (it is set by --read-only or the configuration)";

const NO_ANSWER: &str = "the server does not answer";

/// Why nothing can be changed here and now; `None`: something can.
pub fn no_changes(model: &Model) -> Option<String> {
    if model.settings.read_only { Some(READ_ONLY.into()) } else { no_change(model) }
}

/// Which key cancels what runs, if there is anything to cancel yet and one does.
pub fn cancel_hint(model: &Model) -> String {
    match model.settings.keys.key(Action::CancelRefresh) {
        "" => String::new(),
        _ if model.action.as_ref().is_none_or(|action| action.pid.is_none()) => String::new(),
        key => format!(" ({} cancels it)", shown(key)),
    }
}

/// Why an action is off here and now; `None`: it works.
pub fn disabled(model: &Model, action: Action) -> Option<String> {
    let is_danger = TABLE.iter().any(|b| b.action == action && b.danger);
    if is_danger && model.settings.read_only {
        return Some(READ_ONLY.into());
    }
    match action {
        Action::Refresh => no_refresh(model),
        Action::CancelRefresh => match &model.action {
            Some(a) if a.is_running() && a.pid.is_some() => None,
            Some(a) if a.is_running() => Some("it is not connected yet: nothing of it was sent".into()),
            _ => Some("no refresh or other action of yours is running".into()),
        },
        Action::Enter | Action::Jump(_) if model.dialog.is_none() => no_rows(model, action),
        Action::Lens if model.comparison().is_none() => {
            Some("the view was not compared yet, so who sees what is not known".into())
        }
        Action::Lens if model.selected_view().is_some_and(|v| v.view.groups.is_empty()) => {
            let key = shown(model.settings.keys.key(Action::Groups));
            Some(format!("all rows are counted as one group, so there is nobody to see as; {key} chooses columns"))
        }
        Action::Fix if model.selected_view().is_none() => Some("there is no view to fix".into()),
        Action::Fix if model.newest.link != Link::Up => Some(NO_ANSWER.into()),
        Action::Choose => no_choice(model),
        Action::Schedule if model.fix.is_none() => no_job(model),
        Action::PauseJob | Action::RemoveJob | Action::RunJob => no_job(model).or_else(|| no_change(model)),
        Action::CancelBlocker | Action::EndBlocker => match fix::obstacle(model) {
            Some(_) => no_change(model),
            None => Some("no refresh of this view waits for another session".into()),
        },
        Action::Groups => groups::disabled(model),
        Action::Worst if model.diagnosis.worst().is_none() => Some("there is no view".into()),
        Action::Filter | Action::Sort if model.focus == Pane::Cron && model.drill.is_none() => {
            Some("the runs stand in the order of their start, unfiltered; this works in the panes 1, 3 and 4".into())
        }
        Action::Measure if model.selected_view().is_none() => Some("there is no view to measure".into()),
        _ => None,
    }
}

fn no_refresh(model: &Model) -> Option<String> {
    let Some(view) = model.selected_view() else { return Some("there is no view to refresh".into()) };
    let name = view.view.name.short();
    if view.view.is_plain() {
        return Some(format!("{name} is a plain view: it is always true, there is nothing to refresh"));
    }
    let server = model.newest.server.as_ref()?;
    if let Some(why) = no_change(model) {
        return Some(why);
    }
    if let Some(no) = rights::no_refresh(server, &view.view) {
        return Some(no.why);
    }
    let other = model.newest.view(view.view.oid)?.refreshing.iter().find(|r| r.granted)?;
    let who = who(&other.user, &other.application, other.pid);
    if other.is_forgotten() {
        let key = shown(model.settings.keys.key(Action::EndBlocker));
        return Some(format!("{key} first: {who} refreshed {name} and did not commit"));
    }
    Some(format!("{who} refreshes {name} already: wait for it instead of queuing behind it"))
}

/// Why nothing can be changed at all.
pub(super) fn no_change(model: &Model) -> Option<String> {
    if let Some(no) = rights::no_change(model.newest.server.as_ref()?) {
        return Some(no.why);
    }
    if model.newest.link != Link::Up {
        return Some(NO_ANSWER.into());
    }
    let is_running = model.action.as_ref().is_some_and(ActionRun::is_running);
    is_running.then(|| format!("your last action still runs{}", cancel_hint(model)))
}

fn no_job(model: &Model) -> Option<String> {
    if model.focus != Pane::Cron {
        let key = shown(model.settings.keys.key(Action::Pane(Pane::Cron.place())));
        return Some(format!("that is for the job shown in the cron pane: go there first ({key})"));
    }
    match (model.selected_job(), model.shown_job()) {
        (Some(_), _) => None,
        (None, Some(_)) => Some("the job shown is not one of this view: ← and → choose a job".into()),
        (None, None) => Some("there is no job".into()),
    }
}

fn no_choice(model: &Model) -> Option<String> {
    let screen = model.fix.as_ref()?;
    match fix::view(model, screen).map(|v| (v.facts.problem(), v.facts.value())) {
        None => Some("the view is gone".into()),
        Some((Some(problem), None)) => Some(problem.text.clone()),
        Some((_, None)) if model.newest.link != Link::Up => Some(NO_ANSWER.into()),
        Some((_, None)) => Some("its options are still being measured, a moment".into()),
        Some((_, Some(_))) => no_change(model),
    }
}

fn no_rows(model: &Model, action: Action) -> Option<String> {
    match (action, model.focus, &model.drill) {
        (Action::Enter, Pane::Views, None) => return None,
        (Action::Enter, Pane::Cron, None) => {
            return model.selected_run().is_none().then(|| "there is no run to look at".into());
        }
        _ => {}
    }
    if model.drill.is_some() && action == Action::Enter {
        return Some("this is a row already; Esc goes back".into());
    }
    if model.fix.is_some() {
        return Some("Esc first: what can be done is on the screen".into());
    }
    if model.frozen.is_some() && model.drill.is_none() {
        let key = shown(model.settings.keys.key(Action::Freeze));
        return Some(format!("the display stands still, and these rows are not read: {key} goes on"));
    }
    let Some(comparison) = model.comparison() else {
        return Some("the view was not compared yet, so its rows are not known".into());
    };
    if model.selected_line().is_none() && model.drill.is_none() {
        return Some("no line is selected".into());
    }
    match action {
        Action::Jump(n) => {
            let name = model.settings.keys.jump(n)?;
            let found = jump::has(&comparison.matrix, name);
            (!found).then(|| format!("no group of this view is called {name}"))
        }
        _ => None,
    }
}
