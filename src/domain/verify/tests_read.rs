//! Tests 1 and 3: what can be read without touching anything.

use std::cmp::Reverse;

use super::{Check, Evidence, Outcome, Tolerance};
use crate::domain::diagnosis::{CauseCode, diagnose, thousands};
use crate::domain::drift::{Counts, Drift};
use crate::domain::freshness::{FreshnessState, LimitSource};
use crate::domain::lens::{Crowd, Lens, Role, Sight};
use crate::domain::matrix::Comparison;
use crate::domain::time::human;

/// How many of the worst are named.
const NAMED: usize = 5;

/// Fresh within its limit, and the view is its definition, by group; beside it the document's own total.
pub(super) fn test_1(evidence: &Evidence) -> Vec<Check> {
    let mut checks = vec![fresh(evidence)];
    checks.extend(sources(evidence));
    match compared(evidence) {
        Ok(comparison) => {
            checks.extend([groups(evidence, &comparison.drift), values(evidence, comparison), total(comparison)])
        }
        Err(why) => checks.push(Check::new("groups", "view = definition by group", Outcome::NotProven, why)),
    }
    checks
}

/// Are the materialized views that it reads true? It can be no truer than they are.
fn sources(evidence: &Evidence) -> Option<Check> {
    let check = |outcome, text: String| Check::new("sources", "the views that it reads are true", outcome, text);
    let (snapshot, view) = (evidence.snapshot, &evidence.view.view);
    let sources: Vec<_> = view.base_tables.iter().filter_map(|oid| snapshot.view(*oid)).collect();
    if sources.is_empty() {
        return None;
    }
    let unknown = sources.iter().find(|v| v.drift.value().is_none());
    let diagnosis = diagnose(snapshot, evidence.now);
    let mut causes = diagnosis.view(view.oid).into_iter().flat_map(|report| &report.causes);
    Some(match causes.find(|cause| cause.code == CauseCode::ReadsStaleView) {
        Some(cause) => check(Outcome::Fail, cause.text.clone()),
        None if let Some(unknown) = unknown => {
            check(Outcome::NotProven, format!("whether {} is true is not known", unknown.view.name.short()))
        }
        None => {
            let names: Vec<String> = sources.iter().map(|v| v.view.name.short()).collect();
            check(Outcome::Pass, format!("nothing is known against {}", names.join(", ")))
        }
    })
}

fn compared<'a>(evidence: &Evidence<'a>) -> Result<&'a Comparison, String> {
    let view: &'a _ = evidence.view;
    let problem = || match view.drift.problem() {
        Some(problem) => format!("it could not be compared: {}", problem.text),
        None if !view.view.can_select => format!("this role may not read {}: it needs SELECT on it", evidence.name()),
        None if !view.signal.populated => "it holds no data, there is nothing to compare".into(),
        None => "it was not compared in time; --timeout gives it longer".into(),
    };
    match &view.drift.last {
        Some(measured) if view.drift.problem().is_none() => Ok(&measured.value),
        _ => Err(problem()),
    }
}

fn fresh(evidence: &Evidence) -> Check {
    let check = |outcome, text: String| Check::new("fresh", "fresh within its limit", outcome, text);
    if evidence.is_plain {
        return check(Outcome::Pass, "a plain view runs its definition at each query: it has no age".into());
    }
    let freshness = evidence.freshness();
    let limit = freshness.limit.length.map_or("none".into(), human);
    let said = match freshness.age {
        _ if freshness.limit.source == LimitSource::Triggers => {
            "triggers refresh it at every write: while nobody writes, its age says nothing".into()
        }
        Some(age) => format!("{} old, the limit is {limit}", human(age)),
        None => format!("no signal says when it was refreshed, the limit is {limit}"),
    };
    let unwatched = evidence.facts.unwatched();
    match freshness.state {
        FreshnessState::NeverPopulated => check(Outcome::Fail, "it holds no data: reading it is an error".into()),
        FreshnessState::Fresh => check(Outcome::Pass, said),
        _ if evidence.facts.has_triggers() && unwatched.is_empty() => {
            check(Outcome::Pass, "triggers refresh it at every write: while nobody writes, its age says nothing".into())
        }
        FreshnessState::Late if evidence.facts.has_triggers() => {
            let tables = unwatched.join(", ");
            check(Outcome::Warning, format!("{said}; triggers refresh it, but not at writes to {tables}"))
        }
        FreshnessState::Late => check(Outcome::Fail, said),
        FreshnessState::Unknown if is_equal(evidence) => {
            check(Outcome::Warning, "no signal says when it was refreshed; it equals its definition now".into())
        }
        FreshnessState::Unknown => check(Outcome::NotProven, "no signal says when it was refreshed".into()),
    }
}

