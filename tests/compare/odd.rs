//! Odd types and odd definitions.

use mvtop::domain::drift::{Pairing, Scope};
use mvtop::domain::matrix::Comparison;
use mvtop::pg::compare;
use mvtop::pg::look::FENCE;

use super::{Bench, grouped, key_names};

/// Makes view `v`, changes what is under it, and compares; `key` is both the key expected and what pairs rows.
async fn drifts(schema: &'static str, sql: &str, key: &[&str], groups: &[&str], writes: &str) {
    let bench = Bench::new(schema, sql).await;
    let view = grouped(bench.view("v").await, groups);
    assert_eq!(key_names(&view), key, "{schema}: key");
    bench.run(writes).await;
    bench.check_and_refresh(&view, key).await;
}

/// Types without an equality, types whose equal values differ, and types whose bytes are not their value.
#[tokio::test]
async fn values_of_any_type_are_compared_by_what_they_are() {
    let sql = r#"
        CREATE TYPE mood AS ENUM ('calm', 'tense');
        CREATE TYPE spot AS (x int, y numeric, "odd name" text);
        CREATE DOMAIN short AS varchar(20) CHECK (value <> '');
        CREATE DOMAIN spots AS spot[];
        CREATE TABLE t (id int PRIMARY KEY, a json, b jsonb, c xml, d point, e box, f numeric, g float8, h float4,
            i int[], j text[], k mood, l spot, m spot[], n short, o int4range, p int4multirange, q bytea, r tsvector,
            s interval, t inet, u bit(3), v bit varying, w char(5), x "char", y name, z money, aa timetz, ab path,
            ac circle, ad macaddr, ae uuid, af mood[], ag short[], ah oid, ai regclass, aj pg_lsn, ak hstore, al citext,
            am spots, an varchar(3), ao timestamptz, ap date, aq lseg, ar polygon, at int2vector, au jsonpath, av cidr);
        INSERT INTO t SELECT n, '{"a": 1}', '{"a": 1}', '<a/>', '(1,2)', '((0,0),(1,1))', 1.0, 'NaN', 0, '{1,NULL,3}',
            '{a,"b c",NULL}', 'calm', '(1,2.0,"a,b")', '{"(1,2,x)"}', 'x', '[1,5)', '{[1,3)}', '\x00ff', 'a b', '1 mon',
            '10.0.0.1', '101', '1', 'ab', 'x', 'name', 5, '10:00+02', '[(0,0),(1,1)]', '<(0,0),1>', '08:00:2b:01:02:03',
            '00000000-0000-0000-0000-000000000001', '{calm,tense}', '{x,y}', 1, 'pg_class', '0/1', 'a=>1', 'Ana',
            '{"(1,2,x)"}', 'abc', '2026-01-01', '2026-01-01', '[(0,0),(1,1)]', '((0,0),(1,1))', '1 2', '$.a', '10.0.0.0/8'
        FROM generate_series(1, 60) n;
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t;
        CREATE UNIQUE INDEX ON v (id);"#;
    let writes = r#"
        UPDATE t SET a = '{"a":  1}' WHERE id = 1;          UPDATE t SET b = '{"a": 2}' WHERE id = 2;
        UPDATE t SET c = '<a></a>' WHERE id = 3;            UPDATE t SET d = '(1,2.5)' WHERE id = 4;
        UPDATE t SET e = '((0,0),(1,2))' WHERE id = 5;      UPDATE t SET f = 1.00 WHERE id = 6;
        UPDATE t SET g = 'Infinity' WHERE id = 7;           UPDATE t SET h = '-0' WHERE id = 8;
        UPDATE t SET i = '[0:2]={1,NULL,3}' WHERE id = 9;   UPDATE t SET j = '{a,"b c","NULL"}' WHERE id = 10;
        UPDATE t SET k = 'tense' WHERE id = 11;             UPDATE t SET l = '(1,2.00,"a,b")' WHERE id = 12;
        UPDATE t SET m = '{"(1,2,)"}' WHERE id = 13;        UPDATE t SET n = 'y' WHERE id = 14;
        UPDATE t SET o = 'empty' WHERE id = 15;             UPDATE t SET p = '{}' WHERE id = 16;
        UPDATE t SET q = '' WHERE id = 17;                  UPDATE t SET r = 'a' WHERE id = 18;
        UPDATE t SET s = '30 days' WHERE id = 19;           UPDATE t SET t = '10.0.0.1/24' WHERE id = 20;
        UPDATE t SET u = '100' WHERE id = 21;               UPDATE t SET v = '10' WHERE id = 22;
        UPDATE t SET w = 'a' WHERE id = 23;                 UPDATE t SET x = '' WHERE id = 24;
        UPDATE t SET y = 'nama' WHERE id = 25;              UPDATE t SET z = 6 WHERE id = 26;
        UPDATE t SET aa = '08:00+00' WHERE id = 27;         UPDATE t SET ab = '((0,0),(1,1))' WHERE id = 28;
        UPDATE t SET al = 'ANA' WHERE id = 29;              UPDATE t SET am = NULL WHERE id = 30;
        UPDATE t SET i = '{}' WHERE id = 31;                UPDATE t SET i = NULL WHERE id = 32;
        UPDATE t SET ak = 'a=>NULL' WHERE id = 33;          UPDATE t SET an = '' WHERE id = 34;
        UPDATE t SET an = NULL WHERE id = 35;               UPDATE t SET l = NULL WHERE id = 36;
        UPDATE t SET l = '(,,)' WHERE id = 37;              UPDATE t SET ao = '2026-01-01 00:00:00.000001' WHERE id = 38;
        UPDATE t SET au = '$.b' WHERE id = 39;              UPDATE t SET a = NULL WHERE id = 40;
        -- The same again is no drift: same values, new rows.
        UPDATE t SET id = id WHERE id > 50;"#;
    let extensions =
        "CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public; CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;";
    let bench = Bench::new("any_type", &format!("{extensions}{sql}")).await;
    let view = grouped(bench.view("v").await, &["k"]);
    bench.run(writes).await;
    let totals = bench.check_and_refresh(&view, &["id"]).await.totals();
    assert_eq!((totals.moved, totals.changed, totals.missing, totals.gone), (1, Some(39), 0, 0));
}

