//! Pane 3: one line an ejecutivo, a column group a coordinación: rows in the view, live, and the difference.
//!
//! ```text
//!                        BOOM               VEN                all
//!  ejecutivo            view live    Δ     view live    Δ     view live  wrong
//!  Osmara Partida          0   29  +29      166    0 -166      166   29    166
//! ```

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::rows::{Column, paint, row};
use super::{filtered, of_view, pane_block, progress, unseen, why_not_compared, window};
use crate::app::Model;
use crate::app::model::Pane;
use crate::domain::diagnosis::thousands;
use crate::domain::group_columns::likely;
use crate::domain::groups::Member;
use crate::domain::lens::{Lens, Role};
use crate::domain::matrix::{self, Comparison, Matrix, Sides};
use crate::domain::snapshot::ColumnValues;
use crate::domain::text::{fit, pad_right, visible, width as text_width, wrap};
use crate::domain::time::ago;
use crate::keys::{Action, shown};
use crate::theme::Theme;

/// Draws it.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let block = pane_block(model, theme, Pane::Counts, &title(model), right(model, theme), area.width);
    let inner = block.inner(area);
    let seen = seen(model, inner.height);
    let block = match outside(model, &seen) {
        Some(said) => block.title_bottom(Line::styled(said, theme.warning).right_aligned()),
        None => block,
    };
    frame.render_widget(block, area);
    match model.comparison() {
        Some(comparison) => table(model, theme, comparison, seen, frame, inner),
        None => frame.render_widget(Paragraph::new(waiting(model, theme)).wrap(Wrap { trim: true }), inner),
    }
}

/// The lines shown on so many rows: those around the cursor, or the one that an ejecutivo sees, which follows it.
fn seen(model: &Model, height: u16) -> Range<usize> {
    let place = model.line_place();
    match model.lens() {
        Some(lens) if lens.role == Role::Ejecutivo => place..place + 1,
        _ => window(place, model.counts.order.len(), (height as usize).saturating_sub(3)),
    }
}

/// Says how many of the lines that differ are not among them: a cursor that stays on its line goes down with it.
fn outside(model: &Model, seen: &Range<usize>) -> Option<String> {
    let lines = &model.comparison()?.matrix.lines;
    if model.lens().is_some_and(|lens| lens.role == Role::Ejecutivo) {
        return None;
    }
    let (above, rest) = model.counts.order.split_at_checked(seen.start)?;
    let below = rest.get(seen.len()..)?;
    let differ = |places: &[usize]| places.iter().filter(|&&place| lines[place].misplaced > 0).count();
    unseen(differ(above), differ(below))
}

/// `Ejecutivos × coordinación`, or whatever the view's groups are called.
fn title(model: &Model) -> String {
    let Some(view) = model.selected_view() else { return "Counts".into() };
    let groups = &view.view.groups;
    let nouns: Vec<&str> = groups.iter().map(|g| g.noun()).collect();
    let what = match nouns.as_slice() {
        [] => "All rows".to_string(),
        ["ejecutivo", ..] => "Ejecutivos".to_string(),
        [first, ..] => format!("By {first}"),
    };
    let what = of_view(model, &what);
    let filter = model.counts.filter.value();
    let lines = model.comparison().map_or(0, |c| c.matrix.lines.len());
    match (filter.is_empty() && !model.counts.editing, model.counts.order.len(), model.lens()) {
        (true, _, Some(lens)) => format!("{what} as {}", lens.title()),
        (true, _, None) => format!("{what} · {lines} · {}", model.counts.sort.word()),
        (false, shown, _) => {
            format!("{what} · {shown} of {lines} · /{}", filtered(&model.counts.filter, model.counts.editing))
        }
    }
}

fn right<'a>(model: &Model, theme: &Theme) -> Line<'a> {
    let Some(view) = model.selected_view() else { return Line::default() };
    let now = model.server_now();
    let age = view.drift.last.as_ref().map(|m| {
        let style = if view.is_drift_outdated() { theme.stale } else { theme.dim };
        Span::styled(format!(" compared {} ago ", ago(m.at, now)), style)
    });
    // Without a comparison the pane itself says why.
    let said = age.is_some().then(|| progress(&view.drift, theme, now)).flatten();
    Line::from(said.into_iter().chain(age).collect::<Vec<_>>())
}

fn waiting<'a>(model: &Model, theme: &Theme) -> Vec<Line<'a>> {
    let Some(view) = model.selected_view() else {
        return vec![Line::styled("No view to compare.", theme.dim)];
    };
    if let Some(why) = why_not_compared(model) {
        return vec![Line::styled(why, theme.warning)];
    }
    let said = progress(&view.drift, theme, model.server_now());
    let first = said.unwrap_or_else(|| Span::styled("Comparing the view with its definition…", theme.dim));
    vec![Line::from(first)]
}

