//! When which probe runs: signals, budget, locks, failures.

mod drill;
mod signals;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use mvtop::domain::drift::Scope;
use mvtop::domain::freshness::Stamp;
use mvtop::domain::job::RunId;
use mvtop::domain::reading::{Problem, ProblemKind};
use mvtop::domain::server::{Cron, Link, Server};
use mvtop::domain::snapshot::{Refreshing, Snapshot};
use mvtop::domain::view::{KeyColumn, Oid, View, ViewKind};
use mvtop::pg::probes::cron::{Elsewhere, Jobs};
use mvtop::pg::probes::{compare::Before, pulse};
use mvtop::watch::Request;
use mvtop::watch::keeper::Keeper;
use mvtop::watch::probe::{Answer, Catch, Probe};

use crate::scene::*;

/// A keeper with a clock of its own.
struct Bench {
    keeper: Keeper,
    now: Instant,
    beat: pulse::Answer,
}

impl Bench {
    /// Connected to a server with one view, nothing asked yet.
    fn connected() -> Bench {
        let mut keeper = Keeper::new(Snapshot::connecting(night()), Vec::new(), 0.02);
        let mut server = server();
        server.cron = Cron::Absent;
        keeper.connected(server);
        let beat = pulse::Answer {
            at: night(),
            tables: vec![],
            views: vec![shown(VIEW, 801)],
            schema: 0,
            counters: vec![],
            files: vec![7],
            held: vec![],
            jobs: None,
            runs: None,
            launcher: None,
        };
        Bench { keeper, now: Instant::now(), beat }
    }

    /// Everything read once, each comparison having taken `took`.
    fn settled(took: Duration) -> Bench {
        let mut bench = Bench::connected();
        bench.work(took);
        (bench.beat.tables, bench.beat.counters) = (view().base_tables.into_iter().collect(), vec![1]);
        bench.pulse();
        bench.work(took);
        bench.now += Duration::from_secs(600);
        bench.work(took);
        assert!(bench.keeper.snapshot(night(), bench.now).settled);
        bench
    }

    fn next(&mut self) -> Option<Probe> {
        self.keeper.next(night(), self.now)
    }

    fn answer(&mut self, probe: Probe, took: Duration, outcome: Result<Catch, Problem>) {
        let at = night() + TimeDelta::seconds(1);
        self.keeper.answer(Answer { probe, at, asked: at, took, outcome, look: None }, night(), self.now);
    }

    fn succeed(&mut self, probe: Probe, took: Duration) {
        let catch = match &probe {
            Probe::Catalog(_) => Catch::Views(vec![view()]),
            Probe::Stamp(..) => Catch::Stamp(Stamp::default()),
            Probe::Compare(_, scope, _) => Catch::Comparison(comparison(*scope, &[])),
            other => panic!("{other:?} was not expected"),
        };
        self.answer(probe, took, Ok(catch));
    }

    /// Answers whatever is asked until nothing more may run now; what was asked.
    fn work(&mut self, took: Duration) -> Vec<Probe> {
        let mut asked = Vec::new();
        while let Some(probe) = self.next() {
            asked.push(probe.clone());
            self.succeed(probe, took);
        }
        asked
    }

    fn pulse(&mut self) {
        self.keeper.pulse(self.beat.clone(), Duration::from_millis(4), night());
    }
}

fn scopes(probes: &[Probe]) -> Vec<Scope> {
    let scope = |p: &Probe| if let Probe::Compare(_, scope, _) = p { Some(*scope) } else { None };
    probes.iter().filter_map(scope).collect()
}

#[test]
fn at_rest_the_pulse_is_all_that_is_asked() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    for _ in 0..100 {
        bench.now += Duration::from_secs(1);
        bench.pulse();
        assert_eq!(bench.next(), None);
    }
}

