//! The fix screen as data: its rows, and the plan that each asks to confirm.

use std::sync::Arc;

use tui_input::Input;

use super::Cmd;
use super::model::{Dialog, Model};
use super::question::Question;
use super::typed::Typed;
use crate::domain::diagnosis::who;
use crate::domain::fix::jobs::{broken_jobs, job_to_resume};
use crate::domain::fix::{Advice, Best, Choice, Fix, Offer, Plan, advise};
use crate::domain::job::JobId;
use crate::domain::snapshot::{Obstacle, ViewState};
use crate::domain::view::Oid;
use crate::pg::fix::Ground;
use crate::watch::Request;

/// How much of the history is kept when it is purged from the screen.
const KEEP_DAYS: u32 = 30;

/// The fix screen's own state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixScreen {
    /// The view.
    pub view: Oid,
    /// The row under the cursor.
    pub row: usize,
    /// The schedule that was typed, in the place of the one advised.
    pub schedule: Option<String>,
}

/// A schedule while it is typed.
#[derive(Clone, Debug)]
pub struct ScheduleField {
    /// The job it is for; none: the one that the fix screen would install.
    pub job: Option<JobId>,
    /// The text.
    pub input: Input,
}

/// A row of the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// One of the four options.
    Offer(Box<Offer>, Fix),
    /// A small repair, with what it is for.
    Repair(String, Fix),
}

impl Row {
    /// What it does.
    pub fn fix(&self) -> &Fix {
        match self {
            Row::Offer(_, fix) | Row::Repair(_, fix) => fix,
        }
    }
}

/// The view of the screen, as it is now.
pub fn view<'a>(model: &'a Model, screen: &FixScreen) -> Option<&'a Arc<ViewState>> {
    model.newest.view(screen.view)
}

/// The options weighed; `None` before the facts were read. A plain view has nothing to weigh.
pub fn advice(model: &Model, screen: &FixScreen) -> Option<Advice> {
    let view = view(model, screen).filter(|v| !v.view.is_plain())?;
    let facts = view.facts.value()?;
    Some(advise(&model.newest, view, model.diagnosis.view(screen.view), facts))
}

/// The schedule that would be installed.
pub fn schedule(screen: &FixScreen, advice: &Advice) -> String {
    screen.schedule.clone().unwrap_or_else(|| advice.schedule.clone())
}

/// The rows, the recommended one first.
pub fn rows(model: &Model, screen: &FixScreen) -> Vec<Row> {
    let Some(view) = view(model, screen) else { return Vec::new() };
    let mut rows = Vec::new();
    let advice = advice(model, screen);
    if let Some(advice) = &advice {
        let schedule = schedule(screen, advice);
        let fix = |choice| match choice {
            Choice::Refresh => Fix::Refresh,
            Choice::Cron => Fix::CronInstall { schedule: schedule.clone() },
            Choice::Triggers => Fix::TriggersInstall,
            Choice::PlainView => Fix::PlainView,
        };
        let offers = advice.offers.iter().cloned().map(|mut offer| {
            // What the job has already is another schedule than the one that was typed.
            if offer.choice == Choice::Cron && schedule != advice.schedule {
                offer.needs.retain(|need| !need.is_already());
            }
            let does = fix(offer.choice);
            Row::Offer(Box::new(offer), does)
        });
        rows.extend(offers);
    }
    if view.facts.value().is_some() {
        let mut repairs = repairs(model, view);
        // The one without which no option works stands before them all.
        if let Some(Best::Repair(fix, _)) = advice.map(|a| a.best)
            && let Some(place) = repairs.iter().position(|r| *r.fix() == fix)
        {
            rows.insert(0, repairs.remove(place));
        }
        rows.extend(repairs);
    }
    rows
}

fn repairs(model: &Model, view: &ViewState) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut offer = |text: &str, fix| rows.push(Row::Repair(text.to_string(), fix));
    if let Some(obstacle) = view.obstacles().into_iter().next() {
        let by = &obstacle.by;
        let who = who(&by.user, &by.application, by.pid);
        let why = if obstacle.forgot { "it did not commit" } else { "a refresh waits for it" };
        // One that runs nothing has nothing to cancel.
        if !obstacle.is_idle() {
            offer(&format!("Cancel what {who} runs: {why}"), Fix::Cancel(by.pid));
        }
        offer(&format!("End the session of {who}: {why}"), Fix::Terminate(by.pid));
    }
    if let Some(history) = model.newest.history.value() {
        for job in history.jobs.iter().filter(|j| !j.owner_exists) {
            let text =
                format!("Remove the job {}: its role {} is gone, and pg_cron stops at it", job.title(), job.username);
            offer(&text, Fix::CronRemove(job.id));
        }
        if let Some(job) = view.facts.value().and_then(|f| job_to_resume(&model.newest, &view.view, f)) {
            offer(
                &format!("Resume the job {}, by its own schedule {}", job.title(), job.schedule),
                Fix::CronResume(job.id),
            );
        }
        // What no function of pg_cron changes, or only for its own role.
        for (job, why) in broken_jobs(&model.newest, &view.view) {
            offer(&format!("Remove the job {} of {}: it {why}", job.title(), job.username), Fix::CronRemove(job.id));
        }
    }
    if view.view.is_plain() {
        offer("Make it materialized again, as it was", Fix::Materialize);
    }
    let unique = view.facts.value().and_then(|f| f.unique.first());
    if let Some(columns) = unique {
        offer("Give it the unique index that CONCURRENTLY needs", Fix::CreateUnique(columns.clone()));
    }
    if !view.view.triggers.is_empty() {
        offer("Drop the triggers that refresh it", Fix::TriggersRemove);
    }
    if model.newest.history.value().is_some_and(|h| h.truncated) {
        offer("Delete cron runs older than 30 days", Fix::PurgeRuns { days: KEEP_DAYS });
    }
    rows
}

