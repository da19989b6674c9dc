//! The JSON of `mvtop check --json`: snake_case, ISO 8601 times, seconds as numbers.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::domain::day::{Advice, Day};
use crate::domain::diagnosis::{Cause, Diagnosis, Remedy, ViewReport};
use crate::domain::drift::Drift;
use crate::domain::freshness::{Freshness, LimitSource};
use crate::domain::groups::GroupId;
use crate::domain::job::History;
use crate::domain::lens::{Crowd, Lens, Role, Sight};
use crate::domain::look::{Look, LookReport};
use crate::domain::matrix::Comparison;
use crate::domain::rights;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::stats::JobStats;
use crate::domain::text::escaped_json;
use crate::domain::time::Time;

/// A document as it is printed: what a terminal would obey or hide stands as an escape, so that every value is exact.
pub fn printed(document: &Value) -> String {
    escaped_json(&format!("{document:#}"))
}

/// The whole document.
pub fn document(snapshot: &Snapshot, diagnosis: &Diagnosis, views: &[&ViewState]) -> Value {
    let server = snapshot.server.as_ref().map(|s| {
        json!({
            "database": s.database, "user": s.user, "version_num": s.version_num, "standby": s.standby,
            "pg_cron": s.cron.present().map(|c| &c.version), "pg_cron_database": s.cron.other_database(),
            "off": rights::off(snapshot).iter().map(|o| json!({"what": o.what, "why": o.why})).collect::<Vec<_>>(),
        })
    });
    let reports: Vec<Value> =
        views.iter().filter_map(|v| Some(view(v, diagnosis.view(v.view.oid)?, snapshot))).collect();
    json!({
        "verdict": super::check::verdict(diagnosis, views).code(),
        "at": snapshot.pulse.map(|p| iso(p.at)),
        "problem": diagnosis.server.as_ref().map(cause).or_else(|| {
            super::check::problem(snapshot, diagnosis, views).map(|(code, text)| json!({"code": code, "text": text}))
        }),
        "server": server,
        "replica": snapshot.replica.as_ref().map(|r| json!({
            "place": r.place, "lag_s": r.lag.map(seconds), "problem": r.problem,
        })),
        "views_not_here": snapshot.unmatched,
        "views": reports,
    })
}

fn view(state: &ViewState, report: &ViewReport, snapshot: &Snapshot) -> Value {
    let history = snapshot.history.value().map(|h| &**h);
    let totals = state.drift.value().map(|c| c.totals);
    json!({
        "view": state.view.name.to_string(),
        "verdict": report.verdict.code(),
        "what": report.what,
        "whom": report.whom,
        "populated": state.signal.populated,
        "view_rows": totals.map(|t| t.view),
        "live_rows": totals.map(|t| t.live),
        "bytes": state.stamp.value().map(|s| s.bytes),
        "freshness": freshness(&report.freshness),
        "allowed_rows": totals.and_then(|t| Some(state.rules.tolerance?.rows(t.view.max(t.live)))),
        "configuration_problems": state.misfits.iter().chain(state.labels.problem().map(|p| &p.text)).collect::<Vec<_>>(),
        "look": state.look.as_deref().map(look),
        "drift": drift(state),
        "impact": state.drift.value().map(|c| impact(&Crowd::all(&state.view.groups, &c.drift))),
        "no_refresh": report.no_refresh.as_ref().map(|no| &no.why),
        "job": report.job.and_then(|id| snapshot.job(id)).map(|stats| job(stats, history)),
        "cause": report.causes.first().map(cause),
        "causes": report.causes.iter().map(cause).collect::<Vec<_>>(),
        "remedy": report.remedy.map(Remedy::code),
        "then": report.then.map(Remedy::code),
        "advice": report.advice(),
        "watch_24h": state.day.as_deref().map(watch_24h),
    })
}

/// How many of the worst people are named.
const WORST: usize = 10;

/// Who sees something wrong, by kind of person; `null` for kinds that the view's groups do not tell apart.
pub fn impact(crowds: &[Crowd]) -> Value {
    let kind = |role: Role| crowds.iter().find(|c| c.role == role).map_or(Value::Null, crowd);
    Value::Object(Role::ALL.iter().map(|&role| (role.words().to_string(), kind(role))).collect())
}

fn crowd(crowd: &Crowd) -> Value {
    let affected = crowd.affected().count();
    json!({
        "impact": if affected == 0 { "none" } else { crowd.role.impact() },
        "people": crowd.people.len(),
        "affected": affected,
        "worst": crowd.affected().take(WORST).map(person).collect::<Vec<_>>(),
    })
}

/// One person's numbers; an administrador has neither key nor label, for they see all.
pub fn person((lens, sight): &(Lens, Sight)) -> Value {
    json!({
        "key": lens.whose().and_then(|m| m.key.clone()),
        "label": lens.whose().map(|m| m.title()),
        "impact": lens.impact(sight),
        "sees": sight.sees,
        "should_see": sight.should,
        "unseen": sight.unseen,
        "foreign": sight.foreign,
        "misfiled": sight.misfiled,
        "changed": sight.changed,
    })
}

fn cause(cause: &Cause) -> Value {
    json!({
        "code": cause.code.code(), "text": cause.text, "severity": cause.severity.code(),
        "remedy": cause.remedy.map(Remedy::code),
    })
}

