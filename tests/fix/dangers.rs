//! What would do harm is refused or rolled back, and what is left is said as it is.

use std::process::{Command, Stdio};
use std::time::Duration;

use mvtop::domain::fix::{Best, Fix, Need, advise};
use mvtop::domain::job::JobId;
use mvtop::pg::operator::Ending;

use crate::{Night, VIEW, connect, every_five_minutes, needs, plan, run, target, until};

const REFRESH: &str = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";

async fn fails(night: &Night, fix: Fix, words: &str) {
    let before = night.dump().await;
    let plan = night.plan(fix).await;
    assert!(plan.needs.is_empty(), "{:?}", plan.needs);
    match night.run(&plan).await {
        Ending::Failed(problem) => assert!(problem.text.contains(words), "{}", problem.text),
        other => panic!("{}: {other:?}", plan.title),
    }
    assert_eq!(night.dump().await, before, "nothing half-done");
}

/// The owner need not have any right on pg_cron, and pg_cron 1.3 has other types of arguments.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_schema_cron_and_an_old_pg_cron_get_their_fixes() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE ROLE duena LOGIN; ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO duena;
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO duena; GRANT ALL ON SCHEMA public TO duena",
        )
        .await;
    let refresh = night.plan_as("duena", Fix::Refresh).await;
    assert!(refresh.needs.is_empty(), "{:?}", refresh.needs);
    needs(&night.plan_as("duena", every_five_minutes()).await, "USAGE on the schema cron");
    // A right that CONCURRENTLY alone needs.
    night.sql("REVOKE TEMP ON DATABASE crm FROM PUBLIC").await;
    match night.run(&refresh).await {
        Ending::Failed(problem) => assert!(problem.text.contains("lacks TEMP"), "{}", problem.text),
        other => panic!("{other:?}"),
    }
    let refresh = night.plan_as("duena", Fix::Refresh).await;
    assert!(refresh.notes.iter().any(|n| n.contains("temporary table")) && !refresh.sql().contains("CONCURRENTLY"));
    night.sql("DROP EXTENSION pg_cron; CREATE EXTENSION pg_cron VERSION '1.3'").await;
    let plan = night.plan(every_five_minutes()).await;
    assert!(plan.needs.is_empty(), "{:?}", plan.needs);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_takes_back_only_what_mvtop_did() {
    let night = Night::start().await;
    let state = tempfile::tempdir().unwrap();
    let mvtop = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvtop"));
        command.arg("fix").args(args).arg(night.demo.conninfo()).stdin(Stdio::null());
        let output = command.env("XDG_STATE_HOME", state.path()).env_remove("DATABASE_URL").output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    night.sql(&format!("SELECT cron.schedule('refresco', '*/7 * * * *', '{REFRESH}')")).await;
    night.sql("SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'refresco'").await;
    let before = night.dump().await;
    let (code, why) = mvtop(&["cron", "--undo", "--yes"]);
    assert!(code == 3 && why.contains("did not make refresco"), "{why}");
    assert_eq!(mvtop(&["cron", "--yes"]).0, 0);
    let once = night.dump().await;
    assert_ne!(once, before, "the job was set right");
    let set = night.text("SELECT schedule FROM cron.job WHERE jobname = 'refresco'").await;
    let (code, why) = mvtop(&["cron", "--yes", "--schedule", &set]);
    assert!(code == 0 && why.contains("Nothing to do: refresco is active with this schedule."), "{why}");
    assert_eq!(night.dump().await, once, "once more changes nothing, and hides no way back");
    for (words, said) in [(&["refrsh", "--yes"][..], "did you mean refresh?"), (&["--yes"], "must be told what to do")]
    {
        let (code, why) = mvtop(words);
        assert!(code == 3 && why.contains(said), "{words:?}: {why}");
    }
    assert_eq!(mvtop(&["cron", "--undo", "--yes"]).0, 0);
    assert_eq!(night.dump().await, before, "the team's job is paused again, and not gone");
    let (code, why) = mvtop(&["cron", "--undo", "--yes"]);
    assert!(code == 3 && why.contains("did not make refresco"), "{why}");
    assert_eq!((mvtop(&["resume", "--yes"]).0, mvtop(&["run", "--yes"]).0, mvtop(&["pause", "--yes"]).0), (0, 0, 0));
    assert_eq!(night.dump().await, before);
    night.sql(&format!("SELECT cron.schedule('otro', '*/9 * * * *', '{REFRESH}')")).await;
    assert_eq!((mvtop(&["resume", "--yes"]).0, mvtop(&["pause", "--yes"]).0), (0, 3), "one was paused, then none");
    assert_eq!(mvtop(&["resume", "--undo", "--yes"]).0, 3, "either may be meant");
    night.sql("SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'refresco'").await;
    assert_eq!((mvtop(&["pause", "--yes"]).0, mvtop(&["resume", "--yes"]).0), (0, 3), "one was active, now none");
    night.sql("SELECT cron.unschedule('otro')").await;
    assert_eq!(night.dump().await, before);
    let id = night.text("SELECT jobid::text FROM cron.job WHERE jobname = 'refresco'").await;
    let remove = night.plan(Fix::CronRemove(JobId(id.parse().unwrap()))).await;
    let again = format!("SELECT cron.schedule('refresco', '*/7 * * * *', '{REFRESH}')");
    assert!(remove.undo.as_ref().is_some_and(|u| u.contains(&again)), "{:?}", remove.undo);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_left_uncommitted_is_ended_from_here() {
    let night = Night::start().await;
    let idle = connect(night.demo.conninfo()).await;
    idle.batch_execute(&format!("BEGIN; {REFRESH}")).await.unwrap();
    let snapshot = night.look("postgres").await;
    let view = &snapshot.views[0];
    let pid = view.obstacles()[0].by.pid;
    let advice = advise(&snapshot, view, None, view.facts.value().unwrap());
    assert!(matches!(advice.best, Best::Repair(Fix::Terminate(p), _) if p == pid), "{:?}", advice.best);
    let end = plan(&snapshot, &Fix::Terminate(pid));
    assert!(end.needs.is_empty(), "{:?}", end.needs);
    match night.run(&end).await {
        Ending::Done(Some(found)) => assert!(found.good, "{}", found.text),
        other => panic!("{other:?}"),
    }
    // A plain one shuts readers out: nothing can be weighed, and that is said instead of waited for.
    let idle = connect(night.demo.conninfo()).await;
    idle.batch_execute("BEGIN; REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard").await.unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_mvtop"));
    let asked = command.args(["fix", night.demo.conninfo()]).stdin(Stdio::null()).kill_on_drop(true).output();
    let said = tokio::time::timeout(Duration::from_secs(15), asked).await.expect("an answer").unwrap();
    let why = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(3) && why.contains("refreshed it and did not commit"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_refreshes_need_stays_and_one_that_cannot_be_is_not_made() {
    let night = Night::start().await;
    night.sql("DROP INDEX mv_conversaciones_dashboard_prospecto").await;
    let some = |columns: &[&str]| Fix::CreateUnique(columns.iter().map(|c| c.to_string()).collect());
    let none = night.plan(some(&[])).await;
    needs(&none, "columns that are unique");
    assert_eq!(none.sql(), "", "no statement without a column");
    needs(&night.plan(some(&["prospecto"])).await, "it has no prospecto");
    fails(&night, some(&["etapa"]), "is duplicated").await;
    night.does(some(&["prospecto_id"])).await;
    assert_eq!(night.plan(some(&[])).await.needs, [Need::Already("it has a unique index".into())]);
    night.sql(&format!("SELECT cron.schedule('refresco', '*/7 * * * *', '{REFRESH}')")).await;
    needs(&night.plan(Fix::DropUnique).await, "the job refresco");
    night.sql("SELECT cron.unschedule('refresco')").await;
    night
        .sql(&format!(
            "CREATE FUNCTION refresca() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {REFRESH}; END $$;
             SELECT cron.schedule('por-funcion', '*/7 * * * *', 'SELECT refresca()')"
        ))
        .await;
    needs(&night.plan(Fix::DropUnique).await, "the job por-funcion");
    let set = night.plan(every_five_minutes()).await;
    assert!(set.impact.starts_with("Nobody waits") || set.impact.contains("readers go on"), "{}", set.impact);
    night.sql("SELECT cron.unschedule('por-funcion')").await;
    night.does(Fix::DropUnique).await;
    // One column without an order spoils nothing.
    night
        .sql(
            "CREATE MATERIALIZED VIEW redondas AS SELECT id, nombre_whatsapp, circle '<(0,0),1>' AS zona, '{}'::json AS j,
                    ARRAY[id] AS ids FROM prospectos;
             ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra;
             ALTER MATERIALIZED VIEW redondas RENAME TO mv_conversaciones_dashboard",
        )
        .await;
    let snapshot = night.look("postgres").await;
    let facts = snapshot.views.iter().find(|v| v.view.name.name == VIEW).unwrap().facts.value().unwrap().clone();
    assert_eq!(facts.unique, [["id"], ["ids"]]);
    needs(&night.plan(some(&["zona"])).await, "zona cannot be in a unique index");
}

/// A definition that fails must not become what readers run; nor may what serves others stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_view_is_refused_where_it_would_shut_readers_out_or_stop_other_work() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE TABLE g (id int, g int); INSERT INTO g VALUES (1, 5);
             ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra;
             CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT id, 10 / (g + 5) AS d FROM g;
             UPDATE g SET g = -5",
        )
        .await;
    needs(&night.plan(Fix::PlainView).await, "a definition that runs");
    // As if it had begun to fail a moment later.
    night.sql("UPDATE g SET g = 5").await;
    let plan = night.plan(Fix::PlainView).await;
    night.sql("UPDATE g SET g = -5").await;
    let before = night.dump().await;
    match night.run(&plan).await {
        Ending::Failed(problem) => assert!(problem.text.contains("shut its readers out"), "{}", problem.text),
        other => panic!("{other:?}"),
    }
    assert_eq!(night.dump().await, before);
    night.sql("UPDATE g SET g = 5").await;
    night
        .sql(&format!("SELECT cron.schedule('dos', '*/7 * * * *', '{REFRESH}; REFRESH MATERIALIZED VIEW otra')"))
        .await;
    needs(&night.plan(Fix::PlainView).await, "dos to leave it out");
    night.sql("SELECT cron.unschedule('dos')").await;
    night
        .sql(&format!(
            "CREATE ROLE duena LOGIN; GRANT ALL ON SCHEMA public, cron TO duena; GRANT SELECT ON ALL TABLES IN SCHEMA public, cron TO duena;
             ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO duena; ALTER TABLE cron.job DISABLE ROW LEVEL SECURITY;
             SELECT cron.schedule('ajeno', '*/7 * * * *', '{REFRESH}')"
        ))
        .await;
    needs(&night.plan_as("duena", Fix::PlainView).await, "ajeno paused by postgres");
    night.sql("SELECT cron.unschedule('ajeno')").await;
    night
        .sql(&format!(
            "CREATE FUNCTION refrescar() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {REFRESH}; RETURN NULL; END $$;
             CREATE TRIGGER refrescar AFTER INSERT ON g EXECUTE FUNCTION refrescar()"
        ))
        .await;
    needs(&night.plan(Fix::PlainView).await, "refrescar on g dropped first");
    needs(&night.plan(Fix::TriggersRemove).await, "triggers that mvtop made");
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_whose_refresh_fails_are_not_left_behind_and_namesakes_keep_theirs() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE TABLE g (id int PRIMARY KEY); INSERT INTO g VALUES (1); CREATE SCHEMA ventas;
             CREATE FUNCTION cuantos() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM g';
             ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra;
             CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT id, cuantos() AS n FROM g",
        )
        .await;
    fails(&night, Fix::TriggersInstall, "every write would fail so").await;
    night
        .sql(
            "DROP MATERIALIZED VIEW mv_conversaciones_dashboard;
             CREATE MATERIALIZED VIEW ventas.mv_conversaciones_dashboard AS SELECT id, '$mvtop$'::text AS t FROM g",
        )
        .await;
    night.does(Fix::TriggersInstall).await;
    night
        .sql(
            "ALTER MATERIALIZED VIEW ventas.mv_conversaciones_dashboard RENAME TO suya;
             CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT id FROM g",
        )
        .await;
    night.does(Fix::TriggersInstall).await;
    let triggers = "SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgname LIKE 'mvtop%'";
    assert_eq!(
        night.text(triggers).await,
        "mvtop_refresh_mv_conversaciones_dashboard mvtop_refresh_ventas.mv_conversaciones_dashboard"
    );
    night
        .sql(
            "CREATE ROLE duena LOGIN; GRANT ALL ON SCHEMA public TO duena; GRANT SELECT, TRIGGER ON g TO duena;
             ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO duena",
        )
        .await;
    needs(&night.plan_as("duena", Fix::TriggersRemove).await, "to own g");
    night.does(Fix::TriggersRemove).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_an_early_end_is_said() {
    let night = Night::start().await;
    night
        .sql(
            "INSERT INTO cron.job_run_details (runid, jobid, status, start_time, end_time)
             SELECT -n, 1, 'succeeded', now() - interval '40 days', now() - interval '40 days' FROM generate_series(1, 7000) AS n;
             CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'basta'; END $$;
             CREATE TRIGGER no BEFORE DELETE ON cron.job_run_details FOR EACH ROW WHEN (OLD.runid = -10) EXECUTE FUNCTION no()",
        )
        .await;
    let purge = night.plan(Fix::PurgeRuns { days: 30 }).await;
    match night.run(&purge).await {
        Ending::Partly(problem, stays) => {
            assert!(stays.starts_with("5000 rows") && problem.text.contains("basta"), "{stays}: {problem:?}");
        }
        other => panic!("{other:?}"),
    }
    night
        .sql(
            "CREATE PROCEDURE larga() LANGUAGE plpgsql AS $$ BEGIN COMMIT; PERFORM pg_sleep(60); END $$;
             SELECT cron.schedule('larga', '0 4 * * *', 'CALL larga()'); ALTER DATABASE crm SET statement_timeout = '300ms'",
        )
        .await;
    let id = JobId(night.text("SELECT jobid::text FROM cron.job WHERE jobname = 'larga'").await.parse().unwrap());
    let now = night.plan(Fix::CronRunNow(id)).await;
    match night.run(&now).await {
        Ending::Partly(problem, _) => assert!(problem.text.contains("statement_timeout"), "{problem:?}"),
        other => panic!("{other:?}"),
    }
    night.sql("ALTER DATABASE crm RESET statement_timeout").await;
    commits_itself(&night).await;
    let theirs = target(night.demo.conninfo());
    let running = tokio::spawn(async move { run(&theirs, &now).await });
    until(
        &night.client,
        "the call",
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'CALL larga()' AND wait_event = 'PgSleep')",
    )
    .await;
    night.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'CALL larga()'").await;
    match running.await.unwrap() {
        Ending::Partly(problem, _) => assert_eq!(problem.text, "it was cancelled"),
        other => panic!("{other:?}"),
    }
}

