//! 500 views, each with a job: what a pulse, a diagnosis and a list of them cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use mvtop::app::model::{Pane, Settings, ViewSort};
use mvtop::app::{Model, Msg, update};
use mvtop::domain::diagnosis::diagnose;
use mvtop::domain::job::{Job, Run};
use mvtop::domain::snapshot::{Snapshot, ViewState};
use mvtop::domain::view::{Oid, View, ViewName};
use mvtop::pg::probes::pulse;
use mvtop::watch::keeper::Keeper;
use mvtop::watch::probe::{Answer, Catch, Probe};

use crate::scene::*;

const MANY: u32 = 500;

fn named(i: u32) -> View {
    let name = ViewName { schema: "public".into(), name: format!("mv_{i:03}") };
    View { oid: Oid(20_000 + i), name, base_tables: [Oid(90_000 + i)].into(), ..view() }
}

/// So many views, each with a job and some runs; the view in the middle is wrong.
pub fn many(count: u32) -> Snapshot {
    let jobs: Vec<Job> = (0..count)
        .map(|i| job(i64::from(i), &format!("job {i}"), "*/5 * * * *", &format!("REFRESH MATERIALIZED VIEW mv_{i:03}")))
        .collect();
    let one: Vec<Run> = runs(0, 5);
    let all = (0..count).flat_map(|i| {
        let own = |run: &Run| Run {
            job: jobs[i as usize].id,
            id: mvtop::domain::job::RunId(run.id.0 * 500 + i64::from(i)),
            ..run.clone()
        };
        one.iter().take(10).map(own).collect::<Vec<_>>()
    });
    let all = all.collect();
    let state = |i: u32| {
        let compared = if i == count / 2 { incident() } else { healed() };
        let refreshed = night() - chrono::TimeDelta::minutes(if i == count / 2 { 60 } else { 2 });
        ViewState { view: Arc::new(named(i)), ..view_state(compared, refreshed) }
    };
    snapshot((0..count).map(state).collect(), history(jobs, all))
}

/// The quickest of some tries, for other programs run, too.
fn quickest(mut what: impl FnMut()) -> Duration {
    let once = |_| {
        let begun = Instant::now();
        what();
        begun.elapsed()
    };
    (0..7).map(once).min().unwrap()
}

#[test]
fn a_pulse_that_moved_nothing_touches_none_of_500_views() {
    let mut keeper = Keeper::new(Snapshot::connecting(night()), Vec::new(), 0.02);
    keeper.connected(server());
    let views: Vec<View> = (0..MANY).map(named).collect();
    let answer = |probe, catch| Answer {
        probe,
        at: night(),
        asked: night(),
        took: Duration::ZERO,
        outcome: Ok(catch),
        look: None,
    };
    keeper.answer(answer(Probe::Catalog(None), Catch::Views(views.clone())), night(), Instant::now());
    let beat = pulse::Answer {
        at: night(),
        tables: views.iter().flat_map(|v| v.base_tables.clone()).collect(),
        views: views.iter().map(|v| shown(v.oid, 801)).collect(),
        schema: 0,
        counters: vec![7; MANY as usize],
        files: vec![8; MANY as usize],
        launcher: None,
        held: vec![],
        jobs: None,
        runs: None,
    };
    keeper.pulse(beat.clone(), Duration::ZERO, night());
    let before = keeper.snapshot(night(), Instant::now());
    keeper.pulse(beat.clone(), Duration::ZERO, night());
    let after = keeper.snapshot(night(), Instant::now());
    assert!(before.views.iter().zip(&after.views).all(|(a, b)| Arc::ptr_eq(a, b)), "an unchanged view was copied");
    let again = keeper.snapshot(night(), Instant::now());
    assert!(Arc::ptr_eq(&after, &again), "what did not change is published once");
}

#[test]
fn a_diagnosis_of_500_views_with_500_jobs_does_not_read_every_job_for_every_view() {
    let (few, all) = (many(MANY / 10), many(MANY));
    let took = |snapshot: &Snapshot| quickest(|| drop(diagnose(snapshot, night())));
    let (few, all) = (took(&few), took(&all));
    // When every view read every command and every run it was hundreds of times as long.
    assert!(all < few * 40, "{MANY} views: {all:?}, a tenth of them: {few:?}");
}

#[test]
fn the_worst_of_500_views_is_on_top_and_a_filter_finds_any() {
    let settings = Settings { themes: vec!["night".into()], ..Settings::default() };
    let mut model = Model::new(settings, 0, (120, 40), night());
    update(&mut model, Msg::Snapshot(Arc::new(many(MANY))));
    let name = |model: &Model, place: usize| model.snapshot.views[model.views.order[place]].view.name.name.clone();
    assert_eq!(name(&model, 0), "mv_250");
    let press = |model: &mut Model, keys: &str| {
        for key in keys.chars() {
            let code = if key == '⏎' { KeyCode::Enter } else { KeyCode::Char(key) };
            press_key(model, KeyEvent::new(code, KeyModifiers::NONE));
        }
    };
    press(&mut model, "1s");
    assert_eq!((model.views.sort, name(&model, 0).as_str()), (ViewSort::Name, "mv_000"));
    press(&mut model, "/mv_49⏎");
    assert_eq!((model.views.order.len(), model.focus), (10, Pane::Views));
    let selected = |model: &Model| model.selected_view().map(|v| v.view.name.name.clone());
    assert_eq!(selected(&model).as_deref(), Some("mv_490"), "the keys act on what the filter shows");
    press(&mut model, "j");
    assert_eq!(selected(&model).as_deref(), Some("mv_491"));
    press(&mut model, "/x⏎");
    assert_eq!(selected(&model), None, "no key acts on a view that is hidden");
    press(&mut model, "r");
    assert_eq!(model.dialog, None);
    press_key(&mut model, KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
    press_key(&mut model, KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
    assert_eq!(model.views.order.len(), MANY as usize);
    assert_eq!(selected(&model).as_deref(), Some("mv_491"));
    press(&mut model, "!");
    assert_eq!(selected(&model).as_deref(), Some("mv_250"), "the worst");
}
