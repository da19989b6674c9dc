//! An action from its confirmation to its proof: running, looking again, before → after.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::model::Model;
use crate::domain::diagnosis::{thousands, who};
use crate::domain::drift::Totals;
use crate::domain::fix::{Fix, Plan};
use crate::domain::reading::Progress;
use crate::domain::snapshot::{Blocker, Refreshing};
use crate::domain::time::{Time, took};
use crate::pg::operator::{Ending, Event, Found, LOCK_TIMEOUT};
use crate::watch::Request;

use super::Cmd;

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It runs.
    Running,
    /// It is done, and the view is compared again.
    Measuring {
        /// This machine's time when it ended.
        ended: Time,
        /// How long it took.
        length: Duration,
        /// What else was found to be there now.
        found: Option<String>,
    },
    /// It is over, well or badly.
    Over {
        /// Is all well?
        good: bool,
        /// What happened, in one sentence.
        text: String,
    },
}

/// A plan that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRun {
    /// What was confirmed, as it was shown.
    pub plan: Arc<Plan>,
    /// Since when it runs: this machine's time.
    pub since: Time,
    /// The backend that runs it.
    pub pid: Option<i32>,
    /// What was wrong before.
    pub before: Option<Totals>,
    /// Whom it was last seen to wait for.
    pub blockers: Vec<Blocker>,
    /// Does it wait for them still?
    pub waits: bool,
    /// Was it asked to stop?
    pub cancelling: bool,
    /// How far it is.
    pub stage: Stage,
    /// Was it not done?
    pub failed: bool,
    /// Since when its end is told: this machine's time.
    pub told: Option<Time>,
}

/// How long its end is told; that it failed longer, for somebody may have looked away. The log keeps both.
const TOLD_DONE: TimeDelta = TimeDelta::seconds(30);
const TOLD_FAILED: TimeDelta = TimeDelta::minutes(5);

impl ActionRun {
    /// A plan that begins now.
    pub fn begin(plan: Arc<Plan>, now: Time, before: Option<Totals>) -> ActionRun {
        ActionRun {
            plan,
            since: now,
            pid: None,
            before,
            blockers: Vec::new(),
            waits: false,
            cancelling: false,
            stage: Stage::Running,
            failed: false,
            told: None,
        }
    }

    /// Is it still at work in the database?
    pub fn is_running(&self) -> bool {
        self.stage == Stage::Running
    }

    /// Was its end told long enough? What it says is true of then, not of now.
    pub fn is_told(&mut self, now: Time) -> bool {
        let Stage::Over { .. } = self.stage else { return false };
        let since = *self.told.get_or_insert(now);
        now - since >= if self.failed { TOLD_FAILED } else { TOLD_DONE }
    }

    /// What it does, without the question mark.
    pub fn title(&self) -> &str {
        self.plan.title.trim_end_matches('?')
    }
}

/// The action reports.
pub fn report(model: &mut Model, event: Event) -> Vec<Cmd> {
    let ended_at = model.now;
    let Some(action) = &mut model.action else { return Vec::new() };
    match event {
        Event::Running(pid) => {
            action.pid = Some(pid);
            Vec::new()
        }
        Event::Ended(ending, length) => {
            action.stage = match ending {
                Ending::Done(found) => done(action, found, ended_at, length),
                other => Stage::Over { good: false, text: failure(action, &other, length) },
            };
            action.failed = matches!(action.stage, Stage::Over { good: false, .. });
            let again = |view| vec![Cmd::Watch(Request::Measure(view))];
            let mut commands = action.plan.view.map_or(Vec::new(), again);
            commands.extend(model.fix.as_ref().map(|screen| Cmd::Watch(Request::Price(screen.view))));
            commands
        }
    }
}

fn done(action: &ActionRun, found: Option<Found>, ended: Time, length: Duration) -> Stage {
    let is_good = found.as_ref().is_none_or(|f| f.good);
    let found = found.map(|f| f.text);
    if action.plan.refreshes && is_good {
        return Stage::Measuring { ended, length, found };
    }
    let said = found.unwrap_or_else(|| "done".into());
    let text = match is_good {
        true => format!("{}: {said}. It took {}.", action.title(), took(length)),
        false => format!("{} ended without an error, but {said}.", action.title()),
    };
    Stage::Over { good: is_good, text }
}

