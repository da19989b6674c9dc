//! The table: every role on every state of a server, one line a case (`make roles` prints it).

use std::sync::Arc;

use mvtop::demo::cluster::{Cluster, ClusterOptions};
use tokio::sync::Semaphore;

use crate::case::{Case, Said};
use crate::standby::Standby;
use crate::{connect, run, start};

const ROLES: &str = include_str!("roles.sql");
const BASE: &str = include_str!("base.sql");

/// Cases at a time: each asks three times, and a machine may have few processors.
const AT_A_TIME: usize = 4;

/// The server with pg_cron in `crm`, and its databases.
async fn with_cron() -> Cluster {
    let cluster = tokio::task::spawn_blocking(|| start(true, &[("track_commit_timestamp", "on")])).await.unwrap();
    let crm = cluster.conninfo_for("postgres", "crm");
    run(&crm, ROLES).await;
    run(&crm, "CREATE EXTENSION pg_cron").await;
    run(&crm, BASE).await;
    for database in ["aparte", "congelada", "bloqueada", "muchas"] {
        run(&crm, &format!("CREATE DATABASE {database}")).await;
        run(&cluster.conninfo_for("postgres", database), BASE).await;
    }
    run(
        &crm,
        "GRANT USAGE ON SCHEMA cron TO duena, vigia, supa, propia;
         SELECT cron.schedule('panel', '0 0 1 1 *', 'REFRESH MATERIALIZED VIEW mv_panel');
         SELECT cron.schedule_in_database('panel aparte', '0 0 1 1 *', 'REFRESH MATERIALIZED VIEW mv_panel', 'aparte');
         UPDATE cron.job SET username = 'duena' WHERE jobname = 'panel';
         INSERT INTO cron.job (schedule, command, nodename, nodeport, database, username, jobname)
           VALUES ('0 0 1 1 *', 'SELECT 1', '', 5432, 'crm', 'propia', 'suyo');
         REVOKE CONNECT ON DATABASE crm FROM public;
         GRANT CONNECT ON DATABASE crm TO duena, vigia, lectora, solo_vista, supa, filtrada, propia;
         ALTER DATABASE congelada SET default_transaction_read_only = on",
    )
    .await;
    run(
        &cluster.conninfo_for("postgres", "muchas"),
        "DO $$ BEGIN FOR n IN 1..499 LOOP
           EXECUTE format('CREATE MATERIALIZED VIEW mv_%s AS SELECT id, ejecutivo_id FROM prospectos WHERE id < %s', n, n);
         END LOOP; END $$",
    )
    .await;
    cluster
}

/// A server where pg_cron was created, and is not loaded any more after a restart.
async fn unloaded_later() -> (tempfile::TempDir, Cluster) {
    // Ours, not the servers' account's: a demo is kept in no folder of somebody else's.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let (first, later) = (folder.path().to_path_buf(), folder.path().to_path_buf());
    let kept =
        |keep, settings: &'static [_]| Cluster::start(&ClusterOptions { keep: Some(keep), cron: true, settings });
    let cluster = tokio::task::spawn_blocking(move || kept(first, &[]).unwrap()).await.unwrap();
    let crm = cluster.conninfo_for("postgres", "crm");
    run(&crm, ROLES).await;
    run(&crm, BASE).await;
    run(
        &crm,
        "CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO supa;
         SELECT cron.schedule('panel', '0 0 1 1 *', 'REFRESH MATERIALIZED VIEW mv_panel')",
    )
    .await;
    drop(cluster);
    let settings = &[("shared_preload_libraries", "")];
    let cluster = tokio::task::spawn_blocking(move || kept(later, settings).unwrap()).await.unwrap();
    (folder, cluster)
}

/// A server where pg_cron is not loaded, or loaded and never created.
async fn without_cron(loaded: bool) -> Cluster {
    let cluster = tokio::task::spawn_blocking(move || start(loaded, &[])).await.unwrap();
    let crm = cluster.conninfo_for("postgres", "crm");
    run(&crm, ROLES).await;
    run(&crm, BASE).await;
    cluster
}

