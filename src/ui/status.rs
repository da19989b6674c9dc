//! The two lowest lines: what runs or where this is, and the keys that work here now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::rows::paint;
use crate::app::Model;
use crate::app::action::{ActionRun, Stage};
use crate::app::disabled::{cancel_hint, disabled};
use crate::app::model::Pane;
use crate::domain::diagnosis::who;
use crate::domain::fix::Fix;
use crate::domain::text::{fit, width, wrap_within};
use crate::domain::time::{ago, took};
use crate::keys::{Action, Bound, shown};
use crate::theme::Theme;

/// On how many lines a message may stand.
const MOST: usize = 3;

/// How many lines it takes: a message as many as it needs.
pub fn height(model: &Model, theme: &Theme, columns: u16) -> u16 {
    message(model, theme).map_or(1, |(text, _)| lines(model, theme, &text, columns).len().max(1) as u16)
}

/// The message's lines. What is shown is not what is there while the display stands still, so that is always said.
fn lines(model: &Model, theme: &Theme, text: &str, columns: u16) -> Vec<String> {
    let beside = frozen(model, theme).map_or(0, |frozen| frozen.width());
    wrap_within(text, (columns as usize).saturating_sub(2 + beside), MOST)
}

/// Draws the status line: a message, else the action, else where this is.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let right = right(model, theme);
    let left_room = (area.width as usize).saturating_sub(right.width() + 2);
    let Some((text, style)) = message(model, theme) else {
        paint(frame, area, [place(model, theme, left_room)]);
        return frame.render_widget(right.right_aligned(), area);
    };
    let lines = lines(model, theme, &text, area.width);
    let has_room = lines.len() == 1 && width(&text) + 1 < left_room;
    let lines: Vec<Line> = lines.into_iter().map(|line| Span::styled(format!(" {line}"), style).into()).collect();
    paint(frame, area, lines);
    if has_room {
        frame.render_widget(right.right_aligned(), area);
    } else if let Some(frozen) = frozen(model, theme) {
        frame.render_widget(Line::from(frozen).right_aligned(), area);
    }
}

/// What is to be said now, if anything.
fn message(model: &Model, theme: &Theme) -> Option<(String, Style)> {
    match (&model.notice, &model.action) {
        (Some(notice), _) => Some((notice.text.clone(), theme.warning)),
        (None, Some(action)) => Some(action_text(model, action, theme)),
        (None, None) => None,
    }
}

fn action_text(model: &Model, action: &ActionRun, theme: &Theme) -> (String, Style) {
    match &action.stage {
        Stage::Running => {
            let mut text = format!("{} for {}", running(action), ago(action.since, model.now));
            if let Some(by) = action.blockers.first().filter(|_| action.waits) {
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

fn frozen<'a>(model: &Model, theme: &Theme) -> Option<Span<'a>> {
    let since = model.frozen?;
    Some(Span::styled(format!(" FROZEN for {} ", ago(since, model.now)), theme.badge_warning))
}

fn right<'a>(model: &Model, theme: &Theme) -> Line<'a> {
    let mut spans: Vec<Span> = frozen(model, theme).into_iter().flat_map(|frozen| [frozen, Span::raw(" ")]).collect();
    if let Some(pulse) = model.snapshot.pulse.filter(|_| model.size.0 >= 100) {
        spans.push(Span::styled(format!("pulse {} · ", took(pulse.took)), theme.dim));
    }
    // No seconds: at rest a frame stands for some, and a clock that stands looks like a console that hangs.
    spans.push(Span::styled(format!("{} UTC ", model.server_now().format("%H:%M")), theme.dim));
    Line::from(spans)
}

/// Draws the keys that work here, now, as far as there is room; `?` is always among them.
pub fn footer(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    if model.field.is_some() && model.dialog.is_none() {
        let line = Span::styled(" type a schedule · ⏎ takes it · Esc leaves it as it was", theme.key);
        return paint(frame, area, [Line::from(line)]);
    }
    if model.is_typing_word() {
        let line = Span::styled(" type what is asked for · ⏎ does it · Esc changes nothing", theme.key);
        return paint(frame, area, [Line::from(line)]);
    }
    if model.is_typing() {
        let line = Span::styled(" type to filter · ⏎ keeps it · Esc drops it", theme.key);
        return paint(frame, area, [Line::from(line)]);
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
    paint(frame, area, [Line::from(spans)]);
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
        // They are about the line under the cursor, which is in the other panes.
        Action::Jump(_) => model.drill.is_some() || matches!(model.focus, Pane::Counts | Pane::Flow),
        // It counts only after the question was read.
        Action::Confirm => model.is_lit(),
        _ => true,
    }
}
