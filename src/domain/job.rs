//! pg_cron's jobs and their runs.

mod command;
mod history;
mod path;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::command::own_refreshes;
pub use self::command::{Homes, Routine, command_refreshes, is_whole, refresh_modes};
pub use self::history::{History, Index};
use self::path::SearchPath;
use super::time::Time;

/// `cron.job.jobid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

/// `cron.job_run_details.runid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

/// A row of `cron.job`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Its schedule in pg_cron's own dialect.
    pub schedule: String,
    /// The SQL it runs.
    pub command: String,
    /// The database it runs in.
    pub database: String,
    /// The role it runs as.
    pub username: String,
    /// Whether it is active; a paused job keeps its schedule.
    pub active: bool,
    /// Does it run in the database that is looked at? Elsewhere it refreshes another view of the same name.
    pub here: bool,
    /// Does the role it runs as still exist? If not, pg_cron stops at it and runs no job at all.
    pub owner_exists: bool,
    /// The newest run, of whichever job, that was last written before this job was: its schedule came later. `None`: every
    /// run that is known was written after it.
    #[serde(default)]
    pub changed_after: Option<RunId>,
    /// The search_path that the settings of its role and database give it, if they do.
    #[serde(default)]
    pub search_path: Option<String>,
}

/// A job that is gone, known from the runs it left behind: pg_cron keeps those for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RemovedJob {
    /// Its id.
    pub id: JobId,
    /// The SQL its last run executed.
    pub command: String,
    /// The role it ran as.
    #[serde(default)]
    pub username: String,
    /// The search_path that the settings of that role and its database give it, if they do.
    #[serde(default)]
    pub search_path: Option<String>,
    /// Did that run in the database that is looked at?
    pub here: bool,
}

impl Job {
    fn path(&self) -> SearchPath<'_> {
        SearchPath::of(self.search_path.as_deref(), &self.username)
    }

    /// Its name, else its command.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.command)
    }

    /// Is it one REFRESH and nothing else? What it calls may do more.
    pub fn only_refreshes(&self) -> bool {
        let statements = self.command.split(';').filter(|s| !s.trim().is_empty()).count();
        statements == 1 && own_refreshes(&self.command) == 1
    }
}

impl RemovedJob {
    fn path(&self) -> SearchPath<'_> {
        SearchPath::of(self.search_path.as_deref(), &self.username)
    }
}

/// `cron.job_run_details.status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// A connection or worker is being started.
    Starting,
    /// The connection is being made (a server restart leaves it so for ever).
    Connecting,
    /// The command is being sent (a server restart leaves it so for ever).
    Sending,
    /// The command runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It failed; the message says why.
    Failed,
    /// A word this program does not know.
    Other(String),
}

impl RunStatus {
    /// The status a word stands for.
    pub fn parse(word: &str) -> RunStatus {
        match word {
            "starting" => RunStatus::Starting,
            "connecting" => RunStatus::Connecting,
            "sending" => RunStatus::Sending,
            "running" => RunStatus::Running,
            "succeeded" => RunStatus::Succeeded,
            "failed" => RunStatus::Failed,
            other => RunStatus::Other(other.into()),
        }
    }

    /// Will it still change?
    pub fn is_open(&self) -> bool {
        !matches!(self, RunStatus::Succeeded | RunStatus::Failed)
    }

    /// The word for it.
    pub fn word(&self) -> &str {
        match self {
            RunStatus::Starting => "starting",
            RunStatus::Connecting => "connecting",
            RunStatus::Sending => "sending",
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Other(word) => word,
        }
    }
}

/// A row of `cron.job_run_details`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id; ids rise with time, though not strictly.
    pub id: RunId,
    /// The job; it may no longer exist, runs outlive jobs.
    pub job: JobId,
    /// How far it is.
    pub status: RunStatus,
    /// The last command tag, or the error's text.
    pub message: Option<String>,
    /// When it began to run; NULL for one that never did.
    pub start: Option<Time>,
    /// When it ended.
    pub end: Option<Time>,
    /// What it ran; `None`: what its job would run now, as far as is known.
    pub ran: Option<Arc<Ran>>,
}

/// What a run ran. Its job may have been changed since. Many runs share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The SQL.
    pub command: String,
    /// Did it run in the database that is looked at?
    pub here: bool,
}

