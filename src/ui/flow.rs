//! Pane 4: the view against live: how many rows differ in which way, what the look cost, and where rows went.
//!
//! ```text
//! view 3,230 · live 3,230 · rows differ
//! moved 313  missing 14  gone 14  changed 210
//! groups 4ms · values 70ms · next in 3s
//!
//!  137  Osmara Partida · VEN → Berta Lagos · VEN
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::rows::{Column, paint, row, within, words, wrapped};
use super::{of_view, pane_block, progress, why_not_compared, window};
use crate::app::Model;
use crate::app::model::Pane;
use crate::domain::diagnosis::thousands;
use crate::domain::drift::{Drift, Flow, Kind, Totals};
use crate::domain::lens::Sight;
use crate::domain::look::{Look, LookReport};
use crate::domain::server::Link;
use crate::domain::snapshot::ViewState;
use crate::domain::text::width;
use crate::domain::time::{ago, human, took};
use crate::theme::Theme;

/// Draws it.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let title = match (model.lens(), model.selected_view()) {
        (Some(lens), _) => of_view(model, &format!("As {}", lens.title())),
        (None, Some(view)) if model.snapshot.views.len() > 1 => format!("{} against live", view.view.name.short()),
        _ => "View against live".into(),
    };
    let block = pane_block(model, theme, Pane::Flow, &title, Line::default(), area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(view) = model.selected_view() else { return };
    let mut lines = summary(model, theme, view, inner.width);
    // The rows of both sides stand in the counts' total, too.
    if inner.height < 3 && lines.len() > inner.height as usize {
        lines.remove(0);
    }
    let mut lines = within(lines, inner.width, inner.height as usize);
    if let Some(comparison) = view.drift.value() {
        if inner.height > 8 {
            lines.push(Line::default());
        }
        let room = (inner.height as usize).saturating_sub(lines.len());
        let seen = window(model.flow, model.flows().count(), room);
        lines.extend(model.flows().enumerate().skip(seen.start).take(seen.len()).map(|(place, flow)| {
            let line = flow_row(theme, &comparison.drift, flow, inner.width);
            let is_selected = place == model.flow && model.focus == Pane::Flow;
            if is_selected { line.style(theme.selection) } else { line }
        }));
    }
    paint(frame, inner, lines);
}

/// The style of a kind of drift.
pub fn kind_style(theme: &Theme, kind: Kind) -> ratatui::style::Style {
    match kind {
        Kind::Moved => theme.moved,
        Kind::Missing => theme.missing,
        Kind::Gone => theme.gone,
        Kind::Changed => theme.changed,
    }
}

fn summary<'a>(model: &Model, theme: &Theme, view: &ViewState, columns: u16) -> Vec<Line<'a>> {
    let now = model.server_now();
    let Some(measured) = &view.drift.last else {
        if let Some(why) = why_not_compared(model) {
            return wrapped(words(&why, theme.warning), columns);
        }
        let said = progress(&view.drift, theme, now);
        return vec![Line::from(said.unwrap_or_else(|| Span::styled("not compared yet", theme.dim)))];
    };
    let totals = measured.value.totals;
    let sight = model.lens().map(|lens| lens.sight(&measured.value.drift));
    let (sides, kinds) = match &sight {
        Some(sight) => (Line::styled(sight.said(), theme.words()), faults(theme, sight)),
        None => (sides(theme, &totals), kinds(theme, view, &totals, now)),
    };
    let mut lines = vec![sides];
    lines.extend(wrapped(kinds, columns));
    lines.extend(wrapped(cost(model, theme, view), columns));
    if let Some(said) = progress(&view.drift, theme, now) {
        lines.extend(wrapped(words(&said.content, said.style), columns));
    }
    lines
}

fn sides<'a>(theme: &Theme, totals: &Totals) -> Line<'a> {
    let verdict = if totals.misplaced() == 0 { "same rows" } else { "rows differ" };
    Line::from(vec![
        Span::styled("view ", theme.dim),
        Span::styled(thousands(totals.view), theme.number),
        Span::styled(" · live ", theme.dim),
        Span::styled(thousands(totals.live), theme.number),
        Span::styled(format!(" · {verdict}"), theme.words()),
    ])
}

