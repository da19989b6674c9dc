//! What shows only between two looks, and when what is wanted is looked at.

use mvtop::domain::view::ViewName;

use super::*;

fn waiting(granted: bool) -> Vec<(Oid, Refreshing)> {
    let refresh = Refreshing {
        pid: 31,
        user: "postgres".into(),
        application: "pg_cron".into(),
        since: Some(night() - TimeDelta::seconds(20)),
        concurrently: true,
        granted,
        state: Some("active".into()),
        blocked_by: vec![],
    };
    vec![(VIEW, refresh)]
}

#[test]
fn a_refresh_that_was_seen_to_wait_is_remembered_when_it_is_done_and_until_the_next_one() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    for granted in [false, true] {
        bench.beat.held = waiting(granted);
        bench.pulse();
    }
    (bench.beat.held, bench.beat.views) = (vec![], vec![shown(VIEW, 802)]);
    bench.beat.at = night() + TimeDelta::seconds(2);
    bench.pulse();
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    let waited = snapshot.views[0].waited.clone().expect("it waited");
    assert_eq!((waited.who.as_str(), waited.until), ("postgres (pg_cron, pid 31)", bench.beat.at));
    assert_eq!(waited.since, night() - TimeDelta::seconds(20), "what its data is true of");
    bench.beat.views = vec![shown(VIEW, 803)];
    bench.pulse();
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].waited, None);
}

#[test]
fn while_a_refresh_waits_the_one_before_it_is_done_without_having_waited() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.held = waiting(false);
    bench.pulse();
    bench.beat.views = vec![shown(VIEW, 802)];
    bench.pulse();
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].waited, None);
}

#[test]
fn a_cancelled_wait_says_nothing_of_a_refresh_long_after_it() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.held = waiting(false);
    bench.pulse();
    bench.beat.held = vec![];
    bench.beat.at = night() + TimeDelta::minutes(3);
    bench.beat.views = vec![shown(VIEW, 802)];
    bench.pulse();
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].waited, None);
}

#[test]
fn many_rows_at_once_are_a_bulk_write_until_the_view_is_refreshed() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.counters = vec![4];
    bench.pulse();
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].bulk, None, "3 rows are everyday work");
    bench.beat.counters = vec![604];
    bench.pulse();
    let bulk = bench.keeper.snapshot(night(), bench.now).views[0].bulk.clone().expect("a bulk write");
    assert_eq!((bulk.table.as_str(), bulk.rows, bulk.at), ("prospectos", 600, bench.beat.at));
    bench.beat.views = vec![shown(VIEW, 802)];
    bench.pulse();
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].bulk, None);
}

#[test]
fn a_table_that_always_sees_many_rows_has_no_bulk_writes() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    let busy = |bench: &mut Bench| {
        bench.beat.counters = vec![bench.beat.counters[0] + 300];
        bench.pulse();
    };
    (0..60).for_each(|_| busy(&mut bench));
    bench.beat.views = vec![shown(VIEW, 802)];
    bench.pulse();
    (0..10).for_each(|_| busy(&mut bench));
    assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].bulk, None);
}

#[test]
fn counters_that_were_reset_are_no_bulk_write() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    for counted in [900, 0] {
        bench.beat.counters = vec![counted];
        bench.pulse();
    }
    let bulk = bench.keeper.snapshot(night(), bench.now).views[0].bulk.clone().expect("the 899 rows before");
    assert_eq!(bulk.rows, 899);
}

#[test]
fn counters_asked_of_other_tables_are_no_bulk_write_and_no_refresh() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.tables = vec![Oid(98)];
    (bench.beat.counters, bench.beat.files) = (vec![90_000], vec![3]);
    bench.pulse();
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    assert_eq!((&snapshot.views[0].bulk, snapshot.views[0].observed), (&None, None));
}

/// Connected to a server whose pg_cron keeps its tables elsewhere.
fn with_cron_elsewhere() -> Bench {
    let mut bench = Bench::connected();
    let mut server = server();
    server.cron = Cron::Elsewhere("postgres".into());
    bench.keeper.connected(server);
    bench
}

