//! Which probe is to run next: what a signal or a person wants, under the budget.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::{Keeper, OPEN_RUNS, Want};
use crate::domain::drift::{Pairing, Scope};
use crate::domain::job::RunId;
use crate::domain::matrix::Comparison;
use crate::domain::server::Link;
use crate::domain::snapshot::{DrillIndex, ViewState};
use crate::domain::time::Time;
use crate::domain::view::{Oid, View};
use crate::pg::probes::compare::Before;
use crate::watch::probe::Probe;

/// From as many rows that moved a drill's first page is read before the list of all rows.
const MANY: u64 = 1_000;

/// Until its answer comes, the other database is not asked again.
const FOR_EVER: Duration = Duration::from_secs(86_400);

impl Keeper {
    /// The probe to run now, if any. One catalog, one cheap one and one that reads a view may be under way.
    pub fn next(&mut self, local: Time, now: Instant) -> Option<Probe> {
        if !matches!(self.snapshot.link, Link::Up) {
            return None;
        }
        let probe = self
            .next_catalog(now)
            .or_else(|| self.next_cheap(now))
            .or_else(|| self.next_elsewhere(now))
            .or_else(|| self.next_view(local, now))?;
        self.begin(&probe, local);
        Some(probe)
    }

    /// One at a time, so that what an older one read never covers what a newer one did.
    fn next_catalog(&mut self, now: Instant) -> Option<Probe> {
        if self.catalog_busy || self.catalog_rest.is_some_and(|rest| rest > now) {
            return None;
        }
        self.catalog.take().map(Probe::Catalog)
    }

    fn next_cheap(&mut self, now: Instant) -> Option<Probe> {
        if self.cheap_busy || self.cheap_rest.is_some_and(|rest| rest > now) || self.awaits_first_pulse() {
            return None;
        }
        if std::mem::take(&mut self.jobs) {
            return Some(Probe::Jobs);
        }
        std::mem::take(&mut self.runs).then(|| Probe::Runs(self.runs_above()))
    }

    /// Do the views wait for the pulse that lets them be compared? On its connection nothing goes before that.
    fn awaits_first_pulse(&self) -> bool {
        let is_waiting = |view: &Arc<ViewState>| view.signal.bases.is_none();
        self.catalog_busy && self.snapshot.catalog.last.is_none()
            || self.snapshot.pulse.is_some() && self.snapshot.views.iter().any(is_waiting)
    }

    /// When something that rests now may run again, so that somebody looks then and not at the next pulse.
    pub fn wake(&self, now: Instant) -> Option<Instant> {
        let pauses = self.wants.values().filter_map(|want| want.not_before);
        let rests =
            [self.lanes.groups, self.lanes.values, self.elsewhere, self.catalog_rest, self.cheap_rest, self.drill_rest];
        let rests = rests.into_iter().flatten();
        pauses.chain(rests).filter(|rest| *rest > now).min()
    }

    /// Another database has no pulse that says when something changed: it is asked again and again.
    fn next_elsewhere(&mut self, now: Instant) -> Option<Probe> {
        let server = self.snapshot.server.clone()?;
        let database = server.cron.other_database()?.to_string();
        if self.elsewhere.is_some_and(|due| due > now) {
            return None;
        }
        self.elsewhere = Some(now + FOR_EVER);
        Some(Probe::Elsewhere(database, server.database.clone(), self.runs_above()))
    }

    /// Runs are read from just below the oldest one that is still open, so that its end is seen.
    fn runs_above(&self) -> RunId {
        let Some(history) = self.snapshot.history.value() else { return RunId(0) };
        let newest = history.runs.first().map_or(0, |r| r.id.0);
        let recent = history.runs.iter().take_while(|r| r.id.0 > newest - OPEN_RUNS);
        let oldest_open = recent.filter(|r| r.status.is_open()).map(|r| r.id.0).min();
        RunId(oldest_open.map_or(newest, |id| id - 1))
    }

    fn next_view(&mut self, local: Time, now: Instant) -> Option<Probe> {
        if self.view_busy {
            return None;
        }
        self.next_drill(local, now)
            .or_else(|| self.next_facts())
            .or_else(|| self.next_columns())
            .or_else(|| self.next_labels(now))
            .or_else(|| self.very_first_look(now))
            .or_else(|| self.next_stamp(now))
            .or_else(|| self.next_comparison(now))
    }

    /// What people wait for at the start is one view's counts: that comes before anything else is read of the views.
    fn very_first_look(&mut self, now: Instant) -> Option<Probe> {
        if !self.snapshot.views.iter().all(|v| v.drift.is_untried()) {
            return None;
        }
        self.next_comparison(now)
    }

