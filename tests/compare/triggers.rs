//! A view is kept by triggers only where every write fires one, whatever it writes.

use super::Bench;

#[tokio::test]
async fn triggers_keep_a_view_only_where_every_write_fires_one_unconditionally() {
    let all = "AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH STATEMENT";
    let cases: [(&[&str], bool); 10] = [
        (&[all], true),
        (&["AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON t FOR EACH STATEMENT"], true),
        (&["AFTER INSERT ON t FOR EACH STATEMENT"], false),
        (&["AFTER INSERT OR DELETE ON t FOR EACH STATEMENT"], false),
        (&["AFTER INSERT OR DELETE ON t FOR EACH STATEMENT", "AFTER UPDATE ON t FOR EACH STATEMENT"], true),
        (&["AFTER INSERT OR DELETE OR UPDATE OF g ON t FOR EACH STATEMENT"], false),
        (&["AFTER INSERT OR DELETE ON t FOR EACH ROW", "AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.g <> NEW.g)"], false),
        (&["AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW"], true),
        (&["BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH STATEMENT"], false),
        (&["BEFORE INSERT ON t FOR EACH STATEMENT", all], true),
    ];
    for (triggers, is_kept) in cases {
        let mut sql = String::from(
            "CREATE TABLE t (id int, g text); CREATE MATERIALIZED VIEW v AS SELECT id, g FROM t;
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN REFRESH MATERIALIZED VIEW kept.v; RETURN NULL; END';",
        );
        for (place, trigger) in triggers.iter().enumerate() {
            sql += &format!("CREATE TRIGGER t{place} {trigger} EXECUTE FUNCTION f();");
        }
        let bench = Bench::new("kept", &sql).await;
        let view = bench.view("v").await;
        assert_eq!(view.is_kept_by_triggers(), is_kept, "{triggers:?}");
        assert_eq!(view.is_kept_at_truncate(), triggers.iter().any(|t| t.contains("TRUNCATE")), "{triggers:?}");
    }
}

#[tokio::test]
async fn a_function_of_a_lower_view_that_throws_dice_is_known() {
    let bench = Bench::new(
        "dice",
        "CREATE FUNCTION f() RETURNS float LANGUAGE sql VOLATILE AS 'SELECT random()';
         CREATE VIEW low AS SELECT 1 AS id, f() AS x; CREATE MATERIALIZED VIEW v AS SELECT id, x, random() AS y FROM low;
         CREATE MATERIALIZED VIEW w AS SELECT id, now()::date AS x, now() AT TIME ZONE 'UTC' AS y FROM v",
    )
    .await;
    assert_eq!(bench.view("v").await.volatile, ["random", "f"]);
    let w = bench.view("w").await;
    assert_eq!((w.volatile.len(), w.refresh_columns), (0, vec!["x".to_string(), "y".to_string()]));
}
