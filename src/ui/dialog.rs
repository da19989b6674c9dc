//! What lies over the screen: the question before an action with its exact SQL, and the help.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Wrap};

use super::groups;
use super::help::help;
use super::rows::shown;
use super::typed::typed;
use crate::app::Model;
use crate::app::fix::ScheduleField;
use crate::app::model::Dialog;
use crate::app::question::{Part, Question, Room};
use crate::domain::fix::Fix;
use crate::domain::text::{fit, folds, visible, wrap};
use crate::journal::Entry;
use crate::pg::fix::preview;
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
    let (title, lines, foot) = match (&model.dialog, &model.field) {
        (None, None) => return,
        (None, Some(field)) => (schedule_title(model, field), schedule(model, theme, field, columns), None),
        (Some(Dialog::Help(first)), _) => ("Keys and signs".into(), from(help(model, theme), *first), None),
        (Some(Dialog::Run(run, first)), _) => {
            (format!("Run {}", run.id.0), from(super::run::lines(model, theme, run), *first), None)
        }
        (Some(Dialog::Log(first)), _) => ("What was changed".into(), from(log(model, theme), *first), None),
        (Some(Dialog::Act(question)), _) => {
            let deed = match question.is_possible() {
                true => buttons(theme, question.plan.deed, question.focused),
                false => closes(theme),
            };
            (question.plan.title.clone(), act(theme, question, Room::of((area.width, area.height))), Some(deed))
        }
        (Some(Dialog::Quit(focused)), _) => (
            format!("Leave while {} runs?", what_runs(model)),
            quit(model, theme),
            Some(buttons(theme, "Leave", *focused)),
        ),
        (Some(Dialog::Groups(choice)), _) => match model.newest.view(choice.view) {
            Some(view) => groups::choice(model, theme, view, choice, area),
            None => return,
        },
    };
    let lines: Vec<Line> = lines.into_iter().map(shown).collect();
    let width = area.width.saturating_sub(4).min(96);
    let wrapped: usize = lines.iter().map(|l: &Line| l.width().max(1).div_ceil(width as usize - 4)).sum();
    let foot_height = if foot.is_some() { 2 } else { 0 };
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
        // The buttons stay in sight however long the SQL is.
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner };
        frame.render_widget(Text::from(foot), last);
        if wrapped as u16 > body.height {
            let asks = !matches!(&model.dialog, Some(Dialog::Act(question)) if !question.is_possible());
            let more = if asks { "▼ ↓ shows the rest, then y" } else { "▼ ↓ shows the rest" };
            let more = Line::styled(more, theme.key).right_aligned();
            frame.render_widget(Text::from(more), Rect { y: last.y.saturating_sub(1), ..last });
        }
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

fn act(theme: &Theme, question: &Question, room: Room) -> Vec<Line<'static>> {
    let style = |part: Part| match part {
        Part::Need => theme.warning,
        Part::Sql => theme.accent,
        Part::Impact if question.plan.grave => theme.danger,
        Part::Impact | Part::Note => theme.words(),
        Part::Place | Part::Back => theme.dim,
    };
    let lines = question.lines(room.columns).into_iter().skip(question.first(room));
    lines.map(|(part, text)| Line::styled(text, style(part))).collect()
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

fn what_runs(model: &Model) -> &'static str {
    match model.action.as_ref().map(|a| &a.plan.fix) {
        Some(Fix::Refresh) | None => "a refresh",
        Some(_) => "a change",
    }
}

fn quit(model: &Model, theme: &Theme) -> Vec<Line<'static>> {
    let stays = match model.action.as_ref().is_none_or(|a| a.plan.is_whole()) {
        true => "everything stays as it is",
        false => "what it has done by then stays",
    };
    vec![Line::styled(format!("What you started still runs. Leaving cancels it; {stays}."), theme.words())]
}

/// The only button of what cannot be done.
fn closes<'a>(theme: &Theme) -> Line<'a> {
    Line::from(vec![Span::styled(" ▸ Close ", theme.badge_unknown), Span::styled(" Esc", theme.key)])
}

/// Cancel first and focused, the deed second with its own key.
fn buttons<'a>(theme: &Theme, deed: &str, focused: bool) -> Line<'a> {
    let (cancel, act) =
        if focused { (theme.words(), theme.badge_warning) } else { (theme.badge_unknown, theme.danger) };
    let mark = |on: bool| if on { "▸" } else { " " };
    Line::from(vec![
        Span::styled(format!(" {} Cancel ", mark(!focused)), cancel),
        Span::styled(" Esc", theme.key),
        Span::raw("     "),
        Span::styled(format!(" {} {deed} ", mark(focused)), act),
        Span::styled(" y", theme.key),
    ])
}
