//! Snapshot → Diagnosis: is what people see true; if not, what is wrong, for whom, why, and which key helps.
//!
//! A pure function of a Snapshot and the time, so every face says the same and a table of cases can test it.

mod causes;
mod sentences;

use super::drift::Totals;
use super::freshness::{Freshness, FreshnessState};
use super::job::{History, Job, JobId};
use super::matrix::Comparison;
use super::server::Link;
use super::snapshot::{Snapshot, ViewState};
use super::stats::JobStats;
use super::time::Time;
use super::view::Oid;
use sentences::{what, whom};

/// How bad it is, as monitoring plugins have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What people see is true, and something keeps it so.
    Ok,
    /// True now, but not for long or not certainly.
    Warning,
    /// It cannot be said.
    Unknown,
    /// What people see is wrong, or cannot be read at all.
    Critical,
}

impl Verdict {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Critical => "critical",
            Verdict::Unknown => "unknown",
        }
    }

    /// The exit code that monitoring plugins use for it.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Ok => 0,
            Verdict::Warning => 1,
            Verdict::Critical => 2,
            Verdict::Unknown => 3,
        }
    }
}

/// Why a view is as it is. The words are stable; the JSON carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseCode {
    /// It was created and never filled.
    NeverPopulated,
    /// No cron job refreshes it.
    NeverScheduled,
    /// pg_cron is not installed, so nothing in the database can refresh it by itself.
    CronMissing,
    /// pg_cron is in another database, or its tables are closed to this role: it may be scheduled.
    CronNotVisible,
    /// The job that refreshes it is paused.
    JobPaused,
    /// The job's schedule is one that never fires.
    ScheduleNeverFires,
    /// The job's last run failed.
    LastRunFailed,
    /// A refresh waits for a lock.
    RefreshBlocked,
    /// A refresh runs now.
    RefreshRunning,
    /// A job exists and is active, but its runs do not come.
    RunsMissing,
    /// Older than its limit for no reason that is visible.
    Late,
    /// On time; the base tables moved on since, as they do.
    NormalDrift,
    /// The comparison failed.
    CannotCompare,
    /// This role may not read it.
    NotReadable,
    /// The server does not answer.
    Unreachable,
}

impl CauseCode {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            CauseCode::NeverPopulated => "never_populated",
            CauseCode::NeverScheduled => "never_scheduled",
            CauseCode::CronMissing => "cron_missing",
            CauseCode::CronNotVisible => "cron_not_visible",
            CauseCode::JobPaused => "job_paused",
            CauseCode::ScheduleNeverFires => "schedule_never_fires",
            CauseCode::LastRunFailed => "last_run_failed",
            CauseCode::RefreshBlocked => "refresh_blocked",
            CauseCode::RefreshRunning => "refresh_running",
            CauseCode::RunsMissing => "runs_missing",
            CauseCode::Late => "late",
            CauseCode::NormalDrift => "normal_drift",
            CauseCode::CannotCompare => "cannot_compare",
            CauseCode::NotReadable => "not_readable",
            CauseCode::Unreachable => "unreachable",
        }
    }
}

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Refresh the view.
    Refresh,
    /// Measure again.
    Measure,
    /// Nothing to do but wait.
    Wait,
}

/// One cause with its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which.
    pub code: CauseCode,
    /// The sentence, evidence included.
    pub text: String,
    /// Is it bad in itself, or only worth saying?
    pub grave: bool,
}

/// What is to be said of one view.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewReport {
    /// The view.
    pub oid: Oid,
    /// How bad.
    pub verdict: Verdict,
    /// How old.
    pub freshness: Freshness,
    /// The sums over all rows, if it was compared.
    pub totals: Option<Totals>,
    /// What is true or wrong, in one sentence.
    pub what: String,
    /// For whom it is worst, in one sentence.
    pub whom: Option<String>,
    /// Why; worst first.
    pub causes: Vec<Cause>,
    /// What helps.
    pub remedy: Option<Remedy>,
    /// The job that refreshes it: the active one with the shortest interval.
    pub job: Option<JobId>,
    /// When that runs next.
    pub next: Option<Time>,
}

/// What is to be said of the whole database.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The worst of its views, or unknown where the server does not answer.
    pub verdict: Verdict,
    /// What is to be said first, where it is not about a view.
    pub server: Option<Cause>,
    /// The views, in the Snapshot's order.
    pub views: Vec<ViewReport>,
}

impl Diagnosis {
    /// The report of one view.
    pub fn view(&self, oid: Oid) -> Option<&ViewReport> {
        self.views.iter().find(|v| v.oid == oid)
    }

