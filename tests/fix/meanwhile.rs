//! What was changed while a question stood open is not lost: the plan fails and changes nothing.

use mvtop::domain::fix::Fix;
use mvtop::pg::operator::Ending;

use crate::Night;

/// What others do to the view, and how they take it back.
const CHANGES: &[(&str, &str)] = &[
    ("CREATE UNIQUE INDEX otra ON mv_conversaciones_dashboard (prospecto_id)", "DROP INDEX otra"),
    (
        "CREATE ROLE lectora; GRANT SELECT ON mv_conversaciones_dashboard TO lectora",
        "REVOKE ALL ON mv_conversaciones_dashboard FROM lectora",
    ),
    (
        "GRANT SELECT (etapa) ON mv_conversaciones_dashboard TO lectora",
        "REVOKE ALL (etapa) ON mv_conversaciones_dashboard FROM lectora",
    ),
    ("COMMENT ON MATERIALIZED VIEW mv_conversaciones_dashboard IS 'nueva'", ""),
    ("COMMENT ON COLUMN mv_conversaciones_dashboard.etapa IS 'nueva'", ""),
    ("COMMENT ON INDEX mv_conversaciones_dashboard_prospecto IS 'nueva'", ""),
    ("ALTER INDEX mv_conversaciones_dashboard_prospecto RENAME TO clave", ""),
    ("ALTER MATERIALIZED VIEW mv_conversaciones_dashboard SET (fillfactor = 80)", ""),
    ("ALTER MATERIALIZED VIEW mv_conversaciones_dashboard ALTER COLUMN etapa SET STATISTICS 70", ""),
    (
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO lectora",
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO postgres",
    ),
    ("CREATE OR REPLACE VIEW de_ella AS SELECT prospecto_id, 2 AS n FROM mv_conversaciones_dashboard", ""),
    (
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra_vista;
         CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT 1 AS prospecto_id",
        "",
    ),
];

async fn refused(night: &Night, plan: &mvtop::domain::fix::Plan, change: &str) {
    assert!(plan.needs.is_empty(), "{:?}", plan.needs);
    night.sql(change).await;
    let before = night.dump().await;
    match night.run(plan).await {
        Ending::Failed(problem) => assert!(problem.text.contains("look again"), "{change}: {}", problem.text),
        other => panic!("{change}: {other:?}"),
    }
    assert_eq!(night.dump().await, before, "{change}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_was_changed_meanwhile_is_not_replaced_by_what_it_was() {
    let night = Night::start().await;
    night.sql("CREATE VIEW de_ella AS SELECT prospecto_id, 1 AS n FROM mv_conversaciones_dashboard").await;
    for (change, back) in CHANGES {
        refused(&night, &night.plan(Fix::PlainView).await, change).await;
        night.sql(back).await;
    }
    night
        .sql(
            "DROP VIEW de_ella; DROP MATERIALIZED VIEW mv_conversaciones_dashboard;
             ALTER MATERIALIZED VIEW otra_vista RENAME TO mv_conversaciones_dashboard",
        )
        .await;
    // A refresh is no change.
    let plan = night.plan(Fix::PlainView).await;
    night.sql("REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard; ANALYZE").await;
    match night.run(&plan).await {
        Ending::Done(Some(found)) => assert!(found.good, "{}", found.text),
        other => panic!("{other:?}"),
    }
    let plan = night.plan(Fix::Materialize).await;
    refused(&night, &plan, "GRANT SELECT ON mv_conversaciones_dashboard TO lectora").await;
    night.does(Fix::Materialize).await;
    assert_eq!(
        night.text("SELECT has_table_privilege('lectora', 'mv_conversaciones_dashboard', 'SELECT')::text").await,
        "true"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_has_set_does_not_look_like_a_change() {
    let night = Night::start().await;
    for setting in
        ["default_transaction_isolation = serializable", "quote_all_identifiers = on", "extra_float_digits = 0"]
    {
        night.sql(&format!("ALTER ROLE postgres SET {setting}")).await;
    }
    night.does(Fix::PlainView).await;
    night.does(Fix::Materialize).await;
}
