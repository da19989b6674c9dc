//! `mvtop check`: one Snapshot, said in text, ended with a monitoring plugin's exit code.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::domain::diagnosis::{Diagnosis, Remedy, Verdict, ViewReport, thousands};
use crate::domain::look::Look;
use crate::domain::rights;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::text::visible;
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

/// The verdict over the views asked for. A database without any is not what somebody meant to watch: a wrong place must
/// not look well.
pub fn verdict(diagnosis: &Diagnosis, views: &[&ViewState]) -> Verdict {
    if diagnosis.server.is_some() {
        return Verdict::Unknown;
    }
    let worst = views.iter().filter_map(|v| diagnosis.view(v.view.oid)).map(|r| r.verdict).max();
    worst.unwrap_or(Verdict::Unknown)
}

/// What monitoring is told where the check could not even begin: a plugin's line, or JSON.
pub fn unknown(why: &str, is_json: bool) -> String {
    if is_json {
        let document = json!({"verdict": "unknown", "problem": {"code": "not_tried", "text": why}, "views": []});
        return super::json::printed(&document);
    }
    format!("UNKNOWN - {}", plain(why))
}

/// Why nothing can be said of any view, as its code and its sentence.
pub(super) fn problem(
    snapshot: &Snapshot,
    diagnosis: &Diagnosis,
    views: &[&ViewState],
) -> Option<(&'static str, String)> {
    if let Some(cause) = &diagnosis.server {
        return Some((cause.code.code(), cause.text.clone()));
    }
    if let Some(problem) = snapshot.catalog.problem() {
        return Some(("catalog", format!("the list of views could not be read: {}", problem.text)));
    }
    if snapshot.catalog.last.is_none() {
        return Some(("catalog", "the server did not answer in time".into()));
    }
    let database = snapshot.server.as_ref().map_or("", |s| &s.database);
    let none = || format!("the database {database} has no materialized view: is it the one that you mean?");
    views.is_empty().then(|| ("no_views", none()))
}

/// The text: a line for the whole with the figures behind it, as monitoring plugins have them, then some lines a view. The
/// words of a command line that lead `to` the server stand behind each command that helps.
pub fn text(snapshot: &Snapshot, diagnosis: &Diagnosis, views: &[&ViewState], to: &[String]) -> String {
    let mut out = String::new();
    let mut say = |line: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", plain(line));
    };
    let verdict = verdict(diagnosis, views).code().to_uppercase();
    let reports: Vec<(&ViewState, &ViewReport)> =
        views.iter().filter_map(|v| Some((*v, diagnosis.view(v.view.oid)?))).collect();
    let headline = problem(snapshot, diagnosis, views).map_or_else(|| headline(&reports), |(_, text)| text);
    say(&format!("{verdict} - {headline}"));
    for (view, report) in &reports {
        view_lines(view, report, snapshot, to).iter().for_each(|line| say(line));
    }
    if let Some(replica) = &snapshot.replica {
        say(&replica.describe());
    }
    for off in rights::off(snapshot) {
        say(&format!("off: {}: {}", off.what.replace('_', " "), off.why));
    }
    if !snapshot.unmatched.is_empty() {
        say(&format!("the configuration names views that are not here: {}", snapshot.unmatched.join(", ")));
    }
    let first = out.find('\n').unwrap_or(out.len());
    out.insert_str(first, &figures(&reports));
    out
}

/// A line as it is printed: nothing that a terminal would obey, and no `|`, which begins a plugin's figures.
fn plain(line: &str) -> String {
    visible(line).replace('|', "¦")
}

