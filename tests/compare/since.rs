//! A look at the groups that knows an earlier one: it pairs the rows of those members alone that moved since, and says what
//! a look that knows nothing says.

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
const TABLE: &str = "CREATE TABLE t (id int, a text, p text, b int, l text);
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
        Looks::at(bench, view).await
    }

    async fn at(bench: Bench, view: View) -> Looks {
        let last = bench.compare(&view, Scope::Values, None).await;
        assert!(last.trace.is_some());
        Looks { bench, view, last }
    }

    /// After these writes the next look at groups says what one says that knows nothing; were all rows paired for it? Else
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

    /// Looks at all values, from which something is kept.
    async fn look_at_values(&mut self) {
        self.last = self.bench.compare(&self.view, Scope::Values, None).await;
        assert!(self.last.trace.is_some());
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
        ("DELETE FROM t WHERE id = 901", [1, 0, 16]),
    ] {
        assert!(!looks.pairs_all(writes).await, "{writes}");
        assert_eq!(looks.totals(), totals, "{writes}");
    }
}

/// Of these no sum tells which rows they are.
#[tokio::test]
async fn all_rows_are_paired_where_rows_are_gone_or_come_back_or_a_key_stands_twice() {
    let mut looks = Looks::new("since_gone").await;
    for (writes, totals) in [
        ("DELETE FROM t WHERE id = 7", [0, 1, 0]),
        // One is gone and one is new: as many live as before.
        ("DELETE FROM t WHERE id = 8; INSERT INTO t VALUES (900, 'a9', 'p0')", [1, 2, 0]),
        ("INSERT INTO t VALUES (7, 'a7', 'p1')", [1, 1, 0]),
        ("DELETE FROM t WHERE id = 900; INSERT INTO t VALUES (8, 'a8', 'p0')", [0, 0, 0]),
    ] {
        assert!(looks.pairs_all(writes).await, "{writes}");
        assert_eq!(looks.totals(), totals, "{writes}");
        looks.look_at_values().await;
    }
    // What is gone stays gone.
    looks.bench.run("DELETE FROM t WHERE id IN (8, 9)").await;
    looks.look_at_values().await;
    assert!(!looks.pairs_all("UPDATE t SET a = 'a8' WHERE id = 10; INSERT INTO t VALUES (900, NULL, NULL)").await);
    assert_eq!(looks.totals(), [1, 2, 1]);
    // As many pairs as before: one key is lost, another one stands twice.
    assert!(looks.pairs_all("DELETE FROM t WHERE id = 47; INSERT INTO t VALUES (87, 'a7', 'p1')").await);
    assert!(looks.last.has_key_twice);
}

/// Its pulse may come later than the look.
#[tokio::test]
async fn a_refresh_that_nobody_has_told_of_is_noticed() {
    for concurrently in ["", "CONCURRENTLY"] {
        let mut looks = Looks::new("since_refresh").await;
        looks.bench.run("UPDATE t SET a = 'a2' WHERE id = 1").await;
        looks.look_at_values().await;
        let pairs_all = looks.pairs_all(&format!("REFRESH MATERIALIZED VIEW {concurrently} v")).await;
        assert_eq!((pairs_all, looks.totals()), (true, [0, 0, 0]), "{concurrently}");
    }
}

/// The first statement does not read the view, so that only the second waits for its lock. What the view calls its groups
/// is read anew.
#[tokio::test]
async fn a_refresh_between_the_two_statements_of_a_look_is_noticed() {
    let mut looks = Looks::new("since_between").await;
    looks.view = grouped(looks.view, &["a=l", "p"]);
    looks.bench.run("UPDATE t SET a = 'a2' WHERE id = 1").await;
    looks.look_at_values().await;
    looks
        .bench
        .run("UPDATE t SET a = 'a4' WHERE id = 3; INSERT INTO t VALUES (900, 'a4', 'p0'); UPDATE t SET l = 'Ana'")
        .await;
    looks.bench.run("BEGIN; REFRESH MATERIALIZED VIEW v").await;
    let end = async {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'v'::regclass";
        let is_waited_for = async || looks.bench.client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) > 0;
        for _ in 0..2_000 {
            if is_waited_for().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(is_waited_for().await, "the look did not wait for the view");
        looks.bench.run("COMMIT").await;
    };
    let (found, ()) = tokio::join!(looks.bench.compare(&looks.view, Scope::Groups, Some(&looks.last)), end);
    assert_eq!((found.totals.wrong(), found.totals.view), (0, 401));
    assert!(found.matrix.lines.iter().all(|line| line.member.title() == "Ana"), "{:?}", found.matrix.lines);
}

