//! Carries a plan out for `mvtop fix`, to its end: Ctrl-C cancels the statement, as psql does, and what came of it is said.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::fix::{NOT_DONE, PATIENCE, say, say_in_words};
use crate::domain::diagnosis::diagnose;
use crate::domain::fix::Plan;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::took;
use crate::journal::Journal;
use crate::pg::conninfo::Target;
use crate::pg::operator::{Ending, Event};
use crate::term::Signals;
use crate::watch::{Request, Watch};

/// A cancel that comes between two statements hits none: it is sent again as long as the change goes on.
const AGAIN: Duration = Duration::from_secs(1);

/// Carries it out, says how it ended, and compares a view that was refreshed.
pub(super) async fn carry_out(
    target: &Target,
    journal: &Journal,
    watch: &mut Watch,
    plan: Arc<Plan>,
) -> Result<ExitCode, String> {
    let mut signals = Signals::listen().map_err(|e| format!("signals cannot be listened to: {e}"))?;
    let Some((ending, length)) = ended(target, journal, watch, &plan, &mut signals).await? else {
        return Ok(ExitCode::from(NOT_DONE));
    };
    let title = plan.title.trim_end_matches('?');
    let is_good = match &ending {
        Ending::Done(found) => found.as_ref().is_none_or(|f| f.good),
        _ => false,
    };
    say_ending(title, &ending, length);
    if !is_good {
        return Ok(ExitCode::from(NOT_DONE));
    }
    tokio::select! {
        () = after(watch, &plan) => {}
        _ = signals.shutdown() => say("it was not compared again"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The end of it; `None`: it was left before, by a second signal.
async fn ended(
    target: &Target,
    journal: &Journal,
    watch: &Watch,
    plan: &Plan,
    signals: &mut Signals,
) -> Result<Option<(Ending, Duration)>, String> {
    let (report, mut events) = mpsc::unbounded_channel();
    let action = journal.carry_out(target, plan, move |event| {
        let _ = report.send(event);
    });
    let mut action = std::pin::pin!(action);
    let (mut pid, mut is_over, mut is_stopped) = (None, false, false);
    let mut again = tokio::time::interval(AGAIN);
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Some(Event::Running(running)) => pid = Some(running),
                Some(Event::Ended(ending, length)) => return Ok(Some((ending, length))),
                None => return Err("it ended without saying how".into()),
            },
            () = &mut action, if !is_over => is_over = true,
            _ = signals.shutdown() => {
                if is_stopped {
                    say("left before its end: the next mvtop says what came of it");
                    return Ok(None);
                }
                is_stopped = true;
                again.reset_immediately();
                say("cancelling it, and waiting for its end; once more leaves at once");
            }
            _ = again.tick(), if is_stopped && pid.is_some() => {
                // The watch lives as long as this command.
                let _ = pid.map(|pid| watch.requests.send(Request::Cancel(pid)));
            }
        }
    }
}

fn say_ending(title: &str, ending: &Ending, length: Duration) {
    say_in_words(&match ending {
        Ending::Done(None) => format!("{title}: done in {}.", took(length)),
        Ending::Done(Some(f)) if f.good => format!("{title}: done in {}; {}.", took(length), f.text),
        Ending::Done(Some(f)) => format!("{title}: it ended without an error, but {}.", f.text),
        Ending::Cancelled => format!("{title}: cancelled; nothing was changed."),
        Ending::LockTimeout => format!("{title}: the lock was not free in time; nothing was changed. Try again."),
        Ending::Failed(problem) => format!("{title}: failed, nothing was changed: {}", problem.text),
        Ending::Partly(problem, stays) => format!("{title}: ended early, {stays}: {}.", problem.text),
        Ending::Unclear(problem) => format!(
            "{title}: the connection was lost at the end ({}). It was one transaction: the next mvtop says whether it is done.",
            problem.text
        ),
    });
}

/// Compares a refreshed view again and says what is true now.
async fn after(watch: &mut Watch, plan: &Plan) {
    let (true, Some(oid)) = (plan.refreshes, plan.view) else { return };
    let since = Utc::now();
    let _ = watch.requests.send(Request::Measure(oid));
    let is_measured = |s: &Arc<Snapshot>| {
        s.view(oid)
            .is_none_or(|v| v.values.last.as_ref().is_some_and(|m| m.asked >= since) || v.values.problem().is_some())
    };
    let _ = timeout(PATIENCE, watch.snapshots.wait_for(is_measured)).await;
    let snapshot = watch.snapshots.borrow().clone();
    let diagnosis = diagnose(&snapshot, snapshot.server_time(Utc::now()));
    if let Some(report) = diagnosis.view(oid) {
        say_in_words(&format!("Now: {}.", report.what));
    }
}
