//! Columns that hold the time of the refresh are left out of the comparison; columns that only look like it are not.

use super::{Bench, grouped};

#[tokio::test]
async fn the_time_of_the_refresh_is_left_out() {
    let cases = [
        "SELECT id, g, now() AS at FROM t",
        "SELECT id, g, CURRENT_TIMESTAMP AS \"at\" FROM t",
        "SELECT id, g, CURRENT_TIMESTAMP(2) AS at FROM t",
        "SELECT id, g, clock_timestamp() AS at FROM t",
        "SELECT id, g, statement_timestamp() AT FROM t",
        "SELECT id, g, transaction_timestamp() AS at FROM t GROUP BY id, g",
        "SELECT DISTINCT ON (id) id, g, now() AS at FROM t ORDER BY id, g",
        "WITH c AS (SELECT id, g FROM t) SELECT c.id, c.g, now() AS at FROM c",
        "WITH c AS (SELECT id, g, now() AS then FROM t) SELECT id, g, c.then AS at FROM c",
        "SELECT s.id, s.g, s.at FROM (SELECT id, g, now() AS at FROM t) s",
        "SELECT x.id, x.g, s.at FROM t x LEFT JOIN t y ON x.id = y.id CROSS JOIN (SELECT now() AS at) s",
        "SELECT id, g, now() AS at FROM t WHERE id < 4 UNION ALL SELECT id, g, CURRENT_TIMESTAMP FROM t WHERE id >= 4",
        "SELECT id, g || E'\\\\''x' AS g, now() AS at FROM t",
        "SELECT id, g, (now()) AS at FROM t WHERE g IS DISTINCT FROM ', now() AS x'",
    ];
    for definition in cases {
        let sql = format!(
            "CREATE TABLE t (id int, g text); INSERT INTO t SELECT n, 'g' || n % 2 FROM generate_series(1, 6) n;
             CREATE MATERIALIZED VIEW v AS {definition}; CREATE UNIQUE INDEX ON v (id);
             ALTER MATERIALIZED VIEW v RENAME at TO \"vista_actualizada_at\""
        );
        let bench = Bench::new("stamps", &sql).await;
        let view = grouped(bench.view("v").await, &["g"]);
        assert_eq!(view.refresh_columns, ["vista_actualizada_at"], "{definition}");
        assert_eq!(bench.check(&view, &["id"]).await.totals().wrong(), 0, "{definition}");
        bench.run("UPDATE t SET g = 'x' WHERE id = 1").await;
        assert_eq!(bench.check_and_refresh(&view, &["id"]).await.totals().moved, 1, "{definition}");
    }
}

#[tokio::test]
async fn what_looks_like_the_time_of_the_refresh_is_compared() {
    let cases = [
        "SELECT id, seen AS at FROM t",
        "SELECT id, greatest(seen, now() - interval '1000 years') AS at FROM t",
        "SELECT id, CASE WHEN seen IS NULL THEN now() ELSE seen END AS at FROM t",
        "SELECT id, date_trunc('year', seen) AS at, 'now() AS at' AS b FROM t",
        "SELECT id, seen AS at, E'x,\n    now() AS at,\n  y' AS \"now() AS at\" FROM t",
        "SELECT t.id, t.seen AS at FROM t, (SELECT now() AS at) s WHERE s.at IS NOT NULL",
        "SELECT id, s.at FROM (SELECT id, seen AS at, now() AS other FROM t) s",
        "SELECT id, seen AS at FROM t UNION ALL SELECT -1, now() WHERE false",
        "SELECT id, \"now()\" AS at FROM (SELECT id, seen AS \"now()\" FROM t) s",
        "SELECT id, now() AS at FROM (SELECT id, seen AS now FROM t) s CROSS JOIN LATERAL (SELECT s.now) AS q(now)",
    ];
    for (place, definition) in cases.into_iter().enumerate() {
        let sql = format!(
            "CREATE TABLE t (id int, seen timestamptz); INSERT INTO t SELECT n, '2020-01-01' FROM generate_series(1, 6) n;
             CREATE FUNCTION now() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '2020-01-01'::timestamptz $$;
             CREATE MATERIALIZED VIEW v AS {definition}; CREATE UNIQUE INDEX ON v (id)"
        );
        let bench = Bench::new("look_alikes", &sql).await;
        let view = bench.view("v").await;
        if place == cases.len() - 1 {
            // This one is now() indeed: a function's brackets tell it from the column.
            assert_eq!(view.refresh_columns, ["at"], "{definition}");
            continue;
        }
        assert_eq!(view.refresh_columns, [""; 0], "{definition}");
        bench.run("UPDATE t SET seen = '2021-01-01' WHERE id = 1").await;
        assert_eq!(bench.check_and_refresh(&view, &["id"]).await.totals().changed, Some(1), "{definition}");
    }
}

/// A function of the same name in another schema gives what it likes.
#[tokio::test]
async fn somebody_else_s_now_is_compared() {
    let sql = "CREATE TABLE t (id int, at timestamptz); INSERT INTO t VALUES (1, '2020-01-01');
        CREATE FUNCTION now() RETURNS timestamptz STABLE LANGUAGE sql AS $$ SELECT max(at) FROM other_now.t $$;
        CREATE MATERIALIZED VIEW v AS SELECT id, other_now.now() AS at FROM t; CREATE UNIQUE INDEX ON v (id)";
    let bench = Bench::new("other_now", sql).await;
    let view = bench.view("v").await;
    assert_eq!(view.refresh_columns, [""; 0]);
    bench.run("UPDATE t SET at = '2021-01-01'").await;
    assert_eq!(bench.check_and_refresh(&view, &["id"]).await.totals().changed, Some(1));
}