/// A whole row keeps the header of the table's row, whose hint bits and place change while its values do not.
#[tokio::test]
async fn a_table_s_whole_row_as_a_value_is_no_drift_until_it_changes() {
    let sql = "CREATE TABLE t (id int, x int); INSERT INTO t SELECT n, n FROM generate_series(1, 9) n;
               CREATE MATERIALIZED VIEW v AS SELECT t.id, t AS one, ARRAY[t] AS few FROM t; CREATE UNIQUE INDEX ON v (id)";
    let bench = Bench::new("whole_row", sql).await;
    let view = bench.view("v").await;
    for sql in ["SELECT count(*) FROM t", "UPDATE t SET x = x WHERE id < 5", "VACUUM t"] {
        bench.run(sql).await;
    }
    assert_eq!(bench.check(&view, &["id"]).await.totals().wrong(), 0);
    bench.run("UPDATE t SET x = 0 WHERE id = 1").await;
    assert_eq!(bench.check_and_refresh(&view, &["id"]).await.totals().changed, Some(1));
}

#[tokio::test]
async fn a_view_without_a_key_is_a_multiset_of_rows() {
    let sql =
        "CREATE TABLE t (a int, b text, j json); INSERT INTO t VALUES (1, 'x', '1'), (1, 'x', '1'), (1, 'x', '1'),
               (2, NULL, NULL), (2, NULL, NULL), (NULL, NULL, NULL), (3, '', '{}'), (4, 'a,b', '{}');
               CREATE MATERIALIZED VIEW v AS SELECT * FROM t";
    let writes = "DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a = 1 LIMIT 2);
                  INSERT INTO t VALUES (2, NULL, NULL), (2, NULL, NULL), (5, 'new', NULL), (NULL, NULL, NULL);
                  UPDATE t SET b = NULL WHERE a = 3; UPDATE t SET a = 9 WHERE a = 4";
    drifts("multiset", sql, &[], &["a=b"], writes).await;
}

