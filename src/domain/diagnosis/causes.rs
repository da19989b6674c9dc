//! Why a view is as it is: every cause that holds, with its sentence.

use std::cmp::Reverse;

use super::{Cause, CauseCode, Failure, Remedy, Scene, Severity, allowed, totals, who};
use crate::domain::drift::Totals;
use crate::domain::freshness::{Freshness, FreshnessState, LimitSource};
use crate::domain::job::{Run, RunStatus};
use crate::domain::reading::ProblemKind;
use crate::domain::rights::cannot_compare;
use crate::domain::server::Server;
use crate::domain::snapshot::{Blocker, BulkWrite, Refreshing, ViewState};
use crate::domain::text::fit;
use crate::domain::time::{ago, human};

/// A refresh that took this many times the usual, and at least ten seconds, did not work all the while: it waited.
const WAITED_TIMES: i32 = 10;
const WAITED_SECONDS: i64 = 10;

impl Scene<'_> {
    /// Every cause that holds, worst first.
    pub(super) fn causes(
        &self,
        view: &ViewState,
        freshness: &Freshness,
        totals: Option<&Totals>,
        allowed: u64,
    ) -> Vec<Cause> {
        let server = self.snapshot.server.as_deref();
        let wrong = totals.map(Totals::wrong);
        let mut causes: Vec<Cause> = [
            (!view.view.can_select).then(|| not_readable(view, server)),
            (!view.signal.populated).then(|| self.never_populated(freshness)),
            self.refreshing(view),
            uncomparable(view, server),
            depends_on_refresher(view),
            key_twice(view),
            self.reads_stale(view),
            wrong.filter(|n| *n > 0).and_then(|_| volatile(view)),
            server.filter(|s| s.standby).map(|_| standby()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_true = totals.is_some_and(|t| t.wrong() == 0 && t.changed.is_some()) && !view.is_drift_outdated();
        if !view.view.is_plain() && !view.view.is_kept_by_triggers() {
            let refreshed = freshness.refreshed.as_ref().map(|r| r.at);
            causes.extend(self.schedule(view, refreshed.filter(|_| is_true)));
        }
        if causes.iter().any(|c| c.code == CauseCode::RunFailed(Failure::Duplicates)) {
            // It says the same.
            causes.retain(|c| c.code != CauseCode::KeyTwice);
        }
        let is_wrong = wrong.is_some_and(|n| n > allowed);
        let is_late = freshness.state == FreshnessState::Late || is_wrong && !freshness.allows_lag();
        if is_late && view.signal.populated && !causes.iter().any(|c| c.severity == Severity::Grave) {
            causes.push(late(view, freshness));
        }
        if is_wrong {
            causes.extend(self.drifted(view, freshness, &causes));
        }
        // Only where rows are somebody's can an application hide them from somebody.
        let reads_true = !causes.iter().any(|c| c.code == CauseCode::ReadsStaleView);
        if is_true && reads_true && !view.view.is_plain() && !view.view.groups.is_empty() {
            causes.push(view_is_true());
        }
        causes.sort_by_key(|c| (Reverse(c.severity), c.code.rank()));
        causes
    }

    fn never_populated(&self, freshness: &Freshness) -> Cause {
        let since = match &freshness.refreshed {
            Some(last) => {
                format!("It was emptied, or made anew WITH NO DATA, after a refresh {} ago", ago(last.at, self.now))
            }
            None => "It was created WITH NO DATA, or emptied so, and not refreshed since".into(),
        };
        Cause::grave(CauseCode::NeverPopulated, Remedy::Refresh, format!("{since}: every query on it fails."))
    }

    fn reads_stale(&self, view: &ViewState) -> Option<Cause> {
        let (source, how) = self.stale_source(view)?;
        let text = format!("It reads {}, which {how}: it can be no truer than that.", source.view.name.short());
        Some(Cause::new(CauseCode::ReadsStaleView, Severity::Warning, Remedy::RefreshSource, text))
    }

    /// The first materialized view that it reads and that is itself late or wrong, and in which way.
    pub(super) fn stale_source(&self, view: &ViewState) -> Option<(&ViewState, String)> {
        let sources = view.view.base_tables.iter().filter_map(|oid| self.views.get(oid).copied());
        sources
            .filter(|source| source.view.oid != view.view.oid)
            .find_map(|source| Some((source, self.staleness(source)?)))
    }

    /// In which way a view is late or wrong; `None`: it is neither, as far as is known.
    fn staleness(&self, view: &ViewState) -> Option<String> {
        let freshness = Freshness::of(view, self.history, self.jobs, self.now);
        let totals = view.drift.value().map(|c| totals(view, c));
        let is_wrong = totals.is_some_and(|t| t.wrong() > allowed(view, Some(&t)));
        if is_wrong && !freshness.allows_lag() {
            return Some("is itself wrong".into());
        }
        if freshness.state == FreshnessState::Late && totals.is_none_or(|t| t.wrong() > 0) {
            return Some(format!("is itself {} old", human(freshness.age?)));
        }
        self.stale_source(view).map(|(source, how)| format!("reads {}, which {how}", source.view.name.short()))
    }

    /// Who refreshes it or wants to: one that waits comes before one that works.
    fn refreshing(&self, view: &ViewState) -> Option<Cause> {
        let waits = |r: &&Refreshing| !r.granted || !r.blocked_by.is_empty();
        let all = &view.refreshing;
        let refresh = all.iter().find(waits).or_else(|| all.iter().find(|r| r.is_forgotten())).or(all.first())?;
        let since = refresh.since.map_or(String::new(), |s| format!(" for {}", ago(s, self.now)));
        let who = who(&refresh.user, &refresh.application, refresh.pid);
        let blocked = |text| Some(Cause::grave(CauseCode::RefreshBlocked, Remedy::CancelBlocker, text));
        match refresh.blocked_by.first() {
            Some(by) => blocked(format!("A refresh by {who} waits{since} for {}.", self.blocker(by))),
            None if !refresh.granted => blocked(format!("A refresh by {who} waits{since} for its lock.")),
            None if refresh.pid == 0 => {
                let text = format!("{who} has held its lock: COMMIT PREPARED or ROLLBACK PREPARED ends it.");
                Some(Cause::grave(CauseCode::RefreshUncommitted, None, text))
            }
            None if refresh.is_forgotten() => Some(Cause::grave(
                CauseCode::RefreshUncommitted,
                Remedy::CancelBlocker,
                format!("{who} has held its lock{since} without a COMMIT: nobody sees that refresh, no other can run."),
            )),
            None => {
                Some(Cause::note(CauseCode::RefreshRunning, Remedy::Wait, format!("{who} refreshes it now{since}.")))
            }
        }
    }

    /// Who blocks, since when, doing what: `ana (psql, pid 11), idle in transaction for 12s: UPDATE …`.
    fn blocker(&self, by: &Blocker) -> String {
        let since = by.since.map_or(String::new(), |s| format!(" for {}", ago(s, self.now)));
        let query = by.query.as_deref().map_or(String::new(), |q| format!(": {}", fit(q, 60)));
        format!("{}, {}{since}{query}", who(&by.user, &by.application, by.pid), by.state)
    }

    /// Why rows differ although nothing need be broken.
    fn drifted(&self, view: &ViewState, freshness: &Freshness, others: &[Cause]) -> Vec<Cause> {
        let mut causes: Vec<Cause> =
            [self.stale_install(view, freshness), view.bulk.as_ref().map(|b| self.bulk_write(b))]
                .into_iter()
                .flatten()
                .collect();
        if causes.is_empty() && !others.iter().any(|c| c.severity > Severity::Note) {
            causes.push(self.normal_drift(view, freshness));
        }
        causes
    }

    fn stale_install(&self, view: &ViewState, freshness: &Freshness) -> Option<Cause> {
        let cause = |text| Cause::new(CauseCode::StaleInstall, Severity::Warning, Remedy::Refresh, text);
        if let Some(waited) = &view.waited {
            return Some(cause(format!(
                "The refresh by {} waited {} for its lock and installed what was true before that.",
                waited.who,
                human(waited.until - waited.since)
            )));
        }
        let (run, usual) = self.slow_run(view, freshness)?;
        Some(cause(format!(
            "Its last refresh took {} instead of {}: it waited, and installed what was true before that.",
            human(run.duration()?),
            human(usual)
        )))
    }

    /// The run that the view's data is from, where it took far longer than usual, and the usual.
    fn slow_run(&self, view: &ViewState, freshness: &Freshness) -> Option<(&Run, chrono::TimeDelta)> {
        let history = self.history?;
        let refreshed = freshness.refreshed.as_ref()?.at;
        let stats = self.job(view).filter(|s| s.reliable)?;
        let made_it = |r: &&Run| {
            r.status == RunStatus::Succeeded && r.start.is_some_and(|s| s <= refreshed) && r.end >= Some(refreshed)
        };
        let run = history.runs_of(stats.job).find(made_it)?;
        let (took, usual) = (run.duration()?, stats.p50?);
        (took >= usual * WAITED_TIMES && took.num_seconds() >= WAITED_SECONDS).then_some((run, usual))
    }

    fn bulk_write(&self, bulk: &BulkWrite) -> Cause {
        let rows = super::thousands(bulk.rows.unsigned_abs());
        let text = format!(
            "One bulk write changed {rows} rows of {} {} ago; it usually sees {} a minute.",
            bulk.table,
            ago(bulk.at, self.now),
            super::thousands(bulk.usual.unsigned_abs())
        );
        Cause::new(CauseCode::BulkWrite, Severity::Warning, Remedy::Refresh, text)
    }

    fn normal_drift(&self, view: &ViewState, freshness: &Freshness) -> Cause {
        let next = self.job(view).and_then(|j| j.next);
        let until = next.map_or(String::new(), |n| {
            format!(" until the next refresh in {}", human((n - self.now).max(chrono::TimeDelta::zero())))
        });
        let on_time = if freshness.age.is_some() { "It was refreshed on time and its" } else { "Its" };
        let text = format!("{on_time} tables moved on since; this is normal{until}.");
        Cause::note(CauseCode::NormalDrift, Remedy::Wait, text)
    }
}

/// A key that the unique index does not take twice.
fn key_twice(view: &ViewState) -> Option<Cause> {
    view.drift.value().filter(|compared| compared.has_key_twice)?;
    let key: Vec<&str> = view.view.key.iter().map(|k| k.name.as_str()).collect();
    let key = key.join(", ");
    let text =
        format!("Its definition gives a {key} twice, which its unique index does not take: every refresh fails.");
    Some(Cause::grave(CauseCode::KeyTwice, Remedy::UniqueRows, text))
}

fn volatile(view: &ViewState) -> Option<Cause> {
    let text = match view.view.volatile.first() {
        Some(function) => format!(
            "Its definition calls {function}, which may give other values at each run: comparing it cannot be exact."
        ),
        None if view.view.reads_clock => {
            "Its definition reads the clock for more than the time of the refresh: rows may differ however fresh it is."
                .to_string()
        }
        None => return None,
    };
    Some(Cause::note(CauseCode::VolatileDefinition, None, text))
}

fn not_readable(view: &ViewState, server: Option<&Server>) -> Cause {
    let role = server.map_or("this role", |s| &s.user);
    let lacks = if view.view.lacks.is_empty() { "SELECT on it".into() } else { view.view.lacks.join(" and ") };
    let text = format!("{role} may not read {}: it needs {lacks}.", view.view.name.short());
    Cause::new(CauseCode::NotReadable, Severity::Warning, Remedy::Grant, text)
}

/// Only where it matters: not while what was known of the same data still stands.
fn uncomparable(view: &ViewState, server: Option<&Server>) -> Option<Cause> {
    if !view.view.has_definition() && !view.is_locked() {
        let text = "Its definition cannot be read: another session has locked what it reads against readers.";
        return Some(Cause::new(CauseCode::CannotCompare, Severity::Warning, Remedy::Wait, text));
    }
    let problem = view.drift.problem().or_else(|| view.values.problem())?;
    if !view.view.can_select || !view.signal.populated {
        return None;
    }
    let stands = view.values.last.is_some() && !view.is_drift_outdated();
    let (severity, remedy) = match problem.kind {
        _ if stands => (Severity::Note, Remedy::Measure),
        ProblemKind::Permission | ProblemKind::RowSecurity | ProblemKind::NotCompared => {
            (Severity::Warning, Remedy::Grant)
        }
        ProblemKind::Other => (Severity::Grave, Remedy::Measure),
        _ => (Severity::Warning, Remedy::Measure),
    };
    let text = format!("It cannot be compared: {}.", cannot_compare(server, view, problem).trim_end_matches('.'));
    Some(Cause::new(CauseCode::CannotCompare, severity, remedy, text))
}

fn depends_on_refresher(view: &ViewState) -> Option<Cause> {
    let text = view.look.as_ref()?.refreshers_differ()?;
    Some(Cause::new(CauseCode::DependsOnRefresher, Severity::Warning, Remedy::FixJob, text))
}

fn standby() -> Cause {
    let text = "This is a standby: refreshes and jobs run on its primary, and nothing can be changed here.";
    Cause::note(CauseCode::Standby, Remedy::Primary, text)
}

fn view_is_true() -> Cause {
    let text = "If people still miss rows, the application's filter hides them: every row matches here.";
    Cause::note(CauseCode::ViewIsTrue, None, text)
}

fn late(view: &ViewState, freshness: &Freshness) -> Cause {
    let grave = |text: String| Cause::grave(CauseCode::Late, Remedy::Refresh, text);
    let limit = freshness.limit.length.map_or("none".into(), human);
    if freshness.limit.source == LimitSource::Triggers {
        let text = match view.view.is_kept_at_truncate() {
            true => "Triggers refresh it at every write, and yet rows differ: a refresh of theirs was lost.",
            false => {
                "Triggers refresh it at INSERT, UPDATE and DELETE, and yet rows differ: a TRUNCATE passed them by, or a \
                 refresh of theirs was lost."
            }
        };
        return grave(text.into());
    }
    if freshness.age.is_none() {
        return grave(format!(
            "No signal says when it was refreshed, so nothing says that it keeps its limit of {limit}."
        ));
    }
    let why = match freshness.limit.source {
        LimitSource::Default => "the usual limit",
        LimitSource::Configured => "the limit set for it",
        LimitSource::Job(_) | LimitSource::Triggers | LimitSource::Plain => "what its schedule promises",
    };
    // How old it is every face says beside it.
    grave(format!("It is too old: {why} is {limit}."))
}
