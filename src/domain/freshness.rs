//! How old a view's data is, how that is known, and how old it may be.

use chrono::TimeDelta;

use super::job::{History, JobId, Run, RunId, RunStatus};
use super::snapshot::ViewState;
use super::stats::JobStats;
use super::time::{Time, age};

/// What the freshness probe reads: the signals that name a time, and the view's size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stamp {
    /// The refresh-time column's newest value.
    pub column: Option<Time>,
    /// `pg_xact_commit_timestamp` of the catalog row, where track_commit_timestamp is on.
    pub committed: Option<Time>,
    /// Bytes on disk, with indexes and TOAST.
    pub bytes: i64,
    /// The planner's estimate of its rows; `None`: never analysed.
    pub estimated_rows: Option<i64>,
}

/// By which signal the time of the last refresh is known, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The named column of the view holds the refresh's transaction start.
    Column(String),
    /// The commit time of the refresh's transaction.
    Commit,
    /// mvtop saw the catalog row change between two looks.
    Observed,
    /// The start of a cron run that refreshed it; misses refreshes by hand.
    CronRun(RunId),
}

impl Source {
    /// The stable word for it, as in the JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Source::Column(_) => "column",
            Source::Commit => "commit_timestamp",
            Source::Observed => "observed",
            Source::CronRun(_) => "cron_run",
        }
    }

    /// How it is told to a person.
    pub fn describe(&self) -> String {
        match self {
            Source::Column(name) => format!("column {name}"),
            Source::Commit => "commit timestamp".into(),
            Source::Observed => "seen by mvtop".into(),
            Source::CronRun(id) => format!("cron run {}", id.0),
        }
    }
}

/// When a view was refreshed, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshedAt {
    /// The time its data is true of.
    pub at: Time,
    /// The signal.
    pub source: Source,
}

/// Where a limit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// Nothing says: the usual limit, five minutes unless the configuration has another.
    Default,
    /// The configuration says it of this view.
    Configured,
    /// What the job that refreshes it promises now: the pause between the run that should be over and the next, plus its usual
    /// duration and a grace.
    Job(JobId),
    /// Every write refreshes it, so its age says nothing: as long as nobody writes it stays true.
    Triggers,
    /// A plain view has no age.
    Plain,
}

/// How old the data may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The greatest good age; `None`: it is never late.
    pub length: Option<TimeDelta>,
    /// Where it comes from.
    pub source: LimitSource,
}

impl Limit {
    /// That of a whole day, in which a schedule may make its longest pause; of the view's active jobs the tightest.
    pub fn of_a_day<'a>(self, jobs: impl Iterator<Item = &'a JobStats>) -> Limit {
        let LimitSource::Job(_) = self.source else { return self };
        let whole = |stats: &JobStats| Some((allowed(stats.interval, stats)?, stats.job));
        let tightest = jobs.filter_map(whole).min();
        tightest.map_or(self, |(length, job)| Limit { length: Some(length), source: LimitSource::Job(job) })
    }
}

/// The age that a pause of the schedule allows: a refresh takes its time on top of it.
fn allowed(pause: Option<TimeDelta>, stats: &JobStats) -> Option<TimeDelta> {
    Some(pause? + stats.p95.unwrap_or_default() + GRACE)
}

/// The limit where nothing else says: what the incident's team settled on.
pub const DEFAULT_LIMIT: TimeDelta = TimeDelta::minutes(5);

/// What a job gets on top of its interval and usual duration: pg_cron starts within a second, machines hiccup.
pub const GRACE: TimeDelta = TimeDelta::seconds(30);

/// Whether the data is young enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreshnessState {
    /// Younger than its limit.
    Fresh,
    /// Older than its limit.
    Late,
    /// It holds no data: reading it is an error.
    NeverPopulated,
    /// No signal names a time.
    Unknown,
}

impl FreshnessState {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            FreshnessState::Fresh => "fresh",
            FreshnessState::Late => "late",
            FreshnessState::NeverPopulated => "never_populated",
            FreshnessState::Unknown => "unknown",
        }
    }
}

/// A view's freshness at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When it was refreshed, if any signal says.
    pub refreshed: Option<RefreshedAt>,
    /// Its age; `None`: not known, or it holds no data.
    pub age: Option<TimeDelta>,
    /// How old it may be.
    pub limit: Limit,
    /// The judgement.
    pub state: FreshnessState,
}

