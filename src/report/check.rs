//! `mvtop check`: one Snapshot, said in text, ended with a monitoring plugin's exit code.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::domain::diagnosis::{Diagnosis, Verdict, thousands};
use crate::domain::rights;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::time::human;
use crate::watch::Watch;

/// Looks for `least`, then until everything wanted was read, well or badly, but not longer than `limit` in all: the
/// Snapshot as it is then.
pub async fn take(watch: &mut Watch, least: Duration, limit: Duration) -> Arc<Snapshot> {
    sleep(least).await;
    let settled = watch.snapshots.wait_for(|s| s.settled || is_hopeless(s));
    // On a timeout the newest Snapshot says what was still under way.
    let _ = timeout(limit.saturating_sub(least), settled).await;
    watch.snapshots.borrow().clone()
}

/// A check does not wait for a server to come back.
fn is_hopeless(snapshot: &Snapshot) -> bool {
    matches!(snapshot.link, crate::domain::server::Link::Down { .. })
}

/// The views asked for: all, or those that a word names. The words that name none are given back.
pub fn chosen<'a>(snapshot: &'a Snapshot, words: &'a [String]) -> (Vec<&'a ViewState>, Vec<&'a str>) {
    let is_named = |v: &&ViewState| words.is_empty() || words.iter().any(|w| v.view.name.answers_to(w));
    let views: Vec<&ViewState> = snapshot.views.iter().map(|v| &**v).filter(is_named).collect();
    let names_none = |w: &&str| !views.iter().any(|v| v.view.name.answers_to(w));
    let missing = words.iter().map(String::as_str).filter(names_none).collect();
    (views, missing)
}

/// The verdict over the views asked for.
pub fn verdict(diagnosis: &Diagnosis, views: &[&ViewState]) -> Verdict {
    if diagnosis.server.is_some() {
        return Verdict::Unknown;
    }
    let worst = views.iter().filter_map(|v| diagnosis.view(v.view.oid)).map(|r| r.verdict).max();
    worst.unwrap_or(diagnosis.verdict)
}

/// The text: a line for the whole, then three a view.
pub fn text(snapshot: &Snapshot, diagnosis: &Diagnosis, views: &[&ViewState]) -> String {
    let mut out = String::new();
    let verdict = verdict(diagnosis, views);
    let headline = match (&diagnosis.server, snapshot.catalog.problem()) {
        (Some(cause), _) => cause.text.clone(),
        (None, Some(problem)) => format!("the list of views could not be read: {}", problem.text),
        (None, None) if snapshot.catalog.last.is_none() => "the server did not answer in time".into(),
        (None, None) => headline(diagnosis, views),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{} - {headline}", verdict.code().to_uppercase());
    for view in views {
        if let Some(report) = diagnosis.view(view.view.oid) {
            let age = report.freshness.age.map_or("unknown".into(), human);
            let limit = report.freshness.limit.length.map_or("none".into(), human);
            let _ = writeln!(out, "{}: {}", report.verdict.code(), report.what);
            let _ = writeln!(out, "  age {age}, limit {limit}{}", drift_line(view));
            let causes = report.causes.iter().map(|c| &c.text);
            let labels = view.labels.problem().map(|p| &p.text);
            for line in report.whom.iter().chain(causes).chain(&view.misfits).chain(labels) {
                let _ = writeln!(out, "  {line}");
            }
            for line in view.day.iter().flat_map(|day| day.lines(snapshot.pulse.map_or(day.since, |p| p.at))) {
                let _ = writeln!(out, "  {line}");
            }
            if let Some(no) = report.no_refresh.as_ref().filter(|_| report.verdict == Verdict::Critical) {
                let _ = writeln!(out, "  {}", no.instead);
            }
        }
    }
    if let Some(replica) = &snapshot.replica {
        let _ = writeln!(out, "{}", replica.describe());
    }
    for off in rights::off(snapshot) {
        let _ = writeln!(out, "off: {}: {}", off.what.replace('_', " "), off.why);
    }
    if !snapshot.unmatched.is_empty() {
        let _ = writeln!(out, "the configuration names views that are not here: {}", snapshot.unmatched.join(", "));
    }
    out
}

fn headline(diagnosis: &Diagnosis, views: &[&ViewState]) -> String {
    let worst = views.iter().rev().filter_map(|v| diagnosis.view(v.view.oid)).max_by_key(|r| r.need());
    worst.map_or("no materialized view".into(), |r| r.what.clone())
}

fn drift_line(view: &ViewState) -> String {
    view.drift.value().map_or(String::new(), |c| {
        let t = c.totals;
        let changed = t.changed.map_or("unknown".into(), thousands);
        format!(
            "; view {}, live {}: moved {}, missing {}, gone {}, changed {changed}",
            thousands(t.view),
            thousands(t.live),
            thousands(t.moved),
            thousands(t.missing),
            thousands(t.gone)
        )
    })
}
