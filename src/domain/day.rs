//! A view's last 24 hours out of the server's own history, so that they are there at the first look: how its refreshes
//! went, how old its data became, and what schedule would keep its limit.

use chrono::TimeDelta;

use super::freshness::{Freshness, GRACE, Limit, LimitSource};
use super::job::{Job, RunStatus};
use super::schedule::{Dialect, Schedule};
use super::snapshot::{Snapshot, ViewState};
use super::stats::{Gap, JobStats, SPAN};
use super::text::{counted, percent};
use super::time::{Time, clock, human};

/// How a view's refreshes went over the last day, as far back as the history tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// From when on it is known.
    pub since: Time,
    /// Runs there should have been; `None` where that cannot be said.
    pub expected: Option<usize>,
    /// Runs that ended.
    pub ended: usize,
    /// Runs that ended badly.
    pub failed: usize,
    /// Where runs are missing.
    pub gaps: Vec<Gap>,
    /// Median, 95th percentile and longest of the good runs' durations.
    pub took: Option<Took>,
    /// The greatest age the data reached, and when. A refresh by hand that nothing recorded would make it less.
    pub worst: Option<(TimeDelta, Time)>,
    /// The limit that the ages are held against; `None`: it is never late.
    pub limit: Option<TimeDelta>,
    /// The share of the time with an age within the limit, 0 to 1.
    pub within: Option<f64>,
    /// The longest schedule that keeps the limit.
    pub advice: Option<Advice>,
}

/// How long refreshes take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Took {
    /// The median.
    pub p50: TimeDelta,
    /// The 95th percentile.
    pub p95: TimeDelta,
    /// The longest.
    pub max: TimeDelta,
    /// Can they be believed? Not on an old pg_cron with background workers.
    pub reliable: bool,
}

/// What schedule keeps the limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The longest interval that does, and how pg_cron writes it; `None`: none does.
    pub schedule: Option<(TimeDelta, String)>,
    /// Refresh time ÷ interval: the share of one server process.
    pub load: Option<f64>,
    /// How long a refresh is taken to last.
    pub duration: TimeDelta,
    /// Is that only estimated, from a comparison of all values, which costs about a refresh?
    pub estimated: bool,
}

/// A share of less than this time would say nothing.
const KNOWN_ENOUGH: TimeDelta = TimeDelta::minutes(1);

impl Day {
    /// A view's last day; `None`: neither a run nor a time of refresh is known.
    pub fn of(snapshot: &Snapshot, view: &ViewState, now: Time) -> Option<Day> {
        let history = snapshot.history.value()?;
        let jobs: Vec<&Job> = history.jobs_refreshing(&view.view.name).collect();
        let stats: Vec<&JobStats> = jobs.iter().filter_map(|j| snapshot.job(j.id)).collect();
        let freshness = Freshness::of(view, Some(history), &snapshot.jobs, now);
        let limit = freshness.limit.of_a_day(jobs.iter().filter(|j| j.active).filter_map(|j| snapshot.job(j.id)));
        let ages = Ages::of(&refreshes(snapshot, view, &freshness), limit.length, now);
        if stats.is_empty() && ages.is_none() {
            return None;
        }
        let took = took(&stats);
        let known: Vec<usize> = stats.iter().filter_map(|s| s.expected).collect();
        Some(Day {
            since: stats.iter().filter_map(|s| s.since).chain(ages.as_ref().map(|a| a.since)).min().unwrap_or(now),
            expected: (!known.is_empty()).then(|| known.iter().sum()),
            ended: stats.iter().map(|s| s.ended).sum(),
            failed: stats.iter().map(|s| s.failed).sum(),
            gaps: stats.iter().flat_map(|s| s.gaps.iter().copied()).collect(),
            worst: ages.as_ref().map(|a| a.worst),
            within: ages.as_ref().and_then(|a| a.within),
            limit: limit.length,
            advice: advice(snapshot, view, took.as_ref(), &limit),
            took,
        })
    }

    /// The share of ended runs that succeeded.
    pub fn success_rate(&self) -> Option<f64> {
        (self.ended > 0).then(|| (self.ended - self.failed) as f64 / self.ended as f64)
    }

    /// How many runs are missing.
    pub fn missed(&self) -> usize {
        self.gaps.iter().map(|g| g.missed).sum()
    }

    /// The day in sentences: runs, durations, ages, advice, as far as each is known.
    pub fn lines(&self, now: Time) -> Vec<String> {
        let runs = (self.ended > 0 || self.expected.is_some()).then(|| self.runs());
        let advice = self.advice_text();
        [runs, self.ages(now), advice].into_iter().flatten().map(|line| format!("24 h: {line}")).collect()
    }

