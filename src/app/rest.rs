//! Rest: what the last frame shows still stands, and no time on it is near. Most of what a console costs that
//! only stands there is its frames, so they may then wait.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Timelike};

use super::Model;
use crate::domain::diagnosis::{CauseCode, Verdict};
use crate::domain::freshness::{FreshnessState, LimitSource};
use crate::domain::job::{Run, RunStatus};
use crate::domain::reading::Reading;
use crate::domain::server::Link;
use crate::domain::snapshot::{Drill, Snapshot, ViewState};
use crate::domain::time::Time;

/// A time as near to now as this ticks by the second, for somebody waits for it; further away it may lag by some.
const NEAR: TimeDelta = TimeDelta::seconds(10);

/// How long a frame stands at rest: five pulses, the last of which may come a little early.
const STANDS: TimeDelta = TimeDelta::milliseconds(4_500);

/// Pulses that take no longer are all the same to a person; of those that do, one of half or twice the time is news. So a
/// server far away rests, too, and one that slows down is told.
const SHORT: Duration = Duration::from_millis(50);

/// Runs further back are no news.
const RECENT_RUNS: usize = 64;

/// The last frame, if it was drawn at rest.
#[derive(Debug, Default)]
pub struct Rest {
    drawn: Option<Drawn>,
}

#[derive(Debug)]
struct Drawn {
    /// This machine's time.
    at: Time,
    snapshot: Arc<Snapshot>,
    said: Said,
}

/// What a pulse may change without a new Snapshot's saying so: the diagnosis without its ages, and the clock.
#[derive(Debug, PartialEq)]
struct Said {
    server: (Verdict, Option<CauseCode>),
    views: Vec<(Verdict, FreshnessState, Vec<CauseCode>)>,
    clock: (u32, u32),
}

impl Rest {
    /// A frame was drawn of this.
    pub fn drew(&mut self, model: &Model) {
        let drawn = || Drawn { at: model.now, snapshot: model.newest.clone(), said: Said::by(model) };
        self.drawn = is_at_rest(model).then(drawn);
    }

    /// Need `model` not be drawn, now that time went on or a pulse came?
    pub fn may_wait(&self, model: &Model) -> bool {
        let Some(drawn) = &self.drawn else { return false };
        // A clock that was set back ends the rest, too.
        (TimeDelta::zero()..STANDS).contains(&(model.now - drawn.at))
            && is_same_but_for_the_pulse(&model.newest, &drawn.snapshot)
            && is_as_slow(&model.newest, &drawn.snapshot)
            && is_at_rest(model)
            && drawn.said == Said::by(model)
    }
}

impl Said {
    fn by(model: &Model) -> Said {
        let (now, diagnosis) = (model.server_now(), &model.diagnosis);
        let views = diagnosis.views.iter().map(|view| {
            let causes = view.causes.iter().map(|cause| cause.code).collect();
            (view.verdict, view.freshness.state, causes)
        });
        Said {
            server: (diagnosis.verdict, diagnosis.server.as_ref().map(|cause| cause.code)),
            views: views.collect(),
            clock: (now.hour(), now.minute()),
        }
    }
}

fn is_as_slow(now: &Snapshot, before: &Snapshot) -> bool {
    let took = |snapshot: &Snapshot| snapshot.pulse.map_or(SHORT, |pulse| pulse.took.max(SHORT));
    took(now) < took(before) * 2 && took(before) < took(now) * 2
}

/// What did not change is the same Arc, so this looks at few values.
fn is_same_but_for_the_pulse(now: &Snapshot, before: &Snapshot) -> bool {
    fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
        a.as_ref().map(Arc::as_ptr) == b.as_ref().map(Arc::as_ptr)
    }
    fn same_reading<T>(a: &Reading<Arc<T>>, b: &Reading<Arc<T>>) -> bool {
        a.progress == b.progress && a.value().map(Arc::as_ptr) == b.value().map(Arc::as_ptr)
    }
    // Every field, so that a new one is not forgotten.
    let Snapshot {
        link,
        server,
        pulse: _,
        catalog,
        views,
        unmatched,
        history,
        launcher,
        replica,
        jobs,
        drill,
        settled,
    } = now;
    *link == before.link
        && same(server, &before.server)
        && *catalog == before.catalog
        && views.len() == before.views.len()
        && views.iter().zip(&before.views).all(|(a, b)| Arc::ptr_eq(a, b))
        && *unmatched == before.unmatched
        && same_reading(history, &before.history)
        && *launcher == before.launcher
        && same(replica, &before.replica)
        && Arc::ptr_eq(jobs, &before.jobs)
        && same(drill, &before.drill)
        && *settled == before.settled
}

/// Is everything read, nothing under way, nothing said that goes away by itself, and no time on the screen near?
fn is_at_rest(model: &Model) -> bool {
    let (snapshot, now) = (&model.newest, model.newest.server_time(model.now));
    let is_busy = |view: &ViewState| {
        !view.refreshing.is_empty() || view.facts.is_loading() || view.columns.is_loading() || view.labels.is_loading()
    };
    let is_read = |drill: &Arc<Drill>| drill.index.is_settled() && !drill.pages.values().any(Reading::is_loading);
    let is_running = |run: &Run| run.status == RunStatus::Running && run.start.is_some();
    let is_near = |time: Time, now: Time| (time - now).abs() < NEAR;
    snapshot.settled
        && snapshot.link == Link::Up
        && model.notice.is_none()
        && !model.action.as_ref().is_some_and(|action| action.is_running())
        && snapshot.drill.as_ref().is_none_or(is_read)
        && !snapshot.views.iter().any(|view| is_busy(view))
        && match model.frozen {
            // The display has no other time that moves.
            Some(since) => !is_near(since, model.now),
            None => !recent_runs(model).any(is_running) && !times(model).any(|time| is_near(time, now)),
        }
}

fn recent_runs(model: &Model) -> impl Iterator<Item = &Run> {
    model.newest.history.value().into_iter().flat_map(|history| history.runs.iter().take(RECENT_RUNS))
}

/// The times that the screen tells as so long ago, or in so long.
fn times(model: &Model) -> impl Iterator<Item = Time> {
    let snapshot = &model.newest;
    let views = snapshot.views.iter().flat_map(|view| {
        let bulk = view.bulk.as_ref().map(|bulk| bulk.at);
        [view.drift.last.as_ref().map(|last| last.at), view.values.last.as_ref().map(|last| last.at), view.due, bulk]
    });
    let reports = model.diagnosis.views.iter().flat_map(|report| {
        let is_plain = report.freshness.limit.source == LimitSource::Plain;
        let refreshed = report.freshness.refreshed.as_ref().map(|refreshed| refreshed.at);
        [refreshed.filter(|_| !is_plain), report.next]
    });
    let jobs = snapshot.jobs.iter().map(|job| job.next);
    let runs = recent_runs(model).map(|run| run.start);
    views.chain(reports).chain(jobs).chain(runs).flatten()
}
