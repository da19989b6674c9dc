//! Names that need quotes, that are as long as names get, and that are the comparison's own.

use super::{Bench, grouped, key_names};
use postgres_protocol::escape::escape_identifier as quote;

const ODD_NAMES: [&str; 9] = [
    "Vista de \"María\" – 100 %",
    "a.b{c}{}$1;--/*",
    "日本語のとても長い名前はバイト数で切られる",
    "SELECT",
    "tab\tand\nnewline",
    "back\\slash'quote",
    "%s%n%I",
    "ab\u{202E}cd 👩‍👩‍👧",
    "sixty-three-bytes-of-a-name-that-is-as-long-as-a-name-can-be-ok",
];

#[tokio::test]
async fn a_view_of_any_name_in_a_schema_of_any_name() {
    let bench = Bench::new("any_name", "").await;
    for (place, name) in ODD_NAMES.into_iter().enumerate() {
        assert!(name.len() <= 63);
        let (schema, view, table, column, other) =
            (quote(name), quote(name), quote(&format!("t{place}")), quote(name), quote(ODD_NAMES[(place + 1) % 9]));
        let sql = format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema};
             CREATE TABLE {schema}.{table} ({column} text, {other} text);
             INSERT INTO {schema}.{table} SELECT 'it''s \"' || n, n % 3 FROM generate_series(1, 9) n;
             CREATE MATERIALIZED VIEW {schema}.{view} AS SELECT *, now() AS \"now() AS \"\"x\"\"\" FROM {schema}.{table};
             CREATE UNIQUE INDEX ON {schema}.{view} ({column})"
        );
        bench.run(&sql).await;
        let in_schema = Bench { schema: name, ..Bench::new("any_name_again", "").await };
        let view = grouped(in_schema.view(name).await, &[ODD_NAMES[(place + 1) % 9], name]);
        assert_eq!(
            (key_names(&view), view.refresh_columns.as_slice()),
            (vec![name], &["now() AS \"x\"".to_string()][..])
        );
        let writes = format!(
            "UPDATE {schema}.{table} SET {other} = 'x' WHERE {other} = '1'; DELETE FROM {schema}.{table} WHERE {column} LIKE '%3';
             INSERT INTO {schema}.{table} VALUES (NULL, E'a\\n\"b\\\\')"
        );
        bench.run(&writes).await;
        in_schema.check_and_refresh(&view, &[&quote(name)]).await;
    }
}

/// Columns called as the comparison calls its own, and by words that SQL wants quoted.
#[tokio::test]
async fn columns_may_be_called_as_the_comparison_s_own() {
    let names = [
        "there",
        "k",
        "k1",
        "k2",
        "g1",
        "l1",
        "r",
        "v",
        "d",
        "m",
        "x",
        "w",
        "s",
        "key",
        "row",
        "rows",
        "stored",
        "live",
        "side",
        "place",
        "wanted",
        "n",
        "nv",
        "nd",
        "both_sides",
        "v_there",
        "identities",
        "total",
        "select",
        "from",
        "user",
        "current_user",
        "array",
        "true",
        "null",
        "table",
        "end",
        "case",
        "oid",
        "parts",
        "json",
        "changed",
    ];
    let columns: Vec<String> = names.iter().map(|n| format!("{} text", quote(n))).collect();
    let values: Vec<String> = (0..names.len()).map(|i| format!("'{i} ' || n % 4")).collect();
    let table = format!(
        "CREATE TABLE t (id int, {}); INSERT INTO t SELECT n, {} FROM generate_series(1, 12) n;",
        columns.join(", "),
        values.join(", ")
    );
    for (key, groups) in
        [(vec!["there", "g1", "id"], ["v", "k1"]), (vec!["key", "id"], ["there", "row"]), (vec![], ["r", "x"])]
    {
        let quoted: Vec<String> = key.iter().map(|k| quote(k)).collect();
        let index =
            if key.is_empty() { String::new() } else { format!("CREATE UNIQUE INDEX ON v ({})", quoted.join(", ")) };
        let bench =
            Bench::new("own_names", &format!("{table} CREATE MATERIALIZED VIEW v AS SELECT * FROM t; {index}")).await;
        let view = grouped(bench.view("v").await, &groups);
        assert_eq!(key_names(&view), key);
        bench
            .run(
                "UPDATE t SET v = 'moved', side = 'other' WHERE id < 4; UPDATE t SET \"end\" = NULL WHERE id = 5;
                   DELETE FROM t WHERE id = 6; INSERT INTO t (id, there) VALUES (20, 'new')",
            )
            .await;
        let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
        bench.check_and_refresh(&view, &quoted).await;
    }
}

/// The definition's own names are not the view's: they were renamed, or two of them are the same.
#[tokio::test]
async fn renamed_columns_and_two_columns_of_one_name() {
    let sql = "CREATE TABLE a (id int, x text); CREATE TABLE b (id int, x text);
        INSERT INTO a SELECT n, 'a' || n FROM generate_series(1, 8) n; INSERT INTO b SELECT n, 'b' || n % 2 FROM generate_series(1, 8) n;
        CREATE MATERIALIZED VIEW v (id, x, other, again) AS SELECT a.id, a.x, b.x, a.x FROM a JOIN b USING (id);
        CREATE UNIQUE INDEX ON v (id);
        ALTER MATERIALIZED VIEW v RENAME COLUMN id TO x2; ALTER MATERIALIZED VIEW v RENAME COLUMN x TO id;
        ALTER MATERIALIZED VIEW v RENAME COLUMN other TO x; ALTER MATERIALIZED VIEW v RENAME TO w; ALTER TABLE a RENAME x TO y";
    let bench = Bench::new("renamed", sql).await;
    let view = grouped(bench.view("w").await, &["x"]);
    assert_eq!(key_names(&view), ["x2"]);
    bench.run("UPDATE a SET y = 'changed' WHERE id = 1; UPDATE b SET x = 'moved' WHERE id = 2; DELETE FROM a WHERE id = 3").await;
    let totals = bench.check_and_refresh(&view, &["x2"]).await.totals();
    assert_eq!((totals.changed, totals.moved, totals.gone), (Some(1), 1, 1));
}
