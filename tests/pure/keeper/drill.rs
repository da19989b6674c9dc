//! A drill: what it begins with, its list, its pages.

use std::sync::Arc;

use mvtop::domain::drift::Kind;
use mvtop::domain::matrix::Comparison;
use mvtop::domain::snapshot::{DriftRow, Drill, DrillIndex, DrillTarget, RowDetail};

use super::*;

/// A keeper whose comparison found this, with a drill into Osmara's rows.
fn drilled(found: &Comparison) -> Bench {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.keeper.request(Request::Measure(VIEW));
    while let Some(probe) = bench.next() {
        match &probe {
            Probe::Compare(..) => {
                let found = Catch::Comparison(found.clone());
                bench.answer(probe, Duration::from_millis(70), Ok(found));
            }
            _ => bench.succeed(probe, Duration::from_millis(70)),
        }
    }
    let member = Some(Some("Osmara".into()));
    bench.keeper.request(Request::Drill(Some(DrillTarget { view: VIEW, member })));
    bench
}

/// 5,000 of Osmara's rows that moved to Carla's, and 2,000 to Berta's.
fn many() -> Comparison {
    let from = Some(("Osmara", "VEN"));
    comparison(Scope::Values, &[(from, Some(("Carla", "VEN")), 5_000, 0), (from, Some(("Berta", "VEN")), 2_000, 0)])
}

fn index(rows: usize, is_beginning: bool, prefix: &str) -> Result<Catch, Problem> {
    let row = |i| DriftRow { kind: Kind::Moved, from: None, to: None, key: format!("[\"{prefix}{i:04}\"]").into() };
    let rows = (0..rows).map(row).collect();
    Ok(Catch::Index(DrillIndex { rows, is_beginning, ..DrillIndex::default() }))
}

fn drill(bench: &mut Bench) -> Arc<Drill> {
    let now = bench.now;
    bench.keeper.snapshot(night(), now).drill.clone().unwrap()
}

/// Answers the first rows and their page; what is asked then.
fn after_the_first_page(bench: &mut Bench, prefix: &str) -> Probe {
    let first = bench.next().unwrap();
    let Probe::First(_, _, last, flow) = &first else { panic!("{first:?}") };
    assert_eq!((flow.rows, last.drift.group(flow.to.unwrap()).title()), (2_000, "Berta · VEN".into()));
    bench.answer(first, Duration::ZERO, index(100, true, prefix));
    let page = bench.next().unwrap();
    assert!(matches!(&page, Probe::Page(_, 0, keys) if keys.len() == 100), "{page:?}");
    bench.answer(page, Duration::ZERO, Ok(Catch::Page(vec![RowDetail::default(); 100])));
    // The console asks for it, too, as soon as it sees the list.
    bench.keeper.request(Request::Page(0));
    bench.next().unwrap()
}

#[test]
fn of_many_rows_the_first_page_comes_first_and_stays_when_the_list_begins_with_it() {
    let mut bench = drilled(&many());
    let all = after_the_first_page(&mut bench, "a");
    assert!(matches!(all, Probe::Index(..)), "{all:?}");
    assert!(drill(&mut bench).index.value().unwrap().is_beginning && drill(&mut bench).detail(0).is_some());
    bench.answer(all, Duration::from_secs(1), index(7_000, false, "a"));
    assert_eq!(bench.next(), None, "the page is there");
    assert!(drill(&mut bench).detail(99).is_some());
    assert_eq!(drill(&mut bench).index.value().unwrap().rows.len(), 7_000);
    bench.keeper.request(Request::Page(3));
    assert!(matches!(bench.next(), Some(Probe::Page(_, 3, _))));
}

#[test]
fn a_first_page_that_the_list_does_not_begin_with_is_read_again() {
    let mut bench = drilled(&many());
    let all = after_the_first_page(&mut bench, "a");
    bench.answer(all, Duration::from_secs(1), index(7_000, false, "b"));
    assert_eq!(drill(&mut bench).detail(0), None);
    bench.keeper.request(Request::Page(0));
    assert!(matches!(bench.next(), Some(Probe::Page(_, 0, _))));
}

