//! What each action does to the Model.

use super::Cmd;
use super::action::{ActionRun, Stage};
use super::arming::Buttons;
use super::disabled::disabled;
use super::lines::{hold_view, next_lens, reorder, reorder_views, retab, select_view};
use super::model::{Dialog, LineKey, Model, Pane};
use super::update::{say, show, want_page};
use super::{fix, groups, jump};
use crate::domain::fix::Fix;
use crate::domain::text::folds;
use crate::keys::{self, Action};
use crate::watch::Request;

/// Does it, or says why not.
pub fn dispatch(model: &mut Model, action: Action) -> Vec<Cmd> {
    if let Some(why) = disabled(model, action) {
        say(model, why);
        return Vec::new();
    }
    if model.dialog.is_some() { in_dialog(model, action) } else { on_screen(model, action) }
}

fn in_dialog(model: &mut Model, action: Action) -> Vec<Cmd> {
    let Some(dialog) = model.dialog.take() else { return Vec::new() };
    match (dialog, action) {
        (_, Action::Quit) => quit(model),
        (Dialog::Groups(choice), action) => groups::act(model, choice, action),
        (_, Action::Back) => Vec::new(),
        (Dialog::Help(line), action) => {
            model.dialog = Some(Dialog::Help(scrolled(line, action, keys::TABLE.len() + 24)));
            Vec::new()
        }
        (Dialog::Run(run, line), action) => {
            let command = model.snapshot.history.value().and_then(|h| h.job(run.job)).map_or("", |job| &job.command);
            let texts = command.lines().chain(run.message.as_deref().unwrap_or_default().split(['\n', '⏎']));
            let line = scrolled(line, action, folded(model, texts) + 7);
            model.dialog = Some(Dialog::Run(run, line));
            Vec::new()
        }
        (Dialog::Log(line), action) => {
            let texts = model.log.iter().flat_map(|entry| entry.sql.iter().flat_map(|sql| sql.lines()));
            let lines = folded(model, texts) + 4 * model.log.len();
            model.dialog = Some(Dialog::Log(scrolled(line, action, lines)));
            Vec::new()
        }
        // A question takes its keys itself.
        (asked @ (Dialog::Act(_) | Dialog::Quit(_)), _) => {
            model.dialog = Some(asked);
            Vec::new()
        }
    }
}

/// How many lines down a key goes in a dialog.
pub(super) fn by_key(action: Action) -> isize {
    match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -10,
        Action::PageDown => 10,
        _ => 0,
    }
}

/// A first line after a key that scrolls, of so many at most.
fn scrolled(line: u16, action: Action, most: usize) -> u16 {
    moved(line.into(), by_key(action), most) as u16
}

/// How many lines these take in a dialog.
fn folded<'a>(model: &Model, texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| folds(text, model.room().columns).len()).sum()
}

/// Leaves; a refresh that still runs is cancelled first.
pub(super) fn quit(model: &Model) -> Vec<Cmd> {
    let running = model.action.as_ref().filter(|a| a.is_running()).and_then(|a| a.pid);
    running.map(|pid| Cmd::Watch(Request::Cancel(pid))).into_iter().chain([Cmd::Quit]).collect()
}

