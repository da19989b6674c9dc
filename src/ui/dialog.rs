//! What lies over the screen: the question before an action with its exact SQL, and the help.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Wrap};

use super::groups;
use super::help::help;
use super::question::{self, Foot};
use super::rows::shown;
use super::typed::typed;
use crate::app::Model;
use crate::app::fix::ScheduleField;
use crate::app::model::Dialog;
use crate::app::question::Room;
use crate::domain::schedule::preview;
use crate::domain::text::{fit, folds, visible, wrap};
use crate::journal::Entry;
use crate::theme::Theme;

/// Draws the dialog, if there is one, or the field for a schedule.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let columns = Room::of((area.width, area.height)).columns;
    let from = |lines: Vec<Line<'static>>, first: u16| {
        let lines: Vec<_> = lines.into_iter().flat_map(|line| folded(line, columns)).collect();
        // The end of it stays in sight.
        let first = (first as usize).min(lines.len().saturating_sub(3));
        lines.into_iter().skip(first).collect::<Vec<_>>()
    };
    let (title, lines) = match (&model.dialog, &model.field) {
        (None, None) => return,
        (None, Some(field)) => (schedule_title(model, field), schedule(model, theme, field, columns)),
        (Some(Dialog::Help(first)), _) => ("Keys and signs".into(), from(help(model, theme), *first)),
        (Some(Dialog::Run(run, first)), _) => {
            (format!("Run {}", run.id.0), from(super::run::lines(model, theme, run), *first))
        }
        (Some(Dialog::Log(first)), _) => ("What was changed".into(), from(log(model, theme), *first)),
        (Some(Dialog::Act(question)), _) => {
            let room = question.room((area.width, area.height));
            (question.plan.title.clone(), question::act(theme, question, room))
        }
        (Some(Dialog::Quit(_)), _) => (question::quit_title(model), question::quit(model, theme)),
        (Some(Dialog::Groups(choice)), _) => match model.newest.view(choice.view) {
            Some(view) => groups::choice(model, theme, view, choice, area),
            None => return,
        },
    };
    let lines: Vec<Line> = lines.into_iter().map(shown).collect();
    let width = area.width.saturating_sub(4).min(96);
    let wrapped: usize = lines.iter().map(|l: &Line| l.width().max(1).div_ceil(width as usize - 4)).sum();
    let foot = Foot::of(model, theme, columns);
    let foot_height = foot.as_ref().map_or(0, Foot::height);
    let height = (wrapped as u16 + 2 + foot_height).min(area.height.saturating_sub(2));
    let place = area.centered(Constraint::Length(width), Constraint::Length(height));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border_focus)
        .title_top(Line::styled(format!(" {} ", fit(&title, (width as usize).saturating_sub(4))), theme.title))
        .padding(Padding::horizontal(1))
        .style(theme.text.patch(theme.dialog));
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    let body = Rect { height: inner.height.saturating_sub(foot_height), ..inner };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), body);
    if let Some(foot) = foot {
        let area = Rect { y: body.bottom(), height: inner.bottom().saturating_sub(body.bottom()), ..inner };
        draw_foot(foot, wrapped as u16 > body.height, theme, frame, area);
    }
}

/// What stays in sight however long the SQL is.
fn draw_foot(foot: Foot, is_cut: bool, theme: &Theme, frame: &mut Frame, area: Rect) {
    let said = Rect { y: area.bottom().saturating_sub(2), height: 1.min(area.height), ..area };
    frame.render_widget(Text::from([foot.field, vec![foot.said, foot.buttons]].concat()), area);
    if is_cut {
        frame.render_widget(Line::styled(foot.more, theme.key).right_aligned(), said);
    }
}

/// A line on as many lines as it takes, so that each of them can be scrolled to.
fn folded(line: Line<'static>, columns: usize) -> Vec<Line<'static>> {
    match &*line.spans {
        [only] => folds(&visible(&only.content), columns)
            .into_iter()
            .map(|part| Line::styled(part.to_string(), line.style))
            .collect(),
        _ => vec![line],
    }
}

/// Whose schedule is typed.
fn schedule_title(model: &Model, field: &ScheduleField) -> String {
    let job = field.job.and_then(|id| model.snapshot.history.value()?.job(id));
    let view = model.fix.as_ref().and_then(|screen| model.newest.view(screen.view));
    match (job, view) {
        (Some(job), _) => format!("Schedule of {}", job.title()),
        (None, Some(view)) => format!("Schedule of a job for {}", view.view.name.short()),
        (None, None) => "Schedule".into(),
    }
}

/// A schedule being typed, checked as this server's pg_cron would.
fn schedule(model: &Model, theme: &Theme, field: &ScheduleField, columns: usize) -> Vec<Line<'static>> {
    let shown = typed(&field.input, columns);
    let typed = Line::from(vec![
        Span::styled(shown.before, theme.accent),
        Span::styled(shown.under, theme.selection),
        Span::styled(shown.after, theme.accent),
    ]);
    let wrapped = |text: String, style| wrap(&text, columns).into_iter().map(move |line| Line::styled(line, style));
    let said: Vec<Line> = match preview(field.input.value(), model.newest.server.as_deref(), model.server_now()) {
        Ok(preview) => wrapped(format!("● {}", preview.described), theme.ok)
            .chain(wrapped(format!("next runs: {}", preview.runs()), theme.dim))
            .collect(),
        Err(why) => wrapped(format!("✖ {why}"), theme.warning).chain([Line::default()]).collect(),
    };
    let keys = Line::from(vec![
        Span::styled("⏎", theme.key),
        Span::styled(" takes it   ", theme.dim),
        Span::styled("Esc", theme.key),
        Span::styled(" leaves it as it was", theme.dim),
    ]);
    [vec![typed, Line::default()], said, vec![Line::default(), keys]].concat()
}

/// The log, newest first: when, who, where, what, what came of it, and the SQL.
fn log(model: &Model, theme: &Theme) -> Vec<Line<'static>> {
    if model.log.is_empty() {
        return vec![Line::styled("Nothing was changed from here yet.", theme.dim)];
    }
    model.log.iter().rev().flat_map(|entry| log_entry(theme, entry)).collect()
}

fn log_entry(theme: &Theme, entry: &Entry) -> Vec<Line<'static>> {
    let (sign, result, style) = match &entry.end {
        Some(end) if end.good => ("●", end.result.clone(), theme.ok),
        Some(end) => ("▲", end.result.clone(), theme.warning),
        None => ("…", "it runs, or was interrupted".to_string(), theme.busy),
    };
    let at = entry.at.format("%Y-%m-%d %H:%M:%S");
    let mut lines = vec![
        Line::styled(format!("{sign} {at} UTC  {}", entry.title.trim_end_matches('?')), theme.title),
        Line::styled(format!("  {} at {}", entry.who, entry.place), theme.dim),
        Line::styled(format!("  {result}"), style),
    ];
    let sql = entry.sql.iter().flat_map(|s| s.lines());
    lines.extend(sql.map(|l| Line::styled(format!("    {l}"), theme.dim)));
    lines.push(Line::default());
    lines
}
