//! One ejecutivo's drifted rows: a tab a coordinación, where the rows went, each row, and the selected row's values.
//!
//! ```text
//! ┏ Osmara Partida · mv_conversaciones_dashboard ━━━━━━━━━━━━━━━━━━━━━━━━━┓
//!   all 166/29   ▌VEN 166/0▐   BOOM 0/29
//!   137 moved to Berta Lagos · VEN …
//!   moved    Lucía Peña           VEN → BOOM
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout as Split, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType};
use serde_json::Value;

use super::flow::kind_style;
use super::rows::{Column, paint, rest, row, words, wrapped_within};
use super::{progress, window};
use crate::app::Model;
use crate::app::dispatch::tabs;
use crate::app::model::{DrillScreen, LineKey};
use crate::domain::diagnosis::thousands;
use crate::domain::drift::{Kind, Route};
use crate::domain::groups::GroupId;
use crate::domain::matrix::{Matrix, Sides};
use crate::domain::reading::Reading;
use crate::domain::server::Link;
use crate::domain::snapshot::{DriftRow, Drill, DrillIndex, RowDetail};
use crate::domain::text::{fit, visible, width};
use crate::domain::time::Time;
use crate::theme::Theme;

/// Draws it.
pub fn draw(model: &Model, screen: &DrillScreen, theme: &Theme, frame: &mut Frame, area: Rect) {
    let view = screen.view.and_then(|oid| model.snapshot.view(oid));
    let name = view.map(|v| v.view.name.short()).unwrap_or_default();
    let block = Block::bordered()
        .border_type(BorderType::Thick)
        .border_style(theme.border_focus)
        .title_top(Line::styled(format!(" {} ", screen.title), theme.title))
        .title_top(Line::styled(format!(" {name} "), theme.dim).right_aligned());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [head, list, detail] = areas(inner);
    let drill = model.drilled();
    let Some((drill, index)) = drill.and_then(|drill| Some((drill, drill.index.value()?))) else {
        let said = drill.and_then(|drill| progress(&drill.index, theme, model.server_now()));
        let waits = match model.newest.link {
            _ if model.frozen.is_some() => "the display stands still, and these rows are not read",
            Link::Up => "reading the rows that differ…",
            _ => "the rows that differ are read as soon as the server answers",
        };
        let line = said.unwrap_or_else(|| Span::styled(waits, theme.dim));
        frame.render_widget(
            Text::from(vec![tab_line(model, screen, theme, inner.width), Line::default(), Line::from(line)]),
            inner,
        );
        return;
    };
    paint(frame, head, summary(model, screen, drill, theme, head));
    paint(frame, list, rows(screen, drill, index, theme, list));
    paint(frame, detail, values(model, screen, drill, theme, detail));
}

/// Head, list and values: the list keeps its header and a row or two however low the screen is.
fn areas(inner: Rect) -> [Rect; 3] {
    let detail = if inner.height >= 24 { 9 } else { 4.min(inner.height / 3) };
    let head = if inner.height >= 18 { 6 } else { 4.min(inner.height.saturating_sub(detail + 3)).max(2) };
    Split::vertical([Constraint::Length(head), Constraint::Fill(1), Constraint::Length(detail)]).areas(inner)
}

/// The tabs from the first on, or from a later one where the chosen one would not be seen.
fn tab_line<'a>(model: &Model, screen: &DrillScreen, theme: &Theme, columns: u16) -> Line<'a> {
    let Some(matrix) = model.comparison().map(|comparison| &comparison.matrix) else { return Line::default() };
    let text = |tab: &Option<LineKey>| {
        let counts = counts(matrix, screen, tab);
        format!(" {} {}/{} ", tab_title(matrix, tab), thousands(counts.view), thousands(counts.live))
    };
    let tabs = tabs(model);
    let texts: Vec<String> = tabs.iter().map(text).collect();
    let chosen = tabs.iter().position(|tab| *tab == screen.tab).unwrap_or_default();
    // A sign on either side where more are, and what the numbers are.
    let legend = "view/live";
    let room = usize::from(columns).saturating_sub(width(legend) + 3);
    let seen = seen_tabs(&texts, chosen, room);
    let style = |place| if place == chosen { theme.badge_unknown } else { theme.words() };
    let mut spans = vec![Span::styled(if seen.start > 0 { "‹" } else { "" }, theme.dim)];
    for place in seen.clone() {
        spans.extend([Span::styled(fit(&texts[place], room).into_owned(), style(place)), Span::raw(" ")]);
    }
    spans.push(Span::styled(if seen.end < texts.len() { "› " } else { "" }, theme.dim));
    spans.push(Span::styled(legend, theme.dim));
    Line::from(spans)
}

