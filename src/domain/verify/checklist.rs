//! The post-deploy checklist: something keeps the view true, and it can.

use super::{Check, Evidence, Outcome};
use crate::domain::job::{History, Job, RunStatus};
use crate::domain::rights::no_jobs;
use crate::domain::server::Cron;
use crate::domain::stats::JobStats;
use crate::domain::text::percent;
use crate::domain::time::{ago, human};

/// Below this share of good runs a day was bad.
const GOOD_SHARE: f64 = 0.9;

pub(super) fn checklist(evidence: &Evidence) -> Vec<Check> {
    if evidence.is_plain {
        let text = "a plain view: true by construction, nothing has to run";
        return vec![Check::new("kept", "something keeps it true", Outcome::Pass, text)];
    }
    let history = evidence.snapshot.history.value().map(|h| &**h);
    let jobs = jobs(evidence, history);
    let mut checks = vec![kept(evidence, &jobs)];
    if !evidence.facts.triggers.is_empty() {
        checks.push(triggers(evidence));
    }
    if let (Some(history), Some(job)) = (history, jobs.first()) {
        checks.extend(Scheduled { evidence, history, job, stats: evidence.snapshot.job(job.id) }.checks());
    }
    checks.push(refreshers(evidence));
    let name = &evidence.view.view.name;
    let insists = |job: &&&Job| history.is_some_and(|h| h.modes(job, name).any(|mode| mode));
    checks.push(unique_index(evidence, jobs.iter().find(insists).copied()));
    checks
}

/// The jobs whose command refreshes the view, the one that does best first.
fn jobs<'a>(evidence: &Evidence, history: Option<&'a History>) -> Vec<&'a Job> {
    let name = &evidence.view.view.name;
    let naming = history.into_iter().flat_map(|h| h.jobs_naming(&name.name));
    let mut jobs: Vec<&Job> = naming.filter(|(_, named)| *named == name).map(|(job, _)| job).collect();
    jobs.dedup_by_key(|j| j.id);
    let interval = |job: &Job| evidence.snapshot.job(job.id).and_then(|s| s.interval);
    jobs.sort_by_key(|j| (!j.here, !j.active, interval(j).is_none(), interval(j), j.id));
    jobs
}

fn kept(evidence: &Evidence, jobs: &[&Job]) -> Check {
    let check = |outcome, text: String| Check::new("kept", "something keeps it true", outcome, text);
    let mut keepers: Vec<String> = jobs.iter().map(|j| format!("job {} {}", j.id.0, j.title())).collect();
    if evidence.facts.has_triggers() {
        keepers.push("triggers".into());
    }
    if !keepers.is_empty() {
        return check(Outcome::Pass, keepers.join(", "));
    }
    let cron = evidence.snapshot.server.as_ref().map(|s| &s.cron);
    let hidden = match cron {
        Some(Cron::Elsewhere(_) | Cron::Forbidden | Cron::Hidden) => no_jobs(evidence.snapshot),
        Some(Cron::Present(extension)) if extension.row_security => {
            Some("row security hides other roles' jobs from this role".into())
        }
        _ => evidence.snapshot.history.problem().map(|p| format!("pg_cron's tables could not be read: {}", p.text)),
    };
    match hidden {
        Some(why) => check(Outcome::NotProven, format!("no trigger refreshes it, and of jobs it is not known: {why}")),
        None => {
            let text = "no job, no trigger, and it is not a plain view: what is true now grows old from here on";
            check(Outcome::Warning, text.into())
        }
    }
}

