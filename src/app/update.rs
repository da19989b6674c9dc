//! `update`: how the Model changes with each message. No I/O; what is to be done comes back as commands.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use crossterm::event::{Event as TermEvent, KeyCode, KeyEvent, KeyModifiers};
use tui_input::backend::crossterm::EventHandler;

use super::action::{follow, report};
use super::dispatch::{dispatch, quit};
use super::fix::{chosen_fix, keep_fix, schedule_typed};
use super::jump::is_of_here;
use super::lines::{reorder, reorder_views, retab, row_key, select_row};
use super::model::{Dialog, Model, Notice};
use super::{Cmd, Msg, answer};
use crate::domain::diagnosis::diagnose;
use crate::domain::reading::Progress;
use crate::domain::snapshot::{Drill, Snapshot, ViewState};
use crate::domain::time::Time;
use crate::keys::{Action, Scope};
use crate::watch::Request;

/// How long a notice stays.
const NOTICE: TimeDelta = TimeDelta::seconds(6);

/// Changes the Model by one message.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Cmd> {
    match msg {
        Msg::Key(key, read) => return press(model, key, read),
        Msg::Snapshot(snapshot) => return take(model, snapshot),
        Msg::Action(event) => return report(model, event),
        Msg::Paste(text, read) => paste(model, &text, read),
        Msg::Resize(columns, rows) => {
            model.size = (columns, rows);
            restart_arming(model);
        }
        Msg::Tick(now) => tick(model, now),
        Msg::Resumed(now) => {
            restart_arming(model);
            tick(model, now);
        }
        // On a terminal that is too small nothing of it is to be seen.
        Msg::Drawn(_) if model.is_too_small() => {}
        Msg::Drawn(at) => {
            if let Some(arming) = model.arming_mut() {
                arming.drawn(at);
            }
        }
        Msg::Lit(now) => {
            if let Some(arming) = model.arming_mut() {
                arming.light(now);
            }
        }
        Msg::Log(entries, said) => {
            model.log = entries;
            if let Some(said) = said {
                say(model, said);
            }
        }
        Msg::Unlogged(why) => unlogged(model, why),
    }
    Vec::new()
}

/// Other lines of a question are in sight, or they were out of sight: its yes counts from anew.
fn restart_arming(model: &mut Model) {
    if let Some(arming) = model.arming_mut() {
        arming.restart();
    }
}

/// Tells a question that is open, and those to come, why the log cannot be written.
fn unlogged(model: &mut Model, why: Option<String>) {
    if let (Some(Dialog::Act(question)), Some(why)) = (&mut model.dialog, &why) {
        let note = format!("▲ {why}.");
        if !question.plan.notes.contains(&note) {
            Arc::make_mut(&mut question.plan).notes.push(note);
        }
    }
    model.settings.unlogged = why;
}

/// Says something for a few seconds.
pub fn say(model: &mut Model, text: impl Into<String>) {
    model.notice = Some(Notice { text: text.into(), until: model.now + NOTICE });
}

fn press(model: &mut Model, key: KeyEvent, read: Instant) -> Vec<Cmd> {
    if model.is_too_small() {
        return leave(model, key);
    }
    let action = model.settings.keys.action(&key, model.scopes());
    let leaves = key.modifiers.contains(KeyModifiers::CONTROL) && action == Some(Action::Quit);
    if model.arming().is_some() && !(leaves || action == Some(Action::Quit) && !model.is_typing_word()) {
        return answer::press(model, key, action, read);
    }
    if model.field.is_some() && model.dialog.is_none() && !leaves {
        type_schedule(model, key);
        return Vec::new();
    }
    if model.is_typing() && !leaves {
        edit_filter(model, key);
        return Vec::new();
    }
    match action.filter(|action| is_of_here(model, *action)) {
        Some(action) => dispatch(model, action),
        None => Vec::new(),
    }
}

/// No key acts on what cannot be seen; whatever would be open, one leaves.
fn leave(model: &Model, key: KeyEvent) -> Vec<Cmd> {
    match model.settings.keys.action(&key, &[Scope::Everywhere]) {
        Some(Action::Quit) => quit(model),
        Some(Action::Suspend) => vec![Cmd::Suspend],
        _ => Vec::new(),
    }
}

/// The field takes every key but Enter, which takes the schedule, and Esc, which leaves it as it was.
fn type_schedule(model: &mut Model, key: KeyEvent) {
    // What was wrong with it is told while it is as it was.
    model.notice = None;
    match key.code {
        KeyCode::Enter => schedule_typed(model),
        KeyCode::Esc => model.field = None,
        _ => {
            if let Some(field) = &mut model.field {
                field.input.handle_event(&TermEvent::Key(key));
            }
        }
    }
}

