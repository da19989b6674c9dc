//! Each option does what it promises, and undone it leaves the schema dump as it was.

use mvtop::domain::fix::Fix;
use mvtop::domain::job::JobId;

use crate::{Night, OSMARA, VIEW, connect, every_five_minutes};

/// Everything that can hang on a view, so that losing any of it shows in the dump.
const HANGING: &str = "
    CREATE ROLE lector LOGIN; CREATE ROLE escritor LOGIN; CREATE ROLE intruso LOGIN;
    COMMENT ON MATERIALIZED VIEW mv_conversaciones_dashboard IS 'El tablero de O''Brien \\ $$';
    COMMENT ON COLUMN mv_conversaciones_dashboard.etapa IS 'Etapa';
    COMMENT ON INDEX mv_conversaciones_dashboard_prospecto IS 'clave';
    GRANT SELECT ON mv_conversaciones_dashboard TO lector WITH GRANT OPTION;
    GRANT SELECT (etapa) ON mv_conversaciones_dashboard TO escritor;
    GRANT SELECT, INSERT, UPDATE ON prospectos TO escritor;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO intruso;
    CREATE STATISTICS etapas ON etapa, ejecutivo_id FROM mv_conversaciones_dashboard;
    ALTER MATERIALIZED VIEW mv_conversaciones_dashboard SET (fillfactor = 90, autovacuum_enabled = false);
    ALTER MATERIALIZED VIEW mv_conversaciones_dashboard ALTER COLUMN etapa SET STATISTICS 500;
    ALTER MATERIALIZED VIEW mv_conversaciones_dashboard CLUSTER ON mv_conversaciones_dashboard_ejecutivo;
    CREATE VIEW por_ejecutivo WITH (security_barrier) AS
        SELECT ejecutivo_id, count(*) AS filas FROM mv_conversaciones_dashboard GROUP BY 1;
    GRANT SELECT ON por_ejecutivo TO lector;
    COMMENT ON VIEW por_ejecutivo IS 'cuenta';
    CREATE VIEW de_la_vista AS SELECT sum(filas) FROM por_ejecutivo;";

const ROWS: &str =
    "SELECT md5(string_agg(r, ',' ORDER BY r)) FROM (SELECT to_jsonb(v) - 'vista_actualizada_at' || '{}' AS j
    FROM mv_conversaciones_dashboard v) AS x, LATERAL (SELECT x.j::text AS r) AS y";

#[tokio::test(flavor = "multi_thread")]
async fn each_option_keeps_the_view_true_and_undone_leaves_everything_as_it_was() {
    let night = Night::start().await;
    night.sql(HANGING).await;
    let before = night.dump().await;
    cron(&night, &before).await;
    triggers(&night, &before).await;
    plain_view(&night, &before).await;
}

async fn same(night: &Night, before: &str, what: &str) {
    let now = night.dump().await;
    let odd = |a: &str, b: &str| a.lines().filter(|l| !b.contains(l)).map(String::from).collect::<Vec<_>>();
    assert!(now == before, "{what}: lost {:#?}, new {:#?}", odd(before, &now), odd(&now, before));
}

async fn cron(night: &Night, before: &str) {
    assert!(!night.is_well().await, "the incident");
    let plan = night.plan(every_five_minutes()).await;
    assert!(plan.refreshes && plan.notes[0].starts_with("It runs every 5 minutes: "), "{:?}", plan.notes);
    let said = night.does(every_five_minutes()).await;
    assert!(said.contains("refresh-conversaciones-dashboard: */5 * * * *, active, in crm as postgres"), "{said}");
    assert!(night.is_well().await, "refreshed and scheduled in one go");
    let job = "SELECT string_agg(format('%s|%s|%s|%s', jobid, active, database, command), ';') FROM cron.job WHERE command ~ 'REFRESH'";
    let found = night.text(job).await;
    let (id, rest) = found.split_once('|').unwrap();
    assert_eq!(rest, "t|crm|REFRESH MATERIALIZED VIEW CONCURRENTLY \"public\".\"mv_conversaciones_dashboard\"");
    let id = JobId(id.parse().unwrap());

    night.does(Fix::CronPause(id)).await;
    assert!(!night.is_well().await, "a paused job keeps nothing");
    let said = night.does(Fix::CronInstall { schedule: "*/2 * * * *".into() }).await;
    assert!(said.contains("*/2 * * * *, active"), "the same job, going on again: {said}");
    night.does(Fix::CronReschedule(id, "7 * * * *".into())).await;
    night.does(Fix::CronPause(id)).await;
    night.does(Fix::CronResume(id)).await;
    assert_eq!(night.text(job).await.split('|').next().unwrap(), id.0.to_string());
    night.does(Fix::CronRemove(id)).await;
    same(night, before, "cron").await;
}

