//! Pane 2: pg_cron's jobs and the selected one's runs.
//!
//! ```text
//! ◂ sincronizar-dynamics ▸ 2 of 5 · */5 * * * * · every 5 minutes
//! 24 h: 98.9 % of 288 good · 3 of 291 missing · p50 0.4s p95 1.1s · next in 2m10s
//! ▁▂▁▁▃▁▂█▁▁▂
//! ✖ 10:05:00  1.2s  failed     ERROR: canceling statement due to statement timeout
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::rows::{Column, paint, rest, row, within, words, wrapped, wrapped_within};
use super::{pane_block, progress, window};
use crate::app::Model;
use crate::app::model::Pane;
use crate::domain::job::{History, Job, Run, RunStatus};
use crate::domain::rights::{hidden_jobs, no_jobs};
use crate::domain::stats::JobStats;
use crate::domain::text::{percent, visible};
use crate::domain::time::{Time, clock, human};
use crate::theme::Theme;

/// Draws it.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let right = progress(&model.snapshot.history, theme, model.server_now()).map_or(Line::default(), Line::from);
    let block = pane_block(model, theme, Pane::Cron, "Cron history", right, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    match (model.snapshot.history.value(), model.shown_job()) {
        (Some(history), Some(job)) => {
            let lines = lines(model, theme, history, job, inner);
            paint(frame, inner, lines);
        }
        _ => frame
            .render_widget(Paragraph::new(visible(&empty(model))).style(theme.dim).wrap(Wrap { trim: true }), inner),
    }
}

/// Why there is nothing to show.
fn empty(model: &Model) -> String {
    let snapshot = &model.snapshot;
    let Some(server) = snapshot.server.as_deref() else { return "not connected yet".into() };
    if let Some(why) = no_jobs(snapshot) {
        return why;
    }
    match hidden_jobs(server) {
        _ if snapshot.history.last.is_none() => match snapshot.history.problem() {
            Some(problem) => format!("The jobs could not be read: {}", problem.text),
            None => "reading the jobs…".into(),
        },
        Some(hidden) => format!("No job is visible, which does not mean that there is none: {hidden}"),
        None => "There is no cron job at all.".into(),
    }
}

fn lines<'a>(model: &Model, theme: &Theme, history: &History, job: &Job, inner: Rect) -> Vec<Line<'a>> {
    let now = model.server_now();
    let mut lines = Vec::new();
    if inner.height >= 12 {
        lines = job_table(model, theme, history, job, inner);
    }
    let mut said: Vec<Line> = foreign(model, theme).into_iter().chain([title(theme, history, job)]).collect();
    if let Some(stats) = model.snapshot.job(job.id) {
        said.push(figures(theme, job, stats, now, inner.width < 60));
        if inner.height >= 6 {
            said.extend(gaps(theme, stats, now));
        }
        // The last day and the advice, where there is room for runs as well.
        if inner.height >= 10 {
            said.extend(day(model, theme, job, now));
        }
    }
    let said = said.into_iter().flat_map(|line| wrapped(line, inner.width)).collect();
    lines.extend(within(said, inner.width, (inner.height as usize).saturating_sub(lines.len())));
    let has_room = (inner.height as usize) >= lines.len() + 2;
    if let Some(stats) = model.snapshot.job(job.id).filter(|stats| has_room && !stats.recent_ms.is_empty()) {
        lines.push(Line::styled(sparkline(&stats.recent_ms, inner.width as usize), theme.spark));
    }
    let room = (inner.height as usize).saturating_sub(lines.len());
    lines.extend(runs(model, theme, history, job, room, inner.width));
    lines
}

/// The runs, newest first, around the one under the cursor.
fn runs<'a>(model: &Model, theme: &Theme, history: &History, job: &Job, room: usize, width: u16) -> Vec<Line<'a>> {
    let now = model.server_now();
    let runs: Vec<&Run> = history.runs_of(job.id).collect();
    if runs.is_empty() {
        return wrapped_within(words("no run of it among the newest that are kept", theme.dim), width, room);
    }
    let drawn = |place: usize| {
        let line = run_row(theme, runs[place], now, width);
        let is_selected = place == model.run && model.focus == Pane::Cron;
        if is_selected { line.style(theme.selection) } else { line }
    };
    window(model.run.min(runs.len() - 1), runs.len(), room).map(drawn).collect()
}

