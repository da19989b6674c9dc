//! The banner: is what people see true; if not, for whom is it wrong, why, and which key helps.
//!
//! ```text
//!  ✖ CRITICAL  mv_conversaciones_dashboard is wrong: 258 of 3,230 misplaced, 203 outdated
//!              Osmara Partida sees VEN 166 instead of 0, BOOM 0 instead of 29; 40 more are affected
//!              No cron job refreshes it. Data 3d02h old.
//!              Press r to refresh, then f to schedule it.
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::rows::paint;
use super::{verdict_sign, verdict_style};
use crate::app::Model;
use crate::domain::diagnosis::{Remedy, Verdict, ViewReport};
use crate::domain::server::Link;
use crate::domain::text::{wrap, wrap_within};
use crate::domain::time::{self, human};
use crate::keys::{Action, shown};
use crate::theme::Theme;

/// How many lines it takes where it has little to say, and at most where it has more.
fn heights(rows: u16) -> (u16, u16) {
    if rows >= 30 { (4, 6) } else { (3, 5) }
}

/// How many lines it takes on a screen of this size: more than usual where the words need them.
pub fn height(model: &Model, theme: &Theme, screen: Rect) -> u16 {
    let (usual, most) = heights(screen.height);
    let needed = said(model, theme).lines(width(screen), usize::MAX).len() as u16;
    needed.clamp(usual, most)
}

/// The columns for words: the badge stands before them.
fn width(area: Rect) -> usize {
    (area.width as usize).saturating_sub(15)
}

/// Draws it.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let verdict = verdict(model);
    let (sign, word) = verdict_sign(verdict);
    let badge = Span::styled(format!(" {sign} {word:<8} "), badge_style(theme, verdict).add_modifier(Modifier::BOLD));
    let indent = Span::raw(" ".repeat(12));
    let lines: Vec<Line> = said(model, theme)
        .lines(width(area), area.height as usize)
        .into_iter()
        .enumerate()
        .map(|(i, (text, style))| {
            let head = if i == 0 { badge.clone() } else { indent.clone() };
            Line::from(vec![Span::raw(" "), head, Span::raw(" "), Span::styled(text, style)])
        })
        .collect();
    paint(frame, area, lines);
}

/// The selected view's verdict: what the banner says and what the keys act on is the same view. Without a connection
/// nothing is known of any.
fn verdict(model: &Model) -> Verdict {
    let selected = model.selected_report().filter(|_| link(model).is_none());
    selected.map_or(model.diagnosis.verdict, |report| report.verdict)
}

fn badge_style(theme: &Theme, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => theme.badge_ok,
        Verdict::Warning => theme.badge_warning,
        Verdict::Critical => theme.badge_critical,
        Verdict::Unknown => theme.badge_unknown,
    }
}

/// What is said, the most important first.
#[derive(Default)]
struct Said {
    /// What is true or wrong, and for whom it is worst.
    what: Vec<(String, Style)>,
    /// Why, and the age of the data.
    why: (String, Style),
    /// Which key helps.
    press: String,
    /// The other causes, where there is room.
    also: String,
    /// Which other view is worse.
    worse: Option<(String, Style)>,
}

impl Said {
    /// On lines of so many columns, at most so many: what comes after the first causes gives way first, then the end of
    /// the cause. The key keeps its room.
    fn lines(&self, columns: usize, most: usize) -> Vec<(String, Style)> {
        let wrapped = |(text, style): &(String, Style), most: usize| -> Vec<(String, Style)> {
            wrap_within(text, columns, most).into_iter().map(|line| (line, *style)).collect()
        };
        let worse: Vec<_> = self.worse.iter().flat_map(|said| wrapped(said, 1)).collect();
        let joined = wrap(&format!("{} {}", self.why.0, self.press), columns).len();
        let least = joined.min(most.saturating_sub(self.what.len() + worse.len()));
        let mut what: Vec<Vec<_>> = self.what.iter().map(|said| wrapped(said, most)).collect();
        // For whom it is worst gives way before what is wrong.
        for place in (0..what.len()).rev() {
            let all = what.iter().map(Vec::len).sum::<usize>() + least + worse.len();
            let room = what[place].len().saturating_sub(all.saturating_sub(most));
            what[place] = wrapped(&self.what[place], room.max(1));
        }
        let mut lines = what.concat();
        let room = most.saturating_sub(lines.len() + worse.len()).max(1);
        let reasons = self.reasons(columns, room);
        lines.extend(reasons.into_iter().map(|line| (line, self.why.1)));
        lines.extend(worse);
        lines.truncate(most);
        lines
    }