async fn triggers(night: &Night, before: &str) {
    let said = night.does(Fix::TriggersInstall).await;
    assert_eq!(said, "writes to 6 of 6 base tables refresh it");
    assert!(night.is_well().await);
    // A writer who owns neither the view nor the table, and one that comes while the first has not committed.
    let writer = connect(&night.conninfo("escritor")).await;
    let ids = "ARRAY(SELECT prospecto_id FROM mv_conversaciones_dashboard ORDER BY prospecto_id)";
    let first: String = night.text(&format!("SELECT ({ids})[1]::text")).await;
    let second: String = night.text(&format!("SELECT ({ids})[2]::text")).await;
    let rename = |id: &str| format!("UPDATE prospectos SET nombre_whatsapp = 'cambiado' WHERE id = '{id}'");
    night.sql("BEGIN").await;
    night.sql(&rename(&first)).await;
    let other = rename(&second);
    let waiting = tokio::spawn(async move { writer.batch_execute(&other).await });
    let looker = connect(night.demo.conninfo()).await;
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'escritor' AND wait_event_type = 'Lock')";
    crate::until(&looker, "the second writer to wait", waits).await;
    night.sql("COMMIT").await;
    waiting.await.unwrap().unwrap();
    let seen = format!("SELECT count(*)::text FROM {VIEW} WHERE nombre_whatsapp = 'cambiado'");
    assert_eq!(night.text(&seen).await, "2", "neither write is lost");
    assert!(night.is_well().await);
    let again = night.plan(Fix::TriggersInstall).await;
    assert!(
        again.needs.iter().any(|n| n.text().contains("triggers refresh it after every write")),
        "{:?}",
        again.needs
    );
    night.does(Fix::TriggersRemove).await;
    same(night, before, "triggers").await;
}

async fn plain_view(night: &Night, before: &str) {
    // A job, too, that would fail on a plain view.
    night.does(every_five_minutes()).await;
    let with_job = night.dump().await;
    let rows = night.text(ROWS).await;
    night.does(Fix::PlainView).await;
    assert!(night.is_well().await);
    assert_eq!(night.text(ROWS).await, rows, "the same rows");
    let paused = "SELECT string_agg(active::text, '') FROM cron.job WHERE command ~ 'REFRESH'";
    assert_eq!(night.text(paused).await, "false");
    let rights = "SELECT concat_ws(' ', has_table_privilege('lector', 'mv_conversaciones_dashboard', 'SELECT WITH GRANT OPTION'),
        has_table_privilege('intruso', 'mv_conversaciones_dashboard', 'SELECT'), has_table_privilege('lector', 'por_ejecutivo', 'SELECT'),
        has_column_privilege('escritor', 'mv_conversaciones_dashboard', 'etapa', 'SELECT'))";
    assert_eq!(night.text(rights).await, "t f t t", "default privileges give nobody what he had not");
    // True at once, whoever writes.
    night.sql(&format!("UPDATE prospectos SET ejecutivo_id = NULL WHERE ejecutivo_id = '{OSMARA}'")).await;
    let hers = format!("SELECT count(*)::text FROM {VIEW} WHERE ejecutivo_id = '{OSMARA}'");
    assert_eq!(night.text(&hers).await, "0");
    assert!(night.is_well().await);
    night.does(Fix::Materialize).await;
    same(night, &with_job, "plain view").await;
    let id = night.text("SELECT max(jobid)::text FROM cron.job").await.parse().unwrap();
    night.does(Fix::CronRemove(JobId(id))).await;
    same(night, before, "all").await;
}
