//! Random data, random writes, random refreshes: the comparison always says what the plain reading says.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Bench, grouped, key_names, reference};
use mvtop::domain::drift::{Drift, Kind, Pairing, Scope};
use mvtop::domain::view::View;
use mvtop::pg::probes::compare::Before;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Fields in SQL: few values, so that groups, NULLs and duplicates are common.
type Fields = [Option<u8>; 4];

#[derive(Clone, Debug)]
enum Write {
    Insert(Fields),
    /// Sets one column where another has a value.
    Update {
        set: usize,
        to: Option<u8>,
        wher: usize,
        is: Option<u8>,
    },
    Delete {
        wher: usize,
        is: Option<u8>,
    },
    Refresh,
}

const COLUMNS: [&str; 4] = ["k", "g", "h", "x"];

fn literal(value: Option<u8>) -> String {
    value.map_or("NULL".into(), |v| v.to_string())
}

fn insert(fields: &Fields) -> String {
    let values: Vec<String> = fields.iter().map(|f| literal(*f)).collect();
    format!("INSERT INTO t (k, g, h, x) VALUES ({});", values.join(", "))
}

impl Write {
    fn sql(&self) -> String {
        let at =
            |column: usize, value: Option<u8>| format!("{} IS NOT DISTINCT FROM {}", COLUMNS[column], literal(value));
        match self {
            Write::Insert(fields) => insert(fields),
            Write::Update { set, to, wher, is } => {
                format!("UPDATE t SET {} = {} WHERE {};", COLUMNS[*set], literal(*to), at(*wher, *is))
            }
            Write::Delete { wher, is } => format!("DELETE FROM t WHERE {};", at(*wher, *is)),
            Write::Refresh => "SELECT try_refresh();".into(),
        }
    }
}

/// Mostly distinct keys from `keys` values, else small numbers.
fn fields(keys: u8) -> impl Strategy<Value = Fields> {
    let small = || prop::option::weighted(0.8, 0u8..3);
    (prop::option::weighted(0.9, 0..keys), small(), small(), small()).prop_map(|(k, g, h, x)| [k, g, h, x])
}

fn write() -> impl Strategy<Value = Write> {
    let value = || prop::option::weighted(0.8, 0u8..4);
    prop_oneof![
        3 => fields(60).prop_map(Write::Insert),
        4 => (0usize..4, value(), 0usize..4, value()).prop_map(|(set, to, wher, is)| Write::Update { set, to, wher, is }),
        2 => (0usize..4, value()).prop_map(|(wher, is)| Write::Delete { wher, is }),
        1 => Just(Write::Refresh),
    ]
}

/// The shapes of views the same rows are shown through, with their keys.
/// The last one has a preview that counting by group need not fetch.
const SHAPES: [(&str, &str); 7] = [
    ("SELECT k, g, h, x, row_number() OVER (ORDER BY n) AS id FROM t", "id"),
    ("SELECT DISTINCT ON (k) k, g, h, x FROM t ORDER BY k, n", "k"),
    ("SELECT k, g, h, x FROM t", "k"),
    ("SELECT k, g, h, count(*) AS x FROM t GROUP BY k, g, h", "k, g, h"),
    ("SELECT g, h, count(*) AS x, max(k) AS k FROM t GROUP BY g, h", "h, g"),
    ("SELECT k, g, h, x FROM t", ""),
    (
        "SELECT o.n, o.k, o.g, o.h, o.x, coalesce(last.x, first.x) AS preview FROM t o LEFT JOIN LATERAL
         (SELECT i.x FROM t i WHERE i.g = o.g ORDER BY i.n DESC LIMIT 1) last ON true LEFT JOIN LATERAL
         (SELECT i.x FROM t i WHERE i.h = o.h ORDER BY i.n LIMIT 1) first ON true WHERE o.k > 0",
        "n",
    ),
];