fn table(model: &Model, theme: &Theme, comparison: &Comparison, seen: Range<usize>, frame: &mut Frame, inner: Rect) {
    let shape = Shape::of(model, &comparison.matrix, inner.width as usize);
    let mut lines = vec![shape.group_names(theme), shape.header(theme)];
    let place = model.line_place();
    for i in seen {
        let Some(line) = model.line(i) else { continue };
        let drawn = shape.line(theme, line);
        let selection = if model.focus == Pane::Counts { theme.selection } else { theme.selection_idle };
        lines.push(if i == place { drawn.style(selection) } else { drawn });
    }
    if model.counts.order.is_empty() && !model.counts.filter.value().is_empty() {
        lines.push(Line::styled(" nothing matches the filter; Esc drops it", theme.dim));
    }
    let foot = foot(model, theme, &shape, comparison, inner.width);
    lines.resize((inner.height as usize).saturating_sub(foot.len()), Line::default());
    lines.extend(foot);
    paint(frame, inner, lines);
}

/// The lowest lines: what the person looked through sees; which columns would tell more where all rows are one group, for
/// a total would only repeat its line; else the total.
fn foot<'a>(model: &Model, theme: &Theme, shape: &Shape, comparison: &Comparison, width: u16) -> Vec<Line<'a>> {
    match (model.lens(), one_group(model)) {
        (Some(lens), _) => vec![sight(theme, &lens, comparison)],
        (None, Some(said)) => {
            let said = wrap(&said, (width as usize).saturating_sub(2));
            said.into_iter().map(|line| Line::styled(format!(" {line}"), theme.dim)).collect()
        }
        (None, None) => vec![shape.total(theme, comparison)],
    }
}

/// What is to be said where all rows are one group: which columns would tell more.
fn one_group(model: &Model) -> Option<String> {
    let view = model.selected_view().filter(|v| v.view.groups.is_empty())?;
    let key = shown(model.settings.keys.key(Action::Groups));
    let named = |(place, c): (usize, &ColumnValues)| {
        let unit = if place == 0 { " values" } else { "" };
        Some(format!("{} {}{unit}", visible(&c.name), c.values?))
    };
    let columns: Vec<String> = likely(view).iter().take(4).enumerate().filter_map(named).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    Some(format!("counted as one group; {key} chooses columns{columns}"))
}

/// The foot when somebody's eyes are looked through: their rows, whatever lines and columns are shown above.
fn sight<'a>(theme: &Theme, lens: &Lens, comparison: &Comparison) -> Line<'a> {
    let sight = lens.sight(&comparison.drift);
    let style = if sight.misplaced() > 0 { theme.critical } else { theme.dim };
    Line::from(vec![
        Span::styled(format!(" {} · ", sight.said()), theme.title),
        Span::styled(lens.verdict(&sight), style),
    ])
}

/// Which column groups are shown, and how wide everything is.
struct Shape<'m> {
    name: usize,
    noun: String,
    shown: Vec<Group<'m>>,
    hidden: usize,
    /// Are rows in the wrong place in a column group that is not shown?
    hides_wrong: bool,
    /// Are only some lines shown, while the total is of all?
    is_filtered: bool,
}

/// A column group: its place among the matrix's columns (`None`: all together), its name and its numbers' widths.
struct Group<'m> {
    place: Option<usize>,
    title: &'m str,
    widths: [Column; 3],
}

