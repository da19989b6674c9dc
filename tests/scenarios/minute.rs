//! One minute of pg_cron itself: what the scenarios write for it, it writes when it runs the same commands.

use std::time::{Duration, Instant};

use mvtop::demo::{Demo, Options};
use mvtop::domain::diagnosis::Failure;
use tokio_postgres::NoTls;

/// Four small views, each with a job every minute that fails in its own way.
const JOBS: &str = "
    CREATE TABLE base AS SELECT 1 AS id;
    CREATE ROLE cron_crm LOGIN;
    CREATE ROLE impatient LOGIN SUPERUSER;
    ALTER ROLE impatient SET statement_timeout = '50ms';
    CREATE MATERIALIZED VIEW owned AS SELECT id FROM base;
    CREATE MATERIALIZED VIEW bare AS SELECT id FROM base;
    CREATE MATERIALIZED VIEW doubled AS SELECT id FROM base;
    CREATE UNIQUE INDEX ON doubled (id);
    INSERT INTO base VALUES (1);
    CREATE MATERIALIZED VIEW slow AS SELECT id, pg_sleep(0.1)::text AS nothing FROM base;
    SELECT cron.schedule('owned', '* * * * *', 'REFRESH MATERIALIZED VIEW owned'),
           cron.schedule('bare', '* * * * *', 'REFRESH MATERIALIZED VIEW CONCURRENTLY bare'),
           cron.schedule('doubled', '* * * * *', 'REFRESH MATERIALIZED VIEW CONCURRENTLY doubled'),
           cron.schedule('slow', '* * * * *', 'REFRESH MATERIALIZED VIEW slow');
    UPDATE cron.job SET username = 'cron_crm' WHERE jobname = 'owned';
    UPDATE cron.job SET username = 'impatient' WHERE jobname = 'slow'";

const ENDED: &str = "
    SELECT j.jobname, d.return_message FROM cron.job_run_details d JOIN cron.job j USING (jobid)
    WHERE j.jobname IN ('owned', 'bare', 'doubled', 'slow') AND d.status = 'failed' ORDER BY d.runid";

#[tokio::test(flavor = "multi_thread")]
async fn pg_cron_itself_writes_the_failures_that_are_told_apart() {
    let demo = Demo::start(&Options { rows: 400, traffic: false, ..Options::default() }, |_| ()).await.unwrap();
    let (client, connection) = tokio_postgres::connect(demo.conninfo(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(JOBS).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(150);
    let mut failures: Vec<(String, String)> = Vec::new();
    while failures.len() < 4 && Instant::now() < deadline {
        let rows = client.query(ENDED, &[]).await.unwrap();
        failures = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (job, class) in [
        ("owned", Failure::NotOwner),
        ("bare", Failure::NoUniqueIndex),
        ("doubled", Failure::Duplicates),
        ("slow", Failure::Timeout),
    ] {
        let message = failures.iter().find(|(name, _)| name == job).map(|(_, message)| message);
        assert_eq!(message.map(|m| Failure::of(m)), Some(class), "{job}: {message:?} in {failures:?}");
    }
}
