//! Which option to take, or what must come before any of them.

use std::time::Duration;

use chrono::TimeDelta;

use super::jobs::{job_to_resume, job_to_set_right, stopped, unchanged};
use super::needs::{closed, job_needs};
use super::offer::{percent, timing};
use super::price::Scales;
use super::{Choice, Dashboard, Fix, Need, Offer, Timing};
use crate::domain::diagnosis::{CauseCode, ViewReport, who};
use crate::domain::freshness::LimitSource;
use crate::domain::time::{human, took};

/// What to do first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Best {
    /// This option.
    Offer(Choice),
    /// This repair, without which no option works; what it is called.
    Repair(Fix, String),
    /// Nothing that this program can do.
    Nothing,
}

impl Best {
    /// What it is called.
    pub fn title(&self) -> &str {
        match self {
            Best::Offer(choice) => choice.title(),
            Best::Repair(_, title) => title,
            Best::Nothing => "nothing here",
        }
    }
}

/// A typical query that is answered this fast needs no stored copy.
const FAST: Duration = Duration::from_millis(5);

/// More of the writers' time than this and triggers are out of the question: they wait for each other.
const WRITERS_SHARE: f64 = 0.05;

impl Scales<'_> {
    /// What must come before any option: what stops all of them.
    pub(super) fn first(&self, schedule: &str) -> Option<(Best, String)> {
        let server = self.snapshot.server.as_deref();
        if !closed(server).is_empty() {
            return None;
        }
        if let Some(obstacle) = self.view.obstacles().into_iter().next() {
            let (by, title) = (&obstacle.by, who(&obstacle.by.user, &obstacle.by.application, obstacle.by.pid));
            let repair = match obstacle.is_idle() {
                true => Best::Repair(Fix::Terminate(by.pid), format!("End the session of {title}")),
                false => Best::Repair(Fix::Cancel(by.pid), format!("Cancel what {title} runs")),
            };
            return Some((repair, "before that no refresh can run".into()));
        }
        let gone = self.snapshot.history.value().and_then(|h| h.ownerless());
        if let Some(job) = gone.filter(|_| self.has(CauseCode::JobOfDroppedRole) && server.is_some_and(|s| s.superuser))
        {
            let repair = Best::Repair(Fix::CronRemove(job.id), format!("Remove the job {}", job.title()));
            return Some((repair, "pg_cron stops at it, so no job runs".into()));
        }
        if self.report.is_some_and(ViewReport::gives_key_twice) {
            let why = "the definition gives rows twice, which no refresh takes: make its rows unique, then refresh";
            return Some((Best::Nothing, why.into()));
        }
        self.index().or_else(|| self.resume(schedule))
    }

    fn index(&self) -> Option<(Best, String)> {
        let waits = job_to_set_right(self.snapshot, &self.view.view)
            .and_then(|job| job_needs(self.snapshot, &self.view.view, self.facts, job));
        let columns = self.facts.unique.first().filter(|_| self.facts.rights.owns && waits.is_some())?;
        let title = format!("Unique index on {}", columns.join(", "));
        Some((
            Best::Repair(Fix::CreateUnique(columns.clone()), title),
            "its job's CONCURRENTLY fails without one".into(),
        ))
    }

    /// A paused job goes on as it was; another schedule is the further step.
    fn resume(&self, schedule: &str) -> Option<(Best, String)> {
        let job = job_to_resume(self.snapshot, &self.view.view, self.facts)?;
        let mut why = format!("it is paused, and keeps its own schedule, {}", job.schedule);
        if job.schedule != schedule {
            why += &format!("; the cron job gives it {schedule} instead");
        }
        Some((Best::Repair(Fix::CronResume(job.id), format!("Resume the job {}", job.title())), why))
    }

    pub(super) fn recommend(&self, offers: &[Offer], schedule: &str, interval: TimeDelta) -> (Best, String) {
        let find = |choice| offers.iter().find(|o| o.choice == choice);
        let needs = |choice| find(choice).map_or(&[][..], |o| &o.needs);
        let can = |choice| needs(choice).is_empty();
        let triggers = find(Choice::Triggers);
        let load = triggers.and_then(|o| o.load);
        // On some of the tables they keep nothing true by themselves.
        let can_keep = can(Choice::Triggers) && triggers.is_some_and(|o| o.staleness.is_some());
        let offer = |choice, reason: String| (Best::Offer(choice), reason);
        if self.view.view.is_kept_by_triggers() {
            return self.kept(can(Choice::Refresh));
        }
        if let Some(d) = self.fast().filter(|_| can(Choice::PlainView)) {
            let time = timing(d.live);
            let reason = format!(
                "the definition answers a dashboard query in {time}: no copy is needed, and nothing can be stale"
            );
            return offer(Choice::PlainView, reason);
        }
        if can(Choice::Cron) {
            return offer(Choice::Cron, self.why_cron(load, interval));
        }
        if let Some(left) = self.left(needs(Choice::Cron), schedule).filter(|_| can(Choice::Refresh)) {
            return left;
        }
        if can_keep && load.is_some_and(|share| share <= WRITERS_SHARE) {
            let reason = "pg_cron cannot be used here, and the writers are few enough to wait for a refresh";
            return offer(Choice::Triggers, reason.into());
        }
        if can(Choice::Refresh) {
            let plain = can(Choice::PlainView).then_some(Choice::PlainView);
            let lasting: Vec<Choice> = can_keep.then_some(Choice::Triggers).into_iter().chain(plain).collect();
            return offer(Choice::Refresh, self.why_refresh(&lasting, load, needs(Choice::Cron)));
        }
        (Best::Nothing, format!("even a refresh needs {}", Need::joined(needs(Choice::Refresh))))
    }

    /// What is left to do where the job is set already, or waits for what stops all jobs.
    fn left(&self, cron: &[Need], schedule: &str) -> Option<(Best, String)> {
        let refresh = |reason| Some((Best::Offer(Choice::Refresh), reason));
        if let Some(need) = stopped(self.snapshot) {
            return refresh(format!("first comes {need}; meanwhile a refresh by hand makes it true once"));
        }
        let job = job_to_set_right(self.snapshot, &self.view.view)?;
        if cron != [unchanged(job, schedule)?] {
            return None;
        }
        if self.has(CauseCode::ReadsStaleView) {
            let reason = "it reads a view that is itself wrong or old: refresh that one first, then this one";
            return Some((Best::Nothing, reason.into()));
        }
        refresh(format!("its job {} is active, {schedule}: only a refresh is left to do", job.title()))
    }

    /// A typical query that the definition itself answers fast and truly.
    fn fast(&self) -> Option<&Dashboard> {
        let dashboard = self.facts.dashboard.as_ref().filter(|_| self.stored_source().is_none());
        dashboard.filter(|d| matches!(d.live, Timing::Took(t) if t <= FAST))
    }

    /// Triggers keep it already.
    fn kept(&self, can_refresh: bool) -> (Best, String) {
        let is_wrong = self.report.and_then(|r| r.totals).is_some_and(|t| t.wrong() > 0);
        let why = "triggers refresh it after every write already";
        match is_wrong && can_refresh {
            true => (Best::Offer(Choice::Refresh), format!("{why}: only what is wrong now is left to mend")),
            false => (Best::Nothing, why.into()),
        }
    }

    /// Why only a refresh: what would last, and what a cron job needs.
    fn why_refresh(&self, lasting: &[Choice], triggers: Option<f64>, cron: &[Need]) -> String {
        let tell = |choice: &Choice| match choice {
            Choice::Triggers => match triggers {
                Some(share) => format!("triggers would keep the writers busy {} of the time", percent(share)),
                None => "triggers would make every write wait for a refresh".into(),
            },
            _ => self.why_plain().unwrap_or_else(|| "a plain view would run the definition each time".into()),
        };
        let said: Vec<String> = lasting.iter().map(tell).collect();
        match (said.as_slice(), cron) {
            ([], _) => {
                "nothing that lasts is possible for this role here: refresh it, and have what is missing granted".into()
            }
            (said, []) => said.join("; "),
            (said, cron) => format!("a cron job needs {}; {}", Need::joined(cron), said.join("; ")),
        }
    }

    fn why_plain(&self) -> Option<String> {
        let d = self.facts.dashboard.as_ref()?;
        Some(format!("a plain view answers in {} instead of {}", timing(d.live), timing(d.view)))
    }

    fn why_cron(&self, triggers: Option<f64>, every: TimeDelta) -> String {
        let interval = human(every);
        let mut why = match self.refresh {
            Some(r) => format!("a refresh of {} every {interval} keeps the limit", took(r.length)),
            None => format!("a refresh every {interval} keeps the limit"),
        };
        if every + self.refresh.and_then(|r| TimeDelta::from_std(r.length).ok()).unwrap_or_default() > self.limit() {
            why =
                format!("a refresh takes so long that {interval} is the shortest interval that leaves the server room");
            why += &match self.report.map(|r| r.freshness.limit.source) {
                Some(LimitSource::Job(_)) => "; the limit, which comes of its job's schedule, grows with it".into(),
                _ => format!("; the limit of {} is not kept then: raise it in the configuration", human(self.limit())),
            };
        }
        if let Some(share) = triggers.filter(|s| *s > WRITERS_SHARE) {
            why += &format!("; triggers would keep the writers busy {} of the time", percent(share));
        }
        why + &self.why_plain().map_or(String::new(), |plain| format!("; {plain}"))
    }
}