/// The filter takes every key but Enter, which keeps it, and Esc, which drops it.
fn edit_filter(model: &mut Model, key: KeyEvent) {
    let Some((filter, editing)) = model.typing() else { return };
    match key.code {
        KeyCode::Enter => *editing = false,
        KeyCode::Esc => {
            *editing = false;
            filter.reset();
        }
        _ => {
            filter.handle_event(&TermEvent::Key(key));
        }
    }
    refilter(model);
}

/// A filter changed.
fn refilter(model: &mut Model) {
    reorder_views(model);
    reorder(model);
}

fn paste(model: &mut Model, text: &str, read: Instant) {
    if model.arming().is_some() {
        return answer::paste(model, text, read);
    }
    if let Some(field) = &mut model.field {
        for c in text.chars().filter(|c| !c.is_control()) {
            field.input.handle(tui_input::InputRequest::InsertChar(c));
        }
        return;
    }
    let Some((filter, _)) = model.typing() else { return };
    for c in text.chars().filter(|c| !c.is_control()) {
        filter.handle(tui_input::InputRequest::InsertChar(c));
    }
    refilter(model);
}

/// What time it is; nothing that is shown is worked out anew.
pub fn set_clock(model: &mut Model, now: Time) {
    model.now = now;
    if model.notice.as_ref().is_some_and(|n| n.until <= now) {
        model.notice = None;
    }
    if model.action.as_mut().is_some_and(|action| action.is_told(now)) {
        model.action = None;
    }
}

fn tick(model: &mut Model, now: Time) {
    set_clock(model, now);
    if model.frozen.is_none() {
        model.diagnosis = diagnose(&model.snapshot, model.server_now());
        reorder_views(model);
    }
}

/// A new Snapshot: always kept, shown unless the display is frozen.
fn take(model: &mut Model, snapshot: Arc<Snapshot>) -> Vec<Cmd> {
    let chosen = chosen_fix(model);
    model.newest = snapshot;
    follow(model);
    let commands = if model.frozen.is_none() { show(model) } else { Vec::new() };
    keep_fix(model, chosen);
    commands
}

/// Shows the newest Snapshot.
pub fn show(model: &mut Model) -> Vec<Cmd> {
    let before = model.comparison().map(Arc::as_ptr);
    let row = row_key(model);
    model.snapshot = model.newest.clone();
    model.diagnosis = diagnose(&model.snapshot, model.server_now());
    reorder_views(model);
    // The cursor stays on what it was on; nothing chosen yet means the view that needs a person most.
    if model.view.is_none() && model.snapshot.settled {
        model.view = model.diagnosis.worst().map(|v| v.oid);
    }
    follow_name(model);
    if model.comparison().map(Arc::as_ptr) != before {
        reorder(model);
    }
    retab(model);
    if let Some(key) = row {
        select_row(model, &key);
    }
    [want_page(model), want_columns(model)].concat()
}

/// Where all rows are one group, asks which columns they could be counted by: the pane says so.
fn want_columns(model: &Model) -> Vec<Cmd> {
    let is_asked = |view: &ViewState| view.columns.last.is_some() || view.columns.progress != Progress::Idle;
    let view = model.selected_view().filter(|v| v.view.groups.is_empty() && v.view.can_select && v.signal.populated);
    view.filter(|v| v.drift.value().is_some() && !is_asked(v))
        .map(|v| Cmd::Watch(Request::Columns(v.view.oid)))
        .into_iter()
        .collect()
}

/// A view that was made again under its name has another OID: what was on the old one goes to the new one.
fn follow_name(model: &mut Model) {
    let Some(action) = &model.action else { return };
    let is_gone = |oid| model.snapshot.view(oid).is_none();
    let Some(old) = action.plan.view.filter(|oid| is_gone(*oid)) else { return };
    let Some(new) = model.snapshot.views.iter().find(|v| v.view.name.short() == action.plan.name) else { return };
    let new = new.view.oid;
    if model.view == Some(old) {
        model.view = Some(new);
    }
    // The options of the old one are not those of the new one.
    if model.fix.as_ref().is_some_and(|screen| screen.view == old) {
        model.fix = None;
    }
}

/// Asks for the values of the rows around the cursor, if they were not read yet.
pub fn want_page(model: &Model) -> Vec<Cmd> {
    let (Some(screen), Some(drill)) = (&model.drill, model.drilled()) else { return Vec::new() };
    let Some(&row) = screen.rows.get(screen.row) else { return Vec::new() };
    let page = row / Drill::PAGE;
    match drill.lacks(page, model.server_now()) {
        true => vec![Cmd::Watch(Request::Page(page))],
        false => Vec::new(),
    }
}
