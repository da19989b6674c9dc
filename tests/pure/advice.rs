//! What is recommended helps, works here, and changes something.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mvtop::domain::diagnosis::diagnose;
use mvtop::domain::fix::{Advice, Best, Choice, Facts, Fix, Need, Offer, Plan, Timing, advise};
use mvtop::domain::job::{Job, JobId, Run, RunStatus};
use mvtop::domain::server::{Cron, CronExtension};
use mvtop::domain::snapshot::Snapshot;
use mvtop::domain::view::Trigger;
use mvtop::pg::fix::Ground;

use crate::fixes::asked;
use crate::scene::*;
use crate::update::{console, press};

fn scheduled(edit: impl FnOnce(&mut Job, &mut Vec<Run>)) -> Snapshot {
    let mut snapshot = scheduled_snapshot(incident(), TimeDelta::hours(2), edit);
    with_facts(&mut snapshot, |_| ());
    snapshot
}

fn with_facts(snapshot: &mut Snapshot, edit: impl FnOnce(&mut Facts)) {
    let mut facts = facts();
    edit(&mut facts);
    Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(facts), night(), 120);
}

fn weigh(snapshot: &Snapshot) -> Advice {
    let (view, diagnosis) = (&snapshot.views[0], diagnose(snapshot, night()));
    advise(snapshot, view, diagnosis.view(VIEW), view.facts.value().unwrap())
}

fn offer(advice: &Advice, choice: Choice) -> &Offer {
    advice.offers.iter().find(|o| o.choice == choice).unwrap()
}

fn plan(snapshot: &Snapshot, fix: &Fix) -> Plan {
    let (view, diagnosis) = (&snapshot.views[0], diagnose(snapshot, night()));
    Ground { snapshot, view, report: diagnosis.view(VIEW), now: night() }.plan(fix).unwrap()
}

#[test]
fn a_schedule_that_a_refresh_outlasts_keeps_no_limit() {
    let snapshot = scheduled(|job, all| {
        job.schedule = "* * * * *".into();
        *all = runs(3, 2);
        all.iter_mut().for_each(|run| run.end = run.start.map(|start| start + TimeDelta::seconds(75)));
    });
    let advice = weigh(&snapshot);
    assert_eq!((&advice.best, advice.schedule.as_str()), (&Best::Offer(Choice::Cron), "*/5 * * * *"));
    assert!(advice.reason.contains("5m is the shortest interval"), "{}", advice.reason);
    assert!(advice.reason.contains("the limit, which comes of its job's schedule, grows"), "{}", advice.reason);
    let day = snapshot.views[0].day.as_ref().unwrap().advice_text().unwrap();
    assert!(!day.contains("* * * * *"), "{day}");
}

#[test]
fn what_a_job_is_already_is_not_offered_as_a_mending() {
    let snapshot = scheduled(|_, _| ());
    let advice = weigh(&snapshot);
    assert_eq!(advice.best, Best::Offer(Choice::Refresh), "{}", advice.reason);
    assert!(advice.reason.contains("refresh-conversaciones-dashboard is active"), "{}", advice.reason);
    let needs = &offer(&advice, Choice::Cron).needs;
    assert!(needs[0].text().starts_with("refresh-conversaciones-dashboard is active"), "{needs:?}");
    let same = plan(&snapshot, &Fix::CronInstall { schedule: "*/5 * * * *".into() });
    assert!(same.is_done_already(), "{:?}", same.needs);
    assert!(plan(&snapshot, &Fix::CronInstall { schedule: "*/4 * * * *".into() }).needs.is_empty());
}

#[test]
fn where_no_job_runs_a_cron_job_is_not_recommended() {
    type Stop = fn(&mut Snapshot);
    fn cron(snapshot: &mut Snapshot, edit: impl FnOnce(&mut CronExtension)) {
        let server = Arc::make_mut(snapshot.server.as_mut().unwrap());
        let Cron::Present(cron) = &mut server.cron else { panic!() };
        edit(cron);
    }
    let cases: [(Stop, &str); 3] = [
        (|s| cron(s, |c| c.preloaded = Some(false)), "shared_preload_libraries, and a restart"),
        (|s| cron(s, |c| c.launches = Some(false)), "cron.launch_active_jobs = on"),
        (|s| s.launcher = Some(false), "a restart of the server"),
    ];
    for (stop, need) in cases {
        let mut snapshot = scheduled(|job, _| job.schedule = "*/9 * * * *".into());
        stop(&mut snapshot);
        let advice = weigh(&snapshot);
        assert_eq!(advice.best, Best::Offer(Choice::Refresh), "{need}: {}", advice.reason);
        assert!(advice.reason.starts_with("first comes ") && advice.reason.contains(need), "{}", advice.reason);
        let cron = plan(&snapshot, &Fix::CronInstall { schedule: "*/4 * * * *".into() });
        assert!(cron.needs[0].text().contains(need), "{:?}", cron.needs);
        assert!(!cron.notes.iter().any(|n| n.starts_with("It runs")), "{:?}", cron.notes);
        let mut model = console(snapshot);
        press(&mut model, "f j");
        let shown = crate::rest::frame(&model);
        assert!(!shown.contains("Next runs"), "{shown}");
    }
}

