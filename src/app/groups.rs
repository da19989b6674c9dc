//! The choice of the columns that a view's rows are counted by: which there are, the likely ones first, and what each key
//! does to the choice.

use super::Cmd;
use super::model::{Choice, Dialog, Model};
use super::update::say;
use crate::domain::group_columns::listed;
use crate::domain::snapshot::{ColumnValues, ViewState};
use crate::keys::Action;
use crate::watch::Request;
use crate::written::quoted;

/// Lines and columns: more group columns than these the counts have no place for.
pub const MOST: usize = 2;

/// How many rows a screenful of the list moves.
const PAGE: isize = 10;

/// Why it is off; `None`: it works.
pub fn disabled(model: &Model) -> Option<String> {
    match model.selected_view() {
        None => Some("there is no view whose rows could be counted".into()),
        Some(view) if !view.view.can_select => Some("this role may not read the view".into()),
        Some(_) => None,
    }
}

/// Opens the choice with what is in force, and asks how many values the columns have.
pub fn open(model: &mut Model) -> Vec<Cmd> {
    let Some(view) = model.selected_view() else { return Vec::new() };
    let chosen: Vec<String> = view.view.groups.iter().map(|g| g.column.clone()).collect();
    let choice = Choice { view: view.view.oid, column: chosen.first().cloned(), chosen };
    let wanted = Request::Columns(choice.view);
    model.dialog = Some(Dialog::Groups(choice));
    vec![Cmd::Watch(wanted)]
}

/// The place of the cursor in the list.
pub fn place(choice: &Choice, columns: &[ColumnValues]) -> usize {
    let held = choice.column.as_ref().and_then(|name| columns.iter().position(|c| c.name == *name));
    held.unwrap_or(0)
}

/// What a key does to the choice.
pub fn act(model: &mut Model, mut choice: Choice, action: Action) -> Vec<Cmd> {
    let Some(view) = model.newest.view(choice.view).cloned() else { return Vec::new() };
    let columns = listed(&view);
    let by = match action {
        Action::Back => return Vec::new(),
        Action::Enter => return apply(model, &view, choice),
        Action::Toggle => {
            toggle(model, &mut choice, &columns);
            0
        }
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -PAGE,
        Action::PageDown => PAGE,
        Action::First => isize::MIN / 2,
        Action::Last => isize::MAX / 2,
        _ => 0,
    };
    let next = place(&choice, &columns).saturating_add_signed(by).min(columns.len().saturating_sub(1));
    choice.column = columns.get(next).map(|c| c.name.clone());
    model.dialog = Some(Dialog::Groups(choice));
    Vec::new()
}

fn toggle(model: &mut Model, choice: &mut Choice, columns: &[ColumnValues]) {
    let Some(name) = columns.get(place(choice, columns)).map(|c| c.name.clone()) else { return };
    if let Some(taken) = choice.chosen.iter().position(|c| *c == name) {
        choice.chosen.remove(taken);
    } else if choice.chosen.len() < MOST {
        choice.chosen.push(name);
    } else {
        say(model, "two columns are chosen already: take one out first");
    }
}

fn apply(model: &mut Model, view: &ViewState, choice: Choice) -> Vec<Cmd> {
    let is_same = view.view.groups.iter().map(|g| &g.column).eq(&choice.chosen);
    if is_same {
        return Vec::new();
    }
    let by =
        if choice.chosen.is_empty() { "as one group".into() } else { format!("by {}", choice.chosen.join(" × ")) };
    say(model, format!("comparing {} {by}, until mvtop ends", view.view.name.short()));
    (model.counts.selected, model.counts.column, model.flow, model.drill) = (None, 0, 0, None);
    model.counts.filter.reset();
    vec![Cmd::Watch(Request::Group(choice.view, choice.chosen))]
}

/// The lines of a configuration file that keep the choice.
pub fn kept(view: &ViewState, choice: &Choice) -> [String; 2] {
    let columns: Vec<String> = choice.chosen.iter().map(|c| quoted(c)).collect();
    [format!("[views.{}]", quoted(&view.view.name.to_string())), format!("groups = [{}]", columns.join(", "))]
}
