//! The dialog that chooses the columns that rows are counted by.
//!
//! ```text
//! ╭ Count mv_conversaciones_dashboard by ───────────────────────╮
//! │      column                 type                    values │
//! │ 1    etapa                  text                        ~7 │
//! │      coordinacion_id        uuid                        ~6 │
//! │ It holds until mvtop ends. To keep it, write this into      │
//! │ /home/ana/.config/mvtop/config.toml                         │
//! │ [views."public.mv_conversaciones_dashboard"]                │
//! │ groups = ["etapa"]                                          │
//! ╰─────────────────────────────────────────────────────────────╯
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::rows::{Column, rest, row};
use super::{progress, window};
use crate::app::Model;
use crate::app::groups::{kept, place};
use crate::app::model::Choice;
use crate::domain::diagnosis::thousands;
use crate::domain::group_columns::{MANY, listed};
use crate::domain::snapshot::{ColumnValues, ValuesSource, ViewState};
use crate::domain::text::{visible, wrap};
use crate::theme::Theme;

/// The dialog's title and lines.
pub(super) fn choice<'a>(
    model: &Model,
    theme: &Theme,
    view: &ViewState,
    choice: &Choice,
    area: Rect,
) -> (String, Vec<Line<'a>>) {
    let columns = listed(view);
    let cursor = place(choice, &columns);
    let fixed = [Column::Text(4), Column::Text(26), Column::Number(9)];
    let width = area.width.saturating_sub(4).min(96) - 4;
    let mut foot = foot(model, theme, view, choice, &columns, width as usize, area.height < 20);
    // A long path takes several lines: the columns give way, not the line that keeps the choice.
    let foot_height: usize = foot.iter().map(|line| line.width().max(1).div_ceil(width as usize)).sum();
    let room = (area.height as usize).saturating_sub(foot_height + 6).max(3);
    let name = Column::Text(rest(width, &fixed));
    let shape = [fixed[0], name, fixed[1], fixed[2]];
    let header = ["", "column", "type", "values"].map(|h| (h.to_string(), theme.header));
    let mut lines = vec![row(&shape, header)];
    for i in window(cursor, columns.len(), room) {
        let line = column_row(theme, view, choice, &columns[i], &shape);
        lines.push(if i == cursor { line.style(theme.selection) } else { line });
    }
    lines.push(Line::default());
    lines.append(&mut foot);
    (format!("Count {} by", view.view.name.short()), lines)
}

fn column_row<'a>(
    theme: &Theme,
    view: &ViewState,
    choice: &Choice,
    column: &ColumnValues,
    shape: &[Column],
) -> Line<'a> {
    let taken = match choice.chosen.iter().position(|c| *c == column.name) {
        Some(0) => "▸ 1",
        Some(_) => "▸ 2",
        None => "",
    };
    let data_type = view.view.columns.iter().find(|c| c.name == column.name).map_or("", |c| &c.data_type);
    let style = match (taken.is_empty(), column.values) {
        (false, _) => theme.accent,
        (true, Some(2..=MANY)) => theme.text,
        (true, _) => theme.dim,
    };
    let values = match (column.values, column.source) {
        (None, _) => "?".into(),
        (Some(values), ValuesSource::Statistics) => format!("~{}", thousands(values)),
        (Some(values), ValuesSource::First(_)) => thousands(values),
    };
    let cells = [
        (taken.to_string(), theme.key),
        (visible(&column.name).into_owned(), style),
        (data_type.to_string(), theme.dim),
        (values, theme.number),
    ];
    row(shape, cells)
}

/// What the numbers are, and how the choice is kept.
fn foot<'a>(
    model: &Model,
    theme: &Theme,
    view: &ViewState,
    choice: &Choice,
    columns: &[ColumnValues],
    width: usize,
    is_low: bool,
) -> Vec<Line<'a>> {
    let counted = columns.iter().find_map(|c| match c.source {
        ValuesSource::First(rows) if c.values.is_some() => Some(rows),
        _ => None,
    });
    let numbers = match counted {
        _ if view.columns.value().is_none() => "How many values each column has is being read.".to_string(),
        Some(rows) => {
            format!("Counted over the first {} rows; ~ is an estimate of the planner.", thousands(rows))
        }
        None => "The numbers of values are the planner's estimates.".into(),
    };
    // What keeps the choice is worth more than where the numbers are from.
    let mut lines: Vec<Line> =
        (!is_low).then(|| wrap(&numbers, width)).into_iter().flatten().map(|l| Line::styled(l, theme.dim)).collect();
    lines.extend(progress(&view.columns, theme, model.server_now()).map(Line::from));
    let chosen = match choice.chosen.as_slice() {
        [] => "Nothing chosen: all rows are one group.".into(),
        [lines] => format!("A line for each {lines}."),
        [lines, columns, ..] => format!("A line for each {lines}, a column for each {columns}."),
    };
    // What a key was answered, where it can be read: the dialog may lie over the status line.
    let (said, style) = model.notice.as_ref().map_or((&chosen, theme.text), |n| (&n.text, theme.warning));
    lines.extend(wrap(said, width).into_iter().map(|line| Line::styled(line, style)));
    let file = model.settings.config_file.as_deref().unwrap_or("the configuration");
    let hint = wrap("It holds until mvtop ends. To keep it, write this into", width);
    lines.extend(hint.into_iter().chain([file.to_string()]).map(|line| Line::styled(line, theme.dim)));
    lines.extend(kept(view, choice).map(|line| Line::from(Span::styled(visible(&line).into_owned(), theme.accent))));
    lines
}
