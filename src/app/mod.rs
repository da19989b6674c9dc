//! The console as data: one Model, `update(&mut Model, Msg) -> Vec<Cmd>`, and no effect but those it returns.

pub mod action;
pub mod answer;
pub mod arming;
pub mod disabled;
pub mod dispatch;
pub mod fix;
pub mod groups;
pub mod jump;
pub mod lines;
pub mod model;
pub mod question;
pub mod rest;
pub mod sort;
pub mod typed;
pub mod update;

use std::sync::Arc;
use std::time::Instant;

use crossterm::event::KeyEvent;

use crate::domain::fix::Plan;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Time;
use crate::journal::Entry;
use crate::pg::operator::Event;
use crate::watch::Request;

pub use model::Model;
pub use rest::Rest;
pub use update::{set_clock, update};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed; when it was read from the terminal.
    Key(KeyEvent, Instant),
    /// Text was pasted; when it was read from the terminal.
    Paste(String, Instant),
    /// A frame of the Model as it is was written to the terminal.
    Drawn(Instant),
    /// The time came at which a question's yes may become lit ([`Model::lights_at`]).
    Lit(Instant),
    /// The terminal is ours again after a stop: this machine's clock. Nobody could read what stood on it meanwhile.
    Resumed(Time),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// Time went on: this machine's clock.
    Tick(Time),
    /// The database was looked at.
    Snapshot(Arc<Snapshot>),
    /// The action that runs reports.
    Action(Event),
    /// The log of actions was read; what is to be said of one that was interrupted.
    Log(Vec<Entry>, Option<String>),
    /// Whether the log can be written was tried again: why not, if it cannot.
    Unlogged(Option<String>),
}

/// Something to be done by the runtime.
#[derive(Clone, Debug, PartialEq)]
pub enum Cmd {
    /// Leave.
    Quit,
    /// Give the terminal back and stop, until the shell wakes the program.
    Suspend,
    /// Ask the watch.
    Watch(Request),
    /// Carry this plan out on the action connection.
    Run(Arc<Plan>),
    /// Read the log of actions.
    ReadLog,
}
