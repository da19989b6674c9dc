//! Pane 1: every materialized view, how old it is and how that is known.
//!
//! ```text
//!   state     view                          age / limit             rows     size  next
//! ✖ late      mv_conversaciones_dashboard   3d04h / 5m    3,230   2.1 MB  never
//!
//! refreshed 11-21 06:12 · by column vista_actualizada_at · limit 5m (usual)
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::rows::{Column, paint, rest, row, words, wrapped};
use super::{filtered, pane_block, progress, verdict_sign, verdict_style, window};
use crate::app::Model;
use crate::app::model::Pane;
use crate::domain::diagnosis::{Verdict, ViewReport, thousands, who};
use crate::domain::freshness::{FreshnessState, LimitSource};
use crate::domain::rights::hidden_jobs;
use crate::domain::server::Link;
use crate::domain::snapshot::ViewState;
use crate::domain::text::{bytes, visible};
use crate::domain::time::{ago, human};
use crate::theme::Theme;

/// Draws it.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let right = right(model, theme);
    let count = model.snapshot.views.len();
    let title = title(model);
    let block = pane_block(model, theme, Pane::Views, &title, right, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if count == 0 {
        let text = Paragraph::new(none(model)).style(theme.dim).wrap(ratatui::widgets::Wrap { trim: true });
        return frame.render_widget(text, inner);
    }
    let selected = model.selected_view().map(|v| v.view.oid);
    let order = &model.views.order;
    let place = order.iter().position(|&i| model.snapshot.views.get(i).map(|v| v.view.oid) == selected);
    let details: Vec<Line> = details(model, theme).into_iter().flat_map(|line| wrapped(line, inner.width)).collect();
    let height = inner.height as usize;
    let has_details = height > details.len() + 3;
    let room = height.saturating_sub(1 + if has_details { details.len() + 1 } else { 0 });
    let columns = columns(inner.width);
    let mut lines = vec![header(&columns, theme)];
    for i in window(place.unwrap_or(0), order.len(), room) {
        let Some(view) = model.snapshot.views.get(order[i]) else { continue };
        let line = view_row(model, theme, &columns, view);
        lines.push(if Some(i) == place { line.style(selection(model, theme)) } else { line });
    }
    if order.is_empty() {
        lines.push(Line::styled(" nothing matches the filter; Esc drops it", theme.dim));
    }
    if has_details {
        lines.resize(height - details.len(), Line::default());
        lines.extend(details);
    }
    paint(frame, inner, lines);
}

/// Why there is no view to show: none was read yet is not none.
fn none(model: &Model) -> String {
    let snapshot = &model.snapshot;
    match (&model.newest.link, &snapshot.catalog.last, snapshot.catalog.problem()) {
        (_, Some(_), _) => {
            "No materialized view here yet. CREATE MATERIALIZED VIEW makes one; it appears by itself.".into()
        }
        (Link::Up, None, Some(problem)) => format!("Which views there are could not be read: {}", problem.text),
        (Link::Up, None, None) => "Which views there are is being read…".into(),
        (_, None, _) => "Which views there are is not known: they are read as soon as the server answers.".into(),
    }
}

/// What is going on with the list, else the configuration's names that are no view's.
fn right<'a>(model: &Model, theme: &Theme) -> Line<'a> {
    let unmatched = &model.snapshot.unmatched;
    let said = progress(&model.snapshot.catalog, theme, model.server_now());
    let named = || Span::styled(format!(" configured, not here: {} ", visible(&unmatched.join(", "))), theme.warning);
    said.or_else(|| (!unmatched.is_empty()).then(named)).map_or(Line::default(), Line::from)
}

/// `Views · 500 · worst first`, or what the filter shows.
fn title(model: &Model) -> String {
    let (count, filter) = (model.snapshot.views.len(), model.views.filter.value());
    match (count, filter.is_empty() && !model.views.editing) {
        (..=1, true) => "Views".into(),
        (_, true) => format!("Views · {count} · {}", model.views.sort.word()),
        (_, false) => {
            let filter = filtered(&model.views.filter, model.views.editing);
            format!("Views · {} of {count} · /{filter}", model.views.order.len())
        }
    }
}

fn selection(model: &Model, theme: &Theme) -> Style {
    if model.focus == Pane::Views { theme.selection } else { theme.selection_idle }
}

fn columns(width: u16) -> Vec<Column> {
    let fixed = [
        Column::Text(9),
        Column::Number(6),
        Column::Number(6),
        Column::Number(if width >= 64 { 9 } else { 0 }),
        Column::Number(if width >= 76 { 8 } else { 0 }),
        Column::Number(6),
    ];
    let name = rest(width, &fixed);
    let mut columns = fixed.to_vec();
    columns.insert(1, Column::Text(name));
    columns
}

fn header<'a>(columns: &[Column], theme: &Theme) -> Line<'a> {
    let names = ["state", "view", "age", "limit", "rows", "size", "next"];
    row(columns, names.map(|n| (n.to_string(), theme.header)))
}

