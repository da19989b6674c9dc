//! What a role, a database or the planner is set to changes no answer.

use mvtop::demo::cluster::DATABASE;
use mvtop::domain::drift::Scope;
use mvtop::pg::catalog;

use super::{Bench, connect, grouped, watching};

/// Digits that are left out, names that are all quoted, and a snapshot that is waited for.
#[tokio::test]
async fn what_a_role_has_set_changes_no_answer() {
    let mut bench = Bench::new(
        "of_a_role",
        "CREATE TABLE t (id int, f float8); INSERT INTO t SELECT n, n / 7.0 FROM generate_series(1, 100) n;
         CREATE MATERIALIZED VIEW v AS SELECT id, f, now() AS at FROM t; UPDATE t SET f = f * (1 + 4e-16) WHERE id <= 50;
         CREATE MATERIALIZED VIEW k AS SELECT id, array[f] AS f, now() AS at FROM t; CREATE UNIQUE INDEX ON k (id);
         UPDATE t SET f = f * (1 + 4e-16) WHERE id = 99;
         DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN SUPERUSER; ALTER ROLE odd SET extra_float_digits = -5;
         ALTER ROLE odd SET quote_all_identifiers = on; ALTER ROLE odd SET default_transaction_deferrable = on;
         ALTER ROLE odd SET default_transaction_isolation = serializable",
    )
    .await;
    // Whoever waits for a safe snapshot waits for this.
    let other = connect(&bench.cluster.conninfo_for("odd", DATABASE)).await;
    other.batch_execute("BEGIN NOT DEFERRABLE; INSERT INTO of_a_role.t VALUES (-1, 1)").await.unwrap();
    let differing = "SELECT count(*) FROM (SELECT id, f FROM v EXCEPT SELECT id, f FROM t) d";
    let differing = bench.client.query_one(differing, &[]).await.unwrap().get::<_, i64>(0) as u64;
    assert!(differing > 40, "{differing}");
    for role in ["postgres", "odd"] {
        (bench.session, bench.reader) = watching(&bench.cluster.conninfo_for(role, DATABASE)).await;
        let [v, k] = [bench.view("v").await, bench.view("k").await];
        assert_eq!([v.refresh_columns.concat(), k.refresh_columns.concat()], ["at", "at"], "{role}");
        let totals = bench.compare(&v, Scope::Values, None).await.totals;
        assert_eq!((totals.missing, totals.gone), (differing, differing), "{role}");
        assert_eq!(bench.compare(&k, Scope::Values, None).await.totals.changed, Some(1), "{role}");
    }
}

/// A database whose encoding lacks what our own words are written with.
#[tokio::test]
async fn a_database_of_another_encoding_is_read() {
    let bench = Bench::new("encodings", "SELECT 1").await;
    bench.run("DROP DATABASE IF EXISTS latin").await;
    bench.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").await;
    let conninfo = bench.cluster.conninfo_for("postgres", "latin");
    let client = connect(&conninfo).await;
    let sql = "CREATE TABLE t (id int, g text); INSERT INTO t VALUES (1, 'Nuñez'), (2, 'b');
        CREATE MATERIALIZED VIEW \"vista_ñ\" AS SELECT id, g FROM t; CREATE UNIQUE INDEX ON \"vista_ñ\" (id);
        UPDATE t SET g = 'Peña' WHERE id = 1";
    client.batch_execute(sql).await.unwrap();
    let (session, reader) = watching(&conninfo).await;
    let view = grouped(catalog::views(&session, None).await.unwrap().remove(0), &["g"]);
    assert_eq!(view.name.name, "vista_ñ");
    let latin = Bench { session, reader, client, ..bench };
    assert_eq!(latin.compare(&view, Scope::Values, None).await.totals.moved, 1);
}

/// Which of two rows of the same time is the newest, only the plan decides: it is the one that a refresh runs by.
#[tokio::test]
async fn a_definition_that_leaves_a_choice_is_run_by_the_plan_of_a_refresh() {
    let bench = Bench::new(
        "choices",
        "CREATE TABLE m (id int PRIMARY KEY, conv int, at timestamptz, body text, pad text);
         INSERT INTO m SELECT g, g % 2000, timestamptz '2026-01-01' + (g / 20000) * interval '1 hour', 'b' || g, repeat('y', 150)
         FROM generate_series(1, 100000) g; ANALYZE m;
         CREATE MATERIALIZED VIEW v AS SELECT DISTINCT ON (conv) conv, id, body FROM m ORDER BY conv, at DESC;
         CREATE UNIQUE INDEX ON v (conv);
         CREATE MATERIALIZED VIEW w AS SELECT DISTINCT ON (conv) conv, id FROM m ORDER BY conv, at DESC, id",
    )
    .await;
    let view = bench.view("v").await;
    assert!(view.may_tie());
    for _ in 0..3 {
        assert_eq!(bench.compare(&view, Scope::Values, None).await.totals.changed, Some(0));
    }
    let other = bench.view("w").await;
    assert!(!other.may_tie(), "its order tells all rows apart: {:?}", other.identities);
    let below = "CREATE VIEW newest AS SELECT DISTINCT ON (conv) conv, id FROM m ORDER BY conv, at DESC;
         CREATE VIEW all_of_it AS SELECT conv, id FROM m;
         CREATE VIEW through AS SELECT n.conv, a.id FROM newest n JOIN all_of_it a USING (id);
         CREATE TABLE log (id int PRIMARY KEY, conv int); CREATE TABLE log_2025 () INHERITS (log);
         CREATE MATERIALIZED VIEW simple AS SELECT conv, id FROM all_of_it;
         CREATE MATERIALIZED VIEW chosen AS SELECT conv, id FROM through;
         CREATE MATERIALIZED VIEW parent AS SELECT DISTINCT ON (conv) conv, id FROM log ORDER BY conv, id";
    bench.run(below).await;
    let mut ties = Vec::new();
    for name in ["simple", "chosen", "parent"] {
        ties.push(bench.view(name).await.may_tie());
    }
    assert_eq!(
        ties,
        [false, true, true],
        "what a plain view below leaves open counts, and a child's ids as the parent's"
    );
}

/// Until PostgreSQL 16 a refresh finds what functions name on the path of whoever asks for it.
#[tokio::test]
async fn what_a_function_names_without_a_schema_is_found_as_a_refresh_finds_it() {
    let mut bench = Bench::new(
        "bare_names",
        "CREATE TABLE o (id int, n int); INSERT INTO o VALUES (1, 1), (2, 2);
         CREATE FUNCTION lookup(i int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT n FROM o WHERE id = i); END';
         DROP ROLE IF EXISTS finder; CREATE ROLE finder LOGIN SUPERUSER; ALTER ROLE finder SET search_path = bare_names",
    )
    .await;
    let version: i32 =
        bench.client.query_one("SELECT current_setting('server_version_num')::int", &[]).await.unwrap().get(0);
    if version >= 170_000 {
        // There no refresh finds it either, nor can the view be made.
        return;
    }
    bench.run("CREATE MATERIALIZED VIEW v AS SELECT id, lookup(id) AS l FROM o; CREATE UNIQUE INDEX ON v (id)").await;
    bench.run("UPDATE o SET n = 7 WHERE id = 2").await;
    bench.run("ALTER MATERIALIZED VIEW v OWNER TO finder").await;
    (bench.session, bench.reader) = watching(&bench.cluster.conninfo_for("postgres", DATABASE)).await;
    let view = bench.view("v").await;
    assert_eq!(bench.compare(&view, Scope::Values, None).await.totals.changed, Some(1));
}