/// All jobs, one line each, as far as a third of the pane holds them.
fn job_table<'a>(model: &Model, theme: &Theme, history: &History, job: &Job, inner: Rect) -> Vec<Line<'a>> {
    let fixed = [Column::Text(1), Column::Text(14), Column::Number(7), Column::Number(6), Column::Number(6)];
    let mut columns = fixed.to_vec();
    columns.insert(1, Column::Text(rest(inner.width, &fixed)));
    let header = ["", "job", "schedule", "good", "p95", "next"];
    let mut lines = vec![row(&columns, header.map(|h| (h.to_string(), theme.header)))];
    let place = history.jobs.iter().position(|j| j.id == job.id).unwrap_or(0);
    for i in window(place, history.jobs.len(), (inner.height as usize / 3).min(8)) {
        let line = job_row(model, theme, &columns, history, &history.jobs[i]);
        let selection = if model.focus == Pane::Cron { theme.selection } else { theme.selection_idle };
        let is_selected = i == place && model.selected_job().is_some();
        lines.push(if is_selected { line.style(selection) } else { line });
    }
    lines.push(Line::default());
    lines
}

fn job_row<'a>(model: &Model, theme: &Theme, columns: &[Column], history: &History, job: &Job) -> Line<'a> {
    let stats = model.snapshot.job(job.id);
    let (sign, style) = history.runs_of(job.id).next().map_or((" ", theme.dim), |run| status_sign(theme, run));
    let good = stats.and_then(|s| s.success_rate()).map_or("–".into(), percent);
    let next = match stats.and_then(|s| s.next) {
        Some(next) => human((next - model.server_now()).max(chrono::TimeDelta::zero())),
        None if job.active => "never".into(),
        None => "paused".into(),
    };
    let p95 = stats.and_then(|s| s.p95).map_or("–".into(), human);
    let cells = [
        (sign.to_string(), style),
        (job.title().into_owned(), theme.words()),
        (job.schedule.clone(), theme.dim),
        (good, if stats.is_some_and(|s| s.failed > 0) { theme.warning } else { theme.ok }),
        (p95, theme.number),
        (next, theme.dim),
    ];
    row(columns, cells)
}

fn status_sign(theme: &Theme, run: &Run) -> (&'static str, ratatui::style::Style) {
    match run.status {
        RunStatus::Succeeded => ("●", theme.ok),
        RunStatus::Failed => ("✖", theme.critical),
        _ => ("◌", theme.busy),
    }
}

fn title<'a>(theme: &Theme, history: &History, job: &Job) -> Line<'a> {
    let place = history.jobs.iter().position(|j| j.id == job.id).unwrap_or(0) + 1;
    let paused = if job.active { "" } else { " PAUSED" };
    Line::from(vec![
        Span::styled("◂ ", theme.key),
        Span::styled(job.title().into_owned(), theme.accent),
        Span::styled(" ▸", theme.key),
        Span::styled(paused, theme.warning),
        Span::styled(format!(" {place} of {} · ", history.jobs.len()), theme.dim),
        Span::styled(visible(&job.schedule).into_owned(), theme.dim),
    ])
}

/// Said where the job is only shown because the view has none.
fn foreign<'a>(model: &Model, theme: &Theme) -> Option<Line<'a>> {
    let is_foreign = model.selected_job().is_none() && model.selected_view().is_some();
    is_foreign.then(|| words(none_of_view(model), theme.warning))
}

/// That no job belongs to the view, as far as jobs can be seen.
fn none_of_view(model: &Model) -> &'static str {
    match model.snapshot.server.as_deref().and_then(hidden_jobs) {
        Some(_) => "no visible job refreshes this view",
        None => "no job refreshes this view",
    }
}