/// A new Snapshot came: who blocks the action, and has it been measured since?
pub fn follow(model: &mut Model) {
    let Some(action) = &mut model.action else { return };
    let Some(view) = action.plan.view.and_then(|oid| model.newest.view(oid)) else { return };
    match &action.stage {
        Stage::Running => {
            let is_blocked = |r: &&Refreshing| Some(r.pid) == action.pid && !r.blocked_by.is_empty();
            let ours = view.refreshing.iter().find(is_blocked);
            action.waits = ours.is_some();
            if let Some(ours) = ours {
                action.blockers.clone_from(&ours.blocked_by);
            }
        }
        Stage::Measuring { ended, length, found } => {
            // All values, so that "nothing is wrong" is not said after a look at the groups only; and asked after the end:
            // one that was under way then may have seen the view as it was.
            let ended = *ended;
            let measured = view.values.last.as_ref().filter(|m| m.asked >= ended);
            let problem = [&view.values.progress, &view.drift.progress].into_iter().find_map(|p| match p {
                // One from before the end says nothing about what is there now.
                Progress::Failed { at, why } if *at >= model.newest.server_time(ended) => Some(why),
                _ => None,
            });
            let found = found.as_ref().map_or(String::new(), |f| format!(" Now {f}."));
            if let Some(measured) = measured {
                let text = proof(action, &measured.value.totals, *length) + &found;
                action.stage = Stage::Over { good: measured.value.totals.wrong() == 0, text };
            } else if let Some(problem) = problem.filter(|_| !view.values.is_loading()) {
                let text =
                    format!("Refreshed in {}, but it could not be compared: {}{found}", took(*length), problem.text);
                action.stage = Stage::Over { good: false, text };
            }
        }
        Stage::Over { .. } => {}
    }
}

fn proof(action: &ActionRun, after: &Totals, length: Duration) -> String {
    let before = match action.before.map(|b| b.wrong()) {
        None => "an unknown number of rows were wrong".into(),
        Some(1) => "1 row was wrong".into(),
        Some(wrong) => format!("{} rows were wrong", thousands(wrong)),
    };
    let now = match after.wrong() {
        0 => format!("now none of {} is", thousands(after.view)),
        1 => format!("now 1 of {} is: the tables moved on meanwhile", thousands(after.view)),
        wrong => format!("now {} of {} are: the tables moved on meanwhile", thousands(wrong), thousands(after.view)),
    };
    format!("{} refreshed in {}: {before}, {now}.", action.plan.name, took(length))
}

fn failure(action: &ActionRun, ending: &Ending, length: Duration) -> String {
    let name = &action.plan.name;
    let title = match action.plan.fix {
        Fix::Refresh => format!("The refresh of {name}"),
        _ => format!("\"{}\"", action.title()),
    };
    match ending {
        Ending::Done(_) => String::new(),
        Ending::Cancelled => format!("{title} was cancelled after {}; the view is as it was.", took(length)),
        Ending::LockTimeout => {
            let holder = match action.blockers.first() {
                Some(b) => format!("{} holds it, {}", who(&b.user, &b.application, b.pid), b.state),
                None => "another session holds it".into(),
            };
            let waited = LOCK_TIMEOUT.as_secs();
            format!(
                "The lock on {name} was not free within {waited}s: {holder}. Nothing was changed; try again when it ends."
            )
        }
        Ending::Failed(problem) => format!("{title} failed, nothing was changed: {}", problem.text),
        Ending::Partly(problem, stays) => format!("{title} ended early, {stays}: {}.", problem.text),
        Ending::Unclear(problem) => format!(
            "The connection was lost at the end of: {title} ({}). It was one transaction, so all of it is done or nothing.",
            problem.text
        ),
    }
}