    /// The advice in words.
    pub fn advice_text(&self) -> Option<String> {
        Some(self.advice.as_ref()?.text(self.limit?))
    }

    /// `286 of 288 runs came, 98.9 % good, p50 1.2s, p95 1.9s, longest 4s`
    fn runs(&self) -> String {
        let came = match self.expected {
            Some(0) if self.ended == 0 => "no run was due".into(),
            Some(expected) if expected > 0 => {
                format!("{} of {} came", expected.saturating_sub(self.missed()), counted(expected, "run"))
            }
            _ => format!("{} came", counted(self.ended, "run")),
        };
        // Others may have ended than those which were due, by an earlier schedule.
        let due = self.expected.map(|expected| expected.saturating_sub(self.missed()));
        let of = match self.failed {
            1.. if due.is_some_and(|due| due != self.ended) => format!(" of {}", self.ended),
            _ => String::new(),
        };
        let good = self.success_rate().map_or(String::new(), |rate| format!(", {}{of} good", percent(rate)));
        let took = self.took.map_or(String::new(), |t| {
            let doubt = if t.reliable { "" } else { " (as recorded; this pg_cron records them wrongly)" };
            format!(", p50 {}, p95 {}, longest {}{doubt}", human(t.p50), human(t.p95), human(t.max))
        });
        format!("{came}{good}{took}")
    }

    /// The ages in words: `within 5m32s for 99.1 %, worst 45m12s at 10:05:00`; of what span, if it is
    /// not about a day.
    pub fn ages(&self, now: Time) -> Option<String> {
        let (worst, at) = self.worst?;
        if now - self.since < KNOWN_ENOUGH {
            return Some(format!("its age is known only since {}", clock(self.since, now)));
        }
        let when = if at >= now { "now".into() } else { format!("at {}", clock(at, now)) };
        let share = self.within.zip(self.limit).map_or(String::new(), |(w, limit)| {
            let span = now - self.since;
            let of = if span < SPAN - TimeDelta::hours(1) { format!(" of {}", human(span)) } else { String::new() };
            format!("within {} for {}{of}, ", human(limit), percent(w))
        });
        Some(format!("{share}worst {} {when}", human(worst)))
    }
}

impl Advice {
    /// The advice in words: `longest schedule to keep 5m: */4 * * * *, load 0.5 %`.
    pub fn text(&self, limit: TimeDelta) -> String {
        let about = if self.estimated { "about " } else { "" };
        let Some((_, schedule)) = &self.schedule else {
            return format!("no schedule keeps {}: a refresh takes {about}{}", human(limit), human(self.duration));
        };
        let load = self.load.map_or(String::new(), |l| format!(", load {about}{:.1} %", l * 100.0));
        format!("longest schedule to keep {}: {schedule}{load}", human(limit))
    }
}

/// Adds a refresh to those that are remembered of a view; of those before the day began only the last one counts.
pub fn remember(refreshes: &mut Vec<Time>, refreshed: Time, now: Time) {
    if refreshes.last() != Some(&refreshed) {
        refreshes.push(refreshed);
    }
    let outdated = refreshes.iter().skip(1).take_while(|at| now - **at > SPAN).count();
    refreshes.drain(..outdated);
}

fn took(stats: &[&JobStats]) -> Option<Took> {
    // Several jobs on one view are rare; the one that ran most speaks for it.
    let stats = stats.iter().max_by_key(|s| s.ended)?;
    Some(Took { p50: stats.p50?, p95: stats.p95?, max: stats.max?, reliable: stats.reliable })
}

/// Every refresh that is known: what its data is true of and from when on people saw it, the oldest first.
fn refreshes(snapshot: &Snapshot, view: &ViewState, freshness: &Freshness) -> Vec<(Time, Time)> {
    let history = snapshot.history.value();
    let runs = history.into_iter().filter(|h| !h.unlogged).flat_map(|h| h.runs_refreshing(&view.view.name));
    let runs = runs.filter(|r| r.status == RunStatus::Succeeded);
    let newest = freshness.refreshed.as_ref().map(|r| r.at);
    let seen = view.refreshes.iter().copied().chain(newest).map(|at| (at, at));
    let mut all: Vec<(Time, Time)> = runs.filter_map(|r| Some((r.start?, r.end?))).chain(seen).collect();
    all.sort_by_key(|&(_, seen)| seen);
    all
}

