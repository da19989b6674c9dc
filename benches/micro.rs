//! What one pulse, one comparison's sums and one frame cost: `cargo bench --bench micro`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]
#![allow(missing_docs, reason = "the macros of criterion write none")]

#[path = "../tests/support/scene.rs"]
mod scene;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use mvtop::app::model::Settings;
use mvtop::app::{Model, Msg, update};
use mvtop::domain::diagnosis::diagnose;
use mvtop::domain::drift::{Drift, Flow, Pairing, Scope};
use mvtop::domain::groups::Interner;
use mvtop::domain::matrix::Comparison;
use mvtop::domain::snapshot::{Snapshot, ViewState};
use mvtop::domain::view::{Oid, View};
use mvtop::pg::probes::pulse;
use mvtop::theme::Theme;
use mvtop::ui;
use mvtop::watch::keeper::Keeper;
use mvtop::watch::probe::{Answer, Catch, Probe};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use scene::*;

/// So many ejecutivos in six coordinaciones, a tenth of their rows in the wrong place.
fn drift(people: u32) -> Drift {
    let mut groups = Interner::default();
    let mut flow = Vec::new();
    for person in 0..people {
        for place in 0..6 {
            let mut id = |place: u32| {
                let keys = [Some(format!("{person}")), Some(format!("{place}"))];
                Some(groups.intern(&keys, &[Some(format!("Ejecutivo {person}")), Some(format!("C{place}"))]))
            };
            let (here, there) = (id(place), id((place + 1) % 6));
            flow.push(Flow { from: here, to: here, rows: 90, changed: 1 });
            flow.push(Flow { from: here, to: there, rows: 10, changed: 0 });
        }
    }
    Drift { scope: Scope::Values, pairing: Pairing::Key, groups: groups.finish(), flow }
}

fn many_views(count: u32) -> Vec<View> {
    (0..count).map(|i| View { oid: Oid(20_000 + i), base_tables: [Oid(90_000 + i)].into(), ..view() }).collect()
}

fn pulse_of_many(c: &mut Criterion) {
    for count in [1, 500] {
        let views = many_views(count);
        let mut keeper = Keeper::new(Snapshot::connecting(night()), Vec::new(), 0.02);
        keeper.connected(server());
        let outcome = Ok(Catch::Views(views.clone()));
        let catalog = Probe::Catalog(None);
        let answer = Answer { probe: catalog, at: night(), asked: night(), took: Duration::ZERO, outcome, look: None };
        keeper.answer(answer, night(), Instant::now());
        let beat = pulse::Answer {
            at: night(),
            tables: views.iter().flat_map(|v| v.base_tables.clone()).collect(),
            views: views.iter().map(|v| shown(v.oid, 801)).collect(),
            schema: 0,
            counters: vec![7; count as usize],
            files: vec![8; count as usize],
            launcher: None,
            held: vec![],
            jobs: None,
            runs: None,
        };
        c.bench_function(&format!("fold a quiet pulse of {count} views"), |b| {
            b.iter(|| keeper.pulse(black_box(beat.clone()), Duration::ZERO, night()));
        });
    }
}

fn sums(c: &mut Criterion) {
    for people in [47, 10_000] {
        let drift = drift(people);
        c.bench_function(&format!("sum the flow of {people} ejecutivos"), |b| {
            b.iter(|| Comparison::of(black_box(drift.clone())));
        });
    }
}

fn console(people: u32) -> Model {
    let compared = Comparison::of(drift(people));
    let state: ViewState = view_state(compared, night() - chrono::TimeDelta::days(3));
    let job = job(1, "refresh-dashboard", "*/5 * * * *", "REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard");
    let snapshot = snapshot(vec![state], history(vec![job], runs(1, 288)));
    let mut model = Model::new(Settings::default(), 0, (200, 60), night());
    update(&mut model, Msg::Snapshot(Arc::new(snapshot)));
    model
}

fn frame(c: &mut Criterion) {
    let theme = Theme::builtin().into_iter().next().expect("a theme");
    for people in [47, 10_000] {
        let model = console(people);
        c.bench_function(&format!("diagnose {people} ejecutivos"), |b| {
            b.iter(|| diagnose(black_box(&model.snapshot), night()));
        });
        let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a test terminal");
        c.bench_function(&format!("a frame of 200×60 with {people} ejecutivos"), |b| {
            b.iter(|| terminal.draw(|frame| ui::draw(black_box(&model), &theme, frame)).expect("a frame").count);
        });
    }
}

criterion_group! {
    name = micro;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = pulse_of_many, sums, frame
}
criterion_main!(micro);
