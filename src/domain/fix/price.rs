//! What each option costs on this database, and which one to take.

use std::time::Duration;

use chrono::TimeDelta;

use super::jobs::job_to_set_right;
use super::needs::{closed, cron_needs, job_needs, plain_needs, trigger_needs};
use super::offer::{percent, timing};
use super::{Choice, Facts, Fix, Offer, Timing};
use crate::domain::day::{MINUTES, longest, own_schedule};
use crate::domain::diagnosis::{CauseCode, Failure, ViewReport, who};
use crate::domain::freshness::DEFAULT_LIMIT;
use crate::domain::job::Job;
use crate::domain::server::Server;
use crate::domain::snapshot::{Snapshot, ViewState, Writes};
use crate::domain::time::{human, took};
use crate::domain::view::RefreshMode;

/// How long a refresh takes, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshTime {
    /// The time.
    pub length: Duration,
    /// The median of its job's runs; else the time of comparing all values, which is about the same (facts: 69 ms
    /// against 110, 5.7 s against 6.4).
    pub is_measured: bool,
}

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

/// The four options, the recommended one first, and why it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The options.
    pub offers: Vec<Offer>,
    /// What is recommended: never anything that cannot be done.
    pub best: Best,
    /// Why that.
    pub reason: String,
    /// The schedule that keeps the limit.
    pub schedule: String,
    /// How long a refresh takes.
    pub refresh: Option<RefreshTime>,
}

/// A typical query that is answered this fast needs no stored copy.
const FAST: Duration = Duration::from_millis(5);

/// More of the writers' time than this and triggers are out of the question: they wait for each other.
const WRITERS_SHARE: f64 = 0.05;

/// A refresh should not run for more than this share of its interval.
const BUSY_SHARE: f64 = 0.25;

/// WAL per rewritten row beside its own width: two heap records and an entry in each of a few indexes (measured: 2.4 MB
/// for 3,289 rows of 384 bytes with three indexes).
const WAL_OVERHEAD: f64 = 350.0;

const DAY_SECONDS: f64 = 86_400.0;

fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1_000.0
}

struct Scales<'a> {
    snapshot: &'a Snapshot,
    view: &'a ViewState,
    report: Option<&'a ViewReport>,
    facts: &'a Facts,
    refresh: Option<RefreshTime>,
}

/// Weighs the options for one view.
pub fn advise(snapshot: &Snapshot, view: &ViewState, report: Option<&ViewReport>, facts: &Facts) -> Advice {
    let refresh = refresh_time(snapshot, view, report);
    let scales = Scales { snapshot, view, report, facts, refresh };
    let (schedule, interval) = scales.schedule();
    let mut offers = vec![scales.cron(interval), scales.by_hand(), scales.triggers(), scales.plain()];
    let (best, reason) = scales.first().unwrap_or_else(|| scales.recommend(&offers, interval));
    offers.sort_by_key(|o| best != Best::Offer(o.choice));
    Advice { offers, best, reason, schedule, refresh }
}

/// How long a refresh takes: by its job's runs, else about as long as comparing all values.
pub fn refresh_time(snapshot: &Snapshot, view: &ViewState, report: Option<&ViewReport>) -> Option<RefreshTime> {
    let job = report.and_then(|r| r.job).and_then(|id| snapshot.job(id));
    let by_runs = job.and_then(|j| j.p50).and_then(|p| p.to_std().ok());
    let compared = view.values.last.as_ref().map(|m| m.took);
    by_runs
        .map(|length| RefreshTime { length, is_measured: true })
        .or(compared.map(|length| RefreshTime { length, is_measured: false }))
}

