//! Reads pg_cron's jobs and the newest runs.

use tokio_postgres::types::Type;

use crate::domain::job::{History, Job, JobId, RemovedJob, Run, RunId, RunStatus};
use crate::domain::reading::Problem;
use crate::domain::text::visible;
use crate::pg::catalog::unexpected;
use crate::pg::session::{Limits, Session};

/// Every job that this role may see, and those that are gone but left runs.
pub async fn jobs(session: &Session) -> Result<(Vec<Job>, Vec<RemovedJob>), Problem> {
    let sql = include_str!("../sql/jobs.sql");
    let rows = session.read(Limits::CHEAP, sql, &[(&History::WINDOW, Type::INT8)]).await?;
    let row = rows.first().ok_or_else(|| unexpected("no answer about cron.job"))?;
    let failed = |e: serde_json::Error| unexpected(&format!("cron.job: {e}"));
    let jobs = serde_json::from_str(row.get("jobs")).map_err(failed)?;
    Ok((jobs, serde_json::from_str(row.get("removed")).map_err(failed)?))
}

/// The newest runs above this id, newest first, at most [`History::WINDOW`].
pub async fn runs(session: &Session, above: RunId) -> Result<Vec<Run>, Problem> {
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&above.0, Type::INT8), (&History::WINDOW, Type::INT8)];
    let rows = session.read(Limits::CHEAP, include_str!("../sql/runs.sql"), &parameters).await?;
    let run = |row: &tokio_postgres::Row| Run {
        id: RunId(row.get("runid")),
        job: JobId(row.get("jobid")),
        status: RunStatus::parse(row.get::<_, Option<&str>>("status").unwrap_or_default()),
        message: row.get::<_, Option<&str>>("message").map(|m| visible(m).into_owned()),
        start: row.get("start_time"),
        end: row.get("end_time"),
    };
    Ok(rows.iter().map(run).collect())
}
