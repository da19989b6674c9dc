//! What each option costs and which one is recommended, from tables of cases.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::diagnose;
use mvtop::domain::fix::{Advice, Best, Choice, Facts, Fix, Need, Plan, Timing, advise};
use mvtop::domain::job::RunStatus;
use mvtop::domain::server::Cron;
use mvtop::domain::snapshot::{Snapshot, Writes};
use mvtop::domain::view::ViewKind;
use mvtop::pg::fix::Ground;

use crate::scene::*;

fn weigh(snapshot: &Snapshot) -> Advice {
    let diagnosis = diagnose(snapshot, night());
    let view = &snapshot.views[0];
    advise(snapshot, view, diagnosis.view(VIEW), view.facts.value().unwrap())
}

/// The night with a refresh that takes this long, rows written a minute, and what else is changed.
fn advice(refresh_ms: u64, writes: u64, edit: impl FnOnce(&mut Facts), cron: Option<Cron>) -> Advice {
    let mut snapshot = weighed_snapshot(edit);
    let view = Arc::make_mut(&mut snapshot.views[0]);
    view.values.last.as_mut().unwrap().took = Duration::from_millis(refresh_ms);
    view.writes = Some(Writes { rows: writes, over: TimeDelta::minutes(1) });
    if let Some(cron) = cron {
        Arc::make_mut(snapshot.server.as_mut().unwrap()).cron = cron;
    }
    weigh(&snapshot)
}

fn live(facts: &mut Facts, timing: Timing) {
    facts.dashboard.as_mut().unwrap().live = timing;
}

#[test]
fn the_recommendation_follows_the_figures() {
    let fast = Timing::Took(Duration::from_millis(3));
    let slow = Timing::Over(Duration::from_secs(2));
    type Case = (&'static str, Advice, Choice, &'static str);
    let cases: [Case; 8] = [
        ("the incident", advice(79, 105, |_| (), None), Choice::Cron, "keeps the limit"),
        ("many writers", advice(79, 6_000, |_| (), None), Choice::Cron, "writers busy > 100 % of the time"),
        ("a fast definition", advice(79, 105, |f| live(f, fast), None), Choice::PlainView, "no copy is needed"),
        (
            "fast, but something hangs on it",
            advice(
                79,
                105,
                |f| {
                    live(f, fast);
                    f.pieces.stuck = vec!["x".into()]
                },
                None,
            ),
            Choice::Cron,
            "keeps the limit",
        ),
        ("a definition that never ends", advice(79, 105, |f| live(f, slow), None), Choice::Cron, "more than 2s"),
        ("no pg_cron, few writes", advice(79, 2, |_| (), Some(Cron::Absent)), Choice::Triggers, "few enough"),
        (
            "no pg_cron, many writes",
            advice(79, 105, |_| (), Some(Cron::Absent)),
            Choice::Refresh,
            "a cron job needs the server package",
        ),
        ("a refresh of 5 minutes", advice(300_000, 0, |_| (), None), Choice::Cron, "shortest interval"),
    ];
    for (name, advice, best, words) in cases {
        assert_eq!(advice.offers[0].choice, best, "{name}: {}", advice.reason);
        assert!(advice.reason.contains(words), "{name}: {}", advice.reason);
        assert_eq!(advice.offers.len(), 4, "{name}");
    }
}

#[test]
fn the_schedule_is_the_longest_that_keeps_the_limit_and_leaves_the_server_room() {
    for (refresh_ms, schedule) in [
        (79, "*/4 * * * *"),
        (40_000, "*/3 * * * *"),
        (60_000, "*/4 * * * *"),
        (100_000, "*/10 * * * *"),
        (300_000, "*/20 * * * *"),
        (9_000_000, "0 */12 * * *"),
    ] {
        assert_eq!(advice(refresh_ms, 0, |_| (), None).schedule, schedule, "{refresh_ms} ms");
    }
}

#[test]
fn a_job_whose_own_schedule_makes_the_limit_keeps_it() {
    let mut snapshot = scheduled_snapshot(incident(), TimeDelta::minutes(2), |job, runs| {
        job.schedule = "*/7 * * * *".into();
        // Some runs are far longer than usual.
        runs.iter_mut().step_by(9).for_each(|run| run.end = run.start.map(|start| start + TimeDelta::seconds(50)));
    });
    Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(facts()), night(), 120);
    assert_eq!(weigh(&snapshot).schedule, "*/7 * * * *");
}

#[test]
fn each_figure_is_the_one_of_this_database_or_a_question_mark() {
    let advice = advice(100, 60, |_| (), None);
    let offer = |choice| advice.offers.iter().find(|o| o.choice == choice).unwrap();
    let cron = offer(Choice::Cron);
    assert_eq!(cron.staleness, Some(TimeDelta::milliseconds(240_100)));
    assert!((cron.load.unwrap() - 0.1 / 240.0).abs() < 1e-9);
    let triggers = offer(Choice::Triggers);
    assert_eq!(triggers.per_write, Some(Duration::from_millis(100)));
    assert!((triggers.load.unwrap() - 0.1).abs() < 1e-9, "60 a minute × 100 ms");
    assert_eq!(offer(Choice::PlainView).readers, "38ms a query instead of 0.4ms");
    let mut unknown = weighed_snapshot(|f| (f.dashboard, f.row_bytes) = (None, None));
    let view = Arc::make_mut(&mut unknown.views[0]);
    (view.values, view.writes) = Default::default();
    let advice = weigh(&unknown);
    let figures: Vec<String> =
        advice.offers.iter().find(|o| o.choice == Choice::Triggers).unwrap().figures().map(|(_, v)| v).into();
    assert_eq!(figures[1..4], ["?", "?", "?"]);
    assert!(advice.refresh.is_none());
}

