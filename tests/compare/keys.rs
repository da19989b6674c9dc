//! Which unique indexes pair rows, and what happens when a key is not one.

use super::{Bench, grouped, key_names};
use mvtop::domain::drift::{Pairing, Scope};
use mvtop::domain::view::RefreshMode;

const BASE: &str = "CREATE TABLE t (id int, a text, b int, c timestamptz, u uuid);
    INSERT INTO t SELECT n, 'a' || n % 4, n, '2026-01-01'::timestamptz + n * interval '1 h', md5(n::text)::uuid
    FROM generate_series(1, 20) n; CREATE MATERIALIZED VIEW v AS SELECT * FROM t;";

/// An index, the key it gives, and whether CONCURRENTLY can use it.
#[tokio::test]
async fn only_a_whole_immediate_valid_unique_index_on_columns_is_a_key() {
    let cases: [(&'static str, &[&str], bool); 9] = [
        ("CREATE INDEX ON v (id)", &[], false),
        ("CREATE UNIQUE INDEX ON v (id) WHERE id > 0", &[], false),
        ("CREATE UNIQUE INDEX ON v ((id + 1))", &[], false),
        ("CREATE UNIQUE INDEX ON v (id, (a || 'x'))", &[], false),
        ("CREATE UNIQUE INDEX ON v (u, id, a)", &["u", "id", "a"], true),
        ("CREATE UNIQUE INDEX ON v (id, a, b); CREATE UNIQUE INDEX ON v (u, c)", &["u", "c"], true),
        ("CREATE UNIQUE INDEX ON v (id) INCLUDE (a, b)", &["id"], true),
        ("CREATE UNIQUE INDEX ON v (a text_pattern_ops DESC, id)", &["a", "id"], true),
        (
            "CREATE UNIQUE INDEX ON v (id); UPDATE pg_index SET indisvalid = false WHERE indrelid = 'v'::regclass",
            &[],
            false,
        ),
    ];
    for (index, key, concurrently) in cases {
        let bench = Bench::new("indexes", &format!("{BASE} {index}")).await;
        let view = grouped(bench.view("v").await, &["a"]);
        assert_eq!((key_names(&view).as_slice(), view.has_unique_index), (key, concurrently), "{index}");
        bench
            .run("UPDATE t SET a = 'moved' WHERE id < 4; DELETE FROM t WHERE id = 9; INSERT INTO t VALUES (30, 'new')")
            .await;
        bench.check_and_refresh(&view, key).await;
    }
}

#[tokio::test]
async fn a_key_of_three_types() {
    let bench = Bench::new("three_types", &format!("{BASE} CREATE UNIQUE INDEX ON v (c, u, a)")).await;
    let view = grouped(bench.view("v").await, &["b"]);
    bench
        .run("UPDATE t SET b = 0 WHERE id = 1; UPDATE t SET id = 0 WHERE id = 2; UPDATE t SET u = NULL WHERE id = 3")
        .await;
    let totals = bench.check_and_refresh(&view, &["c", "u", "a"]).await.totals();
    assert_eq!((totals.moved, totals.changed, totals.missing, totals.gone), (1, Some(1), 1, 1));
}

/// Any type with an ordering can be a key, also one whose operators are not on the search_path.
#[tokio::test]
async fn keys_of_any_type() {
    let types =
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public; CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public;
        CREATE TYPE mood AS ENUM ('m1', 'm2', 'm3', 'm4', 'm5', 'm6'); CREATE TYPE pair AS (x int, y text);
        CREATE DOMAIN code AS varchar(9) NOT NULL; CREATE DOMAIN few AS int[];";
    let cases = [
        ("numeric(6,2)", "n"),
        ("varchar(4)", "'v' || n"),
        ("char(5)", "'c' || n"),
        ("citext", "'C' || n"),
        ("mood", "('m' || n)::mood"),
        ("pair", "ROW(n, 'y')::pair"),
        ("int[]", "ARRAY[n, NULL]"),
        ("text[]", "ARRAY['a', n::text]"),
        ("mood[]", "ARRAY['m1', 'm' || n]::mood[]"),
        ("code", "'d' || n"),
        ("few", "ARRAY[n]::few"),
        ("int4range", "int4range(n, n + 2)"),
        ("bit(4)", "n::bit(4)"),
        ("bytea", "('\\x0' || n)::bytea"),
        ("interval", "n * interval '1 day'"),
        ("inet", "('10.0.0.' || n)::inet"),
        ("float8", "n::float8 / 3"),
        ("\"char\"", "chr(96 + n)::\"char\""),
        ("name", "'n' || n"),
        ("jsonb", "jsonb_build_object('k', n)"),
        ("timestamptz(0)", "'2026-03-29'::timestamptz + n * interval '1 h'"),
        ("date", "'2026-01-01'::date + n"),
        ("ltree", "('a.b' || n)::ltree"),
        ("tsvector", "('w' || n)::tsvector"),
        ("oid", "n::oid"),
        ("money", "n::money"),
        ("time", "make_time(n, 0, 0)"),
        ("macaddr", "('08:00:2b:01:02:0' || n)::macaddr"),
        ("boolean", "n = 1"),
    ];
    for (data_type, value) in cases {
        let most = if data_type == "boolean" { 2 } else { 6 };
        let sql = format!(
            "{types} CREATE TABLE t (k {data_type}, n int, g int);
             INSERT INTO t SELECT {value}, n, 0 FROM generate_series(1, {most}) n;
             CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (k)"
        );
        let bench = Bench::new("key_types", &sql).await;
        let view = grouped(bench.view("v").await, &["g"]);
        assert_eq!(key_names(&view), ["k"], "{data_type}");
        bench.run("UPDATE t SET g = 1 WHERE n = 1; DELETE FROM t WHERE n = 3; UPDATE t SET n = 50 WHERE n = 2").await;
        let totals = bench.check_and_refresh(&view, &["k"]).await.totals();
        assert_eq!((totals.moved, totals.changed), (1, Some(1)), "{data_type}");
    }
}

/// Equal keys that are written differently are one row, which changed.
#[tokio::test]
async fn keys_that_are_equal_but_not_the_same() {
    let cases = [
        ("numeric", "1.0", "1.00", "trim_scale(k)"),
        ("citext", "'Ana'", "'ANA'", "lower(k::text)"),
        ("float8", "0", "'-0'", "k + 0"),
        ("interval", "'1 mon'", "'30 days'", "extract(epoch FROM k)"),
        ("text COLLATE public.\"no case\"", "'Ana'", "'ana'", "lower(k COLLATE \"C\")"),
    ];
    for (data_type, before, after, canonical) in cases {
        let sql = format!(
            "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
             CREATE COLLATION IF NOT EXISTS public.\"no case\" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE t (k {data_type}, id int); INSERT INTO t VALUES ({before}, 1), (NULL, 2);
             CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (k)"
        );
        let bench = Bench::new("equal_keys", &sql).await;
        let view = grouped(bench.view("v").await, &["id"]);
        bench.run(&format!("UPDATE t SET k = {after} WHERE id = 1")).await;
        let totals = bench.check_and_refresh(&view, &[canonical]).await.totals();
        assert_eq!((totals.changed, totals.missing, totals.gone), (Some(1), 0, 0), "{data_type}");
    }
}

/// An index that tells apart what the column's collation takes for equal is no key to join by.
#[tokio::test]
async fn an_index_in_another_collation_than_its_column() {
    let sql = "CREATE COLLATION IF NOT EXISTS public.\"no case\" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE t (k text COLLATE public.\"no case\", n int); INSERT INTO t VALUES ('a', 1), ('A', 2), ('b', 3);
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (k COLLATE \"C\")";
    let bench = Bench::new("collations", sql).await;
    let view = grouped(bench.view("v").await, &["k"]);
    assert_eq!((key_names(&view).len(), view.refresh_mode(true)), (0, RefreshMode::Concurrently));
    bench.run("UPDATE t SET k = 'B' WHERE n = 3; UPDATE t SET n = 7 WHERE n = 2").await;
    bench.check_and_refresh(&view, &[]).await;
    let sql = "CREATE TABLE t (k text, n int); INSERT INTO t VALUES ('a', 1), ('A', 2); CREATE MATERIALIZED VIEW v AS SELECT * FROM t;
        CREATE UNIQUE INDEX ON v (k COLLATE \"POSIX\")";
    let bench = Bench::new("collations_too", sql).await;
    let view = bench.view("v").await;
    assert_eq!(key_names(&view), ["k"]);
    bench.run("UPDATE t SET n = 3 WHERE n = 2").await;
    bench.check_and_refresh(&view, &["k"]).await;
}

/// An index by images lets 1.0 and 1.00 stand side by side.
#[tokio::test]
async fn an_index_with_an_equality_of_its_own() {
    let sql = "CREATE TYPE one AS (n numeric); CREATE TABLE t (k one, g int);
        INSERT INTO t VALUES (ROW(1.0), 1), (ROW(1.00), 2), (ROW(2), 3);
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (k record_image_ops)";
    let bench = Bench::new("image_index", sql).await;
    let view = grouped(bench.view("v").await, &["g"]);
    bench.run("UPDATE t SET g = 7 WHERE g = 2; DELETE FROM t WHERE g = 3").await;
    let totals = bench.check_and_refresh(&view, &["k"]).await.totals();
    assert_eq!((totals.moved, totals.gone), (1, 1));
}

/// NULL pairs with NULL as long as that tells rows apart: what GROUP BY and outer joins give.
#[tokio::test]
async fn a_key_with_nulls_still_pairs_rows() {
    let sql = "CREATE TABLE t (who text, place text, n int);
        INSERT INTO t SELECT nullif('p' || i % 3, 'p0'), nullif('z' || i % 4, 'z0'), i FROM generate_series(1, 40) i;
        CREATE MATERIALIZED VIEW v AS SELECT who, place, count(*) AS rows, sum(n) > 150 AS many FROM t GROUP BY who, place;";
    let writes = "UPDATE t SET n = n + 50 WHERE who IS NULL; UPDATE t SET place = NULL WHERE n = 7; DELETE FROM t WHERE place = 'z2' AND who IS NULL";
    for nulls in ["", "NULLS NOT DISTINCT"] {
        let sql = format!("{sql} CREATE UNIQUE INDEX ON v (who, place) {nulls}");
        let bench = Bench::new("null_keys", &sql).await;
        let view = grouped(bench.view("v").await, &["who", "many"]);
        let first = bench.compare(&view, Scope::Groups, None).await;
        assert_eq!(first.drift.pairing, Pairing::KeyWithNulls);
        bench.run(writes).await;
        bench.check_since(&view, &first).await;
        let drift = bench.check_and_refresh(&view, &["who", "place"]).await;
        assert!(drift.is_keyed() && drift.totals().moved > 0, "{nulls}");
    }
}

/// Where NULLs let several rows have one key, none is told from the others: whole rows are compared.
#[tokio::test]
async fn a_key_that_nulls_make_ambiguous_is_none() {
    let sql = "CREATE TABLE t (k int, a int[], g text); INSERT INTO t VALUES (1, '{1}', 'x'), (2, '{}', 'x'), (3, NULL, 'x'), (NULL, NULL, 'x'), (NULL, NULL, 'y'), (NULL, NULL, 'z');
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (k)";
    let bench = Bench::new("ambiguous", sql).await;
    let view = grouped(bench.view("v").await, &["g"]);
    let first = bench.compare(&view, Scope::Groups, None).await;
    bench.run("UPDATE t SET g = 'w' WHERE g = 'z'; UPDATE t SET g = 'y' WHERE k = 1").await;
    bench.check_since(&view, &first).await;
    let drift = bench.check_and_refresh(&view, &["k"]).await;
    assert!(!drift.is_keyed());
    let totals = drift.totals();
    assert_eq!((totals.view, totals.live, totals.missing, totals.gone, totals.moved), (6, 6, 2, 2, 0));

    // An empty array is not NULL.
    let bench = Bench::new(
        "empty_arrays",
        &sql.replace("(k)", "(a)").replace(", (NULL, NULL, 'x'), (NULL, NULL, 'y'), (NULL, NULL, 'z')", ""),
    )
    .await;
    let view = grouped(bench.view("v").await, &["g"]);
    bench.run("UPDATE t SET g = 'y' WHERE k = 2").await;
    let drift = bench.check_and_refresh(&view, &["a"]).await;
    assert_eq!((drift.is_keyed(), drift.totals().moved), (true, 1));
}

/// The rows that are live now may break the key (and the next refresh will fail); the counts stay right.
#[tokio::test]
async fn live_rows_that_break_the_key() {
    let bench = Bench::new("broken", &format!("{BASE} CREATE UNIQUE INDEX ON v (id)")).await;
    let view = grouped(bench.view("v").await, &["a"]);
    let first = bench.compare(&view, Scope::Groups, None).await;
    bench
        .run("INSERT INTO t VALUES (1, 'again'), (40, 'twice'), (40, 'twice'); UPDATE t SET a = 'moved' WHERE id = 2")
        .await;
    bench.check_since(&view, &first).await;
    let broken = bench.compare(&view, Scope::Groups, None).await;
    let drift = bench.check(&view, &["id"]).await;
    assert!(!drift.is_keyed());
    assert_eq!((drift.totals().view, drift.totals().live, drift.totals().missing), (20, 23, 4));
    // Two new rows of one key are two missing rows.
    bench.run("DELETE FROM t WHERE a = 'again'").await;
    bench.check_since(&view, &broken).await;
    let drift = bench.check(&view, &["id"]).await;
    assert!(drift.is_keyed());
    assert_eq!((drift.totals().missing, drift.totals().moved), (2, 1));
}

#[tokio::test]
async fn the_time_of_the_refresh_in_a_unique_index_makes_no_key() {
    let sql = "CREATE TABLE t (id int, g text); INSERT INTO t VALUES (1, 'a'), (2, 'b');
        CREATE MATERIALIZED VIEW v AS SELECT id, g, now() AS at FROM t; CREATE UNIQUE INDEX ON v (id, at)";
    let bench = Bench::new("stamped_key", sql).await;
    let view = grouped(bench.view("v").await, &["g"]);
    assert_eq!((key_names(&view).len(), view.has_unique_index), (0, true));
    bench.run("UPDATE t SET g = 'c' WHERE id = 1").await;
    bench.check_and_refresh(&view, &[]).await;
    bench.run("CREATE UNIQUE INDEX ON v (g, id, id)").await;
    assert_eq!(key_names(&bench.view("v").await), ["g", "id", "id"]);
}

/// PostgreSQL's hash of a bigint folds its halves into one, so that tenant and number in one key could change places unseen.
#[tokio::test]
async fn a_key_of_two_halves_is_summed_by_both() {
    let sql = "CREATE TABLE t (id bigint, g int); INSERT INTO t SELECT (2::bigint << 32) | n, 1 FROM generate_series(0, 1023) n;
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id)";
    let bench = Bench::new("halves", sql).await;
    let view = grouped(bench.view("v").await, &["g"]);
    let before = bench.compare(&view, Scope::Groups, None).await;
    bench.run("UPDATE t SET id = id + (1::bigint << 32)").await;
    let after = bench.compare(&view, Scope::Groups, Some(&before)).await;
    assert_eq!((after.totals.missing, after.totals.gone), (1024, 1024));
    bench.run("UPDATE t SET id = -1 - (id & 1023); INSERT INTO t VALUES (NULL, 1)").await;
    bench.check_since(&view, &before).await;
}
