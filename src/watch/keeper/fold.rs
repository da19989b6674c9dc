//! Takes pulses and answers into the Snapshot: whatever signal moved wants its probe. Jobs and runs: `history`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::{Keeper, Want};
use crate::domain::drift::Scope;
use crate::domain::look::Look;
use crate::domain::matrix::Comparison;
use crate::domain::reading::ProblemKind;
use crate::domain::server::Link;
use crate::domain::snapshot::{Counted, Drill, DrillIndex, DrillTarget, Pulse, ViewState};
use crate::domain::time::Time;
use crate::domain::view::{Oid, View};
use crate::pg::probes::pulse;
use crate::watch::probe::{Answer, Catch, Probe};

/// Counters miss tables read inside functions, so compare anyway when the last comparison is this old.
const AT_LEAST_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Two pulses further apart than this leave open when between them a refresh was.
const LONG: TimeDelta = TimeDelta::seconds(10);

/// How long a replica that lags gets before it is asked again.
const BEHIND: Duration = Duration::from_secs(3);

/// How long comparisons rest at least after one in a sandbox.
const SANDBOX_REST: Duration = Duration::from_secs(10);

/// How long pg_cron's tables in another database rest between two looks.
const ELSEWHERE_EVERY: Duration = Duration::from_secs(15);

impl Keeper {
    /// Folds a pulse: whatever signal moved wants its probe.
    pub fn pulse(&mut self, beat: pulse::Answer, took: Duration, local: Time) {
        let half = TimeDelta::from_std(took / 2).unwrap_or_default();
        let offset = beat.at + half - local;
        let snapshot = self.edit();
        snapshot.link = Link::Up;
        let unseen = snapshot.pulse.map(|last| last.at).filter(|last| beat.at - *last > LONG);
        snapshot.pulse = Some(Pulse { at: beat.at, offset, took });
        snapshot.launcher = beat.launcher;
        self.last.counters.push(beat.at, &beat.tables, &beat.counters);
        self.fold_views(&beat, unseen);
        self.jobs |= moved(&mut self.last.jobs, &beat.jobs);
        self.runs |= moved(&mut self.last.runs, &beat.runs);
        self.want_overdue(beat.at);
        self.figure_jobs(beat.at, false);
    }

    /// The place of each view in the Snapshot.
    pub(super) fn places(&self) -> HashMap<Oid, usize> {
        self.snapshot.views.iter().enumerate().map(|(place, v)| (v.view.oid, place)).collect()
    }

    fn want_overdue(&mut self, at: Time) {
        for view in &self.snapshot.views {
            let Some(want) = self.wants.get_mut(&view.view.oid) else { continue };
            let is_old = |last: Option<Time>| last.is_some_and(|last| at - last > AT_LEAST_EVERY);
            want.groups |= is_old(view.drift.last.as_ref().map(|m| m.at));
            want.values |= is_old(view.values.last.as_ref().map(|m| m.at));
        }
    }