#[tokio::test]
async fn no_rows_no_columns_and_no_groups_are_compared_too() {
    let bench = Bench::new("nothing", "CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT FROM t").await;
    let view = bench.view("v").await;
    let empty = bench.check(&view, &[]).await.totals();
    assert_eq!((empty.view, empty.live, empty.wrong()), (0, 0, 0));
    bench.run("INSERT INTO t VALUES (1), (2)").await;
    assert_eq!(bench.check_and_refresh(&view, &[]).await.totals().missing, 2);

    let bench = Bench::new(
        "no_rows",
        "CREATE TABLE t (a int); CREATE MATERIALIZED VIEW v AS SELECT a FROM t; CREATE UNIQUE INDEX ON v (a)",
    )
    .await;
    let view = bench.view("v").await;
    assert_eq!(bench.check(&view, &["a"]).await.totals().wrong(), 0);
    bench.run("INSERT INTO t VALUES (1), (NULL), (NULL)").await;
    assert_eq!(bench.check_and_refresh(&view, &["a"]).await.totals().missing, 3);
    bench.run("TRUNCATE t").await;
    assert_eq!(bench.check_and_refresh(&view, &["a"]).await.totals().gone, 3);
}

/// As many columns as a table may have, near enough, each of them compared.
#[tokio::test]
async fn hundreds_of_columns() {
    let columns: Vec<String> = (1..=1500).map(|i| format!("{i} * (n % 2) AS c{i}")).collect();
    let sql = format!(
        "CREATE TABLE t AS SELECT n FROM generate_series(1, 6) n;
         CREATE MATERIALIZED VIEW v AS SELECT n, {} FROM t; CREATE UNIQUE INDEX ON v (n)",
        columns.join(", ")
    );
    drifts("wide", &sql, &["n"], &["c1"], "UPDATE t SET n = 10 WHERE n = 1; DELETE FROM t WHERE n = 2").await;
    let sql = sql.replace("; CREATE UNIQUE INDEX ON v (n)", "");
    drifts("wide_multiset", &sql, &[], &["c1"], "UPDATE t SET n = 10 WHERE n = 1; DELETE FROM t WHERE n = 2").await;
}

const SALES: &str = "CREATE TABLE t (id int, who text, place text, n int);
    INSERT INTO t SELECT i, 'p' || i % 5, nullif('z' || i % 3, 'z0'), i % 7 FROM generate_series(1, 60) i;";
const SALES_WRITES: &str = "UPDATE t SET who = 'p9', n = 3 WHERE id % 11 = 0; UPDATE t SET place = 'z0' WHERE id = 7;
    DELETE FROM t WHERE id IN (5, 6); INSERT INTO t VALUES (70, 'new', NULL, 1), (71, NULL, 'z1', 2)";

