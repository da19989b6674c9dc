//! Which lines the lists show, in which order: the counts' filter and sort, whose eyes, the drill's tabs.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tui_input::Input;

use super::dispatch::tabs;
use super::model::{DrillScreen, LineKey, Model, Sort, ViewSort};
use crate::domain::drift::Flow;
use crate::domain::groups::{Group, GroupId};
use crate::domain::lens::Role;
use crate::domain::matrix::Line;
use crate::domain::snapshot::DrillIndex;
use crate::domain::text::folded;
use crate::domain::view::Oid;
use crate::keys::Action;

/// Orders and filters the counts anew, after the comparison, the filter or the sort changed.
pub fn reorder(model: &mut Model) {
    let Some(comparison) = model.comparison().cloned() else {
        model.counts.order.clear();
        return;
    };
    let lines = &comparison.matrix.lines;
    let wanted = folded(model.counts.filter.value());
    let in_sight = |line: &Line| match model.role {
        // A coordinador sees those who have rows in their coordinación.
        Some(Role::Coordinador) => line.cells.get(model.counts.column).is_none_or(|c| c.view + c.live > 0),
        _ => true,
    };
    let passes = |line: &Line| in_sight(line) && (wanted.is_empty() || folded(line.member.title()).contains(&wanted));
    let mut order: Vec<usize> = (0..lines.len()).filter(|&i| passes(&lines[i])).collect();
    match model.counts.sort {
        Sort::Worst => {}
        Sort::Name => order.sort_by_cached_key(|&i| folded(lines[i].member.title())),
        Sort::View => order.sort_by_key(|&i| Reverse(lines[i].total.view)),
        Sort::Live => order.sort_by_key(|&i| Reverse(lines[i].total.live)),
    }
    model.counts.order = order;
}

/// The next role that this view knows and the cursor names somebody of, then none.
pub fn next_lens(model: &mut Model) {
    // The person looked at stays under the cursor while the list of lines becomes another.
    if model.counts.selected.is_none() {
        model.counts.selected = model.selected_line().map(|l| l.member.key.clone());
    }
    model.flow = 0;
    let place = model.role.map_or(0, |role| role as usize + 1);
    for next in Role::ALL.iter().skip(place).map(|role| Some(*role)).chain([None]) {
        model.role = next;
        reorder(model);
        if model.lens().is_some() {
            return;
        }
    }
}

/// Orders and filters the views anew, after the Snapshot, its meaning, the filter or the sort changed.
pub fn reorder_views(model: &mut Model) {
    let wanted = folded(model.views.filter.value());
    let (views, reports) = (&model.snapshot.views, &model.diagnosis.views);
    let passes = |place: &usize| wanted.is_empty() || folded(&views[*place].view.name.to_string()).contains(&wanted);
    let mut order: Vec<usize> = (0..views.len().min(reports.len())).filter(passes).collect();
    // The Snapshot has them by name, and these sorts are stable.
    match model.views.sort {
        ViewSort::Worst => order.sort_by_key(|&i| Reverse(reports[i].need())),
        ViewSort::Name => {}
        ViewSort::Age => order.sort_by_key(|&i| Reverse(reports[i].freshness.age)),
    }
    model.views.order = order;
    follow_filter(model);
}

/// Where the filter hides the selected view, the first that it shows is selected.
fn follow_filter(model: &mut Model) {
    if model.views.filter.value().is_empty() {
        return;
    }
    let oid = |place: &usize| model.snapshot.views.get(*place).map(|v| v.view.oid);
    let selected = model.selected_view().map(|v| v.view.oid);
    let is_shown = model.views.order.iter().any(|place| oid(place) == selected);
    if let Some(first) = model.views.order.first().and_then(oid).filter(|_| !is_shown) {
        select_view(model, first);
    }
}

/// Puts the cursor on another view; what was chosen in the one before does not hold for it.
pub fn select_view(model: &mut Model, view: Oid) {
    if model.selected_view().map(|v| v.view.oid) != Some(view) {
        (model.counts.selected, model.counts.column, model.flow) = (None, 0, 0);
        (model.job, model.run) = (None, 0);
        model.counts.filter = Input::default();
    }
    model.view = Some(view);
    reorder(model);
}

/// Whoever does something with a view means that one, even while it is not settled yet which needs a person most. What
/// only looks around means none.
pub fn hold_view(model: &mut Model, action: Action) {
    use Action::{Back, Freeze, Help, Log, NextPane, Pane, PreviousPane, Quit, Suspend, Theme, Worst, Zoom};
    let looks_around = matches!(
        action,
        Back | Freeze | Help | Log | NextPane | Pane(_) | PreviousPane | Quit | Suspend | Theme | Worst | Zoom
    );
    if !looks_around {
        model.view = model.selected_view().map(|view| view.view.oid).or(model.view);
    }
}

/// Picks the rows of the drill's tab anew, after the index or the tab changed.
pub fn retab(model: &mut Model) {
    let tabs = if model.drill.is_some() { tabs(model) } else { return };
    let index = model.drilled().and_then(|d| d.index.value().cloned());
    let Some(screen) = &mut model.drill else { return };
    if !tabs.contains(&screen.tab) {
        screen.tab = None;
    }
    screen.rows = match &index {
        Some(index) => (0..index.rows.len()).filter(|&i| is_in_tab(screen, index, i)).collect(),
        None => Vec::new(),
    };
    screen.flow = index.map_or(Vec::new(), |index| flow(&index, &screen.rows));
    screen.row = screen.row.min(screen.rows.len().saturating_sub(1));
}

/// The key of the drill's row under the cursor.
pub fn row_key(model: &Model) -> Option<Box<str>> {
    let (screen, drill) = (model.drill.as_ref()?, model.drilled()?);
    Some(drill.index.value()?.rows.get(*screen.rows.get(screen.row)?)?.key.clone())
}

/// Puts the cursor back on the row with this key, if it is still there; most often it is where it was.
pub fn select_row(model: &mut Model, key: &str) {
    let Some(index) = model.drilled().and_then(|drill| drill.index.value()).cloned() else { return };
    let Some(screen) = &mut model.drill else { return };
    let is_it = |row: &usize| &*index.rows[*row].key == key;
    if !screen.rows.get(screen.row).is_some_and(is_it) {
        screen.row = screen.rows.iter().position(is_it).unwrap_or(screen.row);
    }
}

/// These rows counted by where they come from and go to: what every frame says of them.
fn flow(index: &DrillIndex, rows: &[usize]) -> Vec<Flow> {
    let mut counts: BTreeMap<(Option<GroupId>, Option<GroupId>), u64> = BTreeMap::new();
    for row in rows.iter().map(|&i| &index.rows[i]) {
        *counts.entry((row.from, row.to)).or_default() += 1;
    }
    counts.into_iter().map(|((from, to), rows)| Flow { from, to, rows, changed: 0 }).collect()
}

/// Is the row, on either side, in this ejecutivo's chosen coordinación?
fn is_in_tab(screen: &DrillScreen, index: &DrillIndex, row: usize) -> bool {
    let Some(tab) = &screen.tab else { return true };
    let row = &index.rows[row];
    let matches = |id: Option<GroupId>| id.is_some_and(|id| is_cell(index.group(id), &screen.member, tab));
    matches(row.from) || matches(row.to)
}

fn is_cell(group: Group<'_>, member: &LineKey, column: &LineKey) -> bool {
    let holds = |place: usize, wanted: &LineKey| wanted.is_none() || group.member(place).key == *wanted;
    holds(0, member) && holds(1, column)
}
