//! Draws the Model. A function of the Model and the theme alone: nothing is changed, fetched or remembered here.

mod banner;
mod counts;
mod cron;
mod dialog;
mod drill;
mod fix;
mod flow;
mod groups;
mod help;
pub mod layout;
mod question;
mod rows;
mod run;
mod status;
mod typed;
mod views;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType};

use tui_input::Input;

use crate::app::Model;
use crate::app::action::ActionRun;
use crate::app::model::{Pane, SMALLEST};
use crate::domain::diagnosis::{CauseCode, Verdict};
use crate::domain::reading::{Progress, Reading};
use crate::domain::text::fit;
use crate::domain::time::{Time, ago};
use crate::keys::{Action, shown};
use crate::theme::Theme;
use layout::Layout;

/// Draws one frame.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, theme.text);
    let Some(layout) = Layout::of(area, model, theme) else {
        return too_small(model, theme, frame, area);
    };
    banner::draw(model, theme, frame, layout.banner);
    match (&model.fix, &model.drill) {
        (Some(screen), _) => fix::draw(model, screen, theme, frame, layout.body),
        (None, Some(screen)) => drill::draw(model, screen, theme, frame, layout.body),
        (None, None) => {
            for (pane, area) in &layout.panes {
                draw_pane(*pane, model, theme, frame, *area);
            }
        }
    }
    status::draw(model, theme, frame, layout.status);
    status::footer(model, theme, frame, layout.footer);
    dialog::draw(model, theme, frame, area);
}

fn draw_pane(pane: Pane, model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    match pane {
        Pane::Views => views::draw(model, theme, frame, area),
        Pane::Cron => cron::draw(model, theme, frame, area),
        Pane::Counts => counts::draw(model, theme, frame, area),
        Pane::Flow => flow::draw(model, theme, frame, area),
    }
}

fn too_small(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let (columns, rows) = SMALLEST;
    let runs = model.action.as_ref().is_some_and(ActionRun::is_running);
    let quits = if runs { "cancels what runs, and quits" } else { "quits" };
    let text = vec![
        Line::from(Span::styled("mvtop needs more room", theme.warning)),
        Line::raw(format!("{columns}×{rows} at least, this is {}×{}", area.width, area.height)),
        Line::styled(format!("{} {quits}", shown(model.settings.keys.key(Action::Quit))), theme.dim),
    ];
    frame.render_widget(Text::from(text), area);
}

/// The frame of a pane: its number and name, whether it has the keyboard, and what is going on with its data.
fn pane_block<'a>(model: &Model, theme: &Theme, pane: Pane, title: &str, right: Line<'a>, width: u16) -> Block<'a> {
    let has_focus = model.focus == pane;
    let (border, kind) = match has_focus {
        true => (theme.border_focus, BorderType::Thick),
        false => (theme.border, BorderType::Rounded),
    };
    // Both corners, the number, and a blank on each side of what stands to the right.
    let right = fitted(right, (width as usize).saturating_sub(RIGHTMOST));
    let title = fit(title, (width as usize).saturating_sub(right.width() + 7));
    let number = Span::styled(format!(" {} ", pane.place() + 1), if has_focus { theme.key } else { theme.dim });
    Block::bordered()
        .border_type(kind)
        .border_style(border)
        .title_top(Line::from(vec![number, Span::styled(format!("{title} "), theme.title)]))
        .title_top(right.right_aligned())
}

/// What is always left to a pane's number and the beginning of its name.
const RIGHTMOST: usize = 16;

/// A line cut where the room ends; it is whole, as ratatui would cut its beginning.
fn fitted(line: Line<'_>, room: usize) -> Line<'_> {
    if line.width() <= room {
        return line;
    }
    let text: String = line.spans.iter().map(|span| &*span.content).collect();
    let style = line.spans.first().map(|span| span.style).unwrap_or_default();
    Line::styled(fit(&text, room).into_owned(), style)
}

/// How much of a filter a title shows.
const FILTER: usize = 24;

/// The part of a filter around the caret, or its beginning when it is no longer typed.
fn filtered(filter: &Input, editing: bool) -> String {
    if !editing {
        return fit(filter.value(), FILTER).into_owned();
    }
    let shown = typed::typed(filter, FILTER);
    format!("{}▏{}{}", shown.before, shown.under.trim_end(), shown.after)
}

/// A pane's title with the name of the view it is about, where there are several.
fn of_view(model: &Model, title: &str) -> String {
    match model.selected_view() {
        Some(view) if model.snapshot.views.len() > 1 => format!("{title} of {}", view.view.name.short()),
        _ => title.into(),
    }
}

/// Why the selected view has no comparison yet, if something explains it: in the words of its cause.
fn why_not_compared(model: &Model) -> Option<String> {
    let explains = |code: CauseCode| {
        use CauseCode::{
            CannotCompare, NeverPopulated, NotReadable, RefreshBlocked, RefreshRunning, RefreshUncommitted,
        };
        let codes = [NotReadable, NeverPopulated, CannotCompare, RefreshUncommitted, RefreshRunning, RefreshBlocked];
        codes.contains(&code)
    };
    let cause = model.selected_report()?.causes.iter().find(|cause| explains(cause.code))?;
    Some(cause.text.clone())
}

/// What is going on with a reading: nothing to say, waiting since, failed why.
fn progress<T>(reading: &Reading<T>, theme: &Theme, now: Time) -> Option<Span<'static>> {
    match &reading.progress {
        Progress::Idle => None,
        // A read that takes milliseconds need not flash by.
        Progress::Loading { since } if (now - *since).num_milliseconds() < 500 => None,
        Progress::Loading { since } => Some(Span::styled(format!("reading for {}", ago(*since, now)), theme.busy)),
        Progress::Failed { why, .. } => Some(Span::styled(why.text.clone(), theme.warning)),
    }
}

/// The sign and the word of a verdict, so that colour never says it alone.
fn verdict_sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Ok => ("●", "OK"),
        Verdict::Warning => ("▲", "WARNING"),
        Verdict::Critical => ("✖", "CRITICAL"),
        Verdict::Unknown => ("?", "UNKNOWN"),
    }
}

fn verdict_style(theme: &Theme, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => theme.ok,
        Verdict::Warning => theme.warning,
        Verdict::Critical => theme.critical,
        Verdict::Unknown => theme.unknown,
    }
}

/// How many of a list's rows that say something wrong lie outside its window: `▲ 3 differ above · ▼ 2 below`.
fn unseen(above: usize, below: usize) -> Option<String> {
    let differ = |n| if n == 1 { "differs" } else { "differ" };
    let said = match (above, below) {
        (0, 0) => return None,
        (above, 0) => format!("▲ {above} {} above", differ(above)),
        (0, below) => format!("▼ {below} {} below", differ(below)),
        (above, below) => format!("▲ {above} {} above · ▼ {below} below", differ(above)),
    };
    Some(format!(" {said} "))
}

/// The window of a list that shows the row `place`, kept in the middle where there is room on both sides.
fn window(place: usize, length: usize, height: usize) -> std::ops::Range<usize> {
    let first = place.saturating_sub(height / 2).min(length.saturating_sub(height));
    first..(first + height).min(length)
}
