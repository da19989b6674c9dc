//! A look at the groups that knows an earlier one: it pairs the rows of those members alone that moved since, and says what a
//! look that knows nothing says.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::{Bench, grouped, reference};
use mvtop::domain::drift::Scope;
use mvtop::domain::matrix::Comparison;
use mvtop::domain::view::View;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// 400 rows of 40 members in two places.
const ROWS: &str = "INSERT INTO t SELECT n, 'a' || n % 40, 'p' || n % 2, n FROM generate_series(1, 400) AS n";
const TABLE: &str = "CREATE TABLE t (id int, a text, p text, b int);
    CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id)";

struct Looks {
    bench: Bench,
    view: View,
    last: Comparison,
}

impl Looks {
    /// The look of a console before, at all values.
    async fn new(schema: &'static str) -> Looks {
        let bench = Bench::new(schema, TABLE).await;
        bench.run(&format!("{ROWS}; REFRESH MATERIALIZED VIEW v")).await;
        let view = grouped(bench.view("v").await, &["a", "p"]);
        let last = bench.compare(&view, Scope::Values, None).await;
        assert!(last.trace.is_some());
        Looks { bench, view, last }
    }

    /// After these writes the next look at groups says what one says that knows nothing; were all rows paired for it? Without them
    /// something is kept for the look after.
    async fn pairs_all(&mut self, writes: &str) -> bool {
        self.bench.run(writes).await;
        let fresh = self.bench.compare(&self.view, Scope::Groups, None).await;
        let found = self.bench.compare(&self.view, Scope::Groups, Some(&self.last)).await;
        assert_eq!(reference::named(&found.drift), reference::named(&fresh.drift), "{writes}");
        assert_eq!((found.totals, &found.matrix), (fresh.totals, &fresh.matrix), "{writes}");
        self.last = found;
        self.last.trace.is_none()
    }

    /// Of missing, gone and moved rows.
    fn totals(&self) -> [u64; 3] {
        [self.last.totals.missing, self.last.totals.gone, self.last.totals.moved]
    }
}

#[tokio::test]
async fn a_look_pairs_only_the_members_that_moved() {
    let mut looks = Looks::new("since").await;
    for (writes, totals) in [
        ("UPDATE t SET b = b + 1", [0, 0, 0]),
        ("UPDATE t SET a = 'a2' WHERE id = 1", [0, 0, 1]),
        ("UPDATE t SET p = 'p1' WHERE id = 6", [0, 0, 2]),
        ("INSERT INTO t VALUES (900, 'a3', 'p0'), (901, 'new', 'p9')", [2, 0, 2]),
        ("UPDATE t SET a = NULL WHERE id IN (4, 901); UPDATE t SET p = NULL WHERE id = 5", [2, 0, 4]),
        ("UPDATE t SET a = 'a8' WHERE a = 'a7'", [2, 0, 14]),
        // As many rows in each group as before.
        ("UPDATE t SET a = 'a' || 30 + id % 2 WHERE a IN ('a30', 'a31') AND id < 100", [2, 0, 14]),
        ("UPDATE t SET a = CASE a WHEN 'a20' THEN 'a22' ELSE 'a20' END WHERE id IN (20, 22)", [2, 0, 16]),
        ("UPDATE t SET a = 'a' || id % 40, p = 'p' || id % 2 WHERE id < 900", [2, 0, 0]),
        ("DELETE FROM t WHERE id >= 900", [0, 0, 0]),
    ] {
        let pairs_all = looks.pairs_all(writes).await;
        assert_eq!((pairs_all, looks.totals()), (writes.starts_with("UPDATE t SET a = 'a' || id"), totals), "{writes}");
        if pairs_all {
            looks.last = looks.bench.compare(&looks.view, Scope::Values, None).await;
        }
    }
}

/// Of these no sum tells which rows they are.
#[tokio::test]
async fn all_rows_are_paired_where_rows_are_gone_or_a_key_stands_twice() {
    let mut looks = Looks::new("since_gone").await;
    for (writes, totals) in [
        ("DELETE FROM t WHERE id = 7", [0, 1, 0]),
        // One gone and one twice: as many pairs as before.
        ("DELETE FROM t WHERE id = 47; INSERT INTO t VALUES (87, 'a7', 'p1')", [0, 0, 0]),
        (
            "DELETE FROM t WHERE id = 87; INSERT INTO t VALUES (7, 'a7', 'p1'), (47, 'a7', 'p1'), (87, 'a7', 'p1')",
            [0, 0, 0],
        ),
    ] {
        assert!(looks.pairs_all(writes).await, "{writes}");
        if !looks.last.totals.unkeyed {
            assert_eq!(looks.totals(), totals, "{writes}");
        }
        looks.last = looks.bench.compare(&looks.view, Scope::Values, None).await;
    }
    // What is gone stays gone.
    looks.bench.run("DELETE FROM t WHERE id IN (8, 9)").await;
    looks.last = looks.bench.compare(&looks.view, Scope::Values, None).await;
    assert!(!looks.pairs_all("UPDATE t SET a = 'a8' WHERE id = 10; INSERT INTO t VALUES (900, NULL, NULL)").await);
    assert_eq!(looks.totals(), [1, 2, 1]);
}