#[test]
fn a_list_that_cannot_be_read_leaves_its_beginning_and_is_tried_again() {
    let mut bench = drilled(&many());
    let all = after_the_first_page(&mut bench, "a");
    let timeout = Problem { kind: ProblemKind::Timeout, text: "too long".into() };
    bench.answer(all, Duration::from_secs(1), Err(timeout));
    assert_eq!(drill(&mut bench).index.value().unwrap().rows.len(), 100);
    assert_eq!(bench.next(), None, "it rests");
    bench.now += Duration::from_secs(600);
    assert!(matches!(bench.next(), Some(Probe::Index(..))));
}

#[test]
fn a_beginning_without_rows_or_that_fails_holds_nothing_up() {
    let mut bench = drilled(&many());
    let first = bench.next().unwrap();
    bench.answer(first, Duration::ZERO, index(0, true, ""));
    assert!(matches!(bench.next(), Some(Probe::Index(..))));
    let mut bench = drilled(&many());
    let first = bench.next().unwrap();
    bench.answer(first, Duration::ZERO, Err(Problem { kind: ProblemKind::Other, text: "no".into() }));
    assert!(matches!(bench.next(), Some(Probe::Index(..))));
}

#[test]
fn few_rows_are_listed_at_once() {
    let few = comparison(Scope::Values, &[(Some(("Osmara", "VEN")), Some(("Berta", "VEN")), 166, 0)]);
    assert!(matches!(drilled(&few).next(), Some(Probe::Index(..))));
    let others = comparison(Scope::Values, &[(Some(("Carla", "VEN")), Some(("Berta", "VEN")), 5_000, 0)]);
    assert!(matches!(drilled(&others).next(), Some(Probe::Index(..))));
}

#[test]
fn a_short_beginning_does_not_keep_the_rest_of_its_page_from_being_read() {
    let mut bench = drilled(&many());
    let first = bench.next().unwrap();
    bench.answer(first, Duration::ZERO, index(40, true, "a"));
    let page = bench.next().unwrap();
    bench.answer(page, Duration::ZERO, Ok(Catch::Page(vec![RowDetail::default(); 40])));
    let all = bench.next().unwrap();
    bench.answer(all, Duration::ZERO, index(7_000, false, "a"));
    assert!(drill(&mut bench).lacks(0, night()));
    bench.keeper.request(Request::Page(0));
    assert!(matches!(bench.next(), Some(Probe::Page(_, 0, keys)) if keys.len() == 100));
}

/// A drill whose first page is under way, and that page.
fn with_a_page_under_way() -> (Bench, Probe) {
    let mut bench = drilled(&many());
    let first = bench.next().unwrap();
    bench.answer(first, Duration::ZERO, index(100, true, "a"));
    let page = bench.next().unwrap();
    (bench, page)
}

#[test]
fn a_page_that_comes_when_another_drill_is_open_is_not_taken_for_its_own() {
    let (mut bench, page) = with_a_page_under_way();
    bench.keeper.request(Request::Drill(Some(DrillTarget { view: VIEW, member: Some(Some("Carla".into())) })));
    bench.answer(page, Duration::ZERO, Ok(Catch::Page(vec![RowDetail::default(); 100])));
    let list = bench.next().unwrap();
    bench.answer(list, Duration::ZERO, index(500, false, "b"));
    assert!(drill(&mut bench).pages.is_empty());
}

#[test]
fn a_page_that_comes_after_its_list_was_dropped_is_not_taken_for_the_new_list_s() {
    let (mut bench, page) = with_a_page_under_way();
    bench.keeper.request(Request::Measure(VIEW));
    bench.answer(page, Duration::ZERO, Ok(Catch::Page(vec![RowDetail::default(); 100])));
    assert!(drill(&mut bench).pages.is_empty());
}

#[test]
fn a_page_that_cannot_be_read_is_asked_for_again_after_a_while() {
    let (mut bench, page) = with_a_page_under_way();
    bench.answer(page, Duration::ZERO, Err(Problem { kind: ProblemKind::LockTimeout, text: "locked".into() }));
    let drill = drill(&mut bench);
    assert!(!drill.lacks(0, night() + TimeDelta::seconds(3)) && drill.lacks(0, night() + TimeDelta::seconds(9)));
}

