//! Rest: nothing changed, and no age on the screen is told by the second. A frame may then wait for the next pulses: most
//! of what a console costs that only stands there is its frames.

use std::sync::Arc;

use chrono::TimeDelta;

use super::Model;
use crate::domain::reading::Reading;
use crate::domain::snapshot::Snapshot;

/// An age below this ticks with every pulse.
const YOUNG: TimeDelta = TimeDelta::minutes(1);

/// Pulses that one frame stands for: how far, in seconds, ages on the screen may stay behind.
const PULSES: u32 = 5;

/// Counts the pulses that brought nothing since the last frame.
#[derive(Debug, Default)]
pub struct Rest {
    pulses: u32,
}

impl Rest {
    /// Need the pulse that `model` has just taken not be drawn, with `before` as what was known until then?
    pub fn may_wait(&mut self, model: &Model, before: &Snapshot) -> bool {
        let waits = self.pulses + 1 < PULSES && is_only_later(&model.newest, before) && is_at_rest(model);
        self.pulses = if waits { self.pulses + 1 } else { 0 };
        waits
    }
}

/// Does only the pulse differ? Looks at no value: what did not change is the same Arc.
fn is_only_later(now: &Snapshot, before: &Snapshot) -> bool {
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

/// Is everything read, nothing under way and nothing younger than a minute?
fn is_at_rest(model: &Model) -> bool {
    let snapshot = &model.newest;
    let runs = snapshot.history.value().map_or(&[][..], |history| &history.runs);
    let is_acting = model.action.as_ref().is_some_and(|action| action.is_running());
    let is_looking = snapshot.drill.as_ref().is_some_and(|drill| !drill.index.is_settled());
    snapshot.settled
        && model.notice.is_none()
        && !is_acting
        && !is_looking
        && model.frozen.is_none_or(|since| model.now - since >= YOUNG)
        && snapshot.views.iter().all(|view| view.refreshing.is_empty())
        && !runs.iter().any(|run| run.status.is_open())
        && !model.diagnosis.views.iter().any(|report| report.freshness.age.is_some_and(|age| age < YOUNG))
}