#[test]
fn jobs_in_another_database_are_read_at_once_and_again_15_s_after_each_answer_whatever_it_was() {
    let mut bench = with_cron_elsewhere();
    let asked = |bench: &mut Bench| {
        let mut found = None;
        while let Some(probe) = bench.next() {
            match probe {
                Probe::Elsewhere(..) => found = Some(probe),
                probe => bench.succeed(probe, Duration::ZERO),
            }
        }
        found
    };
    let probe = asked(&mut bench).expect("the other database is read");
    assert_eq!(probe, Probe::Elsewhere("postgres".into(), "crm".into(), RunId(0)));
    bench.now += Duration::from_secs(60);
    assert_eq!(asked(&mut bench), None, "one at a time");
    let why = Problem { kind: ProblemKind::Other, text: "no CONNECT".into() };
    bench.answer(probe, Duration::ZERO, Err(why));
    let said = mvtop::domain::rights::no_jobs(&bench.keeper.snapshot(night(), bench.now)).expect("why");
    assert!(said.contains("in the database postgres: no CONNECT"), "{said}");
    bench.now += Duration::from_secs(14);
    assert_eq!(asked(&mut bench), None);
    bench.now += Duration::from_secs(1);
    let probe = asked(&mut bench).expect("again");
    let Cron::Present(extension) = server().cron else { panic!("the scene has pg_cron") };
    let extension = mvtop::domain::server::CronExtension {
        elsewhere: Some("postgres".into()),
        logs_runs: Some(false),
        ..extension
    };
    let jobs = Jobs { jobs: vec![refresh_job()], ..Jobs::default() };
    let found = Elsewhere { extension, jobs, runs: runs(3, 5) };
    bench.answer(probe, Duration::ZERO, Ok(Catch::Elsewhere(found)));
    let snapshot = bench.keeper.snapshot(night(), bench.now);
    assert!(snapshot.job(refresh_job().id).is_some(), "its figures are made");
    assert!(snapshot.history.value().is_some_and(|h| h.unlogged), "no run is recorded any more");
    assert!(!bench.keeper.question().cron, "the pulse does not ask for tables that are not here");
}

#[test]
fn a_wanted_comparison_is_looked_at_when_its_rest_is_over_and_not_at_the_next_pulse() {
    let mut bench = Bench::settled(Duration::from_millis(1));
    bench.beat.counters = vec![2];
    bench.pulse();
    bench.work(Duration::from_millis(1));
    assert_eq!(bench.keeper.wake(bench.now), Some(bench.now + Duration::from_millis(100)));
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.keeper.wake(bench.now), None);
}

#[test]
fn a_view_whose_definition_was_locked_is_read_again_when_the_lock_is_gone_and_not_compared_before() {
    let mut bench = Bench::connected();
    let probe = bench.next().expect("the catalog");
    let locked = View { definition: "".into(), ..view() };
    bench.answer(probe, Duration::ZERO, Ok(Catch::Views(vec![locked])));
    bench.beat.counters = vec![1];
    bench.beat.held = waiting(true);
    bench.beat.held[0].1.concurrently = false;
    bench.pulse();
    assert_eq!(bench.next(), None, "nothing can be read of it");
    bench.beat.held.clear();
    bench.pulse();
    assert_eq!(bench.next(), Some(Probe::Catalog(Some(vec![VIEW]))));
}

#[test]
fn what_a_lagging_replica_said_of_the_time_before_the_signal_is_asked_again() {
    let mut bench = Bench::settled(Duration::ZERO);
    bench.beat.counters = vec![2];
    bench.beat.at = night() + TimeDelta::seconds(30);
    bench.pulse();
    // Answered as of a second after the night, before the signal.
    assert_eq!(scopes(&bench.work(Duration::ZERO)), [Scope::Groups]);
    assert_eq!(bench.next(), None, "not at once");
    bench.now += Duration::from_secs(3);
    assert_eq!(scopes(&bench.work(Duration::ZERO)), [Scope::Groups]);
}

#[test]
fn a_comparison_comes_after_the_catalog_that_is_read_with_it_whether_that_succeeds_or_not() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    let failed = || Err(Problem { kind: ProblemKind::LockTimeout, text: "somebody holds it".into() });
    for catalog in [Ok(Catch::Views(vec![view()])), failed()] {
        bench.keeper.request(Request::Measure(VIEW));
        let read = bench.next().unwrap();
        assert_eq!(read, Probe::Catalog(Some(vec![VIEW])));
        let meanwhile = bench.work(Duration::ZERO);
        assert_eq!(scopes(&meanwhile), [], "while the catalog is read: {meanwhile:?}");
        bench.answer(read, Duration::ZERO, catalog);
        assert_eq!(scopes(&bench.work(Duration::ZERO)), [Scope::Groups, Scope::Values]);
    }
}

#[test]
fn a_view_that_was_granted_renamed_or_given_an_index_was_not_refreshed() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    let (oid, before) = shown(VIEW, 802);
    for (other, is_refresh) in
        [(pulse::Shown { shape: 2, ..before }, false), (pulse::Shown { shape: 2, xmin: 803, ..before }, true)]
    {
        bench.beat.views = vec![(oid, other)];
        bench.pulse();
        let asked = bench.work(Duration::ZERO);
        assert!(asked.contains(&Probe::Catalog(Some(vec![VIEW]))), "{asked:?}");
        assert_eq!(scopes(&asked), [Scope::Groups, Scope::Values], "a refresh may have come with it");
        assert_eq!(bench.keeper.snapshot(night(), bench.now).views[0].observed.is_some(), is_refresh);
    }
}