impl Freshness {
    /// Are rows that differ no more than the lag that its limit allows? Triggers leave none.
    pub fn allows_lag(&self) -> bool {
        let is_young = self.state == FreshnessState::Fresh && self.limit.source != LimitSource::Triggers;
        is_young || self.state == FreshnessState::Unknown && self.limit.length.is_none()
    }

    /// The freshness of a view now.
    pub fn of(view: &ViewState, history: Option<&History>, jobs: &[JobStats], now: Time) -> Freshness {
        let refreshed = refreshed_at(view, history);
        let is_plain = view.view.is_plain();
        let age = match &refreshed {
            _ if is_plain => Some(TimeDelta::zero()),
            Some(refreshed) if view.signal.populated => Some(age(refreshed.at, now)),
            _ => None,
        };
        let limit = limit(view, history, jobs);
        let state = match age {
            _ if !view.signal.populated => FreshnessState::NeverPopulated,
            _ if matches!(limit.source, LimitSource::Triggers | LimitSource::Plain) => FreshnessState::Fresh,
            None => FreshnessState::Unknown,
            Some(age) if limit.length.is_some_and(|length| age > length) => FreshnessState::Late,
            Some(_) => FreshnessState::Fresh,
        };
        Freshness { refreshed, age, limit, state }
    }
}

/// The best signal that names a time. The first is exact; a commit, or that its end was seen, dates the data by the begin of
/// the run that did it, where one is known; of what was seen and the runs the newer one counts. Where runs are not recorded
/// any more, the last recorded one need not be the last.
fn refreshed_at(view: &ViewState, history: Option<&History>) -> Option<RefreshedAt> {
    let stamp = view.stamp.value();
    let column = || Some((stamp?.column?, Source::Column(view.view.refresh_column()?.to_string())));
    let history = history.filter(|h| !h.unlogged);
    let began = |end: Time| run_that_ended(view, history?, end)?.start;
    let committed = || stamp?.committed.map(|at| (began(at).unwrap_or(at), Source::Commit));
    // One that waited for its lock installed what was true before the wait.
    let waited = |seen: Time| view.waited.as_ref().filter(|w| w.until == seen).map(|w| w.since);
    let since = |seen: Time| waited(seen).or_else(|| began(seen)).or(view.unseen_since).unwrap_or(seen);
    let observed = || view.observed.map(|seen| (since(seen), Source::Observed));
    let run = || last_good_run(view, history?);
    column()
        .or_else(committed)
        .or_else(|| [observed(), run()].into_iter().flatten().max_by_key(|(at, _)| *at))
        .map(|(at, source)| RefreshedAt { at, source })
}

/// The good run in which a refresh ended at this time, seen up to a pulse later.
fn run_that_ended<'a>(view: &ViewState, history: &'a History, end: Time) -> Option<&'a Run> {
    let pulse = TimeDelta::seconds(2);
    let is_it = |run: &&Run| run.start.is_some_and(|at| at <= end) && run.end.is_some_and(|at| at + pulse >= end);
    history.runs_refreshing(&view.view.name).filter(|run| run.status == RunStatus::Succeeded).find(is_it)
}

fn last_good_run(view: &ViewState, history: &History) -> Option<(Time, Source)> {
    history
        .runs_refreshing(&view.view.name)
        .filter(|run| run.status == RunStatus::Succeeded)
        .filter_map(|run| Some((run.start?, Source::CronRun(run.id))))
        .max_by_key(|(at, _)| *at)
}

/// What the configuration says of the view, else that triggers keep it, else the tightest promise that an active job
/// makes, else the usual limit.
fn limit(view: &ViewState, history: Option<&History>, jobs: &[JobStats]) -> Limit {
    let usual = |source| Limit { length: view.rules.usual.length(), source };
    if view.view.is_plain() {
        return usual(LimitSource::Plain);
    }
    if let Some(bound) = view.rules.limit {
        return Limit { length: bound.length(), source: LimitSource::Configured };
    }
    if view.view.is_kept_by_triggers() {
        return usual(LimitSource::Triggers);
    }
    history
        .into_iter()
        .flat_map(|h| h.jobs_refreshing(&view.view.name))
        .filter(|job| job.active)
        .filter_map(|job| JobStats::find(jobs, job.id))
        .filter_map(|stats| {
            let length = Some(allowed(stats.promised, stats)?);
            Some(Limit { length, source: LimitSource::Job(stats.job) })
        })
        .min_by_key(|limit| limit.length)
        .unwrap_or(Limit { length: view.rules.usual.length(), source: LimitSource::Default })
}
