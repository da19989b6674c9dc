//! The views' own signals out of a pulse: refreshed, written to, locked; and what only shows between two pulses.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::TimeDelta;

use super::{Keeper, Want};
use crate::domain::diagnosis::who;
use crate::domain::snapshot::{BulkWrite, Refreshing, Signal, ViewState, Waited};
use crate::domain::time::Time;
use crate::domain::view::Oid;
use crate::pg::probes::pulse;

/// Fewer rows than this at once are everyday work.
const BULK_ROWS: i64 = 100;

/// A bulk write is this many times what the table usually sees between two pulses. Counters may come up to ten
/// seconds late and then all at once, so ten times the usual is nothing yet.
const BULK_TIMES: f64 = 20.0;

/// How much a new pulse weighs in what is usual: about the last minute counts.
const WEIGHT: f64 = 0.03;

/// A refresh that waited is recognised by its catalog row moving at most this long after its lock was last seen.
const WAIT_REMEMBERED: TimeDelta = TimeDelta::seconds(10);

/// One base table's counters as the last pulse had them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    rows: i64,
    file: i64,
    /// Rows between two pulses, as they usually are.
    usual: f64,
}

/// A refresh that was seen to wait for its lock and has not been seen to end.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pid: i32,
    who: String,
    since: Time,
    /// When its lock was last seen, had or waited for.
    seen: Time,
}

impl Keeper {
    pub(super) fn fold_views(&mut self, beat: &pulse::Answer, unseen: Option<Time>) {
        let jumps = self.fold_tables(beat);
        let mut held: HashMap<Oid, Vec<Refreshing>> = HashMap::new();
        for (view, refreshing) in &beat.held {
            held.entry(*view).or_default().push(refreshing.clone());
        }
        let (places, mut changed) = (self.places(), Vec::new());
        for &(oid, shown) in &beat.views {
            let held = held.remove(&oid).unwrap_or_default();
            match places.get(&oid) {
                Some(&place) if self.fold_view(place, shown, held, &jumps, (beat.at, unseen)) => changed.push(oid),
                Some(_) => {}
                None => changed.push(oid),
            }
        }
        self.forget_dropped(beat);
        let schema = (beat.tables.clone(), beat.schema);
        if self.last.schema.as_ref().is_some_and(|(tables, before)| *tables == schema.0 && *before != schema.1) {
            self.catalog = Some(None);
        }
        self.last.schema = Some(schema);
        if !changed.is_empty() && self.snapshot.catalog.last.is_some() {
            self.want_catalog(changed);
        }
    }

    /// Folds one view's signals; true when its catalog row moved, or can be read at last. A view whose signals stand still
    /// is not touched, for the first touch copies it.
    fn fold_view(
        &mut self,
        place: usize,
        shown: pulse::Shown,
        held: Vec<Refreshing>,
        jumps: &[(Oid, BulkWrite)],
        (at, unseen): (Time, Option<Time>),
    ) -> bool {
        let view = &self.snapshot.views[place];
        let writes = self.last.counters.writes(&view.view.base_tables);
        let bases = self.bases(view).or(view.signal.bases);
        let signal = Signal { xmin: shown.xmin, shape: shown.shape, bases, populated: shown.populated };
        let (oid, before) = (view.view.oid, view.signal);
        let bulk = jumps.iter().find(|(table, _)| view.view.base_tables.contains(table));
        let is_at_rest = held.is_empty() && view.refreshing.is_empty() && !self.last.waiting.contains_key(&oid);
        let is_same = before == signal && view.writes == writes && view.view.is_whole();
        if is_same && bulk.is_none() && is_at_rest && self.wants.contains_key(&oid) {
            return false;
        }
        let view = Arc::make_mut(&mut self.edit().views[place]);
        (view.signal, view.refreshing, view.writes) = (signal, held, writes);
        if let Some((table, bulk)) = bulk {
            let table = view.view.base_names.get(table).cloned().unwrap_or_default();
            view.bulk = Some(BulkWrite { table, ..bulk.clone() });
        }
        let is_first = before.xmin == 0;
        let is_other = !is_first && before.shape != signal.shape;
        let has_moved = before.xmin != signal.xmin && !is_other;
        let refreshed = !is_first && (has_moved || before.populated != signal.populated);
        let moved = before.bases.zip(signal.bases).is_some_and(|(before, now)| before != now);
        if refreshed {
            (view.observed, view.unseen_since, view.bulk) = (Some(at), unseen, None);
        } else if moved {
            view.moved = Some(at);
        }
        self.follow_waits(place, refreshed, at);
        if refreshed || is_other {
            self.reread_drill(oid);
        }
        let want = self.wants.entry(oid).or_insert(Want::ALL);
        // A refresh that came together with a grant looks like the grant alone: what it changed is compared all the same.
        match (refreshed || is_other, moved) {
            (true, _) => *want = Want::ALL,
            (false, true) => (want.groups, want.values) = (true, true),
            (false, false) => {}
        }
        let view = &self.snapshot.views[place];
        refreshed || is_other || (!view.view.is_whole() && !view.is_locked())
    }