fn is_equal(evidence: &Evidence) -> bool {
    evidence.view.values.value().is_some_and(|c| c.totals.wrong() == 0)
}

fn groups(evidence: &Evidence, drift: &Drift) -> Check {
    let wrong = wrong_groups(drift, evidence.tolerance);
    let all = drift.groups.len();
    if wrong.is_empty() {
        let rows = thousands(drift.totals().view);
        let text = match wrong_groups(drift, Tolerance::default()).len() {
            0 => format!("{}, each as its definition has it", within(&rows, all)),
            n => format!("{}, none by more than {}", differing(n, all), evidence.tolerance),
        };
        return Check::new("groups", "view = definition by group", Outcome::Pass, text);
    }
    let named: Vec<String> = wrong.iter().take(NAMED).map(|(group, c)| cell(group, c)).collect();
    let mut text = format!("{}{}", differing(wrong.len(), all), beyond(evidence.tolerance));
    if evidence.freshness().state == FreshnessState::Fresh && !evidence.is_plain {
        text.push_str("; if that is what is written between two refreshes, --tolerance lets it pass");
    }
    Check::new("groups", "view = definition by group", Outcome::Fail, text).with_details(named)
}

/// `3 of 40 groups differ`
fn differing(wrong: usize, all: usize) -> String {
    match (wrong, all) {
        (_, 1) => "its rows differ".into(),
        (1, _) => format!("1 of {all} groups differs"),
        _ => format!("{wrong} of {all} groups differ"),
    }
}

/// `3,230 rows in 40 groups`
fn within(rows: &str, groups: usize) -> String {
    let rows = if rows == "1" { "1 row".into() } else { format!("{rows} rows") };
    if groups == 1 { rows } else { format!("{rows} in {groups} groups") }
}

fn beyond(tolerance: Tolerance) -> String {
    if tolerance.is_none() { String::new() } else { format!(" by more than {tolerance}") }
}

/// The groups with more rows in the wrong place than is let pass, worst first. Rows that came and rows that went do
/// not make up for each other: the counts may be equal and every row another.
pub fn wrong_groups(drift: &Drift, tolerance: Tolerance) -> Vec<(String, Counts)> {
    let counts = drift.counts().into_iter();
    let wrong = counts.filter(|(_, c)| !tolerance.allows(c.misplaced(), c.view.max(c.live)));
    let mut wrong: Vec<(String, Counts)> = wrong.map(|(id, c)| (drift.group(id).title(), c)).collect();
    wrong.sort_by_cached_key(|(title, c)| (Reverse(c.misplaced()), title.clone()));
    wrong
}

fn cell(group: &str, counts: &Counts) -> String {
    match counts.difference() {
        0 => format!("{group} {}, not the right ones", thousands(counts.view)),
        _ => format!("{group} {} instead of {}", thousands(counts.view), thousands(counts.live)),
    }
}