    /// Folds an answer.
    pub fn answer(&mut self, mut answer: Answer, local: Time, now: Instant) {
        answer.spare_beginning();
        let rest = answer.outcome.as_ref().err().map(|problem| now + pause(problem.kind));
        match answer.probe {
            Probe::Elsewhere(..) => self.elsewhere = Some(now + ELSEWHERE_EVERY),
            Probe::Catalog(_) => (self.catalog_busy, self.catalog_rest) = (false, rest),
            _ if answer.probe.is_cheap() => (self.cheap_busy, self.cheap_rest) = (false, rest),
            _ => self.view_busy = false,
        }
        if rest.is_some() {
            self.want_again(&answer.probe);
        }
        self.fold_look(&answer);
        let at = self.server_time(local);
        match answer.probe.clone() {
            Probe::Catalog(only) => self.fold_catalog(only.is_none(), answer, at),
            Probe::Jobs | Probe::Runs(_) | Probe::Elsewhere(..) => self.fold_history(answer, at),
            Probe::Stamp(view, _) => {
                // A refusal stands until something changes, and holds no comparison up: that says why.
                if !answer.outcome.as_ref().is_err_and(|problem| problem.kind.is_refusal()) {
                    self.note_failure(view.oid, &answer, now, |want| want.stamp = true);
                }
                let stamp = answer.measured(|c| if let Catch::Stamp(s) = c { Some(s) } else { None });
                self.with_view(view.oid, |v| v.stamp.finish(stamp, at));
                if let Some(place) = self.snapshot.views.iter().position(|v| v.view.oid == view.oid) {
                    self.figure_day(place, at);
                }
            }
            Probe::Facts(view, _) => {
                let facts = answer.measured(|c| if let Catch::Facts(f) = c { Some(Arc::new(*f)) } else { None });
                self.with_view(view.oid, |v| v.facts.finish(facts, at));
            }
            Probe::Columns(view) => {
                let columns = answer.measured(|c| if let Catch::Columns(c) = c { Some(Arc::new(c)) } else { None });
                self.with_view(view.oid, |v| v.columns.finish(columns, at));
            }
            Probe::Labels(view, _) => self.fold_labels(view.oid, answer, at),
            Probe::Compare(view, scope, _) => self.fold_comparison(&view, scope, answer, at, now),
            Probe::Index(view, target, _) | Probe::First(view, target, ..) => {
                self.fold_list(view.oid, &target, answer, at, now);
            }
            Probe::Page(_, page, keys) => {
                let rows = answer.measured(|c| if let Catch::Page(p) = c { Some(Arc::new(p)) } else { None });
                self.with_drill(|d| d.take_page(page, &keys, rows, at));
            }
        }
    }

    /// The list of a drill's rows, unless it was left meanwhile: then another one is waited for, and not held up.
    fn fold_list(&mut self, view: Oid, target: &DrillTarget, answer: Answer, at: Time, now: Instant) {
        if self.snapshot.drill.as_ref().is_none_or(|drill| drill.target != *target) {
            return;
        }
        let state = self.snapshot.view(view).cloned();
        let labels = state.as_ref().and_then(|state| Some((state, state.labels.value()?)));
        let named = |mut index: DrillIndex| {
            if let Some((state, labels)) = labels {
                index.groups.name(&state.view.groups, labels);
                index.sort();
            }
            Arc::new(index)
        };
        let index = answer.measured(|c| if let Catch::Index(i) = c { Some(named(i)) } else { None });
        let refreshed = state.as_ref().and_then(|state| state.observed);
        // A refresh that was done meanwhile made other rows; a replica may not have it yet.
        let is_over = index.as_ref().is_ok_and(|index| refreshed.is_some_and(|seen| seen > index.at));
        self.drill_rest = match &index {
            Ok(_) => is_over.then(|| now + BEHIND),
            Err(problem) => Some(now + pause(problem.kind)),
        };
        self.with_drill(|drill| match is_over {
            true => *drill = Drill::new(target.clone()),
            false => drill.take(index, at),
        });
    }

    /// How a view was looked at.
    fn fold_look(&mut self, answer: &Answer) {
        let Some((view, look)) = answer.probe.view().zip(answer.look.clone()) else { return };
        if self.snapshot.view(view.oid).is_some_and(|state| state.look.as_ref() != Some(&look)) {
            self.with_view(view.oid, |state| state.look = Some(look));
        }
    }

    /// A cheap probe that failed is wanted again.
    fn want_again(&mut self, probe: &Probe) {
        match probe {
            Probe::Catalog(None) => self.catalog = Some(None),
            Probe::Catalog(Some(oids)) => self.want_catalog(oids.clone()),
            Probe::Jobs => self.jobs = true,
            Probe::Runs(_) => self.runs = true,
            _ => {}
        }
    }