    /// Cause, key and the other causes: each on lines of its own where there is room, else one after the other.
    fn reasons(&self, columns: usize, room: usize) -> Vec<String> {
        let why = &self.why.0;
        let apart = [wrap(why, columns), wrap(&self.press, columns)].concat();
        if apart.len() <= room {
            let before = wrap(why, columns).len();
            let rest = wrap_within(&format!("{} {}", self.press, self.also), columns, (room - before).max(1));
            // Without a limit nobody asked for more lines only to hear more causes.
            let rest = if room == usize::MAX { wrap(&self.press, columns) } else { rest };
            return [wrap(why, columns), rest].concat();
        }
        let words: Vec<&str> = why.split_whitespace().collect();
        let shortened = (0..=words.len()).rev().map(|kept| {
            let mark = if kept < words.len() { "…" } else { "" };
            wrap(&format!("{}{mark} {}", words[..kept].join(" "), self.press), columns)
        });
        shortened
            .into_iter()
            .find(|lines| lines.len() <= room)
            .unwrap_or_else(|| wrap_within(&self.press, columns, room))
    }
}

fn said(model: &Model, theme: &Theme) -> Said {
    let bold = theme.words().add_modifier(Modifier::BOLD);
    if let Some(said) = link(model) {
        let last = model
            .snapshot
            .pulse
            .map(|p| format!("What is shown was known {} ago.", time::ago(p.at, model.server_now())));
        let what = std::iter::once((said, bold)).chain(last.map(|last| (last, theme.stale))).collect();
        return Said { what, why: (tries(model), theme.dim), ..Said::default() };
    }
    let Some(report) = model.selected_report() else {
        return Said { what: vec![nothing(model, bold)], worse: worse(model, theme), ..Said::default() };
    };
    let what = through_a_lens(model, theme).unwrap_or_else(|| {
        let whom = report.whom.clone().map(|whom| (whom, theme.accent));
        std::iter::once((format!("{}{}", report.what, others(model)), bold)).chain(whom).collect()
    });
    Said { what, worse: worse(model, theme), ..reasons(model, report, theme) }
}

/// How many other views need a look, where none of them is worse than the selected one.
fn others(model: &Model) -> String {
    let selected = model.selected_view().map(|v| v.view.oid);
    let others = model.diagnosis.views.iter().filter(|v| Some(v.oid) != selected && v.verdict >= Verdict::Warning);
    match others.count() {
        0 => String::new(),
        _ if model.worse_view().is_some() => String::new(),
        1 => "  (1 other view needs a look)".into(),
        n => format!("  ({n} other views need a look)"),
    }
}

/// The other view that is worse than the selected one, and the key that goes there.
fn worse(model: &Model, theme: &Theme) -> Option<(String, Style)> {
    let worst = model.worse_view()?;
    let name = model.snapshot.view(worst.oid)?.view.name.short();
    let (sign, word) = verdict_sign(worst.verdict);
    let key = shown(model.settings.keys.key(Action::Worst));
    let is_reached = !key.is_empty() && model.fix.is_none() && model.drill.is_none();
    let press = if is_reached { format!("; {key} goes there") } else { String::new() };
    Some((format!("{sign} Worse: {name} is {word}{press}."), verdict_style(theme, worst.verdict)))
}

/// What the person whose eyes were chosen sees, and what is wrong with it.
fn through_a_lens(model: &Model, theme: &Theme) -> Option<Vec<(String, Style)>> {
    let lens = model.lens()?;
    let sight = lens.sight(&model.comparison()?.drift);
    Some(vec![
        (format!("As {}: {}", lens.title(), sight.said()), theme.words().add_modifier(Modifier::BOLD)),
        (lens.said(&sight), theme.accent),
    ])
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
        (Some(_), None) if !model.snapshot.views.is_empty() => "The filter shows no view: no key acts on any.".into(),
        (Some(_), None) => "There is no materialized view in this database: is it the one you meant?".into(),
    };
    (text, style)
}

/// The worst cause with the age, the key, and the other causes.
fn reasons(model: &Model, report: &ViewReport, theme: &Theme) -> Said {
    let read_only = model.settings.read_only;
    let age = report.freshness.age.map(|age| format!("Data {} old.", ago(age)));
    let (cause, others) = report.reasons();
    let cause = cause.map(|c| c.text.clone());
    let why = cause.into_iter().chain(age).collect::<Vec<_>>().join(" ");
    let changes = report.remedy.is_some_and(|r| r != Remedy::Measure && r.verb().is_some());
    let press = |remedy, verb: &str| match Action::for_remedy(remedy).map(|action| model.settings.keys.key(action)) {
        None | Some("") => verb.to_string(),
        Some(key) => format!("{} to {verb}", shown(key)),
    };
    let press = match report.advice_by("Press ", press) {
        Some(_) if read_only && changes && report.no_refresh.is_none() => "Actions are off: read-only.".into(),
        advice => advice.unwrap_or_default(),
    };
    let also = others.iter().map(|c| format!("Also: {}", c.text)).collect::<Vec<_>>().join(" ");
    Said { why: (why, theme.words()), press, also, ..Said::default() }
}

/// An age that ticks in whole seconds.
fn ago(age: chrono::TimeDelta) -> String {
    human(chrono::TimeDelta::seconds(age.num_seconds()))
}