/// The expectations, state by state. A case's sentences are those of `says`.
#[rustfmt::skip]
fn cases(cron: &Cluster, [unloaded, uncreated, later]: [&Cluster; 3], standby: &Standby) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut on = |state: &'static str, conninfo: &dyn Fn(&str) -> String, rows: &[Row]| {
        cases.extend(rows.iter().map(|&(role, view, verdict, cause, refresh, off, says)| Case {
            state, role, view, verdict, cause, refresh, off, says, conninfo: conninfo(role),
        }));
    };
    let in_database = |cluster: &Cluster, database: &'static str| {
        let cluster = cluster.conninfo_for("ROLE", database);
        move |role: &str| cluster.replace("ROLE", role)
    };
    on("pg_cron here", &in_database(cron, "crm"), &[
        ("postgres", "mv_panel", "ok", "normal_drift", true, &[], &["its tables moved on since"]),
        ("duena", "mv_panel", "ok", "normal_drift", true, &["other_jobs"], &["duena sees only its own jobs"]),
        ("supa", "mv_panel", "ok", "normal_drift", true, &[], &[]),
        ("vigia", "mv_panel", "ok", "history_not_visible", false, &["other_jobs"], &["No job that is visible refreshes it", "vigia may not refresh mv_panel"]),
        ("lectora", "mv_panel", "ok", "cron_not_visible", false, &["jobs"], &["closed to lectora: it needs USAGE on the schema cron"]),
        ("solo_vista", "mv_panel", "unknown", "cannot_compare", false, &["jobs"], &["solo_vista needs SELECT on prospectos"]),
        ("filtrada", "mv_privados", "unknown", "cannot_compare", false, &["jobs"], &["row security hides rows from filtrada"]),
        ("supa", "mv_privados", "warning", "never_scheduled", true, &[], &["No cron job refreshes it"]),
        ("propia", "mv_panel", "ok", "history_not_visible", false, &["other_jobs"], &["propia sees only its own jobs and runs"]),
        ("lectora", "cerrado.mv_cerrada", "unknown", "not_readable", false, &["jobs"], &["it needs USAGE on the schema cerrado"]),
    ]);
    on("pg_cron in another database", &in_database(cron, "aparte"), &[
        ("postgres", "mv_panel", "ok", "normal_drift", true, &[], &[]),
        ("supa", "mv_panel", "ok", "normal_drift", true, &[], &[]),
        ("vigia", "mv_panel", "ok", "history_not_visible", false, &["other_jobs"], &["vigia sees only its own jobs"]),
        ("encerrada", "mv_panel", "ok", "cron_not_visible", false, &["jobs"], &["keeps its jobs in the database crm", "permission denied for database"]),
        ("lectora", "mv_panel", "ok", "cron_not_visible", false, &["jobs"], &["hidden from lectora: seeing that needs pg_monitor"]),
    ]);
    on("pg_cron not loaded", &in_database(unloaded, "crm"), &[
        ("postgres", "mv_panel", "warning", "cron_not_preloaded", true, &["jobs"], &["shared_preload_libraries"]),
        ("vigia", "mv_panel", "warning", "cron_not_preloaded", false, &["jobs"], &["pg_cron is not loaded here"]),
        ("lectora", "mv_panel", "ok", "cron_not_visible", false, &["jobs"], &["hidden from lectora"]),
    ]);
    on("pg_cron never created", &in_database(uncreated, "crm"), &[
        ("postgres", "mv_panel", "warning", "cron_missing", true, &["jobs"], &["CREATE EXTENSION pg_cron was never run"]),
        ("lectora", "mv_panel", "ok", "cron_not_visible", false, &["jobs"], &["hidden from lectora"]),
    ]);
    on("pg_cron created, unloaded", &in_database(later, "crm"), &[
        ("postgres", "mv_panel", "warning", "cron_not_preloaded", true, &[], &["not in shared_preload_libraries"]),
        ("supa", "mv_panel", "warning", "cron_not_preloaded", true, &[], &["no job runs"]),
    ]);
    on("a standby", &|role| standby.conninfo(role, "crm"), &[
        ("postgres", "mv_panel", "ok", "standby", false, &["refresh"], &["this is a standby: nothing can be changed here"]),
        ("supa", "mv_panel", "ok", "standby", false, &["refresh"], &["connect to the primary"]),
        ("lectora", "mv_panel", "ok", "standby", false, &["refresh", "jobs"], &["USAGE on the schema cron"]),
        ("solo_vista", "mv_panel", "unknown", "cannot_compare", false, &["refresh", "jobs"], &["SELECT on prospectos"]),
    ]);
    on("read-only by default", &in_database(cron, "congelada"), &[
        ("postgres", "mv_panel", "warning", "job_in_other_database", false, &["refresh"], &["default_transaction_read_only is on"]),
        ("lectora", "mv_panel", "ok", "cron_not_visible", false, &["refresh", "jobs"], &["default_transaction_read_only is on"]),
    ]);
    on("a view locked", &in_database(cron, "bloqueada"), &[
        ("postgres", "mv_panel", "unknown", "refresh_uncommitted", true, &[], &["without a COMMIT"]),
        ("lectora", "mv_panel", "unknown", "cron_not_visible", false, &["jobs"], &["hidden from lectora"]),
    ]);
    on("500 views", &in_database(cron, "muchas"), &[
        ("postgres", "mv_panel", "warning", "job_in_other_database", true, &[], &[]),
        ("lectora", "mv_panel", "ok", "cron_not_visible", false, &["jobs"], &[]),
    ]);
    cases
}

