//! The two lowest lines: what runs or where this is, and the keys that work here now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::Model;
use crate::app::action::{ActionRun, Stage};
use crate::app::disabled::disabled;
use crate::app::dispatch::cancel_hint;
use crate::domain::diagnosis::who;
use crate::domain::fix::Fix;
use crate::domain::text::{fit, width};
use crate::domain::time::{ago, took};
use crate::keys::{Action, Bound, shown};
use crate::theme::Theme;

/// Draws the status line: a message, else the action, else where this is.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let right = right(model, theme);
    let left_room = (area.width as usize).saturating_sub(right.width() + 2);
    let (text, style) = match (&model.notice, &model.action) {
        (Some(notice), _) => (notice.text.clone(), theme.warning),
        (None, Some(action)) => action_text(model, action, theme),
        (None, None) => (String::new(), theme.dim),
    };
    let is_message = model.notice.is_some() || model.action.is_some();
    let room = if is_message { area.width as usize - 2 } else { left_room };
    let text = match &model.action {
        Some(action) if model.notice.is_none() => shortened(text, &action.plan.name, room),
        _ => text,
    };
    let line =
        if is_message { Line::styled(format!(" {}", fit(&text, room)), style) } else { place(model, theme, room) };
    frame.render_widget(Paragraph::new(line), area);
    if !is_message || width(&text) + 1 < left_room {
        frame.render_widget(Paragraph::new(right.right_aligned()), area);
    }
}

/// Where there is no room for all of it, the view's name gives way: what counts stands at the end.
fn shortened(text: String, name: &str, room: usize) -> String {
    match width(&text).saturating_sub(room) {
        0 => text,
        excess => text.replacen(name, &fit(name, width(name).saturating_sub(excess).max(8)), 1),
    }
}

fn action_text(model: &Model, action: &ActionRun, theme: &Theme) -> (String, ratatui::style::Style) {
    match &action.stage {
        Stage::Running => {
            let mut text = format!("{} for {}", running(action), ago(action.since, model.now));
            if let Some(by) = action.blockers.first() {
                text = format!("{text}, waiting for {}", who(&by.user, &by.application, by.pid));
            }
            let hint = if action.cancelling { " · cancelling…".into() } else { cancel_hint(model) };
            (text + &hint, theme.busy)
        }
        Stage::Measuring { length, .. } => {
            (format!("{} refreshed in {}; comparing it again…", action.plan.name, took(*length)), theme.busy)
        }
        Stage::Over { good: true, text } => (format!("● {text}"), theme.ok),
        Stage::Over { good: false, text } => (format!("▲ {text}"), theme.warning),
    }
}

/// What runs, as it is said while it does.
fn running(action: &ActionRun) -> String {
    match action.plan.fix {
        Fix::Refresh => format!("Refreshing {}", action.plan.name),
        _ => action.title().to_string(),
    }
}

/// Where this is: the place itself in its profile's colour, then what the server is.
fn place<'a>(model: &Model, theme: &Theme, room: usize) -> Line<'a> {
    let place = fit(&model.settings.place, room).into_owned();
    let mut parts = vec![String::new()];
    if let Some(server) = &model.snapshot.server {
        parts.push(format!("PostgreSQL {}.{}", server.major(), server.version_num % 100));
        parts.extend(server.cron.present().map(|c| format!("pg_cron {}", c.version)));
        parts.extend(server.standby.then(|| "standby".to_string()));
    }
    parts.extend(model.snapshot.replica.as_ref().map(|r| r.describe()));
    parts.extend(model.settings.read_only.then(|| "read-only".to_string()));
    let rest = fit(&parts.join(" · "), room.saturating_sub(width(&place))).into_owned();
    Line::from(vec![Span::styled(format!(" {place}"), theme.place()), Span::styled(rest, theme.dim)])
}

fn right<'a>(model: &Model, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::new();
    if let Some(since) = model.frozen {
        spans.push(Span::styled(format!(" FROZEN for {} ", ago(since, model.now)), theme.badge_warning));
        spans.push(Span::raw(" "));
    }
    if let Some(pulse) = model.snapshot.pulse.filter(|_| model.size.0 >= 100) {
        spans.push(Span::styled(format!("pulse {} · ", took(pulse.took)), theme.dim));
    }
    spans.push(Span::styled(format!("{} UTC ", model.server_now().format("%H:%M:%S")), theme.dim));
    Line::from(spans)
}

/// Draws the keys that work here, now, as far as there is room; `?` is always among them.
pub fn footer(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    if model.field.is_some() && model.dialog.is_none() {
        let line = Line::styled(" type a schedule · ⏎ takes it · Esc leaves it as it was", theme.key);
        return frame.render_widget(Paragraph::new(line), area);
    }
    if model.is_typing() {
        let line = Line::styled(" type to filter · ⏎ keeps it · Esc drops it", theme.key);
        return frame.render_widget(Paragraph::new(line), area);
    }
    let works = |b: &&Bound| !b.label.is_empty() && disabled(model, b.action).is_none() && is_useful(model, b.action);
    let working: Vec<&Bound> = model.settings.keys.bindings(model.scopes()).filter(works).collect();
    let mut spans = vec![Span::raw(" ")];
    let mut room = area.width as usize - 1;
    let always = |b: &Bound| matches!(b.action, Action::Help | Action::Quit);
    let mut reserved: usize = working.iter().filter(|b| always(b)).map(|b| length(b)).sum();
    for binding in working {
        let length = length(binding);
        if always(binding) {
            reserved -= length;
        } else if length + reserved > room {
            continue;
        }
        room = room.saturating_sub(length);
        spans.push(Span::styled(shown(&binding.keys[0]).to_string(), theme.key));
        spans.push(Span::styled(format!(" {}  ", binding.label), theme.dim));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn length(binding: &Bound) -> usize {
    width(shown(&binding.keys[0])) + width(&binding.label) + 3
}

/// `Esc back` is worth a place only where it leads somewhere.
fn is_useful(model: &Model, action: Action) -> bool {
    match action {
        Action::Back => {
            let filters = [&model.views.filter, &model.counts.filter];
            let has_filter = filters.iter().any(|filter| !filter.value().is_empty());
            let is_inside = model.dialog.is_some() || model.fix.is_some() || model.drill.is_some();
            is_inside || model.zoom || model.role.is_some() || has_filter
        }
        _ => true,
    }
}