/// Under the condition on the member the planner asks for it in rows that the join takes away, where it fails; then the
/// statement is sent once more, and from then on at once so.
#[tokio::test]
async fn members_of_a_definition_that_would_fail_on_rows_it_does_not_give() {
    let sql = "CREATE TABLE k (kind int PRIMARY KEY); INSERT INTO k VALUES (1);
        CREATE TABLE t (id int, kind int, who text); INSERT INTO t SELECT n, 1, n % 40 FROM generate_series(1, 400) AS n;
        INSERT INTO t VALUES (900, 2, 'nobody');
        CREATE MATERIALIZED VIEW v AS SELECT t.id, t.who::int AS who FROM t JOIN k USING (kind); CREATE UNIQUE INDEX ON v (id)";
    let bench = Bench::new("since_failing", sql).await;
    let view = grouped(bench.view("v").await, &["who"]);
    let mut looks = Looks::at(bench, view).await;
    assert!(!looks.pairs_all("UPDATE t SET who = '2' WHERE id = 1").await);
    assert_eq!(looks.totals(), [0, 0, 1]);
}

/// Which of two equal rows it gives may depend on how many are asked for.
#[tokio::test]
async fn all_rows_are_paired_where_the_definition_leaves_a_choice() {
    let sql = "CREATE TABLE t (id int, a text, b int); INSERT INTO t SELECT n, 'a' || n % 40, n FROM generate_series(1, 400) AS n;
        CREATE MATERIALIZED VIEW v AS SELECT DISTINCT ON (id) * FROM t ORDER BY id; CREATE UNIQUE INDEX ON v (id)";
    let bench = Bench::new("since_choice", sql).await;
    let view = grouped(bench.view("v").await, &["a"]);
    let mut looks = Looks::at(bench, view).await;
    assert!(!looks.pairs_all("UPDATE t SET b = 7").await, "nothing moved");
    assert!(looks.pairs_all("UPDATE t SET a = 'a2' WHERE id = 1").await);
}

#[tokio::test]
async fn members_and_keys_of_any_type() {
    let values =
        "n % 40, (n % 40)::bigint << 32, (n % 40)::smallint, md5((n % 40)::text)::uuid, n % 40 = 0, 'c' || n % 40,
        'v' || n % 40, now() + n % 40 * interval '1 day', n % 40 / 10.0, jsonb_build_object('n', n % 40), n % 40,
        chr(65 + n % 40), ROW(n % 40, 'x')::pair";
    let bench = Bench::new(
        "since_types",
        &format!(
            "CREATE DOMAIN small AS int CHECK (VALUE < 100); CREATE TYPE pair AS (n int, x text);
             CREATE TABLE t (id int, i int, b bigint, s smallint, u uuid, o bool, c char(5), v varchar(9), t timestamptz, n numeric,
                 j jsonb, d small, q \"char\", r pair);
             INSERT INTO t SELECT n, {values} FROM generate_series(1, 400) AS n;
             CREATE MATERIALIZED VIEW v AS SELECT id, id::numeric / 4 AS number, 'K' || id AS text, i, b, s, u, o, c, v, t, n, j, d, q, r FROM t"
        ),
    )
    .await;
    let members = ["i", "b", "s", "u", "o", "c", "v", "t", "n", "j", "d", "q", "r"];
    for (key, member) in ["id", "number", "text COLLATE \"C\"", "id, text"].iter().cycle().zip(members) {
        bench.run(&format!("DROP INDEX IF EXISTS key; CREATE UNIQUE INDEX key ON v ({key})")).await;
        let view = grouped(bench.view("v").await, &[member]);
        assert!(!view.key.is_empty(), "{key}");
        let last = bench.compare(&view, Scope::Values, None).await;
        // Of booleans most are false: only those that are true, and those that are neither, are few.
        let to = if member == "o" { "NULL" } else { "(SELECT o.{m} FROM t AS o WHERE o.id = 5)" };
        let moves = format!("UPDATE t SET {{m}} = {to} WHERE id = 40; UPDATE t SET {{m}} = NULL WHERE id = 80");
        bench.run(&moves.replace("{m}", member)).await;
        let fresh = bench.compare(&view, Scope::Groups, None).await;
        let found = bench.compare(&view, Scope::Groups, Some(&last)).await;
        assert_eq!(reference::named(&found.drift), reference::named(&fresh.drift), "{key} {member}");
        assert_eq!((found.totals.moved, found.trace.is_some()), (2, true), "{key} {member}");
    }
}

/// Theirs are looked up one by one, which is dearer where they are many.
#[tokio::test]
async fn all_rows_are_paired_where_a_fifth_of_them_are_of_members_that_moved() {
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
        runtime.block_on(looks.look_at_values());
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