type Row =
    (&'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str], &'static [&'static str]);

#[tokio::test(flavor = "multi_thread")]
async fn every_role_on_every_state_is_told_the_same_by_every_face() {
    let (cron, unloaded, uncreated, later) =
        tokio::join!(with_cron(), without_cron(false), without_cron(true), unloaded_later());
    let primary = cron.conninfo_for("postgres", "crm");
    let standby = Standby::of(&primary).await;
    standby.catch_up(&primary).await;
    // Held until the end: a plain refresh that does not commit.
    let holder = connect(&cron.conninfo_for("postgres", "bloqueada")).await;
    holder.batch_execute("BEGIN; REFRESH MATERIALIZED VIEW mv_panel").await.unwrap();
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let running = cases(&cron, [&unloaded, &uncreated, &later.1], &standby).into_iter().map(|case| {
        let turns = turns.clone();
        tokio::spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let said = case.run().await;
            line(&case, &said)
        })
    });
    let mut failed = 0;
    for case in running.collect::<Vec<_>>() {
        match case.await {
            Ok(line) => println!("{line}"),
            // The panic has told why already.
            Err(_) => failed += 1,
        }
    }
    assert_eq!(failed, 0, "cases failed");
}

/// Role, state, verdict, cause, what is off and why.
fn line(case: &Case, said: &Said) -> String {
    let mut off: Vec<String> =
        said.off.iter().map(|(what, why)| format!("{}: {why}", what.replace('_', " "))).collect();
    if let Some(why) = said.no_refresh.as_ref().filter(|why| !said.off.iter().any(|(_, other)| other == *why)) {
        off.insert(0, format!("refresh: {why}"));
    }
    let off = if off.is_empty() { "nothing is off".into() } else { off.join(" · ") };
    let Case { state, role, view, .. } = case;
    let (verdict, cause) = (&said.verdict, &said.cause);
    format!("{state:<27} | {role:<10} | {view:<18} | {verdict:<8} | {cause:<16} | {} | {off}", said.cause_text)
}