fn on_screen(model: &mut Model, action: Action) -> Vec<Cmd> {
    hold_view(model, action);
    match action {
        Action::Quit if model.action.as_ref().is_some_and(ActionRun::is_running) => {
            model.dialog = Some(Dialog::Quit(Buttons::default()));
        }
        Action::Quit => return quit(model),
        Action::Suspend => return vec![Cmd::Suspend],
        Action::Help => model.dialog = Some(Dialog::Help(0)),
        Action::NextPane => model.focus = model.focus.step(1),
        Action::PreviousPane => model.focus = model.focus.step(Pane::ALL.len() - 1),
        Action::Pane(place) => model.focus = Pane::ALL[place],
        Action::Up => return step(model, -1),
        Action::Down => return step(model, 1),
        Action::PageUp => return step(model, -page(model)),
        Action::PageDown => return step(model, page(model)),
        Action::First => return step(model, isize::MIN / 2),
        Action::Last => return step(model, isize::MAX / 2),
        Action::Left => return sideways(model, -1),
        Action::Right => return sideways(model, 1),
        Action::Enter => return enter(model),
        Action::Back => return back(model),
        Action::Refresh => return ask_refresh(model),
        Action::Fix => return fix::open(model),
        Action::Choose => {
            let plan = fix::selected(model);
            fix::ask(model, plan);
        }
        Action::Schedule => fix::edit_schedule(model),
        Action::PauseJob | Action::RemoveJob | Action::RunJob => ask_job(model, action),
        Action::CancelBlocker => ask_blocker(model, Fix::Cancel),
        Action::EndBlocker => ask_blocker(model, Fix::Terminate),
        Action::Log => {
            model.dialog = Some(Dialog::Log(0));
            return vec![Cmd::ReadLog];
        }
        Action::Jump(n) => return jump::jump(model, n),
        Action::Filter => {
            if model.focus == Pane::Views {
                model.views.editing = true;
            } else {
                model.focus = Pane::Counts;
                model.counts.editing = true;
            }
        }
        Action::Sort if model.focus == Pane::Views => {
            model.views.sort = model.views.sort.next();
            reorder_views(model);
            return step(model, isize::MIN / 2);
        }
        Action::Sort => {
            model.counts.sort = model.counts.sort.next();
            reorder(model);
            model.counts.selected = None;
        }
        Action::Lens => next_lens(model),
        Action::Freeze => return freeze(model),
        Action::Zoom => model.zoom = !model.zoom,
        Action::Theme => {
            model.theme = (model.theme + 1) % model.settings.themes.len().max(1);
            let name = model.settings.themes.get(model.theme).cloned().unwrap_or_default();
            say(model, format!("theme {name}"));
        }
        Action::Measure => return measure(model),
        Action::CancelRefresh => return cancel(model),
        Action::Groups => return groups::open(model),
        Action::Worst => {
            if let Some(worst) = model.diagnosis.worst().map(|v| v.oid) {
                model.views.filter.reset();
                reorder_views(model);
                select_view(model, worst);
            }
        }
        Action::Confirm | Action::Toggle => {}
    }
    Vec::new()
}

/// A screenful: what is surely visible of a list that has the screen, or a pane of it.
fn page(model: &Model) -> isize {
    let has_screen = model.zoom || model.drill.is_some();
    (model.size.1 as isize / if has_screen { 2 } else { 6 }).max(1)
}

/// Moves a cursor by `by` rows, stopping at the ends.
fn moved(place: usize, by: isize, length: usize) -> usize {
    place.saturating_add_signed(by).min(length.saturating_sub(1))
}

fn step(model: &mut Model, by: isize) -> Vec<Cmd> {
    if let Some(screen) = &model.fix {
        let row = moved(screen.row, by, fix::rows(model, screen).len());
        if let Some(screen) = &mut model.fix {
            screen.row = row;
        }
        return Vec::new();
    }
    if let Some(screen) = &mut model.drill {
        screen.row = moved(screen.row, by, screen.rows.len());
        return want_page(model);
    }
    match model.focus {
        Pane::Views => step_view(model, by),
        Pane::Cron => step_run(model, by),
        Pane::Counts => {
            let place = moved(model.line_place(), by, model.counts.order.len());
            model.counts.selected = model.line(place).map(|l| l.member.key.clone());
        }
        Pane::Flow => {
            let length = model.flows().count();
            model.flow = moved(model.flow, by, length);
        }
    }
    Vec::new()
}

fn step_view(model: &mut Model, by: isize) {
    let (views, order) = (&model.snapshot.views, &model.views.order);
    let selected = model.selected_view().map(|v| v.view.oid);
    let place = order.iter().position(|&i| views.get(i).map(|v| v.view.oid) == selected);
    // What the filter hides has no place: the first step leads to the first that it shows.
    let place = place.map_or(0, |place| moved(place, by, order.len()));
    let next = order.get(place).and_then(|&i| views.get(i)).map(|v| v.view.oid);
    if let Some(next) = next.filter(|_| next != selected) {
        select_view(model, next);
    }
}

/// Rows of the cron pane: the runs of the job shown.
fn step_run(model: &mut Model, by: isize) {
    let length = match (model.snapshot.history.value(), model.shown_job()) {
        (Some(history), Some(job)) => history.runs_of(job.id).count(),
        _ => 0,
    };
    model.run = moved(model.run, by, length);
}