    fn fold_catalog(&mut self, is_whole: bool, answer: Answer, at: Time) {
        let outcome = answer.measured(|c| if let Catch::Views(v) = c { Some(v) } else { None });
        let outcome = outcome.map(|measured| measured.map(|views| self.take_views(views, is_whole)));
        self.edit().catalog.finish(outcome, at);
        if is_whole {
            // The jobs may have come before the views.
            self.figure_days(at);
        }
    }

    fn take_views(&mut self, views: Vec<View>, is_whole: bool) {
        let found: HashSet<Oid> = views.iter().map(|v| v.oid).collect();
        let places: HashMap<Oid, usize> = self.places();
        for mut view in views {
            let oid = view.oid;
            self.wants.entry(oid).or_insert(Want::ALL);
            let rules = self.rules.of(&view.name);
            let misfits = view.follow(&rules);
            if let Some(columns) = self.chosen.get(&oid) {
                view.group_by(columns, &rules);
            }
            // Another role may look at it, and then this one's rights do not matter.
            view.can_select |= view.may_become_owner || self.has_look_role;
            if let Some(&place) = places.get(&oid) {
                view.refresher = self.snapshot.views[place].view.refresher.clone();
            }
            let view = Arc::new(view.clocked());
            match places.get(&oid) {
                Some(&place) => {
                    if !self.snapshot.views[place].view.asks_the_same(&view) {
                        self.forget_comparisons(oid);
                    }
                    let state = Arc::make_mut(&mut self.edit().views[place]);
                    (state.view, state.rules, state.misfits) = (view, rules, misfits);
                }
                None => self.edit().views.push(Arc::new(ViewState { rules, misfits, ..ViewState::new(view) })),
            }
        }
        let unmatched = self.rules.unmatched(self.snapshot.views.iter().map(|v| &v.view.name));
        let snapshot = self.edit();
        snapshot.unmatched = unmatched;
        if is_whole {
            snapshot.views.retain(|v| found.contains(&v.view.oid));
        }
        snapshot.views.sort_by(|a, b| a.view.name.cmp(&b.view.name));
        self.settle_names();
        let snapshot = self.edit();
        let mut tables: Vec<Oid> = snapshot.views.iter().flat_map(|v| v.view.base_tables.iter().copied()).collect();
        tables.sort();
        tables.dedup();
        if tables != self.last.tables {
            self.last.tables = tables;
            self.last.wants_pulse = true;
        }
    }

    /// What was found answered another question than what is asked from now on.
    pub(super) fn forget_comparisons(&mut self, oid: Oid) {
        self.with_view(oid, ViewState::forget_comparisons);
        self.reread_drill(oid);
        self.wants.insert(oid, Want::ALL);
    }

    /// Labels that came name what was compared before them.
    fn fold_labels(&mut self, oid: Oid, answer: Answer, at: Time) {
        let labels = answer.measured(|c| if let Catch::Labels(l) = c { Some(Arc::new(l)) } else { None });
        self.with_view(oid, |v| {
            v.labels.finish(labels, at);
            let state = v.clone();
            let compared = [&mut v.drift.last, &mut v.values.last];
            for measured in compared.into_iter().flatten() {
                measured.value = Arc::new(settled((*measured.value).clone(), &state));
            }
        });
    }

