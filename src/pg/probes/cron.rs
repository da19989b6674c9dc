//! Reads pg_cron's jobs and the newest runs.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::domain::job::{History, Job, JobId, Ran, RemovedJob, Routine, Run, RunId, RunStatus};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::server::{Cron, CronExtension};
use crate::domain::text::visible;
use crate::pg::catalog::{self, unexpected};
use crate::pg::conninfo::Target;
use crate::pg::session::{Limits, Parameters, Session};

/// What another database says of pg_cron.
#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    /// The extension there.
    pub extension: CronExtension,
    /// Its jobs.
    pub jobs: Jobs,
    /// Its newest runs above the id asked for.
    pub runs: Vec<Run>,
}

/// The jobs, and what their commands may call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Jobs {
    /// Every job that this role may see.
    pub jobs: Vec<Job>,
    /// Those that are gone but left runs.
    pub removed: Vec<RemovedJob>,
    /// The routines that refresh something when a command calls them.
    pub routines: Vec<Routine>,
}

/// Reads pg_cron where it keeps its tables in another `database` than the one `watched`, by a connection that ends
/// afterwards.
pub async fn elsewhere(target: &Target, database: &str, watched: &str, above: RunId) -> Result<Elsewhere, Problem> {
    let session = Session::connect(&target.clone().in_database(database), "jobs").await.map_err(told)?;
    let lacking = |text: &str| Problem { kind: ProblemKind::Permission, text: text.into() };
    let extension = match catalog::server(&session).await?.cron {
        Cron::Present(extension) => CronExtension { elsewhere: Some(database.into()), ..extension },
        Cron::Forbidden => return Err(lacking("this role needs USAGE on the schema cron there")),
        _ => return Err(lacking("its extension was never created there, so there is no job")),
    };
    let jobs = jobs(&session, Some(watched)).await?;
    Ok(Elsewhere { extension, jobs, runs: runs(&session, above, Some(watched)).await? })
}

/// That the other database cannot be reached says nothing about the connection that watches this one.
fn told(problem: Problem) -> Problem {
    Problem { kind: ProblemKind::Other, ..problem }
}

/// The jobs. `watched` is the database that is looked at,
/// where the session is not in it.
pub async fn jobs(session: &Session, watched: Option<&str>) -> Result<Jobs, Problem> {
    let sql = include_str!("../sql/jobs.sql");
    let rows = session.read(Limits::CHEAP, sql, &[(&History::WINDOW, Type::INT8), (&watched, Type::TEXT)]).await?;
    let row = rows.first().ok_or_else(|| unexpected("no answer about cron.job"))?;
    let failed = |e: serde_json::Error| unexpected(&format!("cron.job: {e}"));
    let mut jobs = Jobs {
        jobs: serde_json::from_str(row.get("jobs")).map_err(failed)?,
        removed: serde_json::from_str(row.get("removed")).map_err(failed)?,
        routines: serde_json::from_str(row.get("routines")).map_err(failed)?,
    };
    if row.get::<_, Option<bool>>("is_superuser") == Some(true) {
        fill_paths(session, &mut jobs).await?;
    }
    Ok(jobs)
}

/// Gives jobs without a search_path of their own the server's. Our own start-up option hides it, and only a superuser may
/// read the files; for others it is taken to be the usual one.
async fn fill_paths(session: &Session, jobs: &mut Jobs) -> Result<(), Problem> {
    let paths = jobs.jobs.iter_mut().map(|job| &mut job.search_path);
    let paths = paths.chain(jobs.removed.iter_mut().map(|job| &mut job.search_path));
    let mut missing: Vec<&mut Option<String>> = paths.filter(|path| path.is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let sql = "SELECT f.setting FROM pg_file_settings f WHERE f.name = 'search_path' AND f.applied ORDER BY f.seqno DESC LIMIT 1";
    let rows = session.read(Limits::CHEAP, sql, &[]).await?;
    let server: Option<String> = rows.first().map(|row| row.get(0));
    missing.iter_mut().for_each(|path| (**path).clone_from(&server));
    Ok(())
}

/// The newest runs above this id, newest first, at most [`History::WINDOW`]; `watched` as for [`jobs`].
pub async fn runs(session: &Session, above: RunId, watched: Option<&str>) -> Result<Vec<Run>, Problem> {
    let parameters: Parameters = &[(&above.0, Type::INT8), (&History::WINDOW, Type::INT8), (&watched, Type::TEXT)];
    let mut runs: Vec<Run> = Vec::new();
    let mut ran: HashMap<JobId, Arc<Ran>> = HashMap::new();
    let take = |row: Row| {
        let job = JobId(row.get("jobid"));
        let command: &str = row.get::<_, Option<&str>>("command").unwrap_or_default();
        let here = row.get::<_, Option<bool>>("here").unwrap_or(false);
        let is_same = |ran: &&Arc<Ran>| ran.command == command && ran.here == here;
        let known = ran.get(&job).filter(is_same).cloned();
        let what = known.unwrap_or_else(|| Arc::new(Ran { command: command.into(), here }));
        ran.insert(job, what.clone());
        runs.push(Run {
            id: RunId(row.get("runid")),
            job,
            status: RunStatus::parse(row.get::<_, Option<&str>>("status").unwrap_or_default()),
            message: row.get::<_, Option<&str>>("message").map(|m| visible(m).into_owned()),
            start: row.get("start_time"),
            end: row.get("end_time"),
            ran: Some(what),
        });
    };
    session.each(Limits::CHEAP, include_str!("../sql/runs.sql"), parameters, take).await?;
    Ok(runs)
}