impl Run {
    /// How long it ran, if it ran and ended.
    pub fn duration(&self) -> Option<chrono::TimeDelta> {
        Some(self.end? - self.start?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::view::ViewName;

    fn job(command: &str) -> Job {
        Job {
            id: JobId(1),
            name: None,
            schedule: "* * * * *".into(),
            command: command.into(),
            database: "crm".into(),
            username: "postgres".into(),
            active: true,
            here: true,
            owner_exists: true,
            changed_after: None,
            search_path: None,
        }
    }

    fn refreshes(command: &str, schema: &str, name: &str) -> bool {
        let job = job(command);
        History { jobs: vec![job.clone()], ..History::default() }
            .job_refreshes(&job, &ViewName { schema: schema.into(), name: name.into() })
    }

    fn named(name: &str) -> ViewName {
        let (schema, name) = name.split_once('.').unwrap();
        ViewName { schema: schema.into(), name: name.into() }
    }

    /// Which of the views named so a job refreshes.
    fn of_these(job: Job, routines: Vec<Routine>, views: [&str; 2]) -> [bool; 2] {
        let mut history = History { jobs: vec![job.clone()], routines, ..History::default() };
        history.settle(History::homes(views.map(named).iter()));
        views.map(|view| history.job_refreshes(&job, &named(view)))
    }

    fn routine(name: &str, body: &str) -> Routine {
        let ViewName { schema, name } = named(name);
        Routine { schema, name, body: body.into(), search_path: None, definer: None }
    }

    #[test]
    fn a_bare_name_is_the_only_view_of_that_name() {
        let job = || job("REFRESH MATERIALIZED VIEW mv");
        assert_eq!(of_these(job(), vec![], ["ventas.mv", "public.otra"]), [true, false]);
    }

    #[test]
    fn of_several_views_a_bare_name_is_the_first_in_the_search_path() {
        let both = ["ventas.mv", "public.mv"];
        for (command, setting, refreshed) in [
            ("REFRESH MATERIALIZED VIEW mv", None, [false, true]),
            ("REFRESH MATERIALIZED VIEW mv", Some("ventas, public"), [true, false]),
            ("REFRESH MATERIALIZED VIEW mv", Some("\"$user\", public"), [false, true]),
            ("REFRESH MATERIALIZED VIEW mv", Some("otro"), [false, false]),
            ("REFRESH MATERIALIZED VIEW public.mv", Some("ventas"), [false, true]),
            ("SET search_path = ventas; REFRESH MATERIALIZED VIEW mv", None, [true, false]),
            ("SET LOCAL search_path TO 'ventas', public; REFRESH MATERIALIZED VIEW mv", None, [true, false]),
            ("SELECT set_config('search_path', 'ventas', false); REFRESH MATERIALIZED VIEW mv", None, [true, false]),
            ("REFRESH MATERIALIZED VIEW mv; SET search_path = ventas", None, [false, true]),
            ("SET search_path = ventas; SET search_path TO DEFAULT; REFRESH MATERIALIZED VIEW mv", None, [false, true]),
        ] {
            let job = Job { search_path: setting.map(Into::into), ..job(command) };
            assert_eq!(of_these(job, vec![], both), refreshed, "{command} with {setting:?}");
        }
        let own = Job { username: "ventas".into(), ..job("REFRESH MATERIALIZED VIEW mv") };
        assert_eq!(of_these(own, vec![], both), [true, false], "the schema of the job's role comes first");
    }

    #[test]
    fn what_a_command_calls_may_be_what_refreshes() {
        let body = "BEGIN PERFORM 1; REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv; END";
        for (command, is_called) in [
            ("CALL refresca()", true),
            ("SELECT ventas.refresca ()", true),
            ("SELECT crm.\"ventas\".Refresca(1)", true),
            ("DO $$ BEGIN PERFORM ventas.refresca(); END $$", true),
            ("REFRESH MATERIALIZED VIEW refresca", false),
            ("SELECT 'refresca()' -- refresca()", false),
            ("SELECT otro.refresca()", false),
            ("SELECT \"Refresca\"()", false),
            ("SELECT refresca FROM t", false),
            ("DROP FUNCTION ventas.refresca()", false),
            ("INSERT INTO ventas.refresca(id) VALUES (1)", false),
        ] {
            let refreshed =
                of_these(job(command), vec![routine("ventas.refresca", body)], ["ventas.mv", "public.refresca"]);
            assert_eq!(refreshed[0], is_called, "{command}");
        }
    }

    #[test]
    fn a_routine_s_own_search_path_and_role_count_in_it() {
        let routine = Routine {
            search_path: Some("ventas".into()),
            definer: Some("duena".into()),
            ..routine("public.refresca", "BEGIN REFRESH MATERIALIZED VIEW mv; END")
        };
        let both = ["ventas.mv", "public.mv"];
        assert_eq!(of_these(job("SELECT refresca()"), vec![routine.clone()], both), [true, false]);
        let mut history =
            History { jobs: vec![job("SELECT refresca()")], routines: vec![routine], ..History::default() };
        history.settle(History::homes(both.map(named).iter()));
        let view = named("ventas.mv");
        assert_eq!(history.definers(&history.jobs[0], &view).collect::<Vec<_>>(), ["duena"]);
    }

    #[test]
    fn a_command_is_put_into_a_transaction_only_where_it_has_none_of_its_own() {
        for command in
            ["REFRESH MATERIALIZED VIEW mv;", "/* x */ SELECT 1; -- y\n DELETE FROM t", "SET x = 1; SELECT 'BEGIN'"]
        {
            assert!(is_whole(command), "{command}");
        }
        for command in [
            "/* nightly */ CALL t.p()",
            "-- nightly\nVACUUM t",
            "DO $d$ BEGIN COMMIT; END $d$",
            "BEGIN; INSERT INTO t VALUES (1); COMMIT; REFRESH MATERIALIZED VIEW mv",
            "SELECT 1; CALL p()",
        ] {
            assert!(!is_whole(command), "{command}");
        }
    }

    #[test]
    fn whom_a_run_makes_wait_is_told_by_how_it_refreshes_the_view_itself_in_what_it_calls_too() {
        let view = named("ventas.mv");
        let body = "BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv; END";
        let told = |command: &str| {
            let routines = vec![routine("ventas.refresca", body)];
            let history = History { jobs: vec![job(command)], routines, ..History::default() };
            history.lets_read(&history.jobs[0], &view)
        };
        assert_eq!(told("REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv"), Some(true));
        assert_eq!(told("SELECT ventas.refresca()"), Some(true));
        let both = "REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.otra; REFRESH MATERIALIZED VIEW ventas.mv";
        assert_eq!(told(both), Some(false));
        assert_eq!(told("REFRESH MATERIALIZED VIEW ventas.mv -- not concurrently"), Some(false));
        assert_eq!(told("REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.otra"), Some(true), "what it refreshes");
        assert_eq!(told("SELECT limpia()"), None);
    }

    #[test]
    fn a_job_refreshes_the_view_its_command_names_however_it_is_written() {
        for command in [
            "REFRESH MATERIALIZED VIEW CONCURRENTLY mv",
            "refresh  materialized\nview public.mv;",
            "SELECT 1; REFRESH MATERIALIZED VIEW \"public\".\"mv\" WITH DATA",
            "/* nightly */ REFRESH MATERIALIZED VIEW MV -- now",
            "REFRESH MATERIALIZED VIEW crm.public.mv",
            "SELECT $1, 'it''s', E'it\\'s'; REFRESH MATERIALIZED VIEW mv",
            "DO $$ BEGIN REFRESH MATERIALIZED VIEW mv; END $$",
            "DO LANGUAGE plpgsql $x$ BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW mv'; END $x$",
            "EXPLAIN SELECT 1; REFRESH MATERIALIZED VIEW mv",
        ] {
            assert!(refreshes(command, "public", "mv"), "{command}");
        }
    }

    #[test]
    fn a_job_does_not_refresh_a_view_with_a_similar_name_or_one_only_mentioned() {
        for command in [
            "REFRESH MATERIALIZED VIEW mv2",
            "REFRESH MATERIALIZED VIEW otro.mv",
            "REFRESH MATERIALIZED VIEW \"MV\"",
            "SELECT 'REFRESH MATERIALIZED VIEW mv'",
            "-- REFRESH MATERIALIZED VIEW mv\nSELECT 1",
            "REFRESH MATERIALIZED VIEW",
            "REFRESH MATERIALIZED VIEW mv WITH NO DATA",
            "SELECT 1 /* old: /* x */ REFRESH MATERIALIZED VIEW mv */",
            "SELECT E'it\\'s; REFRESH MATERIALIZED VIEW mv; done'",
            "INSERT INTO log VALUES ($x$REFRESH MATERIALIZED VIEW mv$x$)",
            "EXPLAIN REFRESH MATERIALIZED VIEW mv",
            "REFRESH MATERIALIZED VIEW public.mv.otro",
        ] {
            assert!(!refreshes(command, "public", "mv"), "{command}");
        }
        assert!(refreshes("refresh materialized view \"Año \"\"x\"\"\".v", "Año \"x\"", "v"));
    }
}
