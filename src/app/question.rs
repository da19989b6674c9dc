//! The question before an action as it is read: its lines on a terminal of some size, and whether all of them were seen.

use std::sync::Arc;

use super::arming::Buttons;
use super::model::{Dialog, Model};
use super::typed::Typed;
use crate::domain::fix::{Need, Plan};
use crate::domain::text::{folds, visible};

/// A plan that waits for a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What would be done: what is shown is what is sent.
    pub plan: Arc<Plan>,
    /// The buttons, Cancel focused at first.
    pub buttons: Buttons,
    /// What must be typed before a yes is possible; `None`: a yes is enough.
    pub typed: Option<Typed>,
    /// The first line shown, where it is long.
    pub line: usize,
}

/// What a line of a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is missing, so that it cannot be done.
    Need,
    /// Where the SQL is sent, if not to this database.
    Place,
    /// The exact SQL.
    Sql,
    /// What it means.
    Impact,
    /// What else is to be known.
    Note,
    /// The way back.
    Back,
}

/// How many columns and lines of text a dialog has on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Columns.
    pub columns: usize,
    /// Lines, those for the buttons left out.
    pub lines: usize,
}

impl Room {
    /// On a terminal of so many columns and rows: frame, padding and what stays in sight around it left out.
    pub fn of((columns, rows): (u16, u16)) -> Room {
        Room {
            columns: columns.saturating_sub(4).min(96).saturating_sub(4).max(1).into(),
            lines: rows.saturating_sub(6).max(1).into(),
        }
    }
}

impl Question {
    /// About a plan, Cancel focused, with the word that must be typed before a yes.
    pub fn about(plan: Plan, typed: Option<Typed>) -> Question {
        let typed = typed.filter(|_| plan.needs.is_empty());
        Question { plan: Arc::new(plan), buttons: Buttons::default(), typed, line: 0 }
    }

    /// Would a yes count now, as far as the screen tells? Only where all of it is to be seen and the word was typed.
    pub fn is_lit(&self, room: Room) -> bool {
        let is_typed = self.typed.as_ref().is_none_or(Typed::matches);
        self.buttons.arming.is_lit() && self.is_possible() && self.is_read(room) && is_typed
    }

    /// What asks for the word that must be typed, folded at so many columns; nothing where there is none.
    pub fn asks(&self, columns: usize) -> Vec<String> {
        let asks = self.typed.as_ref().map(Typed::asks).unwrap_or_default();
        folds(&asks, columns).into_iter().filter(|line| !line.is_empty()).map(|line| line.trim_end().into()).collect()
    }

    /// How many lines the field and what asks for it take, with a blank one above them.
    pub fn field_lines(&self, columns: usize) -> usize {
        self.typed.as_ref().map_or(0, |_| self.asks(columns).len() + 2)
    }

    /// The room for its text on a terminal of so many columns and rows: the field's lines left out.
    pub fn room(&self, size: (u16, u16)) -> Room {
        let room = Room::of(size);
        Room { lines: room.lines.saturating_sub(self.field_lines(room.columns)).max(1), ..room }
    }

    /// Can it be done? Else there is nothing to say yes to.
    pub fn is_possible(&self) -> bool {
        self.plan.needs.is_empty()
    }

    /// What is missing first, then the exact SQL, then what it means, folded at so many columns.
    pub fn lines(&self, columns: usize) -> Vec<(Part, String)> {
        let plan = &self.plan;
        let mut said: Vec<(Part, String)> = Vec::new();
        said.extend(plan.needs.iter().map(|need| (Part::Need, format!("{} {}", sign(need), need.sentence()))));
        said.extend(plan.database.iter().map(|database| (Part::Place, format!("-- in the database {database}"))));
        said.extend(plan.sql_to_read().lines().map(|line| (Part::Sql, line.to_string())));
        said.push((Part::Sql, String::new()));
        said.push((Part::Impact, plan.impact.clone()));
        said.extend(plan.notes.iter().map(|note| (Part::Note, note.clone())));
        if !plan.refreshes || plan.undo.is_some() {
            let back = plan.undo.as_ref().map_or("There is no way back.".into(), |undo| format!("Way back: {undo}."));
            said.push((Part::Back, back));
        }
        let fold = |(part, text): (Part, String)| {
            folds(&visible(&text), columns)
                .into_iter()
                .map(|line| (part, line.trim_end().to_string()))
                .collect::<Vec<_>>()
        };
        said.into_iter().flat_map(fold).collect()
    }

    /// The first line shown: the last ones fill the room.
    pub fn first(&self, room: Room) -> usize {
        self.line.min(self.lines(room.columns).len().saturating_sub(room.lines))
    }

    /// Is what is left of it in sight?
    pub fn is_read(&self, room: Room) -> bool {
        self.first(room) + room.lines >= self.lines(room.columns).len()
    }

    /// Moves it by so many lines. Other lines are in sight then, so its yes counts from anew.
    pub fn scrolled(mut self, by: isize, room: Room) -> Question {
        self.line = self.first(room).saturating_add_signed(by);
        self.line = self.first(room);
        self.buttons.arming.restart();
        self
    }
}

impl Model {
    /// The room for the text of the dialog.
    pub fn room(&self) -> Room {
        match &self.dialog {
            Some(Dialog::Act(question)) => question.room(self.size),
            _ => Room::of(self.size),
        }
    }
}

/// The sign before a need: a cross, or a tick where all is done already.
fn sign(need: &Need) -> char {
    if need.is_already() { '✔' } else { '✖' }
}
