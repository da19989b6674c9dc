//! A question: its text, the field for the word that must be typed, what came too early, and the buttons.
//!
//! ```text
//! │ REFRESH MATERIALIZED VIEW CONCURRENTLY "public"."mv"; │
//! │ …                                                     │
//! │ Too early: read it first.   ▼ ↓ shows the rest, then y│
//! │  ▸ Cancel  Esc        Refresh  y in a moment          │
//! ```

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::typed::typed;
use crate::app::Model;
use crate::app::arming::Buttons;
use crate::app::model::Dialog;
use crate::app::question::{Part, Question, Room};
use crate::app::typed::Typed;
use crate::domain::fix::Fix;
use crate::theme::Theme;

/// What stands below the text and stays in sight however long that is.
pub(super) struct Foot {
    /// What asks for a word, and the field for it.
    pub field: Vec<Line<'static>>,
    /// That a key came too early, if one did.
    pub said: Line<'static>,
    /// The buttons.
    pub buttons: Line<'static>,
    /// What to say where not all of the text is in sight.
    pub more: &'static str,
}

impl Foot {
    /// How many lines it takes.
    pub(super) fn height(&self) -> u16 {
        self.field.len() as u16 + 2
    }

    /// Of the question that is asked, if one is.
    pub(super) fn of(model: &Model, theme: &Theme, columns: usize) -> Option<Foot> {
        match &model.dialog {
            Some(Dialog::Act(question)) if !question.is_possible() => Some(Foot {
                field: Vec::new(),
                said: Line::default(),
                buttons: closes(theme),
                more: "▼ ↓ shows the rest",
            }),
            Some(Dialog::Act(question)) => {
                let hint = hint(question, model.is_lit(), model.room());
                let is_typed = question.typed.is_some();
                Some(Foot {
                    field: field(question, theme, columns),
                    said: too_early(&question.buttons, theme),
                    buttons: buttons(theme, question.plan.deed, &question.buttons, hint, is_typed),
                    more: if is_typed { "▼ ↓ shows the rest" } else { "▼ ↓ shows the rest, then y" },
                })
            }
            Some(Dialog::Quit(asked)) => {
                let hint = Hint { key: "y", not_yet: (!model.is_lit()).then_some("in a moment") };
                Some(Foot {
                    field: Vec::new(),
                    said: too_early(asked, theme),
                    buttons: buttons(theme, "Leave", asked, hint, false),
                    more: "▼ ↓ shows the rest, then y",
                })
            }
            _ => None,
        }
    }
}

/// The text of the question about a plan, from the line that it was scrolled to.
pub(super) fn act(theme: &Theme, question: &Question, room: Room) -> Vec<Line<'static>> {
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

/// The title of the question before leaving.
pub(super) fn quit_title(model: &Model) -> String {
    let runs = match model.action.as_ref().map(|a| &a.plan.fix) {
        Some(Fix::Refresh) | None => "a refresh",
        Some(_) => "a change",
    };
    format!("Leave while {runs} runs?")
}

/// The text of the question before leaving.
pub(super) fn quit(model: &Model, theme: &Theme) -> Vec<Line<'static>> {
    let stays = match model.action.as_ref().is_none_or(|a| a.plan.is_whole()) {
        true => "everything stays as it is",
        false => "what it has done by then stays",
    };
    vec![Line::styled(format!("What you started still runs. Leaving cancels it; {stays}."), theme.words())]
}

/// The key that says yes, and why it does not yet; `None`: it does.
struct Hint {
    key: &'static str,
    not_yet: Option<&'static str>,
}

fn hint(question: &Question, is_lit: bool, room: Room) -> Hint {
    let not_yet = match &question.typed {
        _ if is_lit => None,
        _ if !question.is_read(room) => Some("after the rest"),
        Some(typed) if !typed.matches() && (typed.open || question.buttons.arming.is_lit()) => Some("when it matches"),
        _ => Some("in a moment"),
    };
    Hint { key: if question.typed.is_some() { "⏎" } else { "y" }, not_yet }
}

fn too_early(buttons: &Buttons, theme: &Theme) -> Line<'static> {
    let said = if buttons.arming.is_too_early() { "Too early: read it first." } else { "" };
    Line::styled(said, theme.warning)
}

/// What asks for the word, what was typed of it, and whether that is it.
fn field(question: &Question, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let Some(word) = &question.typed else { return Vec::new() };
    let asks = question.asks(columns).into_iter().map(|line| Line::styled(line, theme.words()));
    let (sign, style) = match word {
        word if word.matches() => ("● it matches", theme.ok),
        Typed { input, .. } if input.value().is_empty() => ("", theme.dim),
        _ => ("✖ it does not match yet", theme.warning),
    };
    let shown = typed(&word.input, columns.saturating_sub(MATCHES));
    let field = Line::from(vec![
        Span::styled("› ", theme.key),
        Span::styled(shown.before, theme.accent),
        Span::styled(shown.under, theme.selection),
        Span::styled(shown.after, theme.accent),
        Span::raw("   "),
        Span::styled(sign, style),
    ]);
    [Line::default()].into_iter().chain(asks).chain([field]).collect()
}

/// The columns that the field's line needs beside what is typed.
const MATCHES: usize = 30;

/// The only button of what cannot be done.
fn closes(theme: &Theme) -> Line<'static> {
    Line::from(vec![Span::styled(" ▸ Close ", theme.badge_unknown), Span::styled(" Esc", theme.key)])
}

/// Cancel first, the deed second with its own key. Where a word is typed, Enter belongs to the field and no button has
/// the focus.
fn buttons(theme: &Theme, deed: &str, asked: &Buttons, hint: Hint, is_typed: bool) -> Line<'static> {
    let is_lit = hint.not_yet.is_none();
    let (cancel, act): (Style, Style) = match (asked.on_yes || is_typed, is_lit) {
        (true, true) => (theme.words(), theme.badge_warning),
        (true, false) => (theme.words(), theme.dim),
        (false, true) => (theme.badge_unknown, theme.danger),
        (false, false) => (theme.badge_unknown, theme.dim),
    };
    let mark = |on: bool| if on && !is_typed { "▸" } else { " " };
    let key = match hint.not_yet {
        None => Span::styled(format!(" {}", hint.key), theme.key),
        Some(why) => Span::styled(format!(" {} {why}", hint.key), theme.dim),
    };
    Line::from(vec![
        Span::styled(format!(" {} Cancel ", mark(!asked.on_yes)), cancel),
        Span::styled(" Esc", theme.key),
        Span::raw("     "),
        Span::styled(format!(" {} {deed} ", mark(asked.on_yes)), act),
        key,
    ])
}