fn sideways(model: &mut Model, by: isize) -> Vec<Cmd> {
    // The options stand side by side there.
    if model.fix.is_some() {
        return step(model, by);
    }
    if model.drill.is_some() {
        return switch_tab(model, by);
    }
    match model.focus {
        Pane::Counts => {
            let columns = model.comparison().map_or(0, |c| c.matrix.columns.len());
            model.counts.column = moved(model.counts.column, by, columns);
            reorder(model);
        }
        Pane::Cron => {
            let jobs: Vec<_> =
                model.snapshot.history.value().map_or(Vec::new(), |h| h.jobs.iter().map(|j| j.id).collect());
            let shown = model.shown_job().map(|j| j.id);
            let place = jobs.iter().position(|j| Some(*j) == shown).unwrap_or(0);
            model.job = jobs.get(moved(place, by, jobs.len())).copied();
            model.run = 0;
        }
        Pane::Views | Pane::Flow => {}
    }
    Vec::new()
}

/// The tabs of a drill: all, then each column group of the counts.
pub fn tabs(model: &Model) -> Vec<Option<LineKey>> {
    let columns = model.comparison().into_iter().flat_map(|c| c.matrix.columns.iter().map(|m| m.key.clone()));
    std::iter::once(None).chain(columns.filter(Option::is_some).map(Some)).collect()
}

fn switch_tab(model: &mut Model, by: isize) -> Vec<Cmd> {
    let tabs = tabs(model);
    let Some(screen) = &mut model.drill else { return Vec::new() };
    let place = tabs.iter().position(|t| *t == screen.tab).unwrap_or(0);
    let next = (place + tabs.len()).saturating_add_signed(by) % tabs.len();
    screen.tab = tabs[next].clone();
    screen.row = 0;
    retab(model);
    want_page(model)
}

fn enter(model: &mut Model) -> Vec<Cmd> {
    match model.focus {
        Pane::Views => {
            model.focus = Pane::Counts;
            Vec::new()
        }
        Pane::Cron => {
            model.dialog = model.selected_run().cloned().map(|run| Dialog::Run(run, 0));
            Vec::new()
        }
        Pane::Counts | Pane::Flow => jump::drill(model, None),
    }
}

/// One step back, and the message goes with it: the fix screen, the rows, the filter, the lens, the maximised pane.
fn back(model: &mut Model) -> Vec<Cmd> {
    let said = model.notice.take();
    if model.fix.take().is_some() {
        return Vec::new();
    }
    if model.drill.take().is_some() {
        return vec![Cmd::Watch(Request::Drill(None))];
    }
    if model.focus == Pane::Views && !model.views.filter.value().is_empty() {
        model.views.filter.reset();
        reorder_views(model);
    } else if !model.counts.filter.value().is_empty() {
        model.counts.filter.reset();
        reorder(model);
    } else if model.role.take().is_some() {
        reorder(model);
    } else if model.zoom {
        model.zoom = false;
    } else if !model.views.filter.value().is_empty() {
        model.views.filter.reset();
        reorder_views(model);
    } else if said.is_none() && model.action.as_ref().is_some_and(|a| matches!(a.stage, Stage::Over { .. })) {
        model.action = None;
    }
    Vec::new()
}

fn ask_refresh(model: &mut Model) -> Vec<Cmd> {
    // The line looked at stays under the cursor when the refresh gives the lines another order.
    model.counts.selected = model.selected_line().map(|l| l.member.key.clone());
    fix::ask_for(model, &Fix::Refresh);
    Vec::new()
}

fn ask_job(model: &mut Model, action: Action) {
    let Some(job) = model.selected_job() else { return };
    let fix = match action {
        Action::RemoveJob => Fix::CronRemove(job.id),
        Action::RunJob => Fix::CronRunNow(job.id),
        _ if job.active => Fix::CronPause(job.id),
        _ => Fix::CronResume(job.id),
    };
    fix::ask_for(model, &fix);
}

fn ask_blocker(model: &mut Model, fix: impl Fn(i32) -> Fix) {
    if let Some(pid) = fix::obstacle(model).map(|o| o.by.pid) {
        fix::ask_for(model, &fix(pid));
    }
}

fn freeze(model: &mut Model) -> Vec<Cmd> {
    match model.frozen.take() {
        Some(_) => show(model),
        None => {
            model.frozen = Some(model.now);
            Vec::new()
        }
    }
}

fn measure(model: &mut Model) -> Vec<Cmd> {
    let Some(view) = model.selected_view().map(|v| (v.view.oid, v.view.name.short())) else { return Vec::new() };
    say(model, format!("measuring {} now", view.1));
    vec![Cmd::Watch(Request::Measure(view.0))]
}

fn cancel(model: &mut Model) -> Vec<Cmd> {
    let Some(action) = &mut model.action else { return Vec::new() };
    action.cancelling = true;
    action.pid.map(|pid| Cmd::Watch(Request::Cancel(pid))).into_iter().collect()
}
