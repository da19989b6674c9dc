//! What each option costs on this database, and which one to take.

use std::time::Duration;

use chrono::TimeDelta;

use super::best::Best;
use super::jobs::{job_to_set_right, stopped, unchanged};
use super::needs::{UNIQUE_ROWS, alter_needs, closed, cron_needs, job_needs, left_out, plain_needs, trigger_needs};
use super::offer::timing;
use super::{Choice, Facts, Need, Offer};
use crate::domain::day::{MINUTES, longest, own_schedule};
use crate::domain::diagnosis::{CauseCode, ViewReport};
use crate::domain::freshness::DEFAULT_LIMIT;
use crate::domain::job::Job;
use crate::domain::server::Server;
use crate::domain::snapshot::{Snapshot, ViewState, Writes};
use crate::domain::text::make_visible;
use crate::domain::time::took;
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

impl Advice {
    /// Makes visible what a terminal would obey in all that is only read; the schedule stays exact.
    fn shown(mut self) -> Advice {
        let title = if let Best::Repair(_, title) = &mut self.best { Some(title) } else { None };
        make_visible(title.into_iter().chain([&mut self.reason]));
        for offer in &mut self.offers {
            make_visible(Need::texts(&mut offer.needs).chain(&mut offer.warning).chain([&mut offer.readers]));
        }
        self
    }
}

/// A refresh should not run for more than this share of its interval.
const BUSY_SHARE: f64 = 0.25;

/// WAL per rewritten row beside its own width: two heap records and an entry in each of a few indexes (measured: 2.4 MB
/// for 3,289 rows of 384 bytes with three indexes).
const WAL_OVERHEAD: f64 = 350.0;

const DAY_SECONDS: f64 = 86_400.0;

fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1_000.0
}

/// What is weighed.
pub(super) struct Scales<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) view: &'a ViewState,
    pub(super) report: Option<&'a ViewReport>,
    pub(super) facts: &'a Facts,
    pub(super) refresh: Option<RefreshTime>,
}