/// What brings its own transactions runs as it does under pg_cron, and what it committed is not denied.
async fn commits_itself(night: &Night) {
    night
        .sql(
            "CREATE TABLE hecho (n int); CREATE PROCEDURE corta() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hecho VALUES (1); COMMIT; END $$;
             SELECT cron.schedule('comentada', '0 4 * * *', '/* nightly */ CALL corta()');
             SELECT cron.schedule('bloque', '0 4 * * *', 'DO $d$ BEGIN INSERT INTO hecho VALUES (2); COMMIT; END $d$');
             SELECT cron.schedule('rota', '0 4 * * *', 'BEGIN; INSERT INTO hecho VALUES (3); COMMIT; SELECT 1/0')",
        )
        .await;
    for (name, whole) in [("comentada", true), ("bloque", true), ("rota", false)] {
        let id = night.text(&format!("SELECT jobid::text FROM cron.job WHERE jobname = '{name}'")).await;
        let ending = night.run(&night.plan(Fix::CronRunNow(JobId(id.parse().unwrap()))).await).await;
        match ending {
            Ending::Done(_) => assert!(whole, "{name}"),
            Ending::Partly(problem, stays) => assert!(!whole && stays.contains("stays"), "{name}: {problem:?}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(night.text("SELECT string_agg(n::text, '' ORDER BY n) FROM hecho").await, "123");
}