fn view_row<'a>(model: &Model, theme: &Theme, columns: &[Column], view: &ViewState) -> Line<'a> {
    let Some(report) = model.diagnosis.view(view.view.oid) else { return Line::default() };
    let (sign, _) = verdict_sign(report.verdict);
    let late = match report.freshness.state {
        FreshnessState::Late => theme.critical,
        FreshnessState::NeverPopulated | FreshnessState::Unknown => theme.unknown,
        FreshnessState::Fresh => theme.number,
    };
    let cells = [
        (format!("{sign} {}", state(view, report)), verdict_style(theme, report.verdict)),
        (view.view.name.short(), theme.words()),
        (report.freshness.age.map_or("?".into(), |age| human(chrono::TimeDelta::seconds(age.num_seconds()))), late),
        (report.freshness.limit.length.map_or("none".into(), human), theme.dim),
        (view_rows(view), theme.number),
        (view.stamp.value().map_or("…".into(), |s| bytes(s.bytes)), theme.dim),
        (next(model, report), theme.dim),
    ];
    row(columns, cells)
}

/// One word for the state; a refresh under way comes first.
fn state(view: &ViewState, report: &ViewReport) -> &'static str {
    if !view.refreshing.is_empty() {
        let waits = view.refreshing.iter().any(|r| !r.granted || !r.blocked_by.is_empty());
        return if waits { "blocked" } else { "running" };
    }
    let wrong = view.drift.value().is_some_and(|c| c.totals.misplaced() > 0);
    match (report.freshness.state, report.verdict) {
        (FreshnessState::NeverPopulated, _) => "empty",
        (FreshnessState::Late, Verdict::Critical) if wrong => "wrong",
        (FreshnessState::Late, _) => "late",
        (_, Verdict::Critical) => "wrong",
        (FreshnessState::Unknown, _) => "age ?",
        (FreshnessState::Fresh, _) => "fresh",
    }
}

/// The rows of the view: counted by the last comparison, else the planner's estimate, marked as such.
fn view_rows(view: &ViewState) -> String {
    let counted = view.drift.value().map(|c| thousands(c.totals.view));
    let estimated = || view.stamp.value()?.estimated_rows.map(|n| format!("~{}", thousands(n.max(0) as u64)));
    counted.or_else(estimated).unwrap_or_else(|| "…".into())
}

/// Are all jobs known, so that none means none?
fn knows_jobs(model: &Model) -> bool {
    let hides_some = model.snapshot.server.as_deref().is_some_and(|server| hidden_jobs(server).is_some());
    model.snapshot.history.last.is_some() && !hides_some
}

fn next(model: &Model, report: &ViewReport) -> String {
    match (report.next, knows_jobs(model)) {
        (Some(next), _) => human((next - model.server_now()).max(chrono::TimeDelta::zero())),
        (None, true) => "never".into(),
        (None, false) => "?".into(),
    }
}

/// The selected view in sentences: when it was refreshed and how that is known, its limit, what runs on it.
fn details<'a>(model: &Model, theme: &Theme) -> Vec<Line<'a>> {
    let (Some(view), Some(report)) = (model.selected_view(), model.selected_report()) else { return Vec::new() };
    let now = model.server_now();
    let refreshed = match &report.freshness.refreshed {
        Some(r) => {
            let at = r.at.format("%Y-%m-%d %H:%M:%S");
            vec![format!("refreshed {at} UTC"), format!("known by {}", r.source.describe())]
        }
        None => vec!["no signal says when it was refreshed".into()],
    };
    let limit = match report.freshness.limit.source {
        LimitSource::Default if !knows_jobs(model) => {
            "the usual limit; whether a job promises another is not known".to_string()
        }
        LimitSource::Default => "the usual limit, for no job promises another".to_string(),
        LimitSource::Triggers => "kept true by triggers: its age says nothing".to_string(),
        LimitSource::Plain => "a plain view: it is run live and cannot be stale; f offers the way back".to_string(),
        LimitSource::Configured => "limit: from the configuration".to_string(),
        LimitSource::Job(id) => format!("limit: interval + usual duration + 30 s of job {}", id.0),
    };
    let mut lines: Vec<Line> = refreshed.iter().map(|said| words(said, theme.words())).collect();
    lines.push(words(&limit, theme.dim));
    for refresh in &view.refreshing {
        let name = who(&refresh.user, &refresh.application, refresh.pid);
        let since = refresh.since.map_or(String::new(), |s| format!(" for {}", ago(s, now)));
        let text = match (refresh.granted, refresh.concurrently) {
            (true, true) => format!("{name} refreshes it{since}; readers go on"),
            (true, false) => format!("{name} has it locked{since}: readers wait"),
            (false, _) => {
                let by: Vec<String> = refresh.blocked_by.iter().map(|b| who(&b.user, &b.application, b.pid)).collect();
                format!("{name} waits{since} for {}", by.join(", "))
            }
        };
        lines.push(words(&text, theme.busy));
    }
    lines.extend(progress(&view.stamp, theme, now).map(|said| words(&said.content, said.style)));
    lines.extend(view.labels.problem().map(|why| words(&why.text, theme.warning)));
    lines.extend(view.misfits.iter().map(|misfit| words(misfit, theme.warning)));
    lines
}
