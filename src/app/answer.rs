//! What a key does to a question. A yes does it; a no, which always works, leaves everything as it is.

use std::time::Instant;

use crossterm::event::{Event as TermEvent, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use super::Cmd;
use super::action::ActionRun;
use super::arming::{Answer, Arming};
use super::disabled::{disabled, no_change};
use super::dispatch::{by_key, quit};
use super::model::{Dialog, Model};
use super::question::{Question, Room};
use super::update::say;
use crate::domain::fix::{Fix, Need};
use crate::keys::Action;

impl Model {
    /// The clock of the question that is asked, if one is.
    pub fn arming(&self) -> Option<&Arming> {
        match &self.dialog {
            Some(Dialog::Act(question)) => Some(&question.buttons.arming),
            Some(Dialog::Quit(buttons)) => Some(&buttons.arming),
            _ => None,
        }
    }

    pub(super) fn arming_mut(&mut self) -> Option<&mut Arming> {
        match &mut self.dialog {
            Some(Dialog::Act(question)) => Some(&mut question.buttons.arming),
            Some(Dialog::Quit(buttons)) => Some(&mut buttons.arming),
            _ => None,
        }
    }

    /// Would a yes count now, as far as the screen tells?
    pub fn is_lit(&self) -> bool {
        match &self.dialog {
            Some(Dialog::Act(question)) => question.is_lit(self.room()),
            Some(Dialog::Quit(buttons)) => buttons.arming.is_lit(),
            _ => false,
        }
    }

    /// When [`Msg::Lit`](super::Msg::Lit) is to come; `None`: nothing waits for it.
    pub fn lights_at(&self) -> Option<Instant> {
        self.arming()?.lights_at()
    }

    /// Does the question that is asked have a field? It takes nearly every key.
    pub fn is_typing_word(&self) -> bool {
        matches!(&self.dialog, Some(Dialog::Act(question)) if question.typed.is_some())
    }
}

/// Takes a key that was read at this moment, with what it does in a dialog.
pub(super) fn press(model: &mut Model, key: KeyEvent, action: Option<Action>, read: Instant) -> Vec<Cmd> {
    match model.dialog.take() {
        Some(Dialog::Act(question)) if question.typed.is_some() => type_word(model, question, key, read),
        Some(Dialog::Act(question)) => answer(model, question, action, read),
        Some(Dialog::Quit(mut buttons)) => match buttons.press(action, read) {
            Answer::Yes => quit(model),
            Answer::No => Vec::new(),
            Answer::None => {
                model.dialog = Some(Dialog::Quit(buttons));
                Vec::new()
            }
        },
        other => {
            model.dialog = other;
            Vec::new()
        }
    }
}

/// Takes pasted text: it fills the field of a question that has one, and is no answer to any.
pub(super) fn paste(model: &mut Model, text: &str, read: Instant) {
    if let Some(Dialog::Act(Question { typed: Some(typed), buttons, .. })) = &mut model.dialog {
        typed.open |= buttons.arming.counts(read);
        if typed.open {
            typed.insert(text);
            return buttons.arming.restart();
        }
    }
    if let Some(arming) = model.arming_mut() {
        arming.drop_key();
    }
}

fn answer(model: &mut Model, mut question: Question, action: Option<Action>, read: Instant) -> Vec<Cmd> {
    let room = question.room(model.size);
    if let Some(by) = action.map(by_key).filter(|by| *by != 0) {
        return stays(model, question.scrolled(by, room));
    }
    if !question.is_possible() {
        return cannot_be_done(model, question, action);
    }
    let is_yes = action == Some(Action::Confirm) || action == Some(Action::Enter) && question.buttons.on_yes;
    if is_yes && !question.is_read(room) {
        return show_rest(model, question, room);
    }
    match question.buttons.press(action, read) {
        Answer::Yes => confirmed(model, question),
        Answer::No => Vec::new(),
        Answer::None => stays(model, question),
    }
}

/// The field takes every key but Enter, which says yes, Esc, which says no, and those that scroll.
fn type_word(model: &mut Model, mut question: Question, key: KeyEvent, read: Instant) -> Vec<Cmd> {
    let room = question.room(model.size);
    let (counts, is_read) = (question.buttons.arming.counts(read), question.is_read(room));
    let (Some(typed), arming) = (&mut question.typed, &mut question.buttons.arming) else {
        return stays(model, question);
    };
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
            let by = scroll_key(key.code);
            return stays(model, question.scrolled(by, room));
        }
        KeyCode::Enter if !is_read => return show_rest(model, question, room),
        KeyCode::Enter if typed.matches() && counts => return confirmed(model, question),
        KeyCode::Enter if counts => arming.restart(),
        KeyCode::Enter => arming.drop_key(),
        _ if typed.open || counts => {
            typed.open = true;
            typed.input.handle_event(&TermEvent::Key(key));
            arming.restart();
        }
        _ => arming.drop_key(),
    }
    stays(model, question)
}

fn scroll_key(code: KeyCode) -> isize {
    by_key(match code {
        KeyCode::Up => Action::Up,
        KeyCode::PageUp => Action::PageUp,
        KeyCode::PageDown => Action::PageDown,
        _ => Action::Down,
    })
}

fn stays(model: &mut Model, question: Question) -> Vec<Cmd> {
    model.dialog = Some(Dialog::Act(question));
    Vec::new()
}

/// Its end was not in sight yet: a yes shows it first.
fn show_rest(model: &mut Model, question: Question, room: Room) -> Vec<Cmd> {
    stays(model, question.scrolled(room.lines as isize - 1, room))
}

fn cannot_be_done(model: &mut Model, question: Question, action: Option<Action>) -> Vec<Cmd> {
    match action {
        Some(Action::Back | Action::Enter) => Vec::new(),
        Some(Action::Confirm) => {
            say(model, question.plan.needs.first().map_or("It cannot be done.".into(), Need::sentence));
            Vec::new()
        }
        _ => stays(model, question),
    }
}

/// It was confirmed: what was seen in the dialog is what is sent.
fn confirmed(model: &mut Model, question: Question) -> Vec<Cmd> {
    let plan = question.plan;
    let why = match plan.fix {
        Fix::Refresh => disabled(model, Action::Refresh),
        _ => no_change(model),
    };
    if let Some(why) = why {
        say(model, why);
        return Vec::new();
    }
    // An older message must not hide that it runs.
    model.notice = None;
    let before = plan.view.and_then(|oid| model.diagnosis.view(oid)).and_then(|report| report.totals);
    model.action = Some(ActionRun::begin(plan.clone(), model.now, before));
    // What was chosen is under way; the panes show what comes of it.
    model.fix = None;
    vec![Cmd::Run(plan)]
}
