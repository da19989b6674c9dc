//! Jobs as pg_cron keeps them: which view one refreshes, and since when its schedule can have been in force.

use std::process::Command;

use mvtop::demo::scenarios::Scenario;
use mvtop::demo::{Demo, Options};
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use crate::MVTOP;

async fn demo(scenario: Option<&'static Scenario>) -> (Demo, Client) {
    let options = Options { rows: 400, traffic: false, scenario, ..Options::default() };
    let demo = Demo::start(&options, |_| ()).await.unwrap();
    let (client, connection) = tokio_postgres::connect(demo.conninfo(), NoTls).await.unwrap();
    tokio::spawn(connection);
    (demo, client)
}

/// What `check` says of a view.
fn checked(conninfo: &str, view: &str) -> Value {
    let out = Command::new(MVTOP).args(["check", conninfo, "--json", "--view", view]).output().unwrap();
    let json: Value = serde_json::from_slice(&out.stdout).unwrap();
    json["views"].as_array().unwrap().iter().find(|v| v["view"] == view).unwrap().clone()
}

/// The codes of a view's causes.
fn causes(conninfo: &str, view: &str) -> Vec<String> {
    checked(conninfo, view)["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["code"].as_str().unwrap().to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_written_anew_is_not_blamed_for_the_time_before() {
    let (demo, client) = demo(Scenario::named("runs_missing")).await;
    let view = "public.mv_conversaciones_dashboard";
    assert!(causes(demo.conninfo(), view).contains(&"runs_missing".into()));
    let resume = "SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname ~ '^refresh';
                  SELECT cron.alter_job(jobid, active := true) FROM cron.job WHERE jobname ~ '^refresh'";
    client.batch_execute(resume).await.unwrap();
    let causes = causes(demo.conninfo(), view);
    assert!(!causes.contains(&"runs_missing".into()) && causes.contains(&"late".into()), "{causes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_view_is_found_behind_a_function_and_a_bare_name() {
    let (demo, client) = demo(None).await;
    let sql = "CREATE SCHEMA ventas;
               CREATE MATERIALIZED VIEW ventas.mv_por_dia AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW ventas.mv_por_mes AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW ventas.mv_vacia AS SELECT 1 AS id;
               CREATE PROCEDURE ventas.refresca_todo() LANGUAGE plpgsql AS
                 'BEGIN REFRESH MATERIALIZED VIEW ventas.mv_por_dia; END';
               SELECT cron.schedule('dia', '0 3 * * *', 'CALL ventas.refresca_todo()'),
                      cron.schedule('mes', '0 3 * * *', 'REFRESH MATERIALIZED VIEW mv_por_mes'),
                      cron.schedule('vacia', '0 3 * * *', 'REFRESH MATERIALIZED VIEW ventas.mv_vacia WITH NO DATA')";
    client.batch_execute(sql).await.unwrap();
    let is_unscheduled = |view| causes(demo.conninfo(), view).contains(&"never_scheduled".into());
    let views = ["ventas.mv_por_dia", "ventas.mv_por_mes", "ventas.mv_vacia"];
    assert_eq!(views.map(is_unscheduled), [false, false, true], "what empties a view does not refresh it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_counts_where_it_is_called_and_a_bare_name_where_the_search_path_finds_it() {
    let (demo, client) = demo(None).await;
    let sql = "CREATE SCHEMA ventas;
               CREATE MATERIALIZED VIEW ventas.mv_word AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW ventas.mv_other AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW ventas.mv_x AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW public.mv_x AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW ventas.mv_y AS SELECT 1 AS id;
               CREATE MATERIALIZED VIEW public.mv_y AS SELECT 1 AS id;
               CREATE FUNCTION ventas.refresh() RETURNS void LANGUAGE plpgsql AS
                 'begin refresh materialized view ventas.mv_word; end';
               CREATE ROLE vendedor LOGIN;
               ALTER ROLE vendedor SET search_path = public;
               DO $$ BEGIN
                 EXECUTE format('ALTER ROLE vendedor IN DATABASE %I SET search_path = ventas, public', current_database());
               END $$;
               SELECT cron.schedule('other', '0 3 * * *', 'REFRESH MATERIALIZED VIEW ventas.mv_other'),
                      cron.schedule('x', '0 3 * * *', 'REFRESH MATERIALIZED VIEW mv_x'),
                      cron.schedule('y', '0 3 * * *', 'SET search_path = ventas; REFRESH MATERIALIZED VIEW mv_y');
               UPDATE cron.job SET username = 'vendedor' WHERE jobname = 'x'";
    client.batch_execute(sql).await.unwrap();
    let is_scheduled =
        |view| !causes(demo.conninfo(), view).iter().any(|c| c.starts_with("never_") || c.contains("other"));
    for (view, scheduled) in [
        ("ventas.mv_word", false),
        ("ventas.mv_other", true),
        ("ventas.mv_x", true),
        ("public.mv_x", false),
        ("ventas.mv_y", true),
        ("public.mv_y", false),
    ] {
        assert_eq!(is_scheduled(view), scheduled, "{view}: {:?}", causes(demo.conninfo(), view));
    }
    // The server's own search_path is below all these.
    client.batch_execute("ALTER SYSTEM SET search_path = ventas, public").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    client.batch_execute("SELECT cron.schedule('y', '0 3 * * *', 'REFRESH MATERIALIZED VIEW mv_y')").await.unwrap();
    assert_eq!(["ventas.mv_y", "public.mv_y"].map(is_scheduled), [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_what_a_job_did_before_it_was_changed_is_no_refresh() {
    let (demo, client) = demo(None).await;
    let sql = "CREATE MATERIALIZED VIEW mv_vieja AS SELECT 1 AS id;
               SELECT cron.schedule('vieja', '0 3 * * *', 'SELECT 1');
               INSERT INTO cron.job_run_details (runid, jobid, database, username, command, status, start_time, end_time)
               SELECT nextval('cron.runid_seq'), jobid, database, username, command, 'succeeded', now(), now()
               FROM cron.job WHERE jobname = 'vieja';
               SELECT cron.alter_job(jobid, command := 'REFRESH MATERIALIZED VIEW mv_vieja') FROM cron.job
               WHERE jobname = 'vieja'";
    client.batch_execute(sql).await.unwrap();
    let age = || checked(demo.conninfo(), "public.mv_vieja")["freshness"]["age_s"].clone();
    assert_eq!(age(), Value::Null);
    let again =
        "INSERT INTO cron.job_run_details (runid, jobid, database, username, command, status, start_time, end_time)
                 SELECT nextval('cron.runid_seq'), jobid, database, username, command, 'succeeded', now(), now()
                 FROM cron.job WHERE jobname = 'vieja'";
    client.batch_execute(again).await.unwrap();
    assert!(age().is_number(), "{}", age());
}