    fn next_drill(&mut self, local: Time, now: Instant) -> Option<Probe> {
        let drill = self.snapshot.drill.clone()?;
        let state = self.snapshot.view(drill.target.view)?;
        let view = state.view.clone();
        let index = drill.index.value();
        let server = self.server_time(local);
        let is_page_due = |index: &DrillIndex| !index.rows.is_empty() && !drill.pages.contains_key(&0);
        if let Some(index) = index.filter(|index| !index.is_beginning || is_page_due(index)) {
            let page = if index.is_beginning { 0 } else { self.pages.pop()? };
            let keys = index.page_keys(page);
            return (!keys.is_empty() && drill.lacks(page, server)).then_some(Probe::Page(view, page, keys));
        }
        if self.drill_rest.is_some_and(|rest| rest > now) {
            return None;
        }
        let last = state.drift.last.as_ref().filter(|_| !state.is_drift_outdated()).map(|last| last.value.clone());
        let is_new = index.is_none() && drill.index.problem().is_none();
        let first = last.as_ref().filter(|last| is_new && last.drift.pairing == Pairing::Key);
        let first = first.and_then(|last| Some((last.clone(), drill.target.first_flow(last)?)));
        let is_long = |last: &Comparison| drill.target.moved(last).map(|flow| flow.rows).sum::<u64>() >= MANY;
        Some(match first.filter(|(last, _)| is_long(last)) {
            Some((last, flow)) => Probe::First(view, drill.target.clone(), last, flow),
            None => Probe::Index(view, drill.target.clone(), last),
        })
    }

    /// Somebody waits for them, so they come before comparisons.
    fn next_facts(&mut self) -> Option<Probe> {
        let view = self.snapshot.view(self.prices.pop()?)?;
        Some(Probe::Facts(view.view.clone(), view.signal.populated))
    }

    fn next_columns(&mut self) -> Option<Probe> {
        let oid = self.columns.pop()?;
        let view = self.snapshot.view(oid).filter(|v| v.view.can_select && v.signal.populated)?;
        Some(Probe::Columns(view.view.clone()))
    }

    /// Before the comparisons, so that these are named from the start.
    fn next_labels(&mut self, now: Instant) -> Option<Probe> {
        let wanted = |(view, want): &(&Arc<ViewState>, &Want)| want.labels && !view.rules.label_queries().is_empty();
        let view = self.candidates(now, |v| v.labels.is_untried()).find(wanted)?.0.clone();
        self.wants.get_mut(&view.view.oid)?.labels = false;
        Some(Probe::Labels(view.view.clone(), view.rules.label_queries()))
    }

    fn next_stamp(&mut self, now: Instant) -> Option<Probe> {
        let view = self.candidates(now, |v| v.stamp.is_untried()).find(|(_, want)| want.stamp)?.0.clone();
        self.wants.get_mut(&view.view.oid)?.stamp = false;
        Some(Probe::Stamp(view.view.clone(), view.signal.populated))
    }

    /// The view that was compared longest ago, groups before values, if the lane has rested. A catalog that is being read may
    /// change the question, and the two together would cost the server a quarter more time than one after the other.
    fn next_comparison(&mut self, now: Instant) -> Option<Probe> {
        if self.catalog_busy {
            return None;
        }
        for scope in [Scope::Groups, Scope::Values] {
            if self.lanes.of(scope).is_some_and(|rest| rest > now) {
                continue;
            }
            let wanted = |want: &Want| if scope == Scope::Groups { want.groups } else { want.values };
            let last = |v: &ViewState| match scope {
                Scope::Groups => v.drift.last.as_ref().map(|m| m.at),
                Scope::Values => v.values.last.as_ref().map(|m| m.at),
            };
            let candidates = self.candidates(now, |v| v.drift.is_untried());
            let candidates = candidates.filter(|(v, w)| wanted(w) && v.view.can_select && v.signal.populated);
            let Some(view) = candidates.map(|(v, _)| v.clone()).min_by_key(|v| last(v)) else { continue };
            let want = self.wants.get_mut(&view.view.oid)?;
            match scope {
                Scope::Groups => want.groups = false,
                Scope::Values => want.values = false,
            }
            return Some(Probe::Compare(view.view.clone(), scope, before(&view)));
        }
        None
    }

    /// The views that may be read now. One that another session holds locked against readers may not: a read would
    /// wait, and those who come later would wait behind it.
    ///
    /// What failed makes a view rest, but not what of it was never tried.
    fn candidates(
        &self,
        now: Instant,
        is_untried: impl Fn(&ViewState) -> bool,
    ) -> impl Iterator<Item = (&Arc<ViewState>, &Want)> {
        self.snapshot
            .views
            .iter()
            // Not before a pulse told whether it is populated, who holds it, and what was written to its tables so far.
            .filter(|v| v.signal.bases.is_some())
            // Whose settings it is looked at under, its jobs tell.
            .filter(|v| v.view.is_simple || !self.knows_cron() || self.snapshot.history.is_settled())
            .filter(|v| self.is_measured(&v.view) && !v.is_locked() && v.view.has_definition())
            .filter_map(|v| Some((v, self.wants.get(&v.view.oid)?)))
            .filter(move |(v, want)| want.not_before.is_none_or(|t| t <= now) || is_untried(v))
    }

