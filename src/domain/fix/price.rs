//! What each option costs on this database, and which one to take.

use std::time::Duration;

use chrono::TimeDelta;

use super::offer::{percent, timing};
use super::{Choice, Facts, Offer, Timing};
use crate::domain::diagnosis::ViewReport;
use crate::domain::freshness::DEFAULT_LIMIT;
use crate::domain::rights::no_change;
use crate::domain::server::{Cron, Server};
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

/// The four options, the recommended one first, and why it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The options.
    pub offers: Vec<Offer>,
    /// Why the first is first.
    pub reason: String,
    /// The schedule that keeps the limit.
    pub schedule: &'static str,
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

/// Schedules that people read at a glance, with their minutes.
const SCHEDULES: [(&str, i64); 8] = [
    ("* * * * *", 1),
    ("*/2 * * * *", 2),
    ("*/5 * * * *", 5),
    ("*/10 * * * *", 10),
    ("*/15 * * * *", 15),
    ("*/30 * * * *", 30),
    ("0 * * * *", 60),
    ("0 */6 * * *", 360),
];

const DAY_SECONDS: f64 = 86_400.0;

struct Scales<'a> {
    snapshot: &'a Snapshot,
    view: &'a ViewState,
    facts: &'a Facts,
    refresh: Option<RefreshTime>,
}

