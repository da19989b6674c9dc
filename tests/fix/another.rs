//! What was asked about and what is there at the yes are one and the same thing, or nothing is done.

use mvtop::domain::fix::Fix;
use mvtop::domain::job::JobId;
use mvtop::pg::operator::Ending;

use crate::{Night, connect, every_five_minutes, plan, refused, run, target};

/// How another view comes to stand in the place of the one that was shown.
const CHANGES: [(&str, &str); 3] = [
    (
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra;
         CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT * FROM otra;
         CREATE UNIQUE INDEX clave ON mv_conversaciones_dashboard (prospecto_id)",
        "DROP MATERIALIZED VIEW mv_conversaciones_dashboard; ALTER MATERIALIZED VIEW otra RENAME TO mv_conversaciones_dashboard",
    ),
    (
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO otra_duena",
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO postgres",
    ),
    (
        "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra; CREATE VIEW mv_conversaciones_dashboard AS SELECT 1 AS prospecto_id",
        "DROP VIEW mv_conversaciones_dashboard; ALTER MATERIALIZED VIEW otra RENAME TO mv_conversaciones_dashboard",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_was_made_anew_renamed_or_given_away_meanwhile_is_left_alone() {
    let night = Night::start().await;
    night.sql("CREATE ROLE otra_duena; GRANT ALL ON SCHEMA public TO otra_duena").await;
    for (change, back) in CHANGES {
        let snapshot = night.look("postgres").await;
        for fix in [
            Fix::Refresh,
            every_five_minutes(),
            Fix::TriggersInstall,
            Fix::PlainView,
            Fix::CreateUnique(vec!["prospecto_id".into()]),
        ] {
            let plan = plan(&snapshot, &fix);
            night.sql(change).await;
            let before = night.dump().await;
            refused(&night, &plan, "look again").await;
            assert_eq!(night.dump().await, before, "{fix:?}: {change}");
            night.sql(back).await;
        }
    }
    // A table, too.
    let install = night.plan(Fix::TriggersInstall).await;
    night.sql("ALTER TABLE coordinaciones OWNER TO otra_duena").await;
    refused(&night, &install, "coordinaciones is another table now, or another's: look again").await;
    night.sql("ALTER TABLE coordinaciones OWNER TO postgres").await;
    night.does(Fix::TriggersInstall).await;
    let remove = night.plan(Fix::TriggersRemove).await;
    night.sql(CHANGES[1].0).await;
    refused(&night, &remove, "look again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_another_one_meanwhile_is_left_alone() {
    let night = Night::start().await;
    night.sql("CREATE ROLE otra_duena").await;
    let whole = "SELECT string_agg(j::text, ';' ORDER BY jobid) FROM cron.job j";
    for change in ["command = 'SELECT 2'", "jobname = 'otro'", "username = 'otra_duena'"] {
        let snapshot = night.look("postgres").await;
        let was = night.text("SELECT format('command = %L, jobname = %L, username = %L', command, jobname, username) FROM cron.job WHERE jobid = 1").await;
        for fix in [
            Fix::CronPause(JobId(1)),
            Fix::CronResume(JobId(1)),
            Fix::CronReschedule(JobId(1), "7 * * * *".into()),
            Fix::CronRemove(JobId(1)),
        ] {
            let plan = plan(&snapshot, &fix);
            night.sql(&format!("UPDATE cron.job SET {change} WHERE jobid = 1")).await;
            let before = night.text(whole).await;
            refused(&night, &plan, "is another job now: look again").await;
            assert_eq!(night.text(whole).await, before, "{fix:?}: {change}");
            night.sql(&format!("UPDATE cron.job SET {was} WHERE jobid = 1")).await;
        }
    }
    // A name that was free when it was shown.
    let install = night.plan(every_five_minutes()).await;
    night.sql("SELECT cron.schedule('refresh-conversaciones-dashboard', '7 * * * *', 'SELECT 1')").await;
    let before = night.text(whole).await;
    refused(&night, &install, "a job refresh-conversaciones-dashboard is there by now: look again").await;
    assert_eq!(night.text(whole).await, before, "it is not overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_went_on_meanwhile_is_not_ended() {
    let night = Night::start().await;
    let idle = connect(night.demo.conninfo()).await;
    let refresh = "BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
    idle.batch_execute(refresh).await.unwrap();
    let snapshot = night.look("postgres").await;
    let pid = snapshot.views[0].obstacles()[0].by.pid;
    let end = plan(&snapshot, &Fix::Terminate(pid));
    idle.batch_execute(&format!("COMMIT; {refresh}")).await.unwrap();
    refused(&night, &end, "is another session by now, or went on: look again").await;
    idle.batch_execute("COMMIT").await.unwrap();
}

/// The connection of an action may be read-only, see nobody's schema, and begin its transactions as no other does.
#[tokio::test(flavor = "multi_thread")]
async fn every_action_brings_what_it_needs_whatever_its_session_has_set() {
    let night = Night::start().await;
    let options = "options='-c default_transaction_read_only=on -c search_path=pg_catalog,pg_temp -c default_transaction_isolation=serializable \
                   -c default_transaction_deferrable=on'";
    let strict = target(&format!("{} {options}", night.demo.conninfo()));
    for fix in [
        Fix::Refresh,
        every_five_minutes(),
        Fix::CronPause(JobId(1)),
        Fix::CronResume(JobId(1)),
        Fix::TriggersInstall,
        Fix::TriggersRemove,
        Fix::PlainView,
        Fix::Materialize,
        Fix::PurgeRuns { days: 30 },
        Fix::CronRemove(JobId(1)),
    ] {
        let plan = night.plan(fix.clone()).await;
        assert!(plan.needs.is_empty(), "{fix:?}: {:?}", plan.needs);
        let ending = run(&strict, &plan).await;
        let is_good = matches!(&ending, Ending::Done(found) if found.as_ref().is_none_or(|f| f.good));
        assert!(is_good, "{fix:?}: {ending:?}\n{}", plan.sql());
    }
}