#[test]
fn a_paused_job_is_resumed_as_it_was_and_another_schedule_is_the_further_step() {
    let snapshot = scheduled(|job, _| (job.active, job.schedule) = (false, "24 * * * *".into()));
    let advice = weigh(&snapshot);
    let Best::Repair(Fix::CronResume(JobId(3)), _) = &advice.best else { panic!("{:?}", advice.best) };
    assert!(advice.reason.contains("its own schedule, 24 * * * *"), "{}", advice.reason);
    let mut model = console(snapshot.clone());
    press(&mut model, "f Enter");
    let sql = asked(&model).sql();
    assert!(sql.contains("active := true") && !sql.contains("schedule"), "{sql}");
    press(&mut model, "Esc j Enter");
    assert!(asked(&model).sql().contains("schedule := "), "the further step: {}", asked(&model).sql());
    let mut poor = snapshot;
    with_facts(&mut poor, |f| f.rights.can_alter_job = false);
    let best = weigh(&poor).best;
    assert!(!matches!(best, Best::Repair(..) | Best::Offer(Choice::Cron)), "it could not be done: {best:?}");
}

#[test]
fn a_view_that_triggers_keep_needs_nothing_that_lasts() {
    let mut snapshot = weighed_snapshot(|_| ());
    let trigger =
        Trigger { table: TABLE, name: "t".into(), body: String::new(), search_path: None, enabled: true, writes: 28 };
    Arc::make_mut(&mut Arc::make_mut(&mut snapshot.views[0]).view).triggers = vec![trigger];
    let advice = weigh(&snapshot);
    assert_eq!(advice.best, Best::Offer(Choice::Refresh), "it is wrong now: {}", advice.reason);
    assert!(advice.reason.starts_with("triggers refresh it after every write"), "{}", advice.reason);
    assert_eq!(offer(&advice, Choice::Triggers).needs, [Need::Already("triggers refresh it after every write".into())]);
    let mut well = snapshot.clone();
    let state = view_state(healed(), night());
    let view = Arc::make_mut(&mut well.views[0]);
    (view.drift, view.values) = (state.drift, state.values);
    assert_eq!(weigh(&well).best, Best::Nothing);
}

#[test]
fn over_a_stored_copy_a_plain_view_is_no_truer_than_that() {
    let mut snapshot = weighed_snapshot(|f| {
        f.dashboard.as_mut().unwrap().live = Timing::Took(Duration::from_millis(3));
        f.rights.tables[0].kind = 'm';
    });
    let advice = weigh(&snapshot);
    assert_eq!(advice.best, Best::Offer(Choice::Cron), "{}", advice.reason);
    let plain = offer(&advice, Choice::PlainView);
    assert!(plain.staleness.is_none() && plain.warning.as_ref().unwrap().contains("a stored copy"), "{plain:?}");
    with_facts(&mut snapshot, |f| f.dashboard.as_mut().unwrap().live = Timing::Took(Duration::from_millis(3)));
    assert_eq!(weigh(&snapshot).best, Best::Offer(Choice::PlainView));
}

#[test]
fn where_a_key_comes_twice_every_option_that_refreshes_is_marked() {
    let snapshot = scheduled(|_, all| {
        all[0].status = RunStatus::Failed;
        all[0].message = Some("ERROR: new data for \"x\" contains duplicate rows without any null columns".into());
    });
    let mut seen = weighed_snapshot(|_| ());
    let state = Arc::make_mut(&mut seen.views[0]);
    for measured in [&mut state.drift.last, &mut state.values.last].into_iter().flatten() {
        measured.value = Arc::new((*measured.value).clone().with_key_twice(true));
    }
    for snapshot in [snapshot, seen] {
        let advice = weigh(&snapshot);
        for choice in [Choice::Refresh, Choice::Cron, Choice::Triggers] {
            assert!(
                Need::joined(&offer(&advice, choice).needs).contains("key of the unique index twice"),
                "{choice:?}"
            );
        }
        assert_eq!((&advice.best, advice.offers[0].choice), (&Best::Nothing, Choice::PlainView));
        let refresh = plan(&snapshot, &Fix::Refresh);
        let warns = refresh.notes.iter().any(|n| n.contains("Until that is mended this fails"));
        assert!(refresh.needs.is_empty() && warns, "{refresh:?}");
    }
}