/// `moved 313  missing 14  gone 14  changed 210`; *changed* with its own age when it comes from an older look.
fn kinds<'a>(theme: &Theme, view: &ViewState, totals: &Totals, now: crate::domain::time::Time) -> Line<'a> {
    let mut spans = Vec::new();
    for kind in [Kind::Moved, Kind::Missing, Kind::Gone] {
        let n = totals.of(kind).unwrap_or(0);
        let style = if n == 0 { theme.dim } else { kind_style(theme, kind) };
        spans.push(Span::styled(format!("{} {}  ", kind.word(), thousands(n)), style));
    }
    spans.push(match (totals.changed, &view.values.last) {
        (Some(n), _) => {
            let style = if n == 0 { theme.dim } else { theme.changed };
            Span::styled(format!("changed {}", thousands(n)), style)
        }
        (None, Some(values)) => {
            let n = values.value.totals.changed.unwrap_or(0);
            Span::styled(format!("changed {} ({} ago)", thousands(n), ago(values.at, now)), theme.stale)
        }
        (None, None) => Span::styled("changed: not compared yet", theme.unknown),
    });
    Line::from(spans)
}

/// What is wrong with what one person sees, in the words and colours of the kinds of drift.
fn faults<'a>(theme: &Theme, sight: &Sight) -> Line<'a> {
    let kinds = [
        ("unseen", Some(sight.unseen), theme.missing),
        ("foreign", Some(sight.foreign), theme.gone),
        ("misfiled", Some(sight.misfiled), theme.moved),
        ("changed", sight.changed, theme.changed),
    ];
    let span = |(word, n, style): (&str, Option<u64>, _)| match n {
        Some(0) => Span::styled(format!("{word} 0  "), theme.dim),
        Some(n) => Span::styled(format!("{word} {}  ", thousands(n)), style),
        None => Span::styled(format!("{word}: not known now"), theme.unknown),
    };
    Line::from(kinds.map(span).to_vec())
}

/// What the comparisons cost and when the next one may run.
fn cost<'a>(model: &Model, theme: &Theme, view: &ViewState) -> Line<'a> {
    let now = model.server_now();
    let mut said = Vec::new();
    if let Some(counted) = &view.counted {
        let without = match counted.without.as_slice() {
            [] => String::new(),
            joins => format!(" without {}", joins.join(", ")),
        };
        said.push(format!("groups {}{without}", took(counted.took)));
    }
    said.extend(view.values.last.as_ref().map(|values| format!("values {}", took(values.took))));
    said.push(match view.due {
        _ if model.newest.link != Link::Up => "since then unknown".into(),
        Some(due) if due > now => format!("next in {}", human(due - now)),
        _ if view.is_drift_outdated() => "the tables moved on since".into(),
        _ if view.view.reads_foreign => "writes to a foreign table are not seen".into(),
        _ => "nothing moved since".into(),
    });
    if view.drift.value().is_some_and(|c| !c.drift.is_keyed()) {
        said.insert(0, "no unique key: whole rows compared".into());
    }
    if let Some(LookReport { look: Look::Sandbox(_), owner, .. }) = view.look.as_deref() {
        said.push(format!("in a sandbox as {owner}"));
    }
    let last = said.len() - 1;
    let dots = said.into_iter().enumerate().map(|(i, s)| if i < last { format!("{s} · ") } else { s });
    dots.map(|part| Span::styled(part, theme.dim)).collect()
}

fn flow_row<'a>(theme: &Theme, drift: &Drift, flow: &Flow, columns: u16) -> Line<'a> {
    let kind = flow.kind().unwrap_or(Kind::Moved);
    let route = drift.route(flow);
    let shared = route.shared.as_ref().map_or(String::new(), |s| format!("{s}:"));
    let room = (columns as usize).saturating_sub(11 + width(&shared));
    // A short side leaves its room to the other.
    let from_room = (room / 2).max(room.saturating_sub(width(&route.to))).min(width(&route.from));
    let to_room = room.saturating_sub(from_room);
    let style = kind_style(theme, kind);
    row(
        &[
            Column::Number(5),
            Column::Text(width(&shared)),
            Column::Text(from_room),
            Column::Text(1),
            Column::Text(to_room),
        ],
        [
            (thousands(flow.rows), theme.number),
            (shared, theme.words()),
            (route.from, style),
            ("→".into(), theme.dim),
            (route.to, style),
        ],
    )
}