    fn is_measured(&self, view: &View) -> bool {
        self.only.is_empty() || self.is_needed(view, &mut HashSet::new())
    }

    /// Is it named, or read by one that is, however many views lie between them? A view is no truer than those that it reads.
    ///
    /// A plain view that was replaced later may lead from a view back to itself.
    fn is_needed(&self, view: &View, seen: &mut HashSet<Oid>) -> bool {
        let mut readers = self.snapshot.views.iter().map(|v| &v.view).filter(|v| v.base_tables.contains(&view.oid));
        self.only.iter().any(|word| view.name.answers_to(word))
            || seen.insert(view.oid) && readers.any(|reader| self.is_needed(reader, seen))
    }

    fn begin(&mut self, probe: &Probe, local: Time) {
        match probe {
            Probe::Elsewhere(..) => {}
            Probe::Catalog(_) => self.catalog_busy = true,
            probe if probe.is_cheap() => self.cheap_busy = true,
            _ => self.view_busy = true,
        }
        let now = self.server_time(local);
        match probe {
            Probe::Catalog(_) => self.edit().catalog.start(now),
            Probe::Jobs | Probe::Runs(_) | Probe::Elsewhere(..) => self.edit().history.start(now),
            Probe::Stamp(view, _) => self.with_view(view.oid, |v| v.stamp.start(now)),
            Probe::Columns(view) => self.with_view(view.oid, |v| v.columns.start(now)),
            Probe::Labels(view, _) => self.with_view(view.oid, |v| v.labels.start(now)),
            Probe::Compare(view, scope, _) => self.with_view(view.oid, |v| {
                v.drift.start(now);
                if *scope == Scope::Values {
                    v.values.start(now);
                }
            }),
            Probe::Facts(view, _) => self.with_view(view.oid, |v| v.facts.start(now)),
            Probe::Index(..) | Probe::First(..) => self.with_drill(|d| d.index.start(now)),
            Probe::Page(_, page, _) => self.with_drill(|d| d.pages.entry(*page).or_default().start(now)),
        }
    }

    /// Is nothing wanted or under way any more? What failed counts as read.
    pub(super) fn is_settled(&self) -> bool {
        let is_done = |v: &&Arc<ViewState>| {
            let can_compare = v.view.can_select && v.signal.populated;
            v.signal.bases.is_some()
                && v.stamp.is_settled()
                && (!can_compare || v.rules.label_queries().is_empty() || v.labels.is_settled())
                && (!can_compare || v.drift.problem().is_some() || (v.drift.is_settled() && v.values.is_settled()))
        };
        let measured = self.snapshot.views.iter().filter(|v| self.is_measured(&v.view));
        self.snapshot.link == Link::Up
            && self.snapshot.catalog.is_settled()
            && (!self.knows_cron() || (self.snapshot.history.is_settled() && !self.jobs && !self.runs))
            && !self.catalog_busy
            && self.catalog.is_none()
            && !self.cheap_busy
            && measured.into_iter().all(|v| is_done(&v))
    }

    /// Says when each wanted comparison may run.
    pub(super) fn set_due(&mut self, local: Time, now: Instant) {
        let server = self.server_time(local);
        let lanes = self.lanes;
        let due: Vec<Option<Time>> = self
            .snapshot
            .views
            .iter()
            .map(|v| {
                let want = self.wants.get(&v.view.oid)?;
                let rests = [want.groups.then_some(lanes.groups), want.values.then_some(lanes.values)];
                let at = rests.into_iter().flatten().flatten().chain(want.not_before).filter(|t| *t > now).min()?;
                Some(server + TimeDelta::from_std(at - now).ok()?)
            })
            .collect();
        // Made from two clocks, it trembles with every look.
        let is_same = |a: Time, b: Time| (a - b).abs() < TimeDelta::milliseconds(100);
        for (place, due) in due.into_iter().enumerate() {
            let before = self.snapshot.views[place].due;
            if before != due && !before.zip(due).is_some_and(|(a, b)| is_same(a, b)) {
                Arc::make_mut(&mut self.edit().views[place]).due = due;
            }
        }
    }
}

/// What was seen of the view before it is compared again.
fn before(view: &ViewState) -> Before {
    let Some(last) = &view.drift.last else { return Before::Nothing };
    match view.observed {
        Some(refreshed) if refreshed >= last.at => match last.value.drift.pairing {
            Pairing::Key => Before::Refreshed,
            // Sums tell nothing of keys that do not tell rows apart.
            Pairing::KeyWithNulls | Pairing::Rows => Before::Nothing,
        },
        _ => Before::Compared(last.value.clone()),
    }
}