/// Every shape of a definition that `pg_get_viewdef` writes differently.
#[tokio::test]
async fn definitions_of_any_shape() {
    let cases: [(&'static str, &str, &str, &[&str]); 12] = [
        (
            "with_query",
            "WITH a AS MATERIALIZED (SELECT * FROM t WHERE n > 1), b AS (SELECT id, who FROM a) SELECT * FROM b",
            "id",
            &["who"],
        ),
        (
            "with_recursive",
            "WITH RECURSIVE r(id, who) AS (SELECT id, who FROM t WHERE id < 9 UNION SELECT r.id + 100, r.who FROM r WHERE r.id < 300) SELECT * FROM r",
            "id",
            &["who"],
        ),
        (
            "union_query",
            "SELECT id, who, 'a' AS kind FROM t UNION ALL (SELECT id, place, 'b' FROM t ORDER BY id LIMIT 40)",
            "id, kind",
            &["who", "kind"],
        ),
        ("except_query", "SELECT id, who FROM t EXCEPT SELECT id, who FROM t WHERE n = 3", "id", &["who"]),
        (
            "values_query",
            "VALUES ((SELECT max(id) FROM t), 'a;--'), ((SELECT count(*) FROM t), $$b'\"\\$$)",
            "column2",
            &[],
        ),
        ("set_returning", "SELECT id, generate_series(1, n) AS s, unnest(ARRAY[who, place]) AS u FROM t", "", &["u"]),
        (
            "window_query",
            "SELECT id, who, rank() OVER w AS r, sum(n) OVER w AS s FROM t WINDOW w AS (PARTITION BY who ORDER BY n, id)",
            "id",
            &["who"],
        ),
        ("limited", "SELECT id, who, n FROM t ORDER BY n DESC, id OFFSET 2 FETCH FIRST 20 ROWS ONLY", "id", &["who"]),
        (
            "grouping_sets",
            "SELECT who, place, count(*) AS n, grouping(who, place) AS level FROM t GROUP BY GROUPING SETS ((who, place), (who), ())",
            "who, place, level",
            &["who", "place"],
        ),
        ("distinct_on", "SELECT DISTINCT ON (who) who, place, id FROM t ORDER BY who, n, id", "who", &["place"]),
        (
            "lateral_join",
            "SELECT a.id, a.who, b.s FROM t a LEFT JOIN LATERAL (SELECT sum(n) AS s FROM t b WHERE b.who = a.who) b ON true",
            "id",
            &["who"],
        ),
        (
            "filtered_aggregate",
            "SELECT who, array_agg(id ORDER BY id) AS ids, count(*) FILTER (WHERE place IS NULL) AS n FROM t GROUP BY who HAVING count(*) > 1",
            "who",
            &["n"],
        ),
    ];
    for (schema, definition, key, groups) in cases {
        let index = if key.is_empty() { String::new() } else { format!("; CREATE UNIQUE INDEX ON v ({key})") };
        let sql = format!("{SALES} CREATE MATERIALIZED VIEW v AS {definition}{index}");
        let key: Vec<&str> = key.split(", ").filter(|k| !k.is_empty()).collect();
        drifts(schema, &sql, &key, groups, SALES_WRITES).await;
    }
}

/// A refresh never asks for the numbers of a row that the join takes away. A text that looks like what is put into statements
/// stays as it is.
#[tokio::test]
async fn a_definition_that_would_fail_on_rows_it_does_not_give() {
    let sql = "CREATE TABLE k (kind int PRIMARY KEY, has_seller bool); INSERT INTO k VALUES (1, true), (2, false);
        CREATE TABLE t (n int, kind int, what json);
        INSERT INTO t SELECT n, 1, json_build_object('id', n::text, 'seller', (n % 5)::text) FROM generate_series(1, 60) AS n;
        INSERT INTO t SELECT n, 2, '{\"id\": \"?\", \"seller\": \"n/a\"}' FROM generate_series(61, 90) AS n;
        CREATE MATERIALIZED VIEW v AS SELECT (what ->> 'id')::int AS id, (what ->> 'seller')::int AS seller, ' OFFSET 0/**/' AS odd
            FROM t JOIN k USING (kind) WHERE has_seller;
        CREATE UNIQUE INDEX ON v (id)";
    let writes = "UPDATE t SET what = json_build_object('id', n::text, 'seller', '9') WHERE n IN (2, 3); DELETE FROM t WHERE n = 7";
    drifts("unasked", sql, &["id"], &["seller"], writes).await;
    let bench = Bench::new("unasked_as_sent", sql).await;
    let view = grouped(bench.view("v").await, &["seller"]);
    let as_sent = compare::flow(&view, Pairing::Key, Scope::Values, false).sql.replace(FENCE, "");
    let failure = bench.client.query(&as_sent, &[]).await.unwrap_err();
    assert_eq!(failure.code().map(|code| code.code()), Some("22P02"), "as it stands it would not fail here");
}

#[tokio::test]
async fn views_on_views_on_views_on_partitions_and_foreign_tables() {
    let bench = Bench::new("layers", "").await;
    let rows = bench.cluster.data_dir().join("rows.csv");
    let file = rows.display();
    let sql = format!(
        "CREATE EXTENSION IF NOT EXISTS file_fdw SCHEMA public; DROP SERVER IF EXISTS files CASCADE;
         CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         COPY (SELECT i, 'f' || i FROM generate_series(1, 5) i) TO '{file}';
         CREATE FOREIGN TABLE f (id int, who text) SERVER files OPTIONS (filename '{file}');
         CREATE TABLE p (id int, who text) PARTITION BY RANGE (id);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
         CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (1000) PARTITION BY LIST (who);
         CREATE TABLE p3 PARTITION OF p2 DEFAULT;
         INSERT INTO p VALUES (50, 'a'), (60, 'b'), (150, 'c');
         CREATE VIEW together AS SELECT * FROM f UNION ALL SELECT * FROM p;
         CREATE MATERIALIZED VIEW below AS SELECT * FROM together;
         CREATE VIEW middle AS SELECT id, upper(who) AS who FROM below;
         CREATE MATERIALIZED VIEW v AS SELECT m.id, m.who, b.who AS raw FROM middle m JOIN together b USING (id);
         CREATE UNIQUE INDEX ON v (id)"
    );
    bench.run(&sql).await;
    let view = grouped(bench.view("v").await, &["who"]);
    let names: Vec<String> = bench
        .client
        .query(
            "SELECT relname::text FROM pg_class WHERE oid = ANY ($1) ORDER BY 1",
            &[&view.base_tables.iter().map(|o| o.0).collect::<Vec<_>>()],
        )
        .await
        .unwrap()
        .iter()
        .map(|r| r.get(0))
        .collect();
    assert_eq!(names, ["below", "f", "p", "p1", "p2", "p3"]);
    let change = format!(
        "UPDATE p SET who = 'z' WHERE id = 50; DELETE FROM p WHERE id = 60;
         COPY (SELECT i, 'g' || i FROM generate_series(2, 5) i) TO '{file}'"
    );
    bench.run(&change).await;
    let totals = bench.check_and_refresh(&view, &["id"]).await.totals();
    assert_eq!((totals.moved, totals.changed, totals.gone), (0, Some(5), 2));
    bench
        .run("REFRESH MATERIALIZED VIEW below; INSERT INTO p VALUES (700, 'new'); REFRESH MATERIALIZED VIEW below")
        .await;
    assert!(bench.check_and_refresh(&view, &["id"]).await.totals().moved > 0);
}

/// Group columns of types whose equal values have different texts, without an equality, or NULL.
#[tokio::test]
async fn groups_of_any_type() {
    let sql = "CREATE TABLE t (id int, n numeric, j json, c citext, p point, b boolean, u uuid, d date, z float8, a char(4));
        INSERT INTO t SELECT i, 1.0, '[1]', 'Ana', '(1,1)', true, '00000000-0000-0000-0000-000000000001', '2026-01-01', 0, 'ab' FROM generate_series(1, 20) i;
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id)";
    let writes =
        "UPDATE t SET n = 1.00 WHERE id = 1; UPDATE t SET j = '[ 1]' WHERE id = 2; UPDATE t SET c = 'ANA' WHERE id = 3;
        UPDATE t SET p = NULL WHERE id = 4; UPDATE t SET b = NULL WHERE id = 5; UPDATE t SET u = NULL WHERE id = 6;
        UPDATE t SET d = NULL WHERE id = 7; UPDATE t SET z = '-0' WHERE id = 8; UPDATE t SET b = false WHERE id = 9;
        UPDATE t SET a = 'abc' WHERE id = 10; DELETE FROM t WHERE id = 11";
    for groups in [["n", "j"], ["c", "p"], ["b=c", "u=n"], ["d", "z"], ["a=j", "b=p"]] {
        drifts(
            "group_types",
            &format!("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public; {sql}"),
            &["id"],
            &groups,
            writes,
        )
        .await;
    }
}