/// Weighs the options for one view.
pub fn advise(snapshot: &Snapshot, view: &ViewState, report: Option<&ViewReport>, facts: &Facts) -> Advice {
    let refresh = refresh_time(snapshot, view, report);
    let scales = Scales { snapshot, view, report, facts, refresh };
    let (schedule, interval) = scales.schedule();
    let mut offers = vec![scales.cron(&schedule, interval), scales.by_hand(), scales.triggers(), scales.plain()];
    let (best, reason) = scales.first(&schedule).unwrap_or_else(|| scales.recommend(&offers, &schedule, interval));
    // Under the cursor is what is recommended, and where that is nothing at least something that can be done.
    offers.sort_by_key(|o| match best {
        Best::Nothing => !o.needs.is_empty(),
        _ => best != Best::Offer(o.choice),
    });
    Advice { offers, best, reason, schedule, refresh }.shown()
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

/// Adds what is not said yet.
pub(super) fn extend_anew(needs: &mut Vec<Need>, more: impl IntoIterator<Item = Need>) {
    for need in more {
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
}

impl Scales<'_> {
    pub(super) fn limit(&self) -> TimeDelta {
        self.report.and_then(|r| r.freshness.limit.length).unwrap_or(DEFAULT_LIMIT)
    }

    /// The longest interval that keeps the limit, as the cron pane has it, or the shortest that leaves the server room. A
    /// limit that comes of a job's own schedule is kept by that one: any other would make it shorter each time.
    fn schedule(&self) -> (String, TimeDelta) {
        let usual = self.refresh.and_then(|r| TimeDelta::from_std(r.length).ok()).unwrap_or_default();
        let source = self.report.map(|r| r.freshness.limit.source);
        if let Some((interval, schedule)) = source.and_then(|source| own_schedule(self.snapshot, source, usual)) {
            return (schedule, interval);
        }
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

    fn refresh_needs(&self) -> Vec<Need> {
        let server = self.snapshot.server.as_deref();
        let mut needs = closed(server);
        if !self.view.view.can_refresh {
            let right = server.map_or("to be its owner", Server::refresh_right);
            needs.push(right.into());
        }
        if self.report.is_some_and(ViewReport::gives_key_twice) {
            needs.push(UNIQUE_ROWS.into());
        }
        needs.extend(self.facts.code.event_needs(&["REFRESH MATERIALIZED VIEW"]).into_iter().map(Need::Missing));
        needs
    }

    pub(super) fn has(&self, code: CauseCode) -> bool {
        self.report.is_some_and(|r| r.causes.iter().any(|c| c.code == code))
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

    fn cron(&self, schedule: &str, interval: TimeDelta) -> Offer {
        let mut offer = self.offer(Choice::Cron);
        let length = self.refresh.and_then(|r| TimeDelta::from_std(r.length).ok());
        offer.staleness = Some(interval + length.unwrap_or_default());
        offer.load = self.refresh.map(|r| r.length.as_secs_f64() / seconds(interval));
        offer.wal_per_day = self.wal_per_refresh().map(|wal| wal * DAY_SECONDS / seconds(interval));
        let own = job_to_set_right(self.snapshot, &self.view.view);
        let server = self.snapshot.server.as_deref();
        let right = || own.map_or_else(|| cron_needs(server, self.facts), |_| alter_needs(server, self.facts));
        offer.needs.extend(stopped(self.snapshot).or_else(right).map(Need::Missing));
        if let Some(job) = own.filter(|j| self.lets_read(j) != Some(true)) {
            (offer.readers, offer.warning) = match self.lets_read(job) {
                None => ("not known".into(), Some(format!("how {} refreshes it is not seen", job.title()))),
                _ => (self.readers_wait(), Some(format!("{} refreshes it without CONCURRENTLY", job.title()))),
            };
        }
        offer.needs.extend(own.and_then(|job| unchanged(job, schedule)));
        offer
            .needs
            .extend(own.and_then(|job| job_needs(self.snapshot, &self.view.view, self.facts, job)).map(Need::Missing));
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
        let left_out = left_out(self.facts);
        offer.staleness = left_out.is_empty().then(TimeDelta::zero);
        offer.per_write = length;
        offer.load = length.zip(writes).map(|(l, w)| l.as_secs_f64() * w / 60.0);
        offer.wal_per_day = self.wal_per_refresh().zip(writes).map(|(wal, w)| wal * w * 1_440.0);
        extend_anew(&mut offer.needs, trigger_needs(&self.view.view, self.facts));
        let waits = "each writing statement waits for a refresh, and for the other writers; they can deadlock";
        offer.warning = Some(match left_out.is_empty() {
            true => waits.into(),
            false => format!("writes to {} do not refresh it; {waits}", left_out.join(", ")),
        });
        offer
    }

    fn plain(&self) -> Offer {
        let mut offer = self.offer(Choice::PlainView);
        let stored = self.stored_source();
        offer.staleness = stored.is_none().then(TimeDelta::zero);
        offer.warning = stored.map(|name| format!("it reads {name}, a stored copy, and is as old as that"));
        (offer.load, offer.wal_per_day) = (Some(0.0), Some(0.0));
        offer.readers = match &self.facts.dashboard {
            Some(d) => format!("{} a query instead of {}", timing(d.live), timing(d.view)),
            None => "run the definition each time".into(),
        };
        offer.needs = closed(self.snapshot.server.as_deref());
        offer.needs.extend(plain_needs(self.snapshot, self.view, self.facts));
        offer
    }

    /// A materialized view that the definition reads: what is live is then no truer than that.
    pub(super) fn stored_source(&self) -> Option<String> {
        self.facts.rights.tables.iter().find(|t| t.kind == 'm').map(|t| t.name.short())
    }
}