/// The tabs that are seen in so many columns: the chosen one, as many as fit before it, then as many as fit behind it.
fn seen_tabs(texts: &[String], chosen: usize, columns: usize) -> Range<usize> {
    let mut room = columns;
    let mut fits = |text: &String| {
        let left = room.checked_sub(width(text) + 1);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let before = texts[..=chosen].iter().rev().take_while(|text| fits(text)).count().max(1);
    let behind = texts[chosen + 1..].iter().take_while(|text| fits(text)).count();
    chosen + 1 - before..chosen + 1 + behind
}

fn tab_title(matrix: &Matrix, tab: &Option<LineKey>) -> String {
    let named = |key: &LineKey| matrix.columns.iter().find(|m| m.key == *key).map(|m| m.title().to_string());
    tab.as_ref().and_then(named).unwrap_or_else(|| "all".into())
}

fn counts(matrix: &Matrix, screen: &DrillScreen, tab: &Option<LineKey>) -> Sides {
    let Some(line) = matrix.lines.iter().find(|l| l.member.key == screen.member) else { return Sides::default() };
    match tab {
        None => line.total,
        Some(key) => {
            let place = matrix.columns.iter().position(|m| m.key == *key);
            place.and_then(|i| line.cells.get(i)).copied().unwrap_or_default()
        }
    }
}

/// The tabs, how many rows differ in which way, and the groups that most of them came from or went to.
fn summary<'a>(model: &Model, screen: &DrillScreen, drill: &Drill, theme: &Theme, area: Rect) -> Vec<Line<'a>> {
    let Some(index) = drill.index.value() else { return Vec::new() };
    let mut kinds: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut routes: BTreeMap<Route, u64> = BTreeMap::new();
    for flow in &screen.flow {
        let kind = flow.kind().unwrap_or(Kind::Changed);
        *kinds.entry(kind).or_default() += flow.rows;
        if kind != Kind::Changed {
            *routes.entry(route(index, flow.from, flow.to)).or_default() += flow.rows;
        }
    }
    let mut lines = vec![tab_line(model, screen, theme, area.width)];
    if area.height >= 6 {
        lines.push(Line::default());
    }
    if index.is_beginning {
        lines.push(Line::from(beginning(screen, drill, theme, model.server_now())));
        return lines;
    }
    if kinds.is_empty() {
        lines.push(Line::from(Span::styled("Every row here is as it should be.", theme.ok)));
    } else {
        let spans = kinds.iter().flat_map(|(kind, n)| {
            let what = if *kind == Kind::Moved { moves(model, screen, index) } else { String::new() };
            words(&format!("{} {}{what}   ", thousands(*n), kind.word()), kind_style(theme, *kind)).spans
        });
        let room = (area.height as usize).saturating_sub(lines.len() + 1).clamp(1, 2);
        lines.extend(wrapped_within(spans.collect(), area.width, room));
    }
    if index.left_out > 0 {
        let text = format!("{} more rows differ than are listed here", thousands(index.left_out));
        lines.push(Line::from(Span::styled(text, theme.warning)));
    }
    let mut routes: Vec<_> = routes.into_iter().collect();
    routes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let said = routes.iter().map(|(route, n)| format!("{} {route}", thousands(*n)));
    let room = (area.height as usize).saturating_sub(lines.len());
    lines.extend(packed(said, area.width as usize, room).into_iter().map(|text| Line::styled(text, theme.dim)));
    lines
}

/// Says that the list is not whole yet; nothing can be counted by it.
fn beginning<'a>(screen: &DrillScreen, drill: &Drill, theme: &Theme, now: Time) -> Vec<Span<'a>> {
    let text = match screen.rows.len() {
        0 => "None of the first rows is here; the list of all: ".to_string(),
        rows => format!("The first {rows} rows; the list of all: "),
    };
    let then = progress(&drill.index, theme, now).unwrap_or_else(|| Span::styled("reading…", theme.busy));
    vec![Span::styled(text, theme.words()), then]
}

/// Of the rows that moved: how many only to another coordinación, how many to or from other ejecutivos.
fn moves(model: &Model, screen: &DrillScreen, index: &DrillIndex) -> String {
    let groups =
        screen.view.and_then(|oid| model.snapshot.view(oid)).map(|v| v.view.groups.clone()).unwrap_or_default();
    let noun = |place: usize| groups.get(place).map_or("group", |g| g.noun()).to_string();
    let is_mine = |id: Option<_>| match (&screen.member, id) {
        (None, _) => true,
        (Some(member), Some(id)) => index.group(id).member(0).key.as_ref() == Some(member),
        (Some(_), None) => false,
    };
    let (mut within, mut away, mut here) = (0, 0, 0);
    for flow in screen.flow.iter().filter(|flow| flow.kind() == Some(Kind::Moved)) {
        match (is_mine(flow.from), is_mine(flow.to)) {
            (true, true) => within += flow.rows,
            (true, false) => away += flow.rows,
            _ => here += flow.rows,
        }
    }
    let parts = [
        (within, format!("to another {}", noun(1))),
        (away, format!("to another {}", noun(0))),
        (here, format!("from another {}", noun(0))),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", thousands(*n))).collect();
    format!(" ({})", said.join(", "))
}

/// Phrases side by side on as few lines as they need, at most `most`; the last says how many did not fit.
fn packed(phrases: impl Iterator<Item = String>, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    let mut left_out = 0;
    for phrase in phrases {
        let used = lines.last().map_or(0, |l| width(l));
        if used > 0 && used + 3 + width(&phrase) > columns.saturating_sub(10) {
            if lines.len() == most {
                left_out += 1;
                continue;
            }
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut().filter(|_| left_out == 0) {
            line.push_str(if line.is_empty() { "" } else { "   " });
            line.push_str(&phrase);
        } else {
            left_out += 1;
        }
    }
    if let Some(line) = lines.last_mut().filter(|_| left_out > 0) {
        line.push_str(&format!("   +{left_out} more"));
    }
    lines.truncate(most);
    lines
}

fn route(index: &DrillIndex, from: Option<GroupId>, to: Option<GroupId>) -> Route {
    Route::between(from.map(|id| index.group(id)), to.map(|id| index.group(id)))
}

fn rows<'a>(screen: &DrillScreen, drill: &Drill, index: &DrillIndex, theme: &Theme, area: Rect) -> Vec<Line<'a>> {
    let fixed = [Column::Text(8), Column::Text(26)];
    let mut columns = fixed.to_vec();
    columns.push(Column::Text(rest(area.width, &fixed)));
    let mut lines = vec![row(&columns, ["kind", "row", "what"].map(|h| (h.to_string(), theme.header)))];
    for place in window(screen.row, screen.rows.len(), (area.height as usize).saturating_sub(1)) {
        let number = screen.rows[place];
        let drifted = &index.rows[number];
        let detail = drill.detail(number);
        let line = row(
            &columns,
            [
                (drifted.kind.word().to_string(), kind_style(theme, drifted.kind)),
                (row_title(drifted, detail), theme.words()),
                (what(index, drifted, detail), theme.words()),
            ],
        );
        lines.push(if place == screen.row { line.style(theme.selection) } else { line });
    }
    lines
}

/// What the row is called: the first of its columns that looks like a name, else its key.
fn row_title(row: &DriftRow, detail: Option<&RowDetail>) -> String {
    let named = detail.and_then(|d| d.live.as_ref().or(d.view.as_ref())).and_then(|values| {
        let is_name =
            |column: &str| column.starts_with("nombre") || column.starts_with("name") || column.ends_with("name");
        values.iter().find(|(column, value)| is_name(column) && value.is_string()).map(|(_, value)| text(value))
    });
    named.unwrap_or_else(|| key(row))
}

fn key(row: &DriftRow) -> String {
    let parts: Vec<Option<String>> = serde_json::from_str(&row.key).unwrap_or_default();
    let parts: Vec<String> = parts.into_iter().map(|p| p.unwrap_or_else(|| "NULL".into())).collect();
    visible(&parts.join(", ")).into_owned()
}

fn what(index: &DrillIndex, row: &DriftRow, detail: Option<&RowDetail>) -> String {
    let route = route(index, row.from, row.to);
    match row.kind {
        Kind::Moved => route.to_string(),
        Kind::Missing => format!("live in {}, not in the view", route.to),
        Kind::Gone => format!("still in the view in {}, no longer live", route.from),
        Kind::Changed => match detail {
            None => "reading which columns…".into(),
            Some(detail) => {
                let changes = detail.changes();
                let said = changes.iter().map(|(column, old, new)| format!("{column}: {} → {}", text(old), text(new)));
                said.collect::<Vec<_>>().join("; ")
            }
        },
    }
}

/// The selected row's key and its values, view → live where they differ.
fn values<'a>(model: &Model, screen: &DrillScreen, drill: &Drill, theme: &Theme, area: Rect) -> Vec<Line<'a>> {
    let Some(&number) = screen.rows.get(screen.row) else { return Vec::new() };
    let Some(index) = drill.index.value() else { return Vec::new() };
    let first = if index.is_beginning { "the first " } else { "" };
    let place = format!("─ {} of {first}{} ─ key {} ", screen.row + 1, screen.rows.len(), key(&index.rows[number]));
    let place = fit(&place, area.width as usize);
    let line = format!("{place}{}", "─".repeat((area.width as usize).saturating_sub(width(&place))));
    let mut lines = vec![Line::styled(line, theme.border)];
    let Some(detail) = drill.detail(number) else {
        let why = drill.pages.get(&(number / Drill::PAGE)).and_then(Reading::problem);
        lines.push(match why {
            Some(why) => Line::styled(format!("its values were not read: {}", why.text), theme.warning),
            None if model.frozen.is_some() => {
                Line::styled("its values are not read while the display stands still", theme.dim)
            }
            None => Line::styled("reading its values…", theme.dim),
        });
        return lines;
    };
    let shown: Vec<(String, String, String)> = match (&detail.view, &detail.live) {
        (Some(_), Some(_)) => {
            detail.changes().into_iter().map(|(c, old, new)| (c.to_string(), text(old), text(new))).collect()
        }
        (Some(view), None) => view.iter().map(|(c, v)| (c.clone(), text(v), "no longer live".into())).collect(),
        (None, Some(live)) => live.iter().map(|(c, v)| (c.clone(), "not in the view".into(), text(v))).collect(),
        (None, None) => Vec::new(),
    };
    let half = rest(area.width, &[Column::Text(24), Column::Text(1)]) / 2;
    let columns = [Column::Text(24), Column::Text(half), Column::Text(1), Column::Text(half)];
    lines.extend(shown.into_iter().map(|(column, old, new)| {
        row(&columns, [(column, theme.dim), (old, theme.gone), ("→".into(), theme.dim), (new, theme.missing)])
    }));
    lines.truncate(area.height as usize);
    lines
}

/// A JSON value as people read it, its control characters made visible.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::String(s) => visible(s).into_owned(),
        other => visible(&other.to_string()).into_owned(),
    }
}