/// Its pulse may come later than the look.
#[tokio::test]
async fn a_refresh_that_nobody_has_told_of_is_noticed() {
    for concurrently in ["", "CONCURRENTLY"] {
        let mut looks = Looks::new("since_refresh").await;
        looks.bench.run("UPDATE t SET a = 'a2' WHERE id = 1").await;
        looks.last = looks.bench.compare(&looks.view, Scope::Values, None).await;
        let pairs_all = looks.pairs_all(&format!("REFRESH MATERIALIZED VIEW {concurrently} v")).await;
        assert_eq!((pairs_all, looks.totals()), (true, [0, 0, 0]), "{concurrently}");
    }
}

/// The first statement does not read the view, so that only the second waits for its lock.
#[tokio::test]
async fn a_refresh_between_the_two_statements_of_a_look_is_noticed() {
    let mut looks = Looks::new("since_between").await;
    looks.bench.run("UPDATE t SET a = 'a2' WHERE id = 1").await;
    looks.last = looks.bench.compare(&looks.view, Scope::Values, None).await;
    looks.bench.run("UPDATE t SET a = 'a4' WHERE id = 3; INSERT INTO t VALUES (900, 'a4', 'p0')").await;
    looks.bench.run("BEGIN; REFRESH MATERIALIZED VIEW v").await;
    let end = async {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'v'::regclass";
        while looks.bench.client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        looks.bench.run("COMMIT").await;
    };
    let (found, ()) = tokio::join!(looks.bench.compare(&looks.view, Scope::Groups, Some(&looks.last)), end);
    assert_eq!((found.totals.wrong(), found.totals.view), (0, 401));
}

/// Where most rows moved, to look theirs up one by one is dearer.
#[tokio::test]
async fn all_rows_are_paired_where_many_members_moved() {
    let mut looks = Looks::new("since_many").await;
    assert!(!looks.pairs_all("UPDATE t SET p = 'p2' WHERE id % 40 < 7").await);
    assert!(looks.pairs_all("UPDATE t SET p = 'p3' WHERE id % 40 < 8").await);
}

/// After a refresh both sides are summed; what the next look needs is kept from that, too.
#[tokio::test]
async fn sums_that_are_the_same_on_both_sides_are_kept_for_the_next_look() {
    let mut looks = Looks::new("since_sums").await;
    looks.last = looks.bench.compare_after(&looks.view, Scope::Groups, &super::Before::Refreshed).await;
    assert!(looks.last.trace.is_some());
    assert!(!looks.pairs_all("UPDATE t SET a = 'a2' WHERE id = 1").await);
    assert_eq!(looks.totals(), [0, 0, 1]);
}

/// A write to one row or two, or a refresh; members and places are few, so that rows come back to where they were.
fn write() -> impl Strategy<Value = String> {
    let member = || prop::option::weighted(0.9, 0..30).prop_map(|n| n.map_or("NULL".into(), |n| format!("'a{n}'")));
    prop_oneof![
        6 => (1..400, member()).prop_map(|(id, a)| format!("UPDATE t SET a = {a} WHERE id = {id}")),
        3 => (1..400, 0..3).prop_map(|(id, p)| format!("UPDATE t SET p = 'p{p}' WHERE id = {id}")),
        2 => (1..400, 1..400).prop_map(|(x, y)| format!(
            "UPDATE t SET a = other.a FROM t AS other WHERE t.id + other.id = {x} + {y} AND t.id IN ({x}, {y})")),
        3 => (390..500, member()).prop_map(|(id, a)| format!("INSERT INTO t VALUES ({id}, {a}, 'p0')")),
        1 => (1..500).prop_map(|id| format!("DELETE FROM t WHERE id = {id}")),
        1 => Just("SELECT try_refresh()".into()),
    ]
}

#[test]
fn whatever_was_written_between_two_looks_the_later_one_says_what_one_says_that_knows_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut looks = runtime.block_on(Looks::new("since_random"));
    let refresh = "CREATE FUNCTION try_refresh() RETURNS void LANGUAGE plpgsql AS
        $$ BEGIN REFRESH MATERIALIZED VIEW since_random.v; EXCEPTION WHEN unique_violation THEN NULL; END $$";
    runtime.block_on(looks.bench.run(refresh));
    let (looks, told) = (RefCell::new(&mut looks), Cell::new(0));
    let config = Config { cases: 150, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(write(), 1..7), |writes| {
        let looks = &mut **looks.borrow_mut();
        runtime.block_on(looks.bench.run(&format!("TRUNCATE t; {ROWS}; REFRESH MATERIALIZED VIEW v")));
        looks.last = runtime.block_on(looks.bench.compare(&looks.view, Scope::Values, None));
        for write in writes {
            let before = looks.last.clone();
            let pairs_all = runtime.block_on(looks.pairs_all(&write));
            let has_moved = reference::pairs(&before.drift) != reference::pairs(&looks.last.drift);
            told.set(told.get() + usize::from(before.trace.is_some() && has_moved && !pairs_all));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(told.get() > 100, "{} looks paired only some rows", told.get());
}