    /// The view that needs a person most.
    pub fn worst(&self) -> Option<&ViewReport> {
        self.views.iter().rev().max_by_key(|v| v.verdict)
    }
}

/// What a Snapshot means at the server's time `now`.
pub fn diagnose(snapshot: &Snapshot, now: Time) -> Diagnosis {
    let history = snapshot.history.value().map(|h| &**h);
    let scene = Scene { snapshot, history, jobs: &snapshot.jobs, now };
    let views: Vec<ViewReport> = snapshot.views.iter().map(|v| scene.report(v)).collect();
    let server = unreachable(snapshot);
    let known = views.iter().map(|v| v.verdict).max();
    let verdict = match (&server, known) {
        (Some(_), _) => Verdict::Unknown,
        (None, Some(worst)) => worst,
        (None, None) if snapshot.catalog.last.is_some() => Verdict::Ok,
        (None, None) => Verdict::Unknown,
    };
    Diagnosis { verdict, server, views }
}

fn unreachable(snapshot: &Snapshot) -> Option<Cause> {
    let text = match &snapshot.link {
        Link::Up | Link::Connecting { .. } => return None,
        Link::Silent { .. } => "The server does not answer. What is shown is what was last known.".to_string(),
        Link::Down { why, .. } => format!("No connection: {why}"),
    };
    Some(Cause { code: CauseCode::Unreachable, text, grave: true })
}

/// What a report is made from.
struct Scene<'a> {
    snapshot: &'a Snapshot,
    history: Option<&'a History>,
    jobs: &'a [JobStats],
    now: Time,
}

impl Scene<'_> {
    fn report(&self, view: &ViewState) -> ViewReport {
        let freshness = Freshness::of(view, self.history, self.jobs, self.now);
        let compared = view.drift.value().map(|c| &**c);
        let totals = compared.map(|c| totals(view, c));
        let causes = self.causes(view, &freshness, totals.as_ref());
        let verdict = verdict(&freshness, totals.as_ref(), &causes);
        let job = self.job(view);
        ViewReport {
            oid: view.view.oid,
            verdict,
            what: what(view, totals.as_ref(), &freshness),
            whom: compared.and_then(|c| whom(&c.matrix.lines, &c.matrix.columns)),
            remedy: remedy(verdict, &causes),
            next: job.and_then(|j| j.next),
            job: job.map(|j| j.job),
            totals,
            causes,
            freshness,
        }
    }

    fn job(&self, view: &ViewState) -> Option<&JobStats> {
        let history = self.history?;
        let stats = |job: &Job| self.jobs.iter().find(|s| s.job == job.id);
        history.jobs_refreshing(&view.view.name).filter_map(stats).min_by_key(|s| (s.next.is_none(), s.interval))
    }
}

/// A session in words: `postgres (psql, pid 4711)`.
pub fn who(user: &str, application: &str, pid: i32) -> String {
    match (user, application) {
        ("", _) => format!("pid {pid}"),
        (user, "") => format!("{user} (pid {pid})"),
        (user, application) => format!("{user} ({application}, pid {pid})"),
    }
}

/// The newest totals, with *changed* from the newest comparison that knows it.
fn totals(view: &ViewState, newest: &Comparison) -> Totals {
    let changed = newest.totals.changed.or_else(|| {
        let values = view.values.last.as_ref()?;
        // A refresh since makes it void; more writes since make it only a little old.
        let is_current = view.observed.is_none_or(|refreshed| refreshed <= values.at);
        is_current.then_some(values.value.totals.changed)?
    });
    Totals { changed, ..newest.totals }
}

fn verdict(freshness: &Freshness, totals: Option<&Totals>, causes: &[Cause]) -> Verdict {
    let is_late = freshness.state == FreshnessState::Late;
    let grave = causes.iter().any(|c| c.grave);
    match totals.map(Totals::wrong) {
        _ if freshness.state == FreshnessState::NeverPopulated => Verdict::Critical,
        Some(1..) if is_late || grave => Verdict::Critical,
        Some(_) if is_late || grave => Verdict::Warning,
        Some(_) => Verdict::Ok,
        None if is_late => Verdict::Warning,
        None => Verdict::Unknown,
    }
}

fn remedy(verdict: Verdict, causes: &[Cause]) -> Option<Remedy> {
    let has = |code| causes.iter().any(|c| c.code == code);
    match verdict {
        _ if has(CauseCode::RefreshRunning) => Some(Remedy::Wait),
        Verdict::Critical => Some(Remedy::Refresh),
        Verdict::Unknown => Some(Remedy::Measure),
        Verdict::Warning if has(CauseCode::Late) => Some(Remedy::Refresh),
        Verdict::Warning | Verdict::Ok => None,
    }
}

/// `12345` → `12,345`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