/// A label that only one side knows still names the group.
#[tokio::test]
async fn labels_may_be_null_or_differ() {
    let sql = "CREATE TABLE t (id int, ejecutivo_id int, ejecutivo_nombre text, coordinacion_id text);
        INSERT INTO t VALUES (1, 1, 'Osmara', 'VEN'), (2, 1, NULL, 'VEN'), (3, 2, NULL, NULL);
        CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id)";
    let bench = Bench::new("labels", sql).await;
    let view = bench.view("v").await;
    assert_eq!(view.groups, grouped(view.clone(), &["ejecutivo_id=ejecutivo_nombre", "coordinacion_id"]).groups);
    bench
        .run("UPDATE t SET ejecutivo_nombre = 'Berta' WHERE id = 3; UPDATE t SET coordinacion_id = 'BOOM' WHERE id = 1")
        .await;
    let drift = bench.check_and_refresh(&view, &["id"]).await;
    let osmara = drift.groups.ids().map(|id| drift.group(id)).find(|g| g.keys() == [Some("1"), Some("VEN")]).unwrap();
    assert_eq!(osmara.labels(), [Some("Osmara"), Some("VEN")]);
    bench.run("INSERT INTO t VALUES (4, 7, 'Carla', 'MVP')").await;
    let named = |c: &Comparison, key: &str| {
        let mut groups = c.drift.groups.ids().map(|id| c.drift.group(id));
        groups.find(|g| g.keys()[0] == Some(key)).unwrap().labels()[0].unwrap().to_string()
    };
    let first = bench.compare(&view, Scope::Groups, None).await;
    let names = ["1", "2", "7"].map(|key| named(&first, key));
    assert_eq!(names, ["Osmara", "Berta", "Carla"], "the last one is live only");
    bench.run("UPDATE t SET ejecutivo_nombre = 'Renamed'").await;
    let again = bench.compare(&view, Scope::Groups, Some(&first)).await;
    assert_eq!(["1", "2", "7"].map(|key| named(&again, key)), names, "as the view says until it is refreshed");
}