#[test]
fn where_a_view_below_was_replaced_or_a_partition_came_the_catalog_is_read_and_what_differs_is_compared_anew() {
    let mut bench = Bench::settled(Duration::from_millis(70));
    bench.beat.schema = 7;
    bench.pulse();
    let catalog = bench.next().unwrap();
    assert_eq!(catalog, Probe::Catalog(None));
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![View { below: 7, ..view() }])));
    assert!(bench.keeper.snapshot(night(), bench.now).views[0].drift.last.is_none(), "it answered another question");
    assert_eq!(scopes(&bench.work(Duration::ZERO)), [Scope::Groups, Scope::Values]);
}

#[test]
fn only_the_views_asked_for_are_measured() {
    let mut bench = Bench::connected();
    bench.keeper = Keeper::new(Snapshot::connecting(night()), vec!["otra".into()], 0.02);
    let mut server = server();
    server.cron = Cron::Absent;
    bench.keeper.connected(server);
    assert_eq!(bench.work(Duration::ZERO), [Probe::Catalog(None)]);
}

#[test]
fn a_view_that_is_asked_for_is_measured_with_all_that_it_reads_however_far_below() {
    let mut bench = Bench::connected();
    bench.keeper = Keeper::new(Snapshot::connecting(night()), vec!["top".into()], 0.02);
    bench.keeper.connected(Server { cron: Cron::Absent, ..server() });
    let named = |oid: u32, name: &str, reads: u32| View {
        oid: Oid(oid),
        name: ViewName { schema: "public".into(), name: name.into() },
        base_tables: [Oid(reads)].into(),
        ..view()
    };
    let views = vec![named(90, "low", 1), named(91, "mid", 90), named(92, "top", 91), named(93, "apart", 1)];
    // A plain view that was replaced later may lead back.
    let views = [views, vec![named(94, "self", 94)]].concat();
    bench.beat.views = views.iter().map(|v| shown(v.oid, 801)).collect();
    let catalog = bench.next().unwrap();
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(views)));
    bench.beat.tables = vec![Oid(1), Oid(90), Oid(91), Oid(94)];
    (bench.beat.counters, bench.beat.files) = (vec![1; 4], vec![1; 4]);
    bench.pulse();
    let compared = |p: &Probe| if let Probe::Compare(view, ..) = p { Some(view.name.name.clone()) } else { None };
    let mut compared: Vec<String> = bench.work(Duration::ZERO).iter().filter_map(compared).collect();
    compared.sort();
    compared.dedup();
    assert_eq!(compared, ["low", "mid", "top"]);
}

#[test]
fn a_comparison_that_fails_for_a_reason_of_its_own_has_the_catalog_read_again() {
    let mut bench = Bench::settled(Duration::ZERO);
    bench.keeper.request(Request::Measure(VIEW));
    while let Some(probe) = bench.next() {
        if let Probe::Compare(..) = probe {
            let why = Problem { kind: ProblemKind::Other, text: "column t.a does not exist".into() };
            bench.answer(probe, Duration::ZERO, Err(why));
            break;
        }
        bench.succeed(probe, Duration::ZERO);
    }
    assert!(bench.work(Duration::ZERO).contains(&Probe::Catalog(Some(vec![VIEW]))));
}

#[test]
fn a_plain_view_below_that_could_not_be_read_is_read_again() {
    let mut bench = Bench::settled(Duration::ZERO);
    bench.keeper.request(Request::Measure(VIEW));
    let catalog = bench.next().unwrap();
    bench.answer(catalog, Duration::ZERO, Ok(Catch::Views(vec![View { plain_views: vec![String::new()], ..view() }])));
    bench.work(Duration::ZERO);
    bench.pulse();
    assert!(bench.work(Duration::ZERO).contains(&Probe::Catalog(Some(vec![VIEW]))));
    bench.pulse();
    assert_eq!(bench.work(Duration::ZERO), [], "it is there now");
}

/// Some time between both it was: its data may be as old as the first.
#[test]
fn a_refresh_between_two_looks_that_lie_far_apart_dates_from_the_first() {
    let mut bench = Bench::settled(Duration::ZERO);
    let (last, mut now) = (bench.beat.at, bench.beat.at);
    for (xmin, later, unseen) in [(802, 1, None), (803, 7_200, Some(last + TimeDelta::seconds(1))), (804, 1, None)] {
        now += TimeDelta::seconds(later);
        (bench.beat.views, bench.beat.at) = (vec![shown(VIEW, xmin)], now);
        bench.pulse();
        let view = bench.keeper.snapshot(night(), bench.now).views[0].clone();
        assert_eq!((view.observed, view.unseen_since), (Some(now), unseen));
    }
}