#[test]
fn a_pulse_that_was_asked_before_the_catalog_came_forgets_no_view() {
    let mut bench = Bench::connected();
    bench.keeper.question();
    let catalog = bench.next().unwrap();
    let plain = View { kind: ViewKind::Plain, base_tables: [Oid(7)].into(), ..view() };
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![plain])));
    // A pulse lists a plain view only if it is asked about it.
    let early = pulse::Answer { views: vec![], ..bench.beat.clone() };
    bench.keeper.pulse(early, Duration::ZERO, night());
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views.len(), 1);
    assert_eq!(bench.next(), None, "nor is the catalog read again");
}

#[test]
fn a_catalog_does_not_wait_for_a_comparison() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.counters = vec![2];
    bench.pulse();
    assert!(matches!(bench.next(), Some(Probe::Compare(..))), "the comparison runs for a while");
    bench.beat.views.clear();
    bench.pulse();
    assert_eq!(bench.next(), Some(Probe::Catalog(None)));
    assert_eq!(bench.next(), None, "one catalog at a time");
}

#[test]
fn a_moved_base_table_wants_comparisons_but_no_freshness() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.counters = vec![2];
    bench.pulse();
    let asked = bench.work(Duration::from_millis(70));
    assert_eq!(scopes(&asked), [Scope::Groups, Scope::Values]);
    assert!(!asked.iter().any(|p| matches!(p, Probe::Stamp(..))));
}

#[test]
fn a_counter_that_became_smaller_is_a_move_too() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.counters = vec![0];
    bench.pulse();
    assert_eq!(scopes(&bench.work(Duration::from_millis(70))).len(), 2);
}

#[test]
fn a_moved_xmin_is_a_refresh_seen_and_wants_freshness_comparisons_and_the_catalog() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.views = vec![shown(VIEW, 802)];
    bench.pulse();
    let asked = bench.work(Duration::from_millis(70));
    assert!(asked.contains(&Probe::Catalog(Some(vec![VIEW]))), "{asked:?}");
    assert!(asked.iter().any(|p| matches!(p, Probe::Stamp(..))));
    assert_eq!(scopes(&asked), [Scope::Groups, Scope::Values]);
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    assert_eq!(snapshot.views[0].observed, Some(bench.beat.at));
}

#[test]
fn a_comparison_that_took_long_waits_its_time_divided_by_half_the_budget() {
    let mut bench = Bench::settled(Duration::from_secs(1));
    bench.beat.counters = vec![2];
    bench.pulse();
    assert_eq!(scopes(&bench.work(Duration::from_secs(1))).len(), 2);
    bench.beat.counters = vec![3];
    bench.now += Duration::from_secs(99);
    bench.pulse();
    assert_eq!(bench.next(), None, "1 s at half of 2 % rests for 100 s");
    let due = bench.keeper.snapshot(night(), bench.now).views[0].due.expect("the wait is shown");
    assert!((due - night()).num_seconds() <= 2);
    bench.now += Duration::from_secs(1);
    assert_eq!(scopes(&bench.work(Duration::from_secs(1))).len(), 2);
}

#[test]
fn measure_now_does_not_wait_for_the_budget() {
    let mut bench = Bench::settled(Duration::from_secs(1));
    bench.beat.counters = vec![2];
    bench.pulse();
    bench.work(Duration::from_secs(1));
    bench.keeper.request(Request::Measure(VIEW));
    assert_eq!(scopes(&bench.work(Duration::from_secs(1))).len(), 2);
}

#[test]
fn an_old_comparison_is_made_again_though_no_signal_moved() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.at = night() + TimeDelta::minutes(6);
    bench.pulse();
    assert_eq!(scopes(&bench.work(Duration::from_millis(70))), [Scope::Groups, Scope::Values]);
}

#[test]
fn a_view_locked_against_readers_is_not_read() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    let lock = |concurrently| Refreshing {
        pid: 1,
        user: "ana".into(),
        application: String::new(),
        since: None,
        concurrently,
        state: Some("active".into()),
        granted: true,
        blocked_by: vec![],
    };
    bench.beat.counters = vec![2];
    bench.beat.held = vec![(VIEW, lock(false))];
    bench.pulse();
    assert_eq!(bench.next(), None, "readers who come later would queue behind");
    bench.beat.held = vec![(VIEW, lock(true))];
    bench.pulse();
    assert!(bench.next().is_some(), "CONCURRENTLY lets readers go on");
}