/// Weighs the options for one view.
pub fn advise(snapshot: &Snapshot, view: &ViewState, report: Option<&ViewReport>, facts: &Facts) -> Advice {
    let refresh = refresh_time(snapshot, view, report);
    let scales = Scales { snapshot, view, facts, refresh };
    let (schedule, minutes) = scales.schedule();
    let mut offers = vec![scales.cron(minutes), scales.by_hand(), scales.triggers(), scales.plain()];
    let (best, reason) = scales.recommend(&offers, minutes);
    offers.sort_by_key(|o| o.choice != best);
    Advice { offers, reason, schedule, refresh }
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
    /// The longest interval that keeps the limit, or the shortest that leaves the server room.
    fn schedule(&self) -> (&'static str, i64) {
        let seconds = self.refresh.map_or(0.0, |r| r.length.as_secs_f64());
        let limit = DEFAULT_LIMIT.num_minutes();
        let fits = |minutes: i64| seconds <= BUSY_SHARE * minutes as f64 * 60.0;
        let within = SCHEDULES.iter().rev().find(|(_, m)| *m <= limit && fits(*m));
        let beyond = || SCHEDULES.iter().find(|(_, m)| fits(*m)).unwrap_or(&SCHEDULES[SCHEDULES.len() - 1]);
        *within.unwrap_or_else(beyond)
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
        self.view.view.refresh_mode(self.view.signal.populated)
    }

    fn readers_of_refresh(&self) -> String {
        match (self.mode(), self.refresh) {
            (RefreshMode::Concurrently, _) => "go on".into(),
            (_, Some(refresh)) => format!("wait {} each time", took(refresh.length)),
            (_, None) => "wait for each refresh".into(),
        }
    }

    fn refresh_needs(&self) -> Vec<String> {
        let server = self.snapshot.server.as_deref();
        let mut needs = closed(server);
        if !self.view.view.can_refresh {
            let right = server.map_or("to be its owner", Server::refresh_right);
            needs.push(format!("a refresh needs {right}"));
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

    fn cron(&self, minutes: i64) -> Offer {
        let mut offer = self.offer(Choice::Cron);
        let length = self.refresh.and_then(|r| TimeDelta::from_std(r.length).ok());
        offer.staleness = Some(TimeDelta::minutes(minutes) + length.unwrap_or_default());
        offer.load = self.refresh.map(|r| r.length.as_secs_f64() / (minutes * 60) as f64);
        offer.wal_per_day = self.wal_per_refresh().map(|wal| wal * DAY_SECONDS / (minutes * 60) as f64);
        offer.needs.extend(cron_needs(self.snapshot.server.as_deref(), self.facts));
        if self.view.view.refresh_column().is_some() && self.mode() == RefreshMode::Concurrently {
            let column = self.view.view.refresh_column().unwrap_or_default();
            offer.warning = Some(format!("{column} = now() makes each refresh rewrite every row"));
        }
        offer
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
        offer.needs.extend(plain_needs(self.facts));
        offer
    }

    fn recommend(&self, offers: &[Offer], minutes: i64) -> (Choice, String) {
        let can = |choice| offers.iter().any(|o| o.choice == choice && o.needs.is_empty());
        let load = |choice| offers.iter().find(|o| o.choice == choice).and_then(|o| o.load);
        let fast = self.facts.dashboard.as_ref().filter(|d| matches!(d.live, Timing::Took(t) if t <= FAST));
        let triggers = load(Choice::Triggers).filter(|share| *share <= WRITERS_SHARE);
        match fast {
            Some(d) if can(Choice::PlainView) => {
                let reason = format!(
                    "the definition answers a dashboard query in {}: no copy is needed, and nothing can be stale",
                    timing(d.live)
                );
                (Choice::PlainView, reason)
            }
            _ if can(Choice::Cron) => (Choice::Cron, self.why_cron(load(Choice::Triggers), minutes)),
            _ if can(Choice::Triggers) && triggers.is_some() => (
                Choice::Triggers,
                "pg_cron cannot be used here, and the writers are few enough to wait for a refresh".into(),
            ),
            _ => (
                Choice::Refresh,
                "nothing that lasts is possible for this role here: refresh it, and have what is missing granted"
                    .into(),
            ),
        }
    }

    fn why_cron(&self, triggers: Option<f64>, minutes: i64) -> String {
        let interval = human(TimeDelta::minutes(minutes));
        let mut why = match self.refresh {
            Some(r) => format!("a refresh of {} every {interval} keeps the limit", took(r.length)),
            None => format!("a refresh every {interval} keeps the limit"),
        };
        if minutes > DEFAULT_LIMIT.num_minutes() {
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

/// That nothing can be changed here at all.
fn closed(server: Option<&Server>) -> Vec<String> {
    server.and_then(no_change).map(|no| no.why).into_iter().collect()
}

/// What is missing for a cron job.
pub fn cron_needs(server: Option<&Server>, facts: &Facts) -> Option<String> {
    let rights = &facts.rights;
    match server.map(|s| &s.cron) {
        // Whether this role may schedule there is known only there.
        Some(cron) if cron.other_database().is_some() => None,
        Some(Cron::Present(_)) if !rights.can_schedule => Some("EXECUTE on cron.schedule(text, text, text)".into()),
        Some(Cron::Present(_)) => None,
        Some(Cron::Forbidden) => Some("USAGE on the schema cron".into()),
        _ if rights.cron_offered => {
            let preload = "pg_cron in shared_preload_libraries (a restart), then CREATE EXTENSION pg_cron";
            let create = "CREATE EXTENSION pg_cron, by a superuser";
            Some(if rights.cron_preloaded == Some(false) { preload } else { create }.into())
        }
        _ => Some("the server package of pg_cron".into()),
    }
}

/// What is missing for triggers.
pub fn trigger_needs(facts: &Facts) -> Vec<String> {
    let rights = &facts.rights;
    let mut needs = Vec::new();
    if !rights.can_create {
        needs.push("CREATE on the view's schema, for the function".into());
    }
    let closed: Vec<String> = rights.tables.iter().filter(|t| !t.can_trigger).map(|t| t.name.short()).collect();
    if !closed.is_empty() {
        needs.push(format!("TRIGGER on {}", closed.join(", ")));
    }
    let silent: Vec<String> = rights.tables.iter().filter(|t| !t.takes_triggers()).map(|t| t.name.short()).collect();
    if !silent.is_empty() {
        needs.push(format!("{} cannot tell a trigger when it changes", silent.join(", ")));
    }
    if rights.tables.is_empty() {
        needs.push("a base table: the definition reads none".into());
    }
    needs
}

/// What is in the way of changing the view's kind.
pub fn plain_needs(facts: &Facts) -> Vec<String> {
    let mut needs = Vec::new();
    if !facts.rights.owns {
        needs.push("to own the view".into());
    }
    if !facts.rights.can_create {
        needs.push("CREATE on its schema".into());
    }
    if !facts.pieces.stuck.is_empty() {
        needs.push(format!("it cannot be replaced under {}", facts.pieces.stuck.join(", ")));
    }
    if !facts.pieces.foreign_readers.is_empty() {
        needs.push(format!("to own {}, which read it", facts.pieces.foreign_readers.join(", ")));
    }
    needs
}