/// Old values are the usual lag while the view is fresh; with triggers there is no lag to explain them.
fn values(evidence: &Evidence, comparison: &Comparison) -> Check {
    let check = |outcome, text: String| Check::new("values", "no row shows old values", outcome, text);
    let newest = evidence.view.values.value().map(|c| c.totals.changed);
    let Some(changed) = comparison.totals.changed.or(newest.flatten()) else {
        return check(Outcome::NotProven, "only the groups were compared in time; --timeout gives it longer".into());
    };
    let totals = comparison.totals;
    if totals.unkeyed && totals.misplaced() > 0 {
        let text = "without a unique key a row with old values is not told from one that is gone: see the groups";
        return check(Outcome::NotProven, text.into());
    }
    let rows = totals.view - totals.gone - totals.moved;
    let said = format!("{} of {} rows in place show old values", thousands(changed), thousands(rows));
    match changed {
        0 => check(Outcome::Pass, format!("all {} rows that are in place match", thousands(rows))),
        n if evidence.tolerance.allows(n, rows) => check(Outcome::Pass, said),
        _ if evidence.facts.has_triggers() => check(Outcome::Fail, format!("{said}, though triggers refresh it")),
        _ => check(Outcome::Warning, said),
    }
}

/// The document's own test: it was green all through the incident.
fn total(comparison: &Comparison) -> Check {
    let (view, live) = (comparison.totals.view, comparison.totals.live);
    let is_green = Tolerance::DOCUMENT.allows(view.abs_diff(live), live);
    let colour = if is_green { "green" } else { "red" };
    let text = format!(
        "view {}, live {}: {colour} by the document's own measure, for a total does not see rows that change hands",
        thousands(view),
        thousands(live)
    );
    Check::new("total_5_percent", "total within ±5 %", Outcome::Note, text)
}

/// What each kind of person sees against what they should see.
pub(super) fn test_3(evidence: &Evidence, crowds: &[Crowd]) -> Vec<Check> {
    if let Err(why) = compared(evidence) {
        return vec![Check::new("roles", "each role sees what it should", Outcome::NotProven, why)];
    }
    Role::ALL.into_iter().map(|role| as_role(evidence, role, crowds.iter().find(|c| c.role == role))).collect()
}

fn as_role(evidence: &Evidence, role: Role, crowd: Option<&Crowd>) -> Check {
    let (code, what, column) = match role {
        Role::Administrador => ("as_administrador", "as administrador", ""),
        Role::Coordinador => ("as_coordinador", "as coordinador", "coordinacion_id"),
        Role::Ejecutivo => ("as_ejecutivo", "as ejecutivo", "ejecutivo_id"),
    };
    let Some(crowd) = crowd else {
        return Check::new(code, what, Outcome::Skipped, format!("rows are not counted by a column {column}"));
    };
    let is_wrong = |(_, s): &&(Lens, Sight)| !evidence.tolerance.allows(s.misplaced(), s.sees.max(s.should));
    let wrong: Vec<_> = crowd.people.iter().filter(is_wrong).collect();
    if wrong.is_empty() {
        return Check::new(code, what, Outcome::Pass, all_right(crowd, evidence.tolerance));
    }
    let named: Vec<String> = wrong.iter().take(NAMED).map(|(lens, sight)| person(lens, sight)).collect();
    if role == Role::Administrador {
        return Check::new(code, what, Outcome::Fail, format!("impact {}: {}", role.impact(), named.join("")));
    }
    let (beyond, impact) = (beyond(evidence.tolerance), role.impact());
    let text = format!("{} of {} affected{beyond}, impact {impact}", wrong.len(), crowd.people.len());
    Check::new(code, what, Outcome::Fail, text).with_details(named)
}

fn all_right(crowd: &Crowd, tolerance: Tolerance) -> String {
    match (crowd.role, crowd.people.first(), crowd.affected().count()) {
        (Role::Administrador, Some((_, sight)), _) => sight.said(),
        (_, _, 0) => format!("all {} see what they should", crowd.people.len()),
        (_, _, n) => format!("{n} of {} affected, none by more than {tolerance}", crowd.people.len()),
    }
}

fn person(lens: &Lens, sight: &Sight) -> String {
    let who = lens.whose().map_or(String::new(), |m| format!("{} ", m.title()));
    let sight = Sight { changed: None, ..*sight };
    format!("{who}{}: {}", sight.said(), lens.faults(&sight))
}
