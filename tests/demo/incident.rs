//! The data: what the document says, and the same again from the same seed.

use std::process::Command;

use mvtop::demo::{Demo, Options};
use mvtop::pg::catalog;
use mvtop::pg::conninfo::{Environment, Target};
use mvtop::pg::session::Session;
use tokio_postgres::Client;

use crate::{LIVE_ROWS, OSMARA, REFRESH, VIEW_ROWS, connect, gone_when_dropped, number, osmara, small, start, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_incident_is_there_as_documented_and_a_refresh_heals_it() {
    let mut phases = Vec::new();
    let options = Options { traffic: false, ..Options::default() };
    let demo = Demo::start(&options, |phase| phases.push(phase.to_owned())).await.unwrap();
    assert!(phases.len() >= 5 && phases.last().unwrap() == "ready", "{phases:?}");
    let client = connect(demo.conninfo()).await;

    assert_eq!(osmara(&client).await, [29, 49, 0, 166]);
    assert_eq!(number(&client, VIEW_ROWS).await, 3_230);
    assert_eq!(number(&client, LIVE_ROWS).await, 3_230);
    assert_eq!(number(&client, "SELECT count(*) FROM profiles_ejecutivos").await, 47);
    psql_reads_the_conninfo_too(&demo);
    columns_are_the_real_views(&client).await;
    the_view_is_three_days_old_and_now_is_now_again(&client, &demo).await;
    others_are_affected_in_every_way(&client).await;
    a_query_for_groups_reads_no_mensajes(&client).await;
    its_definition_leaves_no_choice(&demo).await;
    jobs_ran_for_a_day_and_none_refreshes(&client).await;

    client.batch_execute(REFRESH).await.unwrap();
    assert_eq!(osmara(&client).await, [29, 49, 29, 0]);
    assert_eq!(number(&client, VIEW_ROWS).await, 3_230);

    gone_when_dropped(demo);
}

fn psql_reads_the_conninfo_too(demo: &Demo) {
    let psql = Command::new("psql").args([demo.conninfo(), "-XAtc", VIEW_ROWS]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&psql.stdout).trim(), "3230");
}

async fn columns_are_the_real_views(client: &Client) {
    let columns = text(
        client,
        "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = 'mv_conversaciones_dashboard'::regclass AND attnum > 0",
    );
    assert_eq!(
        columns.await,
        "prospecto_id nombre_contacto nombre_whatsapp numero_telefono whatsapp_raw etapa etapa_id \
         requiere_atencion_humana motivo_handoff id_dynamics id_uchat fecha_creacion email titulo coordinacion_id \
         coordinacion_codigo coordinacion_nombre ejecutivo_id ejecutivo_nombre ejecutivo_email fecha_ultimo_mensaje \
         mensajes_totales mensajes_no_leidos ultimo_mensaje_preview llamada_activa_id tiene_llamada_activa \
         vista_actualizada_at"
    );
}

/// The `postgres` database of the same cluster still has the row that initdb wrote.
async fn the_view_is_three_days_old_and_now_is_now_again(client: &Client, demo: &Demo) {
    let stamps = number(client, "SELECT count(DISTINCT vista_actualizada_at) FROM mv_conversaciones_dashboard").await;
    assert_eq!(stamps, 1);
    let hours = "SELECT (extract(epoch FROM now() - max(vista_actualizada_at)) / 3600)::bigint FROM mv_conversaciones_dashboard";
    assert_eq!(number(client, hours).await, 74);
    let untouched = connect(&demo.conninfo().replace("dbname=crm", "dbname=postgres")).await;
    let row = "SELECT p::text FROM pg_proc p WHERE proname = 'now' AND oid = 1299";
    assert_eq!(text(client, row).await, text(&untouched, row).await);
    let depends = "SELECT count(*) FROM pg_depend WHERE objid = 1299 AND classid = 'pg_proc'::regclass";
    assert_eq!(number(client, depends).await, number(&untouched, depends).await);
    assert_eq!(number(client, "SELECT count(*) FROM mensajes_whatsapp WHERE fecha > now()").await, 0);
}