#[test]
fn what_failed_is_tried_again_after_a_pause_and_keeps_what_was_known() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.counters = vec![2];
    bench.pulse();
    let probe = bench.next().expect("a comparison");
    let why = Problem { kind: ProblemKind::LockTimeout, text: "locked".into() };
    bench.answer(probe, Duration::from_secs(2), Err(why));
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    assert!(snapshot.views[0].drift.last.is_some() && snapshot.views[0].drift.problem().is_some());
    assert_eq!(bench.next(), None);
    bench.now += Duration::from_secs(600);
    assert!(bench.next().is_some());
}

#[test]
fn a_new_view_is_found_and_a_dropped_one_forgotten() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.views = vec![shown(VIEW, 801), shown(Oid(99), 900)];
    bench.pulse();
    assert_eq!(bench.next(), Some(Probe::Catalog(Some(vec![Oid(99)]))));
    let other = View { oid: Oid(99), ..view() };
    bench.answer(Probe::Catalog(Some(vec![Oid(99)])), Duration::ZERO, Ok(Catch::Views(vec![other])));
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views.len(), 2);
    bench.beat.views = vec![shown(Oid(99), 900)];
    bench.pulse();
    let views = bench.keeper.snapshot(night(), bench.now).views.clone();
    assert_eq!(views.iter().map(|v| v.view.oid).collect::<Vec<_>>(), [Oid(99)]);
}

#[test]
fn a_lost_connection_keeps_the_data_and_a_new_one_wants_everything_again() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    let why = Problem { kind: ProblemKind::Connection, text: "terminated".into() };
    bench.keeper.disconnected(why, 1, night());
    assert_eq!(bench.next(), None, "nothing is asked of a server that is away");
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    assert!(matches!(snapshot.link, Link::Down { .. }));
    assert!(snapshot.views[0].drift.last.is_some());
    bench.keeper.connected({
        let mut server = server();
        server.cron = Cron::Absent;
        server
    });
    assert_eq!(bench.next(), Some(Probe::Catalog(None)));
}

/// What each comparison is told of the last one: the rows that one found in the view, as it still is.
fn lasts(probes: &[Probe]) -> Vec<Option<u64>> {
    let rows = |before: &Before| if let Before::Compared(last) = before { Some(last.totals.view) } else { None };
    probes.iter().filter_map(|p| if let Probe::Compare(_, _, before) = p { Some(rows(before)) } else { None }).collect()
}

#[test]
fn a_comparison_is_told_of_the_last_one_unless_the_view_was_refreshed_since() {
    let mut bench = Bench::settled(Duration::ZERO);
    bench.beat.counters = vec![2];
    bench.pulse();
    assert_eq!(lasts(&bench.work(Duration::ZERO)), [Some(0), Some(0)]);
    (bench.beat.views, bench.beat.at) = (vec![shown(VIEW, 802)], night() + TimeDelta::seconds(2));
    bench.pulse();
    let probes = bench.work(Duration::ZERO);
    assert_eq!(lasts(&probes)[0], None);
    assert!(probes.iter().any(|p| matches!(p, Probe::Compare(_, Scope::Groups, Before::Refreshed))));
}

#[test]
fn a_refresh_while_the_connection_was_lost_is_seen_whichever_comes_first_the_catalog_or_the_pulse() {
    for is_catalog_first in [true, false] {
        let mut bench = Bench::settled(Duration::ZERO);
        bench.keeper.disconnected(Problem { kind: ProblemKind::Connection, text: "away".into() }, 1, night());
        bench.keeper.connected(Server { cron: Cron::Absent, ..server() });
        let tables = std::mem::take(&mut bench.beat.tables);
        let counters = std::mem::take(&mut bench.beat.counters);
        (bench.beat.views, bench.beat.at) = (vec![shown(VIEW, 802)], night() + TimeDelta::seconds(60));
        let mut asked = Vec::new();
        if is_catalog_first {
            asked.extend(bench.work(Duration::ZERO));
        }
        bench.pulse();
        asked.extend(bench.work(Duration::ZERO));
        assert_eq!(lasts(&asked), [], "no pulse told of its tables yet");
        (bench.beat.tables, bench.beat.counters) = (tables, counters);
        bench.pulse();
        assert_eq!(lasts(&bench.work(Duration::ZERO))[0], None);
        assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].observed, Some(bench.beat.at));
    }
}

