//! Work done as somebody else would do it: pg_cron's run of a job, a refresh that comes late, an import.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_postgres::{Client, Error};

use super::super::cluster::Cluster;
use super::super::error::DemoError;
use super::super::load::{connect, failed};
use super::PHASE;

/// What repeats comes this long after somebody began to look, so that it is seen to come,
const FIRST: Duration = Duration::from_secs(3);
/// and this long after that again.
const AGAIN: Duration = Duration::from_secs(40);

/// Does an mvtop look that was not there before this time?
const IS_WATCHED: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE application_name = 'mvtop pulse' AND backend_start > now() - make_interval(secs => $1))";

/// Runs a job's command once on a connection like pg_cron's and writes the row that pg_cron would, so that a failure
/// is a real one though nobody waited for its minute.
pub(super) async fn as_pg_cron_does(client: &Client, cluster: &Cluster, job: &str) -> Result<(), DemoError> {
    let job = client
        .query_one("SELECT jobid, command, database, username, nodename FROM cron.job WHERE jobname = $1", &[&job])
        .await
        .map_err(failed(PHASE))?;
    let (command, database, username): (String, String, String) = (job.get(1), job.get(2), job.get(3));
    let own = cluster.conninfo_for(&username, &database);
    let conninfo = if own.contains(job.get::<_, &str>(4)) { own } else { format!("host={}", job.get::<_, &str>(4)) };
    let (status, message, ran) = match connect(&format!("{conninfo} application_name='pg_cron'")).await {
        // pg_cron before 1.6.3 leaves both times NULL then.
        Err(_) => ("failed", "connection failed".to_string(), false),
        Ok(session) => match session.batch_execute(&command).await {
            Ok(()) => ("succeeded", "REFRESH MATERIALIZED VIEW".into(), true),
            Err(error) => ("failed", message(&error), true),
        },
    };
    let id: i64 = job.get(0);
    client
        .execute(include_str!("sql/write_run.sql"), &[&id, &database, &username, &command, &status, &message, &ran])
        .await
        .map(drop)
        .map_err(failed(PHASE))
}

/// An error as libpq words it.
fn message(error: &Error) -> String {
    let Some(error) = error.as_db_error() else { return error.to_string() };
    let mut text = format!("{}:  {}\n", error.severity(), error.message());
    for (label, part) in [("DETAIL", error.detail()), ("HINT", error.hint()), ("CONTEXT", error.where_())] {
        if let Some(part) = part {
            text.push_str(&format!("{label}:  {part}\n"));
        }
    }
    text
}

/// Every prospecto is written in one statement, now and then.
pub(super) async fn import(conninfo: String) {
    let import = || async {
        let client = connect(&conninfo).await.ok()?;
        client.batch_execute(include_str!("sql/import.sql")).await.ok()
    };
    again_and_again(&conninfo, import).await;
}

/// A refresh waits behind another while prospectos move; then it installs what was true before.
pub(super) async fn refresh_late(conninfo: String) {
    let late = || async {
        let holder = connect(&format!("{conninfo} application_name='psql'")).await.ok()?;
        let refresher = connect(&format!("{conninfo} application_name='pg_cron'")).await.ok()?;
        let refresh = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
        holder.batch_execute(&format!("BEGIN; {refresh}")).await.ok()?;
        let waiting = tokio::spawn(async move { refresher.batch_execute(refresh).await });
        // Long enough to be seen by a look a second.
        sleep(Duration::from_secs(2)).await;
        let writer = connect(&conninfo).await.ok()?;
        writer.batch_execute(include_str!("sql/moved_again.sql")).await.ok()?;
        sleep(Duration::from_secs(1)).await;
        holder.batch_execute("ROLLBACK").await.ok()?;
        waiting.await.ok()?.ok()
    };
    again_and_again(&conninfo, late).await;
}

/// Works shortly after each time that somebody begins to look, and now and then while nobody new does.
async fn again_and_again<F: Future<Output = Option<()>>>(conninfo: &str, work: impl Fn() -> F) {
    loop {
        let begun = Instant::now();
        while begun.elapsed() < AGAIN && !is_newly_watched(conninfo, begun.elapsed()).await {
            sleep(Duration::from_millis(250)).await;
        }
        sleep(FIRST).await;
        if work().await.is_none() {
            tracing::debug!("the scenario's work waits for the server");
        }
    }
}

async fn is_newly_watched(conninfo: &str, within: Duration) -> bool {
    let Ok(client) = connect(conninfo).await else { return false };
    client.query_one(IS_WATCHED, &[&within.as_secs_f64()]).await.is_ok_and(|row| row.get(0))
}