/// Rows by kind of drift, compared with the view's own definition.
async fn others_are_affected_in_every_way(client: &Client) {
    let definition = text(client, "SELECT pg_get_viewdef('mv_conversaciones_dashboard'::regclass)").await;
    let drift = format!(
        "SELECT kind, count(*) FROM (
           SELECT CASE WHEN v.prospecto_id IS NULL THEN 'missing' WHEN l.prospecto_id IS NULL THEN 'gone'
             WHEN (v.ejecutivo_id, v.coordinacion_id) IS DISTINCT FROM (l.ejecutivo_id, l.coordinacion_id) THEN
               CASE '{OSMARA}' WHEN v.ejecutivo_id::text THEN 'moved hers' ELSE 'moved' END
             WHEN to_jsonb(v) - 'vista_actualizada_at' <> to_jsonb(l) - 'vista_actualizada_at' THEN 'changed' END AS kind
           FROM mv_conversaciones_dashboard v FULL JOIN ({}) l USING (prospecto_id)) AS d
         WHERE kind IS NOT NULL GROUP BY kind ORDER BY kind",
        definition.trim_end_matches(';')
    );
    let found: Vec<(String, i64)> =
        client.query(&drift, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let [(changed, n_changed), (gone, 14), (missing, 14), (moved, n_moved), (hers, 166)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!([changed, gone, missing, moved, hers], ["changed", "gone", "missing", "moved", "moved hers"]);
    assert!((150..=250).contains(n_changed) && (40..=100).contains(n_moved), "{found:?}");
    let heirs = "SELECT count(DISTINCT p.ejecutivo_id) FROM mv_conversaciones_dashboard v JOIN prospectos p ON p.id = v.prospecto_id
        WHERE v.ejecutivo_nombre = 'Osmara Partida'";
    assert_eq!(number(client, heirs).await, 8, "Osmara and seven others");
    let nobody = "SELECT count(*) FROM mv_conversaciones_dashboard WHERE ejecutivo_id IS NULL";
    assert!(number(client, nobody).await > 0);
}

/// What keeps the cheap comparison cheap: the planner drops every join such a query does not need.
async fn a_query_for_groups_reads_no_mensajes(client: &Client) {
    let definition = text(client, "SELECT pg_get_viewdef('mv_conversaciones_dashboard'::regclass)").await;
    let sql = format!(
        "EXPLAIN SELECT coordinacion_id, ejecutivo_id, count(*) FROM ({}) AS live GROUP BY 1, 2",
        definition.trim_end_matches(';')
    );
    let plan: Vec<String> = client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("conversaciones_whatsapp"), "{plan}");
    for dropped in ["mensajes_whatsapp", "llamadas_ventas", "profiles", "coordinaciones"] {
        assert!(!plan.contains(dropped), "{dropped} is read:\n{plan}");
    }
}

/// What keeps all its values cheap to compare: both sides may run in parallel, by whatever plan.
async fn its_definition_leaves_no_choice(demo: &Demo) {
    let target = Target::resolve(Some(demo.conninfo()), &[], &Environment::from_process()).unwrap();
    let session = Session::connect(&target, "test").await.unwrap();
    let views = catalog::views(&session, None).await.unwrap();
    let view = views.iter().find(|view| view.name.name == "mv_conversaciones_dashboard").unwrap();
    assert!(view.plain_views.iter().any(|below| below.contains("profiles")), "{:?}", view.plain_views);
    assert!(!view.may_tie(), "{:?}", view.identities);
}

