//! Into the rows of a line: the one under the cursor, or the group that a key jumps to.

use super::Cmd;
use super::lines::retab;
use super::model::{DrillScreen, LineKey, Model};
use super::update::want_page;
use crate::domain::matrix::Matrix;
use crate::domain::snapshot::DrillTarget;
use crate::keys::{Action, JUMPS};
use crate::watch::Request;

/// Has the view a group of this name, as a column or as a line?
pub(super) fn has(matrix: &Matrix, name: &str) -> bool {
    column(matrix, name).is_some() || line(matrix, name).is_some()
}

/// Is this something that keys can do here? Everything is but a jump that nobody configured to a group that this view
/// does not have: `b` and `v` come from another database.
pub fn is_of_here(model: &Model, action: Action) -> bool {
    let Action::Jump(n) = action else { return true };
    let name = model.settings.keys.jump(n).unwrap_or_default();
    let is_usual = JUMPS.iter().any(|(_, group)| *group == name);
    !is_usual || model.comparison().is_some_and(|c| has(&c.matrix, name))
}

fn column(matrix: &Matrix, name: &str) -> Option<LineKey> {
    matrix.columns.iter().find(|m| m.title().eq_ignore_ascii_case(name)).map(|m| m.key.clone())
}

/// The line of this name, where the values counted by are the lines.
fn line(matrix: &Matrix, name: &str) -> Option<LineKey> {
    matrix.lines.iter().find(|l| l.member.title().eq_ignore_ascii_case(name)).map(|l| l.member.key.clone())
}

/// Opens the selected line's rows in the n-th group that keys jump to; where that is a line, its own rows.
pub(super) fn jump(model: &mut Model, n: usize) -> Vec<Cmd> {
    let name = model.settings.keys.jump(n).unwrap_or_default();
    let matrix = model.comparison().map(|c| &c.matrix);
    let tab = matrix.and_then(|m| column(m, name));
    if let Some(line) = matrix.filter(|_| tab.is_none()).and_then(|m| line(m, name)) {
        model.counts.selected = Some(line);
        return drill(model, None);
    }
    if let Some(screen) = &mut model.drill {
        (screen.tab, screen.row) = (tab, 0);
        retab(model);
        return want_page(model);
    }
    drill(model, tab)
}

/// Opens the rows of the selected line.
pub(super) fn drill(model: &mut Model, tab: Option<LineKey>) -> Vec<Cmd> {
    let (Some(view), Some(line)) = (model.selected_view().map(|v| v.view.oid), model.selected_line()) else {
        return Vec::new();
    };
    let (member, title) = (line.member.key.clone(), line.member.title().to_string());
    // Hold on to the line, whatever the order becomes meanwhile.
    model.counts.selected = Some(member.clone());
    let target = DrillTarget { view, member: member.clone() };
    model.drill =
        Some(DrillScreen { view: Some(view), member, title, tab, row: 0, rows: Vec::new(), flow: Vec::new() });
    vec![Cmd::Watch(Request::Drill(Some(target)))]
}