impl Scales<'_> {
    fn limit(&self) -> TimeDelta {
        self.report.and_then(|r| r.freshness.limit.length).unwrap_or(DEFAULT_LIMIT)
    }

    /// The longest interval that keeps the limit, as the cron pane has it, or the shortest that leaves the server room. A
    /// limit that comes of a job's own schedule is kept by that one: any other would make it shorter each time.
    fn schedule(&self) -> (String, TimeDelta) {
        let source = self.report.map(|r| r.freshness.limit.source);
        if let Some((interval, schedule)) = source.and_then(|source| own_schedule(self.snapshot, source)) {
            return (schedule, interval);
        }
        let usual = self.refresh.and_then(|r| TimeDelta::from_std(r.length).ok()).unwrap_or_default();
        let long = self.report.and_then(|r| self.snapshot.job(r.job?)?.p95).unwrap_or(usual);
        let fits = |interval: &TimeDelta| seconds(usual) <= BUSY_SHARE * seconds(*interval);
        let keeps = longest(self.snapshot, usual, long, self.limit()).filter(|(interval, _)| fits(interval));
        let beyond = || {
            let all = MINUTES.iter().map(|&(minutes, text)| (TimeDelta::minutes(minutes), text));
            all.rev().find(|(interval, _)| fits(interval)).unwrap_or((TimeDelta::days(1), MINUTES[0].1))
        };
        let (interval, schedule) = keeps.unwrap_or_else(beyond);
        (schedule.into(), interval)
    }

    fn rows(&self) -> Option<f64> {
        Some(self.view.drift.value()?.totals.live as f64)
    }

    /// With a column that holds the refresh's time every refresh rewrites every row; else only what drifted.
    fn wal_per_refresh(&self) -> Option<f64> {
        let per_row = self.facts.row_bytes? + WAL_OVERHEAD;
        let is_rewritten = self.view.view.refresh_column().is_some() || self.mode() != RefreshMode::Concurrently;
        is_rewritten.then(|| Some(self.rows()? * per_row)).flatten()
    }

    fn mode(&self) -> RefreshMode {
        match self.view.view.refresh_mode(self.view.signal.populated) {
            RefreshMode::Concurrently if self.facts.rights.owner_lacks_temp => RefreshMode::PlainNoTemp,
            mode => mode,
        }
    }

    fn readers_of_refresh(&self) -> String {
        if self.mode() == RefreshMode::Concurrently { "go on".into() } else { self.readers_wait() }
    }

    fn readers_wait(&self) -> String {
        self.refresh.map_or("wait for each refresh".into(), |r| format!("wait {} each time", took(r.length)))
    }

    fn refresh_needs(&self) -> Vec<String> {
        let server = self.snapshot.server.as_deref();
        let mut needs = closed(server);
        if !self.view.view.can_refresh {
            let right = server.map_or("to be its owner", Server::refresh_right);
            needs.push(right.into());
        }
        needs
    }

    fn offer(&self, choice: Choice) -> Offer {
        Offer {
            choice,
            staleness: None,
            per_write: Some(Duration::ZERO),
            load: None,
            wal_per_day: None,
            readers: self.readers_of_refresh(),
            needs: self.refresh_needs(),
            warning: None,
        }
    }

    fn by_hand(&self) -> Offer {
        let warning = Some("true once; the next write makes it old again".into());
        Offer { load: Some(0.0), wal_per_day: Some(0.0), warning, ..self.offer(Choice::Refresh) }
    }

    fn cron(&self, interval: TimeDelta) -> Offer {
        let mut offer = self.offer(Choice::Cron);
        let length = self.refresh.and_then(|r| TimeDelta::from_std(r.length).ok());
        offer.staleness = Some(interval + length.unwrap_or_default());
        offer.load = self.refresh.map(|r| r.length.as_secs_f64() / seconds(interval));
        offer.wal_per_day = self.wal_per_refresh().map(|wal| wal * DAY_SECONDS / seconds(interval));
        offer.needs.extend(cron_needs(self.snapshot.server.as_deref(), self.facts));
        let own = job_to_set_right(self.snapshot, &self.view.view);
        if let Some(job) = own.filter(|j| self.lets_read(j) != Some(true)) {
            (offer.readers, offer.warning) = match self.lets_read(job) {
                None => ("not known".into(), Some(format!("how {} refreshes it is not seen", job.title()))),
                _ => (self.readers_wait(), Some(format!("{} refreshes it without CONCURRENTLY", job.title()))),
            };
        }
        offer.needs.extend(own.and_then(|job| job_needs(self.snapshot, &self.view.view, self.facts, job)));
        if offer.warning.is_none()
            && self.view.view.refresh_column().is_some()
            && self.mode() == RefreshMode::Concurrently
        {
            let column = self.view.view.refresh_column().unwrap_or_default();
            offer.warning = Some(format!("{column} = now() makes each refresh rewrite every row"));
        }
        offer
    }

    fn lets_read(&self, job: &Job) -> Option<bool> {
        self.snapshot.history.value()?.lets_read(job, &self.view.view.name)
    }

    fn triggers(&self) -> Offer {
        let mut offer = self.offer(Choice::Triggers);
        let length = self.refresh.map(|r| r.length);
        let writes = self.view.writes.map(Writes::per_minute);
        offer.staleness = Some(TimeDelta::zero());
        offer.per_write = length;
        offer.load = length.zip(writes).map(|(l, w)| l.as_secs_f64() * w / 60.0);
        offer.wal_per_day = self.wal_per_refresh().zip(writes).map(|(wal, w)| wal * w * 1_440.0);
        offer.needs.extend(trigger_needs(self.facts));
        offer.warning =
            Some("each writing statement waits for a refresh, and for the other writers; they can deadlock".into());
        offer
    }

    fn plain(&self) -> Offer {
        let mut offer = self.offer(Choice::PlainView);
        offer.staleness = Some(TimeDelta::zero());
        (offer.load, offer.wal_per_day) = (Some(0.0), Some(0.0));
        offer.readers = match &self.facts.dashboard {
            Some(d) => format!("{} a query instead of {}", timing(d.live), timing(d.view)),
            None => "run the definition each time".into(),
        };
        offer.needs = closed(self.snapshot.server.as_deref());
        offer.needs.extend(plain_needs(self.snapshot, self.view, self.facts));
        offer
    }

    /// What must come before any option: what stops all of them.
    fn first(&self) -> Option<(Best, String)> {
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
        let has = |code| self.report.is_some_and(|r| r.causes.iter().any(|c| c.code == code));
        let gone = self.snapshot.history.value().and_then(|h| h.ownerless());
        if let Some(job) = gone.filter(|_| has(CauseCode::JobOfDroppedRole) && server.is_some_and(|s| s.superuser)) {
            let repair = Best::Repair(Fix::CronRemove(job.id), format!("Remove the job {}", job.title()));
            return Some((repair, "pg_cron stops at it, so no job runs".into()));
        }
        if has(CauseCode::RunFailed(Failure::Duplicates)) {
            let why = "the definition gives rows twice, which no refresh takes: make its rows unique, then refresh";
            return Some((Best::Nothing, why.into()));
        }
        let waits = job_to_set_right(self.snapshot, &self.view.view)
            .and_then(|job| job_needs(self.snapshot, &self.view.view, self.facts, job));
        let columns = self.facts.unique.first().filter(|_| self.facts.rights.owns && waits.is_some())?;
        let title = format!("Unique index on {}", columns.join(", "));
        Some((
            Best::Repair(Fix::CreateUnique(columns.clone()), title),
            "its job's CONCURRENTLY fails without one".into(),
        ))
    }

    fn recommend(&self, offers: &[Offer], interval: TimeDelta) -> (Best, String) {
        let find = |choice| offers.iter().find(|o| o.choice == choice);
        let can = |choice| find(choice).is_some_and(|o| o.needs.is_empty());
        let load = |choice| find(choice).and_then(|o| o.load);
        let fast = self.facts.dashboard.as_ref().filter(|d| matches!(d.live, Timing::Took(t) if t <= FAST));
        let triggers = load(Choice::Triggers).filter(|share| *share <= WRITERS_SHARE);
        let (choice, reason) = match fast {
            Some(d) if can(Choice::PlainView) => {
                let reason = format!(
                    "the definition answers a dashboard query in {}: no copy is needed, and nothing can be stale",
                    timing(d.live)
                );
                (Choice::PlainView, reason)
            }
            _ if can(Choice::Cron) => (Choice::Cron, self.why_cron(load(Choice::Triggers), interval)),
            _ if can(Choice::Triggers) && triggers.is_some() => (
                Choice::Triggers,
                "pg_cron cannot be used here, and the writers are few enough to wait for a refresh".into(),
            ),
            _ if can(Choice::Refresh) => (
                Choice::Refresh,
                "nothing that lasts is possible for this role here: refresh it, and have what is missing granted"
                    .into(),
            ),
            _ => {
                let needs = find(Choice::Refresh).map_or(String::new(), |o| o.needs.join("; "));
                return (Best::Nothing, format!("even a refresh needs {needs}"));
            }
        };
        (Best::Offer(choice), reason)
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
        }
        if let Some(share) = triggers.filter(|s| *s > WRITERS_SHARE) {
            why += &format!("; triggers would keep the writers busy {} of the time", percent(share));
        }
        if let Some(d) = &self.facts.dashboard {
            why += &format!("; a plain view answers in {} instead of {}", timing(d.live), timing(d.view));
        }
        why
    }
}