fn freshness(freshness: &Freshness) -> Value {
    json!({
        "refreshed_at": freshness.refreshed.as_ref().map(|r| iso(r.at)),
        "age_s": freshness.age.map(seconds),
        "limit_s": freshness.limit.length.map(seconds),
        "limit_source": match freshness.limit.source {
            LimitSource::Default => "default",
            LimitSource::Configured => "configured",
            LimitSource::Job(_) => "job",
            LimitSource::Triggers => "triggers",
            LimitSource::Plain => "plain_view",
        },
        "source": freshness.refreshed.as_ref().map(|r| r.source.code()),
        "state": freshness.state.code(),
    })
}

/// By whose rights and under whose settings it was looked at.
fn look(report: &LookReport) -> Value {
    json!({
        "kind": report.look.code(),
        "why": report.why(),
        "as": match report.look {
            Look::AsOwner | Look::Sandbox(_) => Some(&report.owner),
            Look::AsSelf(_) => Some(&report.session),
            Look::NotCompared(_) => None,
        },
        "refresher": report.refresher,
        "settings": report.settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>(),
    })
}

/// What was compared; where the comparison failed, `problem` says why and there are no numbers.
fn drift(state: &ViewState) -> Value {
    let problem = state.drift.problem().or(state.values.problem()).map(|p| p.text.clone());
    let Some(measured) = &state.drift.last else { return json!({"problem": problem}) };
    let comparison = &measured.value;
    let totals = comparison.totals;
    json!({
        "missing": totals.missing,
        "gone": totals.gone,
        "moved": totals.moved,
        "changed": totals.changed,
        "measured_at": iso(measured.at),
        "keyed": comparison.drift.is_keyed(),
        "groups_ms": state.counted.as_ref().map(|counted| milliseconds(counted.took)),
        "values_ms": state.values.last.as_ref().map(|m| milliseconds(m.took)),
        "problem": problem,
        "group_columns": state.view.groups.iter().map(|g| &g.column).collect::<Vec<_>>(),
        "groups": groups(&comparison.drift),
        "flow": flow(comparison),
    })
}

fn milliseconds(length: Duration) -> f64 {
    length.as_secs_f64() * 1000.0
}

fn groups(drift: &Drift) -> Vec<Value> {
    drift
        .counts()
        .into_iter()
        .map(|(id, c)| {
            let group = drift.group(id);
            json!({
                "keys": group.keys(), "labels": group.labels(), "view": c.view, "live": c.live,
                "missing": c.missing, "gone": c.gone, "moved_in": c.moved_in, "moved_out": c.moved_out,
            })
        })
        .collect()
}

/// The flows that are drift, most rows first; `null` stands for "not on that side".
fn flow(comparison: &Comparison) -> Vec<Value> {
    let side = |id: Option<GroupId>| {
        id.map(|id| {
            let group = comparison.drift.group(id);
            json!({"keys": group.keys(), "labels": group.labels()})
        })
    };
    comparison.worst().map(|f| json!({"from": side(f.from), "to": side(f.to), "rows": f.rows})).collect()
}

fn job(stats: &JobStats, history: Option<&History>) -> Value {
    let job = history.and_then(|h| h.job(stats.job));
    let last = history.and_then(|h| h.runs_of(stats.job).next());
    json!({
        "id": stats.job.0,
        "name": job.and_then(|j| j.name.clone()),
        "schedule": job.map(|j| &j.schedule),
        "active": job.map(|j| j.active),
        "next_run": stats.next.map(iso),
        "ended_24h": stats.ended,
        "failed_24h": stats.failed,
        "expected_24h": stats.expected,
        "missed_24h": stats.missed(),
        "p50_s": stats.p50.map(seconds),
        "p95_s": stats.p95.map(seconds),
        "last_run": last.map(|run| json!({
            "run": run.id.0, "status": run.status.word(), "message": run.message,
            "start": run.start.map(iso), "end": run.end.map(iso),
        })),
    })
}

/// The last day. An age or share that is not known is `null`.
fn watch_24h(day: &Day) -> Value {
    json!({
        "since": iso(day.since),
        "expected": day.expected,
        "ended": day.ended,
        "failed": day.failed,
        "missed": day.missed(),
        "success_rate": day.success_rate(),
        "gaps": day.gaps.iter().map(|g| json!({
            "from": iso(g.from), "to": iso(g.to), "missed": g.missed,
        })).collect::<Vec<_>>(),
        "p50_s": day.took.map(|t| seconds(t.p50)),
        "p95_s": day.took.map(|t| seconds(t.p95)),
        "max_s": day.took.map(|t| seconds(t.max)),
        "durations_reliable": day.took.map(|t| t.reliable),
        "worst_age_s": day.worst.map(|(age, _)| seconds(age)),
        "worst_age_at": day.worst.map(|(_, at)| iso(at)),
        "limit_s": day.limit.map(seconds),
        "within_limit": day.within,
        "advice": day.advice.as_ref().map(|a| advice(a, day)),
    })
}

fn advice(advice: &Advice, day: &Day) -> Value {
    json!({
        "schedule": advice.schedule.as_ref().map(|(_, text)| text),
        "interval_s": advice.schedule.as_ref().map(|(interval, _)| seconds(*interval)),
        "load": advice.load,
        "refresh_s": seconds(advice.duration),
        "estimated": advice.estimated,
        "text": day.advice_text(),
    })
}

fn iso(at: Time) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1000.0
}