/// Opens the screen on the selected view and has its facts read.
pub fn open(model: &mut Model) -> Vec<Cmd> {
    let Some(view) = model.selected_view().map(|v| v.view.oid) else { return Vec::new() };
    model.fix = Some(FixScreen { view, row: 0, schedule: None });
    vec![Cmd::Watch(Request::Price(view))]
}

/// The fix under the cursor.
pub(super) fn chosen_fix(model: &Model) -> Option<Fix> {
    let screen = model.fix.as_ref()?;
    Some(rows(model, screen).get(screen.row)?.fix().clone())
}

/// Puts the cursor back on this fix, wherever it is in the list by now, or on the last one where the list became shorter.
pub(super) fn keep_fix(model: &mut Model, chosen: Option<Fix>) {
    let Some(screen) = &model.fix else { return };
    let rows = rows(model, screen);
    let place = chosen.and_then(|fix| rows.iter().position(|row| *row.fix() == fix));
    let row = place.unwrap_or(screen.row.min(rows.len().saturating_sub(1)));
    if let Some(screen) = &mut model.fix {
        screen.row = row;
    }
}

/// The plan of the row under the cursor.
pub fn selected(model: &Model) -> Option<Plan> {
    let screen = model.fix.as_ref()?;
    let rows = rows(model, screen);
    plan(model, screen.view, rows.get(screen.row)?.fix())
}

/// The plan of a fix for a view, from what is known now.
pub fn plan(model: &Model, view: Oid, fix: &Fix) -> Option<Plan> {
    let view = model.newest.view(view)?;
    let report = model.diagnosis.view(view.view.oid);
    let now = model.newest.server_time(model.now);
    let mut plan = Ground { snapshot: &model.newest, view, report, now }.plan(fix)?;
    plan.notes.extend(model.settings.unlogged.iter().map(|why| format!("▲ {why}.")));
    Some(plan)
}

/// Asks before doing it: exact SQL, Cancel focused.
pub fn ask(model: &mut Model, plan: Option<Plan>) {
    model.dialog = plan.map(|plan| {
        let typed = Typed::for_fix(&plan.fix, &model.newest);
        Dialog::Act(Question::about(plan, typed))
    });
}

/// Asks about the selected view or, for a job that refreshes none, about whichever view is selected.
pub fn ask_for(model: &mut Model, fix: &Fix) {
    let plan = model.selected_view().map(|v| v.view.oid).and_then(|view| plan(model, view, fix));
    ask(model, plan);
}

/// The first session that keeps the selected view from being refreshed.
pub fn obstacle(model: &Model) -> Option<Obstacle> {
    model.newest.view(model.selected_view()?.view.oid)?.obstacles().into_iter().next()
}

/// Begins to type a schedule, from the one there is.
pub fn edit_schedule(model: &mut Model) {
    let (job, text) = match &model.fix {
        Some(screen) => (None, advice(model, screen).map(|a| schedule(screen, &a)).unwrap_or_default()),
        None => match model.selected_job() {
            Some(job) => (Some(job.id), job.schedule.clone()),
            None => return,
        },
    };
    model.field = Some(ScheduleField { job, input: Input::from(text) });
}

/// The schedule was typed: for a job it is asked about, for the screen it is kept. A wrong one stays in the field.
pub fn schedule_typed(model: &mut Model) {
    let Some(field) = &model.field else { return };
    let text = field.input.value().trim().to_string();
    if let Err(why) = crate::domain::schedule::preview(&text, model.newest.server.as_deref(), model.server_now()) {
        return super::update::say(model, why);
    }
    let job = field.job;
    model.field = None;
    match (job, &mut model.fix) {
        (Some(job), _) => ask_for(model, &Fix::CronReschedule(job, text)),
        (None, Some(screen)) => screen.schedule = Some(text),
        (None, None) => {}
    }
}