#[test]
fn what_an_option_needs_is_said_and_it_is_not_recommended() {
    let closed = |f: &mut Facts| {
        (f.rights.can_schedule, f.rights.can_create, f.rights.owns) = (false, false, false);
        f.rights.tables[0].can_trigger = false;
    };
    let advice = advice(79, 1, closed, None);
    assert_eq!(advice.offers[0].choice, Choice::Refresh);
    let needs = |choice| Need::joined(&advice.offers.iter().find(|o| o.choice == choice).unwrap().needs);
    assert!(needs(Choice::Cron).contains("EXECUTE on cron.schedule"));
    assert!(needs(Choice::Triggers).contains("TRIGGER on prospectos"));
    assert!(needs(Choice::PlainView).contains("to own the view"));
}

/// The job's last run failed with this message; what then is recommended.
fn after_failure(message: &str, edit: impl FnOnce(&mut Snapshot, &mut Facts)) -> Advice {
    let mut snapshot = scheduled_snapshot(incident(), TimeDelta::hours(2), |_, runs| {
        runs[0].status = RunStatus::Failed;
        runs[0].message = Some(message.into());
    });
    let mut facts = facts();
    edit(&mut snapshot, &mut facts);
    Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(facts), night(), 120);
    weigh(&snapshot)
}

#[test]
fn what_is_recommended_can_be_done_and_helps() {
    let no_index = |s: &mut Snapshot, f: &mut Facts| {
        f.unique = vec![vec!["prospecto_id".into()]];
        Arc::make_mut(&mut Arc::make_mut(&mut s.views[0]).view).has_unique_index = false;
    };
    let advice = after_failure("ERROR: cannot refresh materialized view \"x\" concurrently", no_index);
    assert_eq!(advice.best, Best::Repair(Fix::CreateUnique(vec!["prospecto_id".into()]), advice.best.title().into()));
    let cron = advice.offers.iter().find(|o| o.choice == Choice::Cron).unwrap();
    assert!(cron.needs.iter().any(|n| n.text().contains("the unique index first")), "{:?}", cron.needs);
    let twice = "ERROR: new data for materialized view \"x\" contains duplicate rows without any null columns";
    let advice = after_failure(twice, |_, _| ());
    assert!(advice.best == Best::Nothing && advice.reason.contains("rows twice"), "{advice:?}");
    let connection = after_failure("connection failed", |_, _| ());
    assert_eq!(
        connection.best,
        Best::Offer(Choice::Cron),
        "a second job: where the first connects to cannot be changed"
    );
    let mut poor = weighed_snapshot(|f| (f.rights.can_schedule, f.rights.can_create) = (false, false));
    Arc::make_mut(&mut Arc::make_mut(&mut poor.views[0]).view).can_refresh = false;
    let advice = weigh(&poor);
    assert!(advice.best == Best::Nothing && advice.reason.contains("even a refresh needs to be"), "{advice:?}");
}

#[test]
fn readers_wait_where_the_jobs_own_command_makes_them() {
    let mut snapshot = scheduled_snapshot(healed(), TimeDelta::minutes(2), |job, _| {
        job.command = "REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard".into();
    });
    Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(facts()), night(), 120);
    let advice = weigh(&snapshot);
    let cron = advice.offers.iter().find(|o| o.choice == Choice::Cron).unwrap();
    assert!(cron.readers.starts_with("wait 1."), "{}", cron.readers);
    let plan = plan(&snapshot, Fix::CronInstall { schedule: "*/5 * * * *".into() });
    assert!(plan.impact.starts_with("Readers wait while it runs"), "{}", plan.impact);
}

fn plan(snapshot: &Snapshot, fix: Fix) -> Plan {
    let (view, diagnosis) = (&snapshot.views[0], diagnose(snapshot, night()));
    Ground { snapshot, view, report: diagnosis.view(VIEW), now: night() }.plan(&fix).unwrap()
}

#[test]
fn what_is_missing_reads_after_it_needs() {
    let mut standby = weighed_snapshot(|_| ());
    Arc::make_mut(standby.server.as_mut().unwrap()).standby = true;
    assert!(plan(&standby, Fix::Refresh).needs[0].text().starts_with("the primary: "));
    let mut plain = weighed_snapshot(|_| ());
    Arc::make_mut(&mut Arc::make_mut(&mut plain.views[0]).view).kind = ViewKind::Plain;
    assert!(plan(&plain, Fix::Refresh).needs[0].text().starts_with("a materialized view: "));
    let mut poor = weighed_snapshot(|_| ());
    Arc::make_mut(&mut Arc::make_mut(&mut poor.views[0]).view).can_refresh = false;
    assert_eq!(plan(&poor, Fix::Refresh).needs, [Need::from("to be its owner or a member of the owning role")]);
}
