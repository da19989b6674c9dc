//! The banner: is what people see true; if not, for whom is it wrong, why, and which key helps.
//!
//! ```text
//!  ✖ CRITICAL  mv_conversaciones_dashboard is wrong: 258 of 3,230 misplaced, 203 outdated
//!              Osmara Partida sees VEN 166 instead of 0, BOOM 0 instead of 29; 40 more are affected
//!              No cron job refreshes it. Data 3 d 02 h old.
//!              Press r to refresh, then f to schedule it.
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::verdict_sign;
use crate::app::Model;
use crate::domain::diagnosis::{Remedy, Verdict, ViewReport};
use crate::domain::server::Link;
use crate::domain::text::{fit, width as text_width};
use crate::domain::time::{self, human};
use crate::keys::shown;
use crate::theme::Theme;

/// Draws it.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let verdict = model.diagnosis.verdict;
    let (sign, word) = verdict_sign(verdict);
    let badge = Span::styled(format!(" {sign} {word:<8} "), badge_style(theme, verdict).add_modifier(Modifier::BOLD));
    let indent = Span::raw(" ".repeat(12));
    let width = area.width as usize - 15;
    let lines: Vec<Line> = sentences(model, theme, width, area.height as usize)
        .into_iter()
        .take(area.height as usize)
        .enumerate()
        .map(|(i, (text, style))| {
            let head = if i == 0 { badge.clone() } else { indent.clone() };
            Line::from(vec![Span::raw(" "), head, Span::raw(" "), Span::styled(fit(&text, width).into_owned(), style)])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn badge_style(theme: &Theme, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => theme.badge_ok,
        Verdict::Warning => theme.badge_warning,
        Verdict::Critical => theme.badge_critical,
        Verdict::Unknown => theme.badge_unknown,
    }
}

/// What is said, the most important first; three lines must do where room is short.
fn sentences(model: &Model, theme: &Theme, width: usize, height: usize) -> Vec<(String, Style)> {
    let bold = theme.words().add_modifier(Modifier::BOLD);
    if let Some(said) = link(model) {
        let last = model
            .snapshot
            .pulse
            .map(|p| format!("What is shown was known {} ago.", time::ago(p.at, model.server_now())));
        return vec![(said, bold), (last.unwrap_or_default(), theme.stale), (tries(model), theme.dim)];
    }
    if let Some(said) = through_a_lens(model, theme, width, height) {
        return said;
    }
    let Some(report) = model.diagnosis.worst() else {
        return vec![nothing(model, bold), (String::new(), theme.dim)];
    };
    let others = model.diagnosis.views.iter().filter(|v| v.verdict >= Verdict::Warning).count();
    let more = if others > 1 { format!("  (+{} more views need a look)", others - 1) } else { String::new() };
    let mut said = vec![(format!("{}{more}", report.what), bold)];
    said.extend(report.whom.clone().map(|whom| (whom, theme.accent)));
    said.extend(reasons(model, report, theme, width, height));
    said
}

/// What the person whose eyes were chosen sees, what is wrong with it, and why.
fn through_a_lens(model: &Model, theme: &Theme, width: usize, height: usize) -> Option<Vec<(String, Style)>> {
    let (lens, report) = (model.lens()?, model.selected_report()?);
    let sight = lens.sight(&model.comparison()?.drift);
    let impact = format!("impact {}", lens.impact(&sight));
    let mut said = vec![
        (format!("As {}: {}", lens.title(), sight.said()), theme.words().add_modifier(Modifier::BOLD)),
        (format!("{impact}: {}", lens.faults(&sight)), theme.accent),
    ];
    said.extend(reasons(model, report, theme, width, height));
    Some(said)
}

fn link(model: &Model) -> Option<String> {
    let place = &model.settings.place;
    match &model.newest.link {
        Link::Up => None,
        Link::Connecting { since } => Some(format!("Connecting to {place} for {}", time::ago(*since, model.now))),
        Link::Silent { since } => Some(format!("{place} has not answered for {}", time::ago(*since, model.now))),
        Link::Down { since, why, .. } => Some(format!("No connection for {}: {why}", time::ago(*since, model.now))),
    }
}

fn tries(model: &Model) -> String {
    match &model.newest.link {
        Link::Down { tries, .. } => format!("Trying again by itself; tried {tries} times so far."),
        _ => String::new(),
    }
}

fn nothing(model: &Model, style: Style) -> (String, Style) {
    let text = match (&model.snapshot.catalog.last, model.snapshot.catalog.problem()) {
        (_, Some(problem)) => format!("The list of views could not be read: {}", problem.text),
        (None, None) => "Reading the list of materialized views…".into(),
        (Some(_), None) => "There is no materialized view in this database: nothing can be stale.".into(),
    };
    (text, style)
}

/// The worst cause with the age, the key, and the other causes. On three lines cause and key share one, where the key
/// keeps its room whatever the cause has to say.
fn reasons(model: &Model, report: &ViewReport, theme: &Theme, width: usize, height: usize) -> Vec<(String, Style)> {
    let read_only = model.settings.read_only;
    let age = report.freshness.age.map(|age| format!("Data {} old.", ago(age)));
    let (cause, others) = report.reasons();
    let cause = cause.map(|c| c.text.clone());
    let why = cause.into_iter().chain(age).collect::<Vec<_>>().join(" ");
    let changes = report.remedy.is_some_and(|r| r != Remedy::Measure && r.key().is_some());
    let keys = |key| shown(model.settings.keys.instead_of(key));
    let press = match report.advice_by(keys) {
        Some(_) if read_only && changes && report.no_refresh.is_none() => "Actions are off: read-only.".into(),
        advice => advice.unwrap_or_default(),
    };
    if height < 4 {
        // Where both do not fit, the cause needs the room more than what comes after the first key.
        let is_tight = text_width(&why) + text_width(&press) >= width;
        let first = report.remedy.filter(|_| is_tight && report.then.is_some() && !read_only);
        let press = first.map_or(press, |remedy| remedy.hint(keys));
        let why = fit(&why, width.saturating_sub(text_width(&press) + 1)).into_owned();
        return vec![(format!("{why} {press}"), theme.words())];
    }
    let also = others.iter().map(|c| format!("Also: {}", c.text)).collect::<Vec<_>>().join(" ");
    vec![(why, theme.words()), (format!("{press} {also}").trim_start().to_string(), theme.words())]
}

/// An age that ticks in whole seconds.
fn ago(age: chrono::TimeDelta) -> String {
    human(chrono::TimeDelta::seconds(age.num_seconds()))
}