fn figures<'a>(theme: &Theme, job: &Job, stats: &JobStats, now: Time, is_narrow: bool) -> Line<'a> {
    let rate = match stats.success_rate() {
        Some(rate) => format!("24 h: {} of {} good", percent(rate), stats.ended),
        None => "24 h: no run ended".into(),
    };
    let style = if stats.failed > 0 { theme.warning } else { theme.ok };
    let mut spans = vec![Span::styled(format!("{rate} · "), style)];
    let length = |l: Option<chrono::TimeDelta>| l.map_or("?".into(), human);
    let next = match (stats.next, job.active) {
        (Some(next), _) => format!("next {}", human((next - now).max(chrono::TimeDelta::zero()))),
        (None, false) => "paused".into(),
        (None, true) => "never fires".into(),
    };
    if !is_narrow {
        let took = [("p50", stats.p50), ("p95", stats.p95), ("longest", stats.max)];
        let took = took.map(|(name, l)| format!("{name} {}", length(l))).join(" ");
        spans.push(Span::styled(format!("{took} · "), theme.words()));
    }
    spans.push(Span::styled(next, theme.dim));
    Line::from(spans)
}

/// Expected against actual, and the newest gap.
fn gaps<'a>(theme: &Theme, stats: &JobStats, now: Time) -> Option<Line<'a>> {
    let expected = stats.expected?;
    let text = format!("{} of {expected} expected runs came", expected - stats.missed().min(expected));
    Some(match stats.gaps.last() {
        None => Line::styled(text, theme.dim),
        Some(gap) => {
            let newest = if stats.gaps.len() > 1 { format!(", {}", gap.missed) } else { String::new() };
            let missing = format!("{} missing{newest} from {}", stats.missed(), clock(gap.from, now));
            Line::from(vec![Span::styled(format!("{text} · "), theme.dim), Span::styled(missing, theme.warning)])
        }
    })
}

/// How the view that the job refreshes fared, and which schedule would keep its limit.
fn day<'a>(model: &Model, theme: &Theme, job: &Job, now: Time) -> Vec<Line<'a>> {
    let history = model.snapshot.history.value();
    let own = model.snapshot.views.iter().find(|v| history.is_some_and(|h| h.job_refreshes(job, &v.view.name)));
    // A view that no job refreshes has its day, too.
    let orphan = || model.selected_view().filter(|_| model.selected_report().is_some_and(|r| r.job.is_none()));
    let Some(day) = own.or_else(orphan).and_then(|view| view.day.as_ref()) else { return Vec::new() };
    let whose = if own.is_some() { "" } else { "the view: " };
    let style = if day.within.is_some_and(|w| w < 1.0) { theme.warning } else { theme.dim };
    let doubt = day.took.filter(|t| !t.reliable).map(|_| "durations as recorded; this pg_cron records them wrongly");
    let ages = day.ages(now).map(|text| words(&format!("{whose}{text}"), style));
    let advice = day.advice_text().map(|text| words(&text, theme.dim));
    ages.into_iter().chain(advice).chain(doubt.map(|d| words(d, theme.warning))).collect()
}

/// The newest durations as bars, scaled to the longest.
fn sparkline(milliseconds: &[u64], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let newest = &milliseconds[milliseconds.len().saturating_sub(width)..];
    let longest = newest.iter().copied().max().unwrap_or(0).max(1);
    newest.iter().map(|&ms| BARS[(ms * 7 / longest) as usize]).collect()
}

fn run_row<'a>(theme: &Theme, run: &Run, now: Time, width: u16) -> Line<'a> {
    let (sign, style) = status_sign(theme, run);
    let fixed = [Column::Text(1), Column::Text(11), Column::Number(8), Column::Text(9)];
    let mut columns = fixed.to_vec();
    columns.push(Column::Text(rest(width, &fixed)));
    let started = run.start.map_or("never began".into(), |s| clock(s, now));
    let length = match (run.duration(), run.start) {
        (Some(length), _) => human(length),
        (None, Some(start)) if run.status == RunStatus::Running => human(now - start),
        _ => String::new(),
    };
    let message = run.message.clone().unwrap_or_default();
    let quiet = if run.status == RunStatus::Failed { theme.words() } else { theme.dim };
    row(
        &columns,
        [
            (sign.into(), style),
            (started, theme.words()),
            (length, theme.number),
            (run.status.word().to_string(), style),
            (message, quiet),
        ],
    )
}
