//! Why a view is as it is: every cause that holds, with its sentence.

use super::{Cause, CauseCode, Scene, who};
use crate::domain::drift::Totals;
use crate::domain::freshness::{Freshness, FreshnessState, LimitSource};
use crate::domain::job::{History, Job, Run, RunStatus};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::server::{Cron, Server};
use crate::domain::snapshot::{Blocker, Refreshing, ViewState};
use crate::domain::time::{ago, clock, human};

impl Scene<'_> {
    /// Every cause that holds, worst first.
    pub(super) fn causes(&self, view: &ViewState, freshness: &Freshness, totals: Option<&Totals>) -> Vec<Cause> {
        let mut causes: Vec<Cause> = [
            (!view.view.can_select).then(|| not_readable(view, self.snapshot.server.as_deref())),
            (!view.signal.populated).then(never_populated),
            view.refreshing.iter().find_map(|r| self.refreshing(r)),
            view.drift.problem().filter(|_| view.view.can_select && view.signal.populated).map(cannot_compare),
            self.schedule(view),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_late = freshness.state == FreshnessState::Late;
        if is_late && !causes.iter().any(|c| c.grave) {
            causes.push(late(freshness));
        }
        if causes.is_empty() && totals.is_some_and(|t| t.wrong() > 0) {
            causes.push(self.normal_drift(view));
        }
        causes.sort_by_key(|c| !c.grave);
        causes
    }

    fn refreshing(&self, refresh: &Refreshing) -> Option<Cause> {
        let since = refresh.since.map_or(String::new(), |s| format!(" for {}", ago(s, self.now)));
        let who = who(&refresh.user, &refresh.application, refresh.pid);
        let cause = |code, text| Some(Cause { code, text, grave: code == CauseCode::RefreshBlocked });
        match refresh.blocked_by.first() {
            _ if refresh.granted => cause(CauseCode::RefreshRunning, format!("{who} refreshes it now{since}.")),
            Some(by) => cause(
                CauseCode::RefreshBlocked,
                format!("A refresh by {who} waits{since} for {}, {}.", who_blocks(by), by.state),
            ),
            None => cause(CauseCode::RefreshBlocked, format!("A refresh by {who} waits{since} for its lock.")),
        }
    }

    /// What its schedule, or the lack of one, explains.
    fn schedule(&self, view: &ViewState) -> Option<Cause> {
        let cause = |code, text: String, grave| Some(Cause { code, text, grave });
        match &self.snapshot.server.as_ref()?.cron {
            Cron::Absent => {
                return cause(
                    CauseCode::CronMissing,
                    "pg_cron is not installed in this database, so no job here refreshes it.".into(),
                    true,
                );
            }
            Cron::Elsewhere(database) => {
                return cause(
                    CauseCode::CronNotVisible,
                    format!(
                        "pg_cron keeps its jobs in the database {database}: whether one refreshes it is not known here."
                    ),
                    false,
                );
            }
            Cron::Forbidden => {
                return cause(
                    CauseCode::CronNotVisible,
                    "This role may not read pg_cron's tables: whether a job refreshes it is not known.".into(),
                    false,
                );
            }
            Cron::Present(_) => {}
        }
        let history = self.history?;
        let Some(job) = self.job(view).and_then(|s| history.job(s.job)) else {
            return Some(self.unscheduled());
        };
        self.job_trouble(job, history)
    }

    fn unscheduled(&self) -> Cause {
        let hidden = self.snapshot.server.as_ref().and_then(|s| s.cron.present()).is_some_and(|c| c.row_security);
        if hidden {
            let text = "No job that this role may see refreshes it; row security hides other roles' jobs.".into();
            return Cause { code: CauseCode::CronNotVisible, text, grave: false };
        }
        let text = "No cron job refreshes it.".into();
        Cause { code: CauseCode::NeverScheduled, text, grave: true }
    }

    fn job_trouble(&self, job: &Job, history: &History) -> Option<Cause> {
        let stats = self.jobs.iter().find(|s| s.job == job.id)?;
        let cause = |code, text: String| Some(Cause { code, text, grave: true });
        let title = job.title();
        if !job.active {
            return cause(CauseCode::JobPaused, format!("Its job {title} is paused."));
        }
        let schedule = match &stats.schedule {
            Ok(schedule) => schedule,
            Err(why) => {
                let text = format!("Its job {title} has a schedule that this pg_cron cannot read: {why}");
                return cause(CauseCode::ScheduleNeverFires, text);
            }
        };
        if stats.next.is_none() && !schedule.runs_at_start() {
            let text = format!("Its job {title} has the schedule {}, which never fires.", job.schedule);
            return cause(CauseCode::ScheduleNeverFires, text);
        }
        let ended = history.runs_of(job.id).find(|r| !r.status.is_open());
        if let Some(run) = ended.filter(|r| r.status == RunStatus::Failed) {
            return cause(CauseCode::LastRunFailed, format!("The last run of {title} failed{}.", self.failure(run)));
        }
        let gap = stats.gaps.last().filter(|g| self.now - g.to < stats.interval.unwrap_or_default() * 2)?;
        let text = format!("{} runs of {title} did not come since {}.", gap.missed, clock(gap.from, self.now));
        cause(CauseCode::RunsMissing, text)
    }

    fn failure(&self, run: &Run) -> String {
        let when = run.start.map_or(String::new(), |s| format!(" {} ago", ago(s, self.now)));
        let message = run.message.as_deref().unwrap_or("no message");
        format!("{when}: {}", message.lines().next().unwrap_or_default())
    }

    fn normal_drift(&self, view: &ViewState) -> Cause {
        let next =
            self.job(view).and_then(|j| j.next).map(|n| format!(" The next refresh is in {}.", human(n - self.now)));
        let text = format!("It is on time; its tables moved on since.{}", next.unwrap_or_default());
        Cause { code: CauseCode::NormalDrift, text, grave: false }
    }
}

fn who_blocks(blocker: &Blocker) -> String {
    who(&blocker.user, &blocker.application, blocker.pid)
}

fn never_populated() -> Cause {
    let text = "It was created WITH NO DATA and never refreshed: every query on it fails.".into();
    Cause { code: CauseCode::NeverPopulated, text, grave: true }
}

fn not_readable(view: &ViewState, server: Option<&Server>) -> Cause {
    let role = server.map_or("this role", |s| &s.user);
    let text = format!("{role} may not read {}: it needs SELECT on it.", view.view.name.short());
    Cause { code: CauseCode::NotReadable, text, grave: false }
}

fn cannot_compare(problem: &Problem) -> Cause {
    let grave = problem.kind == ProblemKind::Other;
    Cause { code: CauseCode::CannotCompare, text: format!("It cannot be compared: {}", problem.text), grave }
}

fn late(freshness: &Freshness) -> Cause {
    let age = freshness.age.map(human).unwrap_or_default();
    let why = match freshness.limit.source {
        LimitSource::Default => "the usual limit",
        LimitSource::Job(_) => "what its schedule promises",
    };
    let text = format!("Its data is {age} old; {why} is {}.", human(freshness.limit.length));
    Cause { code: CauseCode::Late, text, grave: true }
}
