//! An action from its confirmation to its proof: running, measuring again, before → after.

use std::time::Duration;

use super::model::Model;
use crate::domain::diagnosis::{thousands, who};
use crate::domain::drift::Totals;
use crate::domain::reading::Progress;
use crate::domain::snapshot::Blocker;
use crate::domain::time::{Time, took};
use crate::domain::view::Oid;
use crate::pg::operator::{Ending, Event, LOCK_TIMEOUT};
use crate::watch::Request;

use super::Cmd;

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It runs.
    Running,
    /// It is done, and the view is compared again: this machine's time when it ended, how long it took.
    Measuring(Time, Duration),
    /// It is over, well or badly.
    Over {
        /// Is all well?
        good: bool,
        /// What happened, in one sentence.
        text: String,
    },
}

/// A refresh that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRun {
    /// The view.
    pub view: Oid,
    /// What it is called.
    pub name: String,
    /// Since when it runs: this machine's time.
    pub since: Time,
    /// The backend that runs it.
    pub pid: Option<i32>,
    /// What was wrong before.
    pub before: Option<Totals>,
    /// Whom it was last seen to wait for.
    pub blockers: Vec<Blocker>,
    /// Was it asked to stop?
    pub cancelling: bool,
    /// How far it is.
    pub stage: Stage,
}

impl ActionRun {
    /// Is it still at work in the database?
    pub fn is_running(&self) -> bool {
        self.stage == Stage::Running
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
                Ending::Done => Stage::Measuring(ended_at, length),
                other => Stage::Over { good: false, text: failure(action, &other, length) },
            };
            vec![Cmd::Watch(Request::Measure(action.view))]
        }
    }
}

/// A new Snapshot came: who blocks the action, and has it been measured since?
pub fn follow(model: &mut Model) {
    let Some(action) = &mut model.action else { return };
    let Some(view) = model.newest.view(action.view) else { return };
    match action.stage {
        Stage::Running => {
            let ours = view.refreshing.iter().find(|r| Some(r.pid) == action.pid);
            if let Some(ours) = ours.filter(|r| !r.blocked_by.is_empty()) {
                action.blockers.clone_from(&ours.blocked_by);
            }
        }
        Stage::Measuring(ended, length) => {
            // All values, so that "nothing is wrong" is not said after a look at the groups only.
            // asked after the end: one that was under way then may have seen the view as it was.
            let measured = view.values.last.as_ref().filter(|m| m.asked >= ended);
            let problem = [&view.values.progress, &view.drift.progress].into_iter().find_map(|p| match p {
                // One from before the end says nothing about what is there now.
                Progress::Failed { at, why } if *at >= model.newest.server_time(ended) => Some(why),
                _ => None,
            });
            if let Some(measured) = measured {
                let text = proof(action, &measured.value.totals, length);
                action.stage = Stage::Over { good: measured.value.totals.wrong() == 0, text };
            } else if let Some(problem) = problem.filter(|_| !view.values.is_loading()) {
                let text = format!("Refreshed in {}, but it could not be compared: {}", took(length), problem.text);
                action.stage = Stage::Over { good: false, text };
            }
        }
        Stage::Over { .. } => {}
    }
}

fn proof(action: &ActionRun, after: &Totals, length: Duration) -> String {
    let before = action.before.map_or("an unknown number of".into(), |b| thousands(b.wrong()));
    let now = match after.wrong() {
        0 => format!("now none of {} is", thousands(after.view)),
        wrong => format!("now {} of {} are: the tables moved on meanwhile", thousands(wrong), thousands(after.view)),
    };
    format!("{} refreshed in {}: {before} rows were wrong, {now}.", action.name, took(length))
}

fn failure(action: &ActionRun, ending: &Ending, length: Duration) -> String {
    let name = &action.name;
    match ending {
        Ending::Done => String::new(),
        Ending::Cancelled => {
            format!("The refresh of {name} was cancelled after {}; the view is as it was.", took(length))
        }
        Ending::LockTimeout => {
            let holder = match action.blockers.first() {
                Some(b) => format!("{} holds it, {}", who(&b.user, &b.application, b.pid), b.state),
                None => "another session holds it".into(),
            };
            let waited = LOCK_TIMEOUT.as_secs();
            format!(
                "The lock on {name} was not free within {waited} s: {holder}. Nothing was changed; try again when it ends."
            )
        }
        Ending::Failed(problem) => format!("The refresh of {name} failed, nothing was changed: {}", problem.text),
        Ending::Unclear(problem) => {
            format!(
                "The connection was lost during the refresh ({}). The age of {name} shows whether it was done.",
                problem.text
            )
        }
    }
}