    fn fold_comparison(&mut self, view: &View, scope: Scope, answer: Answer, at: Time, now: Instant) {
        // Each kind of comparison may use half of the budget.
        let rest = answer.took.div_f64(self.budget / 2.0);
        // Each look in a sandbox costs a transaction id and lines of the log.
        let is_sandbox = answer.look.as_ref().is_some_and(|report| matches!(report.look, Look::Sandbox(_)));
        let rest = if is_sandbox && self.budget.is_finite() { (rest * 2).max(SANDBOX_REST) } else { rest };
        *self.lanes.of(scope) = Some(now + rest);
        let oid = view.oid;
        let Some(state) = self.snapshot.view(oid).cloned() else { return };
        // Meanwhile a person may have chosen other columns, or made another key: then it answers another question.
        if !state.view.asks_the_same(view) {
            return;
        }
        self.note_failure(oid, &answer, now, |want| match scope {
            Scope::Groups => want.groups = true,
            Scope::Values => want.values = true,
        });
        let took = answer.took;
        let compared =
            answer.measured(|c| if let Catch::Comparison(c) = c { Some(Arc::new(settled(c, &state))) } else { None });
        // A replica that lags shows what was before the signal that asked: look again when it may have caught up.
        let is_behind = compared.as_ref().is_ok_and(|c| self.snapshot.view(oid).is_some_and(|v| v.moved_after(c.at)));
        if let Some(want) = self.wants.get_mut(&oid).filter(|_| is_behind) {
            (want.groups, want.values, want.not_before) = (true, true, Some(now + BEHIND));
        }
        let is_refused = compared.as_ref().is_err_and(|problem| problem.kind == ProblemKind::NotCompared);
        self.with_view(oid, |v| {
            // What was compared before that was known was compared as no refresh would.
            if is_refused {
                (v.drift.last, v.values.last) = (None, None);
            }
            if let (Scope::Groups, Ok(counted)) = (scope, &compared) {
                let pruned = view.pruned().filter(|_| counted.value.drift.is_keyed());
                v.counted = Some(Counted { took, without: pruned.map_or(Vec::new(), |pruned| pruned.without) });
            }
            if scope == Scope::Values || compared.as_ref().is_ok_and(|c| c.value.drift.scope == Scope::Values) {
                v.values.finish(compared.clone(), at);
            }
            v.drift.finish(compared, at);
        });
    }

    /// After a failure the probe is wanted again, after a pause that fits the reason.
    fn note_failure(&mut self, oid: Oid, answer: &Answer, now: Instant, again: impl FnOnce(&mut Want)) {
        let Some(want) = self.wants.get_mut(&oid) else { return };
        let problem = answer.outcome.as_ref().err().map(|problem| problem.kind);
        want.not_before = problem.map(|kind| now + pause(kind));
        if problem.is_some() {
            again(want);
        }
        // What it reads may have other names by now, which no signal of its own tells.
        if matches!(problem, Some(ProblemKind::Other | ProblemKind::Changed)) {
            self.want_catalog(vec![oid]);
        }
    }
}

/// How long to wait after a failure: what the reason is likely to take to go away.
fn pause(kind: ProblemKind) -> Duration {
    match kind {
        ProblemKind::LockTimeout | ProblemKind::Connection | ProblemKind::Password => Duration::from_secs(5),
        ProblemKind::Changed => Duration::from_secs(1),
        ProblemKind::Timeout
        | ProblemKind::Permission
        | ProblemKind::RowSecurity
        | ProblemKind::NotCompared
        | ProblemKind::Other => Duration::from_secs(60),
    }
}

/// A comparison with the labels that queries of the configuration give.
fn named(compared: Comparison, state: &ViewState) -> Comparison {
    let Some(labels) = state.labels.value().filter(|labels| !labels.is_empty()) else { return compared };
    let (mut drift, trace, twice) = (compared.drift, compared.trace, compared.has_key_twice);
    drift.groups.name(&state.view.groups, labels);
    Comparison::of(drift).traced(trace).with_key_twice(twice)
}

/// The same, its columns where they were unless a refresh came since.
fn settled(compared: Comparison, state: &ViewState) -> Comparison {
    let compared = named(compared, state);
    let last = state.drift.last.as_ref().filter(|last| state.observed.is_none_or(|refreshed| refreshed <= last.at));
    match last {
        Some(last) => compared.in_places_of(&last.value),
        None => compared,
    }
}

/// Remembers a signal and says whether it moved.
fn moved(last: &mut Option<String>, new: &Option<String>) -> bool {
    let has_moved = last.is_some() && last != new;
    last.clone_from(new);
    has_moved
}