#[test]
fn random_writes_are_compared_as_a_plain_reading_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::new("random", ""));
    let strategy = (prop::collection::vec(fields(60), 0..25), prop::collection::vec(write(), 1..8), 0..SHAPES.len());
    let config = Config { cases: 140, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let seen = RefCell::new(BTreeMap::new());
    let outcome = TestRunner::new(config).run(&strategy, |(rows, writes, shape)| {
        let drift = runtime.block_on(one(&bench, &rows, &writes, shape));
        let kinds = drift.flow.iter().filter_map(|f| f.kind().or((f.changed > 0).then_some(Kind::Changed)));
        for kind in kinds.collect::<BTreeSet<_>>() {
            *seen.borrow_mut().entry((drift.is_keyed(), kind)).or_insert(0) += 1;
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    // The cases were worth it: each kind of drift came up, with a key and without.
    let seen = seen.into_inner();
    for kind in [Kind::Moved, Kind::Missing, Kind::Gone, Kind::Changed].map(|k| (true, k)) {
        assert!(seen.get(&kind) > Some(&5), "{seen:?}");
    }
    for kind in [Kind::Missing, Kind::Gone].map(|k| (false, k)) {
        assert!(seen.get(&kind) > Some(&5), "{seen:?}");
    }
    let beginnings = super::BEGINNINGS.load(Ordering::Relaxed);
    assert!(beginnings > 20, "{beginnings}");
}

/// Does the writes, and looks after each, knowing what the look before found: as a console does.
async fn chain(bench: &Bench, view: &View, writes: &[Write]) {
    let mut before = Before::Nothing;
    for (place, write) in writes.iter().enumerate() {
        bench.run(&write.sql()).await;
        if let (Write::Refresh, Before::Compared(last)) = (write, &before) {
            before = if last.drift.pairing == Pairing::Key { Before::Refreshed } else { Before::Nothing };
        }
        let scope = if place % 3 == 1 { Scope::Values } else { Scope::Groups };
        let found = bench.compare_after(view, scope, &before).await;
        let fresh = bench.compare(view, scope, None).await;
        assert_eq!(reference::named(&found.drift), reference::named(&fresh.drift), "look {place}: {scope:?}");
        before = Before::Compared(Arc::new(found));
    }
}

async fn one(bench: &Bench, rows: &[Fields], writes: &[Write], shape: usize) -> Drift {
    let (definition, key) = SHAPES[shape];
    let rows: String = rows.iter().map(insert).collect();
    let setup = format!(
        "SET client_min_messages = error; DROP SCHEMA random CASCADE; CREATE SCHEMA random;
         CREATE TABLE t (n int GENERATED ALWAYS AS IDENTITY, k int, g int, h int, x int); {rows}
         CREATE MATERIALIZED VIEW v AS {definition};
         CREATE FUNCTION try_refresh() RETURNS void LANGUAGE plpgsql AS
         $$ BEGIN REFRESH MATERIALIZED VIEW random.v; EXCEPTION WHEN unique_violation THEN NULL; END $$;"
    );
    bench.run(&setup).await;
    // The rows may already break the key; then it has none.
    let index = format!("CREATE UNIQUE INDEX ON v ({key})");
    let _ = bench.client.batch_execute(&index).await;
    let view = grouped(bench.view("v").await, &["g=x", "h"]);
    let is_pruned = view.pruned().is_some_and(|p| p.without == ["last", "first"]);
    assert_eq!(is_pruned, definition.contains("LATERAL"), "{}", view.definition);
    let expected: Vec<String> = key_names(&view).iter().map(|k| k.to_string()).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(bench.check(&view, &expected).await.totals().wrong(), 0, "as it was made");
    let first = bench.compare(&view, Scope::Groups, None).await;
    chain(bench, &view, writes).await;
    let drift = bench.check(&view, &expected).await;
    if !writes.iter().any(|write| matches!(write, Write::Refresh)) {
        bench.check_since(&view, &first).await;
    }
    let is_refreshed = bench.client.batch_execute("REFRESH MATERIALIZED VIEW v").await.is_ok();
    let after = bench.check(&view, &expected).await.totals();
    assert!(!is_refreshed || after.wrong() == 0, "after the refresh");
    drift
}