fn triggers(evidence: &Evidence) -> Check {
    let check = |outcome, text: String| Check::new("triggers", "triggers on every base table", outcome, text);
    let facts = evidence.facts;
    let disabled: Vec<&str> = facts.triggers.iter().filter(|t| !t.enabled).map(|t| t.name.as_str()).collect();
    let unwatched = facts.unwatched();
    let watched = facts.tables.len() - unwatched.len();
    let said = format!("{watched} of {} base tables are watched", facts.tables.len());
    match (disabled.as_slice(), unwatched.as_slice()) {
        ([], []) => check(Outcome::Pass, said),
        ([], tables) => {
            check(Outcome::Warning, format!("{said}; not every write to {} refreshes it", tables.join(", ")))
        }
        (names, _) => check(Outcome::Fail, format!("{said}; disabled: {}", names.join(", "))),
    }
}

/// One job under the checklist.
struct Scheduled<'a> {
    evidence: &'a Evidence<'a>,
    history: &'a History,
    job: &'a Job,
    stats: Option<&'a JobStats>,
}

impl Scheduled<'_> {
    fn checks(&self) -> Vec<Check> {
        vec![
            self.active(),
            self.database(),
            self.owner(),
            self.schedule(),
            self.last_run(),
            self.success(),
            self.next_run(),
        ]
    }

    fn active(&self) -> Check {
        let id = self.job.id.0;
        let (outcome, text) = match self.job.active {
            true => (Outcome::Pass, format!("job {id} is active")),
            false => (Outcome::Fail, format!("job {id} is paused: it never runs")),
        };
        Check::new("job_active", "job active", outcome, text)
    }

    fn database(&self) -> Check {
        let (outcome, text) = match self.job.here {
            true => (Outcome::Pass, format!("it runs in {}", self.job.database)),
            false => (Outcome::Fail, format!("it runs in {}, and refreshes nothing here", self.job.database)),
        };
        Check::new("job_database", "job in this database", outcome, text)
    }

    fn owner(&self) -> Check {
        let (role, name) = (&self.job.username, &self.evidence.view.view.name);
        let may = |role: &str| self.evidence.facts.refreshers.iter().any(|r| r == role);
        let (outcome, text) = match self.history.definers(self.job, name).find(|definer| may(definer)) {
            _ if may(role) => (Outcome::Pass, format!("it runs as {role}, who may refresh it")),
            Some(definer) => {
                (Outcome::Pass, format!("it runs as {role} and calls what refreshes it as {definer}, who may"))
            }
            None => (Outcome::Fail, format!("it runs as {role}, who may not refresh it: every run fails")),
        };
        Check::new("job_owner", "job's role may refresh", outcome, text)
    }

    fn schedule(&self) -> Check {
        let check = |outcome, text: String| Check::new("job_schedule", "schedule fires", outcome, text);
        let written = &self.job.schedule;
        match self.stats.map(|s| &s.schedule) {
            None => check(Outcome::NotProven, format!("the schedule {written} was not read in time")),
            Some(Err(why)) => check(Outcome::Fail, format!("this pg_cron cannot read {written}: {why}")),
            Some(Ok(s)) if s.runs_at_start() => {
                check(Outcome::Fail, format!("{written} runs once at a start of the server and not by the clock"))
            }
            Some(Ok(s)) if s.never_fires() => check(Outcome::Fail, format!("{written} never fires")),
            Some(Ok(s)) => check(Outcome::Pass, format!("{written}: {}", s.describe())),
        }
    }

    fn last_run(&self) -> Check {
        let check = |outcome, text: String| Check::new("last_run", "last run succeeded", outcome, text);
        let ended = self.history.runs_of(self.job.id).find(|r| !r.status.is_open());
        let Some(run) = ended else { return self.no_run() };
        if self.history.unlogged {
            return check(Outcome::NotProven, "cron.log_run is off: newer runs are not recorded".into());
        }
        let when = run.start.map_or(String::new(), |s| format!(" {} ago", ago(s, self.evidence.now)));
        let length = run.duration().map_or(String::new(), |d| format!(", took {}", human(d)));
        let message = run.message.as_deref().and_then(|m| m.lines().next()).unwrap_or("no message");
        match run.status {
            RunStatus::Succeeded => check(Outcome::Pass, format!("run {}{when}{length}", run.id.0)),
            _ => check(Outcome::Fail, format!("run {}{when}: {message}", run.id.0)),
        }
    }

    /// A job whose first run is still ahead has broken nothing yet; one whose runs did not come has.
    fn no_run(&self) -> Check {
        let check = |outcome, text: String| Check::new("last_run", "last run succeeded", outcome, text);
        let cron = self.evidence.snapshot.server.as_ref().and_then(|s| s.cron.present());
        let is_logged = cron.is_none_or(|c| c.logs_runs != Some(false));
        let due = self.stats.and_then(|s| s.next).map(|next| human(next - self.evidence.now));
        match (due, self.stats.map_or(0, JobStats::missed)) {
            (Some(due), 0) if is_logged => check(Outcome::Note, format!("no run yet: the first is due in {due}")),
            (_, missed @ 1..) => check(Outcome::Fail, format!("no run is recorded, and {missed} should have come")),
            (due, _) => {
                let why = if is_logged { "" } else { " (cron.log_run is off)" };
                let next = due.map_or(String::new(), |due| format!("; the next is due in {due}"));
                check(Outcome::NotProven, format!("no run is recorded{why}{next}"))
            }
        }
    }

    /// Good runs against those there should have been.
    fn success(&self) -> Check {
        let check = |outcome, text: String| Check::new("success_24h", "success over 24 h", outcome, text);
        let Some(stats) = self.stats.filter(|s| s.ended > 0) else {
            return check(Outcome::Skipped, "no run ended in the last 24 h".into());
        };
        let good = stats.ended - stats.failed;
        // A run that is under way or was queued is no miss: only gaps are.
        let wanted = stats.ended + stats.missed();
        let share = good as f64 / wanted as f64;
        let (failed, missed) = (stats.failed, stats.missed());
        let text = format!("{}: {good} of {wanted} good, {failed} failed, {missed} did not come", percent(share));
        let outcome = match share {
            s if s >= 1.0 => Outcome::Pass,
            s if s >= GOOD_SHARE => Outcome::Warning,
            _ => Outcome::Fail,
        };
        check(outcome, text)
    }

    fn next_run(&self) -> Check {
        let (outcome, text) = match self.stats.and_then(|s| s.next) {
            _ if self.evidence.snapshot.launcher == Some(false) => {
                (Outcome::Fail, "none: pg_cron's launcher does not run".into())
            }
            Some(next) => {
                let when = next.format("%Y-%m-%d %H:%M:%S UTC");
                (Outcome::Pass, format!("in {}, {when}", human(next - self.evidence.now)))
            }
            None => (Outcome::Fail, "none".into()),
        };
        Check::new("next_run", "next run is known", outcome, text)
    }
}

fn refreshers(evidence: &Evidence) -> Check {
    let roles = &evidence.facts.refreshers;
    let more = roles.len().saturating_sub(5);
    let named = roles.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (outcome, text) = match roles.is_empty() {
        true => (Outcome::NotProven, "no role is known that may refresh it".into()),
        false => (Outcome::Pass, format!("{named}{more}")),
    };
    Check::new("refreshers", "who can refresh", outcome, text)
}

/// Without one a refresh shuts readers out; a job that `insists` on CONCURRENTLY for it then fails at every run.
fn unique_index(evidence: &Evidence, insists: Option<&Job>) -> Check {
    let check = |outcome, text: String| Check::new("unique_index", "unique index", outcome, text);
    match (evidence.view.view.has_unique_index, insists) {
        (true, _) => {
            let key: Vec<&str> = evidence.view.view.key.iter().map(|k| k.name.as_str()).collect();
            check(Outcome::Pass, format!("on {}: readers go on", key.join(", ")))
        }
        (false, Some(job)) => {
            check(Outcome::Fail, format!("none, and job {} refreshes CONCURRENTLY: every run fails", job.id.0))
        }
        (false, None) => check(Outcome::Warning, "none: every reader waits for each refresh".into()),
    }
}