    /// The rows looked at are other ones, or are told apart otherwise.
    pub(super) fn reread_drill(&mut self, oid: Oid) {
        self.with_drill(|drill| {
            if drill.target.view == oid {
                drill.index.last = None;
                drill.pages.clear();
            }
        });
    }

    /// Remembers the base tables' counters; what was written at once since the last pulse.
    fn fold_tables(&mut self, beat: &pulse::Answer) -> Vec<(Oid, BulkWrite)> {
        let mut jumps = Vec::new();
        // Counters of other tables than these would look like a jump.
        if beat.tables != self.last.tables {
            return jumps;
        }
        let counted = self.last.tables.iter().zip(beat.counters.iter().zip(&beat.files));
        for (&oid, (&rows, &file)) in counted {
            let before = self.last.counted.get(&oid).copied();
            // A counter that fell was reset, and what came before the first look says nothing.
            let written = before.map_or(0, |t| rows - t.rows).max(0);
            let usual = before.map_or(0.0, |t| t.usual);
            if written >= BULK_ROWS && written as f64 >= usual * BULK_TIMES {
                let usual = (usual * 60.0).round() as i64;
                jumps.push((oid, BulkWrite { table: String::new(), rows: written, at: beat.at, usual }));
            }
            let usual = usual + (written as f64 - usual) * WEIGHT;
            self.last.counted.insert(oid, Table { rows, file, usual });
        }
        jumps.sort_by_key(|(_, bulk)| -bulk.rows);
        jumps
    }

    /// One number for all base tables of a view: different when any was written to, truncated or rewritten. `None`: no
    /// pulse was asked about them yet.
    fn bases(&self, view: &ViewState) -> Option<i64> {
        view.view.base_tables.iter().try_fold(0i64, |sum, oid| {
            let table = self.last.counted.get(oid)?;
            Some(sum.wrapping_mul(31).wrapping_add(table.rows).wrapping_mul(31).wrapping_add(table.file))
        })
    }

    /// Did the refresh that was just seen wait for its lock before?
    fn follow_waits(&mut self, place: usize, refreshed: bool, at: Time) {
        let state = self.snapshot.views[place].clone();
        let oid = state.view.oid;
        if let Some(waiting) = self.last.waiting.get_mut(&oid) {
            let now = state.refreshing.iter().find(|r| r.pid == waiting.pid);
            let waits = now.is_some_and(|r| !r.granted);
            waiting.seen = if now.is_some() { at } else { waiting.seen };
            let is_over = at - waiting.seen > WAIT_REMEMBERED;
            if refreshed {
                // While it still waits, it was the one before it that was done.
                let done = (!waits && !is_over).then(|| waiting.clone());
                let waited = done.map(|w| Waited { who: w.who, since: w.since, until: at });
                let has_ended = waited.is_some();
                self.with_view(oid, |v| v.waited = waited);
                if has_ended {
                    self.last.waiting.remove(&oid);
                }
            } else if is_over {
                self.last.waiting.remove(&oid);
            }
        } else if refreshed {
            self.with_view(oid, |v| v.waited = None);
        }
        if !self.last.waiting.contains_key(&oid)
            && let Some(refresh) = state.refreshing.iter().find(|r| !r.granted)
        {
            self.last.waiting.insert(oid, Waiting::new(refresh, at));
        }
    }

    fn forget_dropped(&mut self, beat: &pulse::Answer) {
        // A pulse that was asked before the catalog came knows nothing of the plain views in it.
        if beat.tables != self.last.tables {
            return;
        }
        let there: HashSet<Oid> = beat.views.iter().map(|(oid, ..)| *oid).collect();
        let is_there = |oid: Oid| there.contains(&oid);
        if self.snapshot.views.iter().any(|v| !is_there(v.view.oid)) {
            self.edit().views.retain(|v| is_there(v.view.oid));
            self.wants.retain(|oid, _| is_there(*oid));
            self.last.waiting.retain(|oid, _| is_there(*oid));
            // What took its place may be a plain view, which no pulse lists by itself.
            self.catalog = Some(None);
        }
    }
}

impl Waiting {
    fn new(refresh: &Refreshing, at: Time) -> Waiting {
        Waiting {
            pid: refresh.pid,
            who: who(&refresh.user, &refresh.application, refresh.pid),
            since: refresh.since.unwrap_or(at),
            seen: at,
        }
    }
}