/// How old the data was.
struct Ages {
    since: Time,
    worst: (TimeDelta, Time),
    within: Option<f64>,
}

impl Ages {
    /// Between two refreshes the age grows from the start of the one that people see to the end of the next.
    fn of(refreshes: &[(Time, Time)], limit: Option<TimeDelta>, now: Time) -> Option<Ages> {
        let since = refreshes.first()?.1.max(now - SPAN);
        let (mut worst, mut good) = ((TimeDelta::zero(), since), TimeDelta::zero());
        for (i, &(of, seen)) in refreshes.iter().enumerate() {
            let until = refreshes.get(i + 1).map_or(now, |next| next.1.min(now));
            let from = seen.max(since);
            if until <= from {
                continue;
            }
            if until - of > worst.0 {
                worst = (until - of, until);
            }
            let enough = limit.map_or(until, |limit| (of + limit).min(until));
            good += (enough - from).max(TimeDelta::zero());
        }
        let span = (now - since).num_milliseconds();
        let within = (span > 0).then(|| good.num_milliseconds() as f64 / span as f64);
        Some(Ages { since, worst, within })
    }
}

/// Intervals that people choose, the longest first, as pg_cron writes them.
pub const MINUTES: [(i64, &str); 16] = [
    (1_440, "0 0 * * *"),
    (720, "0 */12 * * *"),
    (360, "0 */6 * * *"),
    (240, "0 */4 * * *"),
    (180, "0 */3 * * *"),
    (120, "0 */2 * * *"),
    (60, "0 * * * *"),
    (30, "*/30 * * * *"),
    (20, "*/20 * * * *"),
    (15, "*/15 * * * *"),
    (10, "*/10 * * * *"),
    (5, "*/5 * * * *"),
    (4, "*/4 * * * *"),
    (3, "*/3 * * * *"),
    (2, "*/2 * * * *"),
    (1, "* * * * *"),
];

/// The same in seconds, from pg_cron 1.5 on.
const SECONDS: [(i64, &str); 3] = [(30, "30 seconds"), (20, "20 seconds"), (10, "10 seconds")];

/// The longest schedule whose interval, plus a long refresh and what the limit grants besides, stays within the limit.
pub fn longest(
    snapshot: &Snapshot,
    usual: TimeDelta,
    long: TimeDelta,
    limit: TimeDelta,
) -> Option<(TimeDelta, &'static str)> {
    let cron = snapshot.server.as_ref().and_then(|s| s.cron.present());
    let dialect = cron.map_or(Dialect::latest(), |c| c.dialect());
    let minutes = MINUTES.iter().map(|&(n, text)| (TimeDelta::minutes(n), text));
    let seconds = SECONDS.iter().map(|&(n, text)| (TimeDelta::seconds(n), text));
    minutes
        .chain(seconds)
        .filter(|(_, text)| Schedule::parse(text, dialect).is_ok())
        .find(|&(interval, _)| interval + long + GRACE <= limit && interval > usual)
}

/// The schedule that the limit comes of, if it comes of one. It keeps the limit: any other would make it shorter each time.
/// One that comes before a refresh of the `usual` length has ended keeps nothing.
pub fn own_schedule(snapshot: &Snapshot, source: LimitSource, usual: TimeDelta) -> Option<(TimeDelta, String)> {
    let LimitSource::Job(id) = source else { return None };
    let job = snapshot.history.value()?.jobs.iter().find(|job| job.id == id)?;
    let interval = snapshot.job(id)?.interval.filter(|interval| *interval > usual)?;
    Some((interval, job.schedule.clone()))
}

/// What schedule keeps the limit, as far as it is known how long a refresh takes.
fn advice(snapshot: &Snapshot, view: &ViewState, took: Option<&Took>, limit: &Limit) -> Option<Advice> {
    let compared = || TimeDelta::from_std(view.values.last.as_ref()?.took).ok();
    let (usual, long, estimated) = match took {
        Some(took) => (took.p50, took.p95, false),
        None => (compared()?, compared()?, true),
    };
    let length = limit.length?;
    let longest = || longest(snapshot, usual, long, length).map(|(interval, text)| (interval, text.to_string()));
    let schedule = own_schedule(snapshot, limit.source, usual).or_else(longest);
    let load =
        schedule.as_ref().map(|(interval, _)| usual.num_milliseconds() as f64 / interval.num_milliseconds() as f64);
    Some(Advice { schedule, load, duration: long, estimated })
}