async fn jobs_ran_for_a_day_and_none_refreshes(client: &Client) {
    let mentions = "SELECT count(*) FROM cron.job WHERE command ~* 'refresh|mv_' OR jobname ~* 'refresh|mv_'";
    assert_eq!(number(client, mentions).await, 0);
    let jobs = client.query("SELECT jobid, command FROM cron.job WHERE active ORDER BY jobid", &[]).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.get::<_, i64>(0)).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for job in &jobs {
        let runs = format!("SELECT count(*) FROM cron.job_run_details WHERE jobid = {}", job.get::<_, i64>(0));
        assert!(number(client, &runs).await >= 1);
        client.batch_execute(job.get(1)).await.unwrap();
    }
    let disorder = "SELECT count(*) FROM (SELECT start_time, lag(start_time) OVER (ORDER BY runid) AS before
        FROM cron.job_run_details WHERE start_time < (SELECT max(vista_actualizada_at) + interval '74 hours 14 minutes'
          FROM mv_conversaciones_dashboard)) AS r WHERE start_time < before";
    assert_eq!(number(client, disorder).await, 0);
    let backwards =
        "SELECT count(*) FROM cron.job_run_details WHERE end_time < start_time OR end_time > clock_timestamp()";
    assert_eq!(number(client, backwards).await, 0);
    let failed = "SELECT count(*) FROM cron.job_run_details WHERE status = 'failed' AND return_message <> ''";
    assert!((5..=9).contains(&number(client, failed).await));
    let gap = "SELECT max(pause)::bigint FROM (SELECT extract(epoch FROM start_time - lag(start_time) OVER (ORDER BY start_time)) AS pause
        FROM cron.job_run_details WHERE start_time IS NOT NULL) AS r";
    assert!((2_300..=2_700).contains(&number(client, gap).await), "one gap of forty minutes");
    let next = "SELECT nextval('cron.runid_seq') - max(runid) FROM cron.job_run_details";
    assert!(number(client, next).await >= 1);
    let id =
        number(client, "SELECT cron.schedule('refresh-conversaciones-dashboard', '*/5 * * * *', 'SELECT 1')").await;
    assert_eq!(id, 5);
}

/// Each table's rows as one number; times count from the view's own, so that two demos can be compared.
async fn checksums(client: &Client) -> Vec<(String, String)> {
    let tables = [
        "coordinaciones",
        "profiles",
        "prospectos",
        "conversaciones_whatsapp",
        "mensajes_whatsapp",
        "llamadas_ventas",
        "mv_conversaciones_dashboard",
    ];
    let mut sums = Vec::new();
    for table in tables {
        let columns = format!(
            "SELECT string_agg(CASE atttypid WHEN 'timestamptz'::regtype THEN format('t.%I - a.a', attname)
                ELSE format('t.%I', attname) END, ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0"
        );
        let columns = text(client, &columns).await;
        let sum = format!(
            "SELECT sum(hashtextextended(ROW({columns})::text, 0))::text
             FROM {table} t, (SELECT max(vista_actualizada_at) AS a FROM mv_conversaciones_dashboard) AS a"
        );
        sums.push((table.to_owned(), text(client, &sum).await));
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_data_beside_each_other_and_another_seed_makes_other_data() {
    let other = Options { seed: 7, ..small() };
    let options = small();
    let (one, two, three) = tokio::join!(start(&options), start(&options), start(&other));
    let sums = [&one, &two, &three].map(Demo::conninfo).map(|conninfo| async move {
        let client = connect(conninfo).await;
        assert_eq!(osmara(&client).await, [29, 49, 0, 166]);
        assert_eq!([number(&client, VIEW_ROWS).await, number(&client, LIVE_ROWS).await], [400, 400]);
        checksums(&client).await
    });
    let [one, two, three] = sums;
    let (one, two, three) = tokio::join!(one, two, three);
    assert_eq!(one, two);
    for ((table, sum), (_, other)) in one.iter().zip(&three) {
        assert_eq!(sum == other, table == "coordinaciones", "{table}");
    }
}