#[test]
fn a_list_read_before_a_refresh_and_answered_after_it_is_read_again() {
    let mut bench = drilled(&many());
    let all = after_the_first_page(&mut bench, "a");
    bench.beat.views = vec![shown(VIEW, 802)];
    bench.beat.at = night() + TimeDelta::seconds(2);
    bench.pulse();
    // Asked a second after night.
    bench.answer(all, Duration::ZERO, index(7_000, false, "a"));
    assert_eq!(drill(&mut bench).index.value(), None);
    bench.now += Duration::from_secs(10);
    let asked: Vec<Probe> = std::iter::from_fn(|| {
        let probe = bench.next()?;
        if matches!(probe, Probe::Index(..) | Probe::First(..)) {
            return Some(probe);
        }
        bench.succeed(probe.clone(), Duration::ZERO);
        Some(probe)
    })
    .take(5)
    .collect();
    assert!(asked.iter().any(|probe| matches!(probe, Probe::Index(..) | Probe::First(..))), "{asked:?}");
}

#[test]
fn a_list_that_fails_after_its_drill_was_left_holds_no_other_drill_up() {
    let few = comparison(Scope::Values, &[(Some(("Osmara", "VEN")), Some(("Berta", "VEN")), 166, 0)]);
    let mut bench = drilled(&few);
    let left = bench.next().unwrap();
    bench.keeper.request(Request::Drill(Some(DrillTarget { view: VIEW, member: Some(Some("Carla".into())) })));
    bench.answer(left, Duration::ZERO, Err(Problem { kind: ProblemKind::Timeout, text: "too long".into() }));
    assert!(matches!(bench.next(), Some(Probe::Index(..))));
}

#[test]
fn r_reads_a_list_again_that_failed_for_a_long_while() {
    let few = comparison(Scope::Values, &[(Some(("Osmara", "VEN")), Some(("Berta", "VEN")), 166, 0)]);
    let mut bench = drilled(&few);
    let list = bench.next().unwrap();
    bench.answer(list, Duration::ZERO, Err(Problem { kind: ProblemKind::Permission, text: "no right".into() }));
    assert!(!matches!(bench.next(), Some(Probe::Index(..))));
    bench.keeper.request(Request::Measure(VIEW));
    let mut asked = std::iter::from_fn(|| bench.next());
    assert!(asked.any(|probe| matches!(probe, Probe::Index(..))));
}

#[test]
fn a_list_of_rows_told_apart_by_another_key_is_dropped() {
    let mut bench = drilled(&comparison(Scope::Values, &[(Some(("Osmara", "VEN")), Some(("Berta", "VEN")), 166, 0)]));
    let list = bench.next().unwrap();
    bench.answer(list, Duration::ZERO, index(166, false, "a"));
    assert!(drill(&mut bench).index.value().is_some());
    bench.beat.views.push(shown(Oid(99), 900));
    bench.pulse();
    let catalog = std::iter::from_fn(|| bench.next()).find(|p| matches!(p, Probe::Catalog(_))).unwrap();
    let key = KeyColumn { name: "correo".into(), ..view().key[0].clone() };
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![View { key: vec![key], ..view() }])));
    assert!(drill(&mut bench).index.value().is_none());
}

#[test]
fn a_list_whose_view_is_gone_is_not_read_for_ever() {
    let mut bench = drilled(&many());
    let first = bench.next().unwrap();
    bench.beat.views = vec![];
    bench.pulse();
    bench.answer(first, Duration::ZERO, Err(Problem { kind: ProblemKind::Other, text: "gone".into() }));
    assert!(!drill(&mut bench).index.is_loading());
}

#[tokio::test]
async fn a_probe_that_panics_is_answered_as_failed() {
    let task = tokio::spawn(async { panic!("a test asked for this") });
    let answer = Answer::of(task, Probe::Jobs, night()).await;
    assert_eq!((answer.probe, answer.at), (Probe::Jobs, night()));
    assert!(answer.outcome.is_err());
}