impl<'m> Group<'m> {
    fn of(place: Option<usize>, title: &'m str, totals: &Sides) -> Group<'m> {
        let digits = |n: u64| text_width(&thousands(n)).max(4);
        // The sum of a column is its widest number; a difference has a sign more.
        let last = match place {
            Some(_) => digits(totals.misplaced) + 1,
            None => digits(totals.misplaced).max(5),
        };
        let widths = [digits(totals.view), digits(totals.live), last].map(Column::Number);
        Group { place, title, widths }
    }

    /// With a line before it and a blank behind each number.
    fn width(&self) -> usize {
        1 + self.widths.iter().map(|c| c.width() + 1).sum::<usize>()
    }

    fn cells<'a>(&self, theme: &Theme, cells: [(String, Style); 3]) -> Vec<Span<'a>> {
        let mut spans = vec![Span::styled("│", theme.border)];
        spans.extend(row(&self.widths, cells).spans);
        spans
    }
}

impl<'m> Shape<'m> {
    fn of(model: &Model, matrix: &'m Matrix, width: usize) -> Shape<'m> {
        let longest = matrix.lines.iter().take(200).map(|l| text_width(l.member.title())).max().unwrap_or(0);
        let all = Group::of(None, "all", &matrix.total);
        let mut room = width.saturating_sub(longest.clamp(10, 17) + 2 + all.width());
        let first = model.counts.column.min(matrix.columns.len().saturating_sub(1));
        let mut shown: Vec<Group> = Vec::new();
        // A coordinador sees no coordinación but theirs.
        let is_one = model.lens().is_some_and(|l| l.role == Role::Coordinador) && matrix.columns.len() > 1;
        let last = if is_one { first + 1 } else { matrix.columns.len() };
        // A single column group would only repeat the one for all.
        let several = if matrix.columns.len() > 1 { &matrix.columns[first..last] } else { &[] };
        for (i, member) in several.iter().enumerate() {
            let group = Group::of(Some(first + i), member.title(), &matrix.totals[first + i]);
            if group.width() > room && !shown.is_empty() {
                break;
            }
            room = room.saturating_sub(group.width());
            shown.push(group);
        }
        let hidden = if several.is_empty() { 0 } else { matrix.columns.len() - shown.len() };
        let is_shown = |place| shown.iter().any(|group: &Group| group.place == Some(place));
        let is_wrong = |place: &usize| matrix.totals[*place].misplaced > 0 && !is_shown(*place);
        let hides_wrong = !several.is_empty() && (0..matrix.columns.len()).any(|place| is_wrong(&place));
        if !is_one {
            shown.push(all);
        }
        let used: usize = shown.iter().map(Group::width).sum();
        let noun = model.selected_view().and_then(|v| v.view.groups.first().map(|g| g.noun().to_string()));
        Shape {
            name: width.saturating_sub(used + 2).clamp(8, longest.clamp(16, 40)),
            noun: noun.unwrap_or_default(),
            shown,
            hidden,
            hides_wrong,
            is_filtered: !model.counts.filter.value().is_empty(),
        }
    }

    fn group_names<'a>(&self, theme: &Theme) -> Line<'a> {
        let (sign, style) = if self.hides_wrong { (" ✖", theme.warning) } else { ("", theme.dim) };
        let more = if self.hidden > 0 { format!("←→ {} more{sign}", self.hidden) } else { String::new() };
        let mut spans = vec![Span::styled(format!(" {} ", pad_right(&more, self.name)), style)];
        for group in &self.shown {
            let room = group.width() - 2;
            let name = format!(" {} ", fit(group.title, room - 4));
            let line = room.saturating_sub(text_width(&name));
            spans.push(Span::styled(format!("│{}", "─".repeat(line / 2)), theme.border));
            spans.push(Span::styled(name, theme.header));
            spans.push(Span::styled("─".repeat(line - line / 2), theme.border));
            spans.push(Span::raw(" "));
        }
        Line::from(spans)
    }

    fn header<'a>(&self, theme: &Theme) -> Line<'a> {
        let mut spans = vec![Span::styled(format!(" {} ", pad_right(&self.noun, self.name)), theme.header)];
        for group in &self.shown {
            let last = if group.place.is_some() { "Δ" } else { "wrong" };
            spans.extend(group.cells(theme, ["view", "live", last].map(|h| (h.to_string(), theme.header))));
        }
        Line::from(spans)
    }

    fn line<'a>(&self, theme: &Theme, line: &matrix::Line) -> Line<'a> {
        let style = if line.misplaced > 0 { theme.words() } else { theme.dim };
        let mut spans = vec![Span::styled(format!(" {} ", pad_right(line.member.title(), self.name)), style)];
        for group in &self.shown {
            let cells = match group.place {
                Some(place) => cell(theme, &line.cells[place], None),
                None => cell(theme, &line.total, Some(line.misplaced)),
            };
            spans.extend(group.cells(theme, cells));
        }
        Line::from(spans)
    }

    /// The foot. Its *wrong* counts every row once; two lines count a row that moved from one to the other.
    fn total<'a>(&self, theme: &Theme, comparison: &Comparison) -> Line<'a> {
        let matrix = &comparison.matrix;
        let label = if self.is_filtered { "total of all" } else { "total" };
        let total = matrix::Line {
            member: Member { key: Some(None), label: Some(label.into()) },
            cells: matrix.totals.as_slice().into(),
            total: matrix.total,
            misplaced: comparison.totals.misplaced(),
        };
        self.line(theme, &total).style(theme.title)
    }
}

/// View, live, and what is between them: the difference, or `±n` where as many rows came as went; for all columns
/// together the rows in the wrong place.
fn cell(theme: &Theme, counts: &Sides, wrong: Option<u64>) -> [(String, Style); 3] {
    let is_empty = counts.view + counts.live == 0;
    let plain = if counts.misplaced == 0 { theme.dim } else { theme.number };
    let (last, style) = match (wrong, counts.difference(), counts.misplaced) {
        (_, _, 0) => (if is_empty { String::new() } else { "=".into() }, theme.dim),
        (Some(wrong), ..) => (thousands(wrong), theme.critical),
        (None, 0, misplaced) => (format!("±{}", thousands(misplaced / 2)), theme.critical),
        (None, difference, _) => (format!("{difference:+}"), theme.critical),
    };
    [(thousands(counts.view), plain), (thousands(counts.live), plain), (last, style)]
}