#[test]
fn what_was_compared_by_another_key_is_forgotten() {
    let mut bench = Bench::settled(Duration::ZERO);
    bench.keeper.request(Request::Measure(VIEW));
    let catalog = bench.next().unwrap();
    let key = KeyColumn { name: "correo".into(), ..view().key[0].clone() };
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![View { key: vec![key], ..view() }])));
    assert!(bench.keeper.snapshot(night(), bench.now).views[0].drift.last.is_none());
    assert_eq!(lasts(&bench.work(Duration::ZERO))[0], None);
    // A definition that is not readable for a while is no other one.
    bench.keeper.request(Request::Measure(VIEW));
    let catalog = bench.next().unwrap();
    let known = bench.keeper.snapshot(night(), bench.now).views[0].view.as_ref().clone();
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![View { definition: "".into(), ..known }])));
    assert!(bench.keeper.snapshot(night(), bench.now).views[0].drift.last.is_some());
}

#[test]
fn a_write_while_another_view_comes_is_seen() {
    let mut bench = Bench::settled(Duration::ZERO);
    bench.beat.views.push(shown(Oid(99), 900));
    bench.pulse();
    let other = View { oid: Oid(99), base_tables: [Oid(u32::MAX)].into(), ..view() };
    let catalog = bench.next().unwrap();
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![other])));
    // Asked before the new view's table was known, and then about both.
    bench.beat.counters = vec![2];
    bench.pulse();
    bench.beat.tables.push(Oid(u32::MAX));
    (bench.beat.counters, bench.beat.files) = (vec![2, 5], vec![7, 8]);
    bench.beat.at = night() + TimeDelta::seconds(2);
    bench.pulse();
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    let view = |oid: Oid| snapshot.views.iter().find(|v| v.view.oid == oid).unwrap();
    assert_eq!((view(VIEW).moved, view(Oid(99)).moved), (Some(bench.beat.at), None));
}

#[test]
fn runs_are_read_from_the_oldest_open_one_on() {
    let mut keeper = Keeper::new(Snapshot::connecting(night()), Vec::new(), 0.02);
    keeper.connected(server());
    let answer = |probe, catch| Answer {
        probe,
        at: night(),
        asked: night(),
        took: Duration::ZERO,
        outcome: Ok(catch),
        look: None,
    };
    let now = Instant::now();
    let mut runs = runs(3, 5);
    runs.sort_by_key(|r| std::cmp::Reverse(r.id));
    runs[2].status = mvtop::domain::job::RunStatus::Running;
    let open = runs[2].id;
    keeper.answer(answer(Probe::Catalog(None), Catch::Views(vec![])), night(), now);
    keeper.answer(answer(Probe::Runs(RunId(0)), Catch::Runs(runs)), night(), now);
    let beat = |runs: &str| pulse::Answer {
        at: night(),
        tables: vec![],
        views: vec![],
        schema: 0,
        counters: vec![],
        files: vec![],
        held: vec![],
        jobs: Some("a".into()),
        runs: Some(runs.into()),
        launcher: None,
    };
    keeper.pulse(beat("1"), Duration::ZERO, night());
    while let Some(probe) = keeper.next(night(), now) {
        let catch = match &probe {
            Probe::Jobs => Catch::Jobs(Jobs::default()),
            Probe::Catalog(_) => Catch::Views(vec![]),
            Probe::Runs(above) => {
                assert_eq!(*above, RunId(open.0 - 1));
                break;
            }
            other => panic!("{other:?}"),
        };
        keeper.answer(answer(probe, catch), night(), now);
    }
}