fn view_lines(view: &ViewState, report: &ViewReport, snapshot: &Snapshot, to: &[String]) -> Vec<String> {
    let age = report.freshness.age.map_or("unknown".into(), human);
    let limit = report.freshness.limit.length.map_or("none".into(), human);
    let mut lines = vec![
        format!("{}: {}", report.verdict.code(), report.what),
        format!("  age {age}, limit {limit}{}", drift_line(view)),
    ];
    let causes = report.causes.iter().map(|c| &c.text);
    let labels = view.labels.problem().map(|p| &p.text);
    let confined = view.look.as_ref().filter(|report| matches!(report.look, Look::Sandbox(_)));
    let said = report.whom.iter().chain(causes).chain(&view.misfits).chain(labels).cloned();
    let day = view.day.iter().flat_map(|day| day.lines(snapshot.pulse.map_or(day.since, |p| p.at)));
    lines.extend(confined.and_then(|report| Some(format!("  {}", report.why()?))));
    lines
        .extend(said.chain(day).chain(remedy(report, &view.view.name.to_string(), to)).map(|line| format!("  {line}")));
    lines
}

/// What to do about it, from a shell where that is possible.
fn remedy(report: &ViewReport, view: &str, to: &[String]) -> Option<String> {
    if report.verdict == Verdict::Ok {
        return None;
    }
    let advice = report.advice()?;
    let command = |remedy: Remedy| {
        let word = match remedy {
            Remedy::Refresh => " refresh",
            Remedy::Schedule => " cron",
            Remedy::CreateIndex => " index",
            Remedy::InstallCron => "",
            _ => return None,
        };
        let to: String = to.iter().map(|word| format!(" {}", quoted(word))).collect();
        Some(format!("mvtop fix{word}{to} --view {}", quoted(view)))
    };
    let is_refused = report.no_refresh.is_some() && report.verdict == Verdict::Critical;
    let steps: Vec<Option<String>> = report.remedy.into_iter().chain(report.then).map(command).collect();
    match steps.into_iter().collect::<Option<Vec<String>>>() {
        Some(commands) if !is_refused && !commands.is_empty() => Some(format!("remedy: {}", commands.join(", then "))),
        _ if !is_refused && report.remedy.is_some_and(|remedy| remedy.verb().is_some()) => {
            Some(format!("remedy: in the console: {advice}"))
        }
        _ => Some(format!("remedy: {advice}")),
    }
}

/// One word of a shell.
fn quoted(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c));
    if is_bare { name.into() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

/// What is true or wrong: of the one view, or of how many and which is the worst.
fn headline(reports: &[(&ViewState, &ViewReport)]) -> String {
    let bad = reports.iter().filter(|(_, r)| r.verdict > Verdict::Ok).count();
    let worst = reports.iter().rev().max_by_key(|(_, r)| r.need()).map_or(String::new(), |(_, r)| r.what.clone());
    match (reports.len(), bad) {
        (1, _) => worst,
        (all, 0) => format!("{all} views, each as it should be"),
        (all, 1) => format!("1 of {all} views is not as it should be: {worst}"),
        (all, bad) => format!("{bad} of {all} views are not as they should be; the worst: {worst}"),
    }
}

/// The figures behind the first line: each view's age against its limit and its wrong rows, as far as they are known.
fn figures(reports: &[(&ViewState, &ViewReport)]) -> String {
    // What a label may not hold is left out of the name.
    let label = |view: &ViewState, what: &str| match reports.len() {
        1 => what.to_string(),
        _ => format!("'{} {what}'", plain(&view.view.name.short()).replace(['\'', '='], "_")),
    };
    let of_view = |(view, report): &(&ViewState, &ViewReport)| {
        let limit = report.freshness.limit.length.map_or(String::new(), |l| l.num_seconds().to_string());
        let age = report.freshness.age.map(|age| format!("{}={}s;{limit};;0", label(view, "age"), age.num_seconds()));
        let wrong = report.totals.map(|t| format!("{}={};;;0", label(view, "wrong"), t.wrong()));
        age.into_iter().chain(wrong).collect::<Vec<_>>()
    };
    let figures: Vec<String> = reports.iter().flat_map(of_view).collect();
    if figures.is_empty() { String::new() } else { format!(" | {}", figures.join(" ")) }
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
