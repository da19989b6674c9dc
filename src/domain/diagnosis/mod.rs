//! Snapshot → Diagnosis: is what people see true; if not, what is wrong, for whom, why, and which key helps.
//!
//! A pure function of a Snapshot and the time, so every face says the same and a table of cases can test it.

mod causes;
mod code;
mod failure;
mod jobs;
mod remedy;
mod runs;
mod sentences;
mod verdict;

use std::collections::HashMap;

use super::drift::Totals;
use super::freshness::{Freshness, FreshnessState};
use super::job::{History, Job, JobId};
use super::matrix::Comparison;
use super::rights::{NoRefresh, no_refresh};
use super::server::Link;
use super::snapshot::{Snapshot, ViewState};
use super::stats::JobStats;
use super::text::{capitalized, visible};
use super::time::Time;
use super::view::Oid;
pub use code::{CauseCode, Severity};
pub use failure::Failure;
pub use remedy::Remedy;
use sentences::{what, whom};
pub use verdict::Verdict;
use verdict::{remedies, verdict};

/// One cause with its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which.
    pub code: CauseCode,
    /// The sentence, evidence included.
    pub text: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The next best action against it, if there is any.
    pub remedy: Option<Remedy>,
    /// The job that it is about, if it is about one.
    pub job: Option<JobId>,
}

impl Cause {
    fn new(code: CauseCode, severity: Severity, remedy: impl Into<Option<Remedy>>, text: impl Into<String>) -> Cause {
        let text = visible(&text.into()).into_owned();
        Cause { code, severity, remedy: remedy.into(), text, job: None }
    }

    fn grave(code: CauseCode, remedy: impl Into<Option<Remedy>>, text: impl Into<String>) -> Cause {
        Cause::new(code, Severity::Grave, remedy, text)
    }

    fn note(code: CauseCode, remedy: impl Into<Option<Remedy>>, text: impl Into<String>) -> Cause {
        Cause::new(code, Severity::Note, remedy, text)
    }

    fn about(self, job: &Job) -> Cause {
        Cause { job: Some(job.id), ..self }
    }
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
    /// What helps first.
    pub remedy: Option<Remedy>,
    /// What then keeps it true, where a refresh comes first.
    pub then: Option<Remedy>,
    /// Why this role cannot refresh it here, if so.
    pub no_refresh: Option<NoRefresh>,
    /// The job that refreshes it: the active one with the shortest interval.
    pub job: Option<JobId>,
    /// When that runs next.
    pub next: Option<Time>,
}

impl ViewReport {
    /// Does live give a key of its unique index twice, so that no refresh can take it?
    pub fn gives_key_twice(&self) -> bool {
        let codes = [CauseCode::KeyTwice, CauseCode::RunFailed(Failure::Duplicates)];
        self.causes.iter().any(|cause| codes.contains(&cause.code))
    }

    /// How much it needs a person, to order views by: one that cannot even be read comes before one that is wrong.
    pub fn need(&self) -> (Verdict, bool, u64) {
        let is_empty = self.freshness.state == FreshnessState::NeverPopulated;
        (self.verdict, is_empty, self.totals.map_or(0, |t| t.wrong()))
    }

    /// The cause that is told first, and the others. That all is true is no reason for anything.
    pub fn reasons(&self) -> (Option<&Cause>, &[Cause]) {
        match self.causes.split_first() {
            Some((first, others)) if first.code != CauseCode::ViewIsTrue => (Some(first), others),
            _ => (None, &self.causes),
        }
    }

    /// The job that belongs to it: the one its worst cause about a job is about, else the one that refreshes it.
    pub fn own_job(&self) -> Option<JobId> {
        self.causes.iter().find_map(|cause| cause.job).or(self.job)
    }

    /// What to do, in one or two sentences: `Refresh, then schedule it.`
    pub fn advice(&self) -> Option<String> {
        self.advice_by("", |_, verb| verb.into())
    }

    /// What to do, where the program's own steps are said otherwise: `lead` begins them, and `say` gives each step from its
    /// remedy and verb, e.g. `Press ` and `r to refresh`.
    pub fn advice_by(&self, lead: &str, say: impl Fn(Remedy, &str) -> String) -> Option<String> {
        let wants_refresh = self.verdict == Verdict::Critical || self.remedy == Some(Remedy::Refresh);
        if let Some(no) = self.no_refresh.as_ref().filter(|_| wants_refresh) {
            return Some(no.instead.clone());
        }
        let step = |remedy: Remedy| remedy.verb().map(|verb| say(remedy, verb));
        let sentence = |remedy: Remedy| match step(remedy) {
            Some(step) => capitalized(&format!("{lead}{step}.")),
            None => remedy.by_hand().into(),
        };
        let first = self.remedy?;
        Some(match self.then {
            None => sentence(first),
            Some(then) => match (step(first), step(then)) {
                (Some(one), Some(two)) => capitalized(&format!("{lead}{one}, then {two}.")),
                _ => format!("{} Then: {}", sentence(first), sentence(then)),
            },
        })
    }
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

    /// The view that needs a person most: of several, the first.
    pub fn worst(&self) -> Option<&ViewReport> {
        self.views.iter().rev().max_by_key(|v| v.need())
    }
}

/// What a Snapshot means at the server's time `now`.
pub fn diagnose(snapshot: &Snapshot, now: Time) -> Diagnosis {
    let history = snapshot.history.value().map(|h| &**h);
    let places = snapshot.views.iter().map(|v| (v.view.oid, &**v)).collect();
    let scene = Scene { snapshot, history, jobs: &snapshot.jobs, views: places, now };
    let views: Vec<ViewReport> = snapshot.views.iter().map(|v| scene.report(v)).collect();
    let server = unreachable(snapshot);
    // A database without any view is not what somebody meant to watch: a wrong place must not look well.
    let known = views.iter().map(|v| v.verdict).max().filter(|_| server.is_none());
    let verdict = known.unwrap_or(Verdict::Unknown);
    Diagnosis { verdict, server, views }
}

fn unreachable(snapshot: &Snapshot) -> Option<Cause> {
    let text = match &snapshot.link {
        Link::Up | Link::Connecting { .. } => return None,
        Link::Silent { .. } => "The server does not answer. What is shown is what was last known.".to_string(),
        Link::Down { why, .. } => format!("No connection: {why}"),
    };
    Some(Cause::grave(CauseCode::Unreachable, Remedy::Reconnect, text))
}

/// What a report is made from.
struct Scene<'a> {
    snapshot: &'a Snapshot,
    history: Option<&'a History>,
    jobs: &'a [JobStats],
    views: HashMap<Oid, &'a ViewState>,
    now: Time,
}

impl Scene<'_> {
    fn report(&self, view: &ViewState) -> ViewReport {
        let freshness = Freshness::of(view, self.history, self.jobs, self.now);
        let compared = view.drift.value().map(|c| &**c);
        let totals = compared.map(|c| totals(view, c));
        let allowed = allowed(view, totals.as_ref());
        let causes = self.causes(view, &freshness, totals.as_ref(), allowed);
        let verdict = verdict(&freshness, totals.as_ref(), allowed, &causes);
        let no_refresh = self.snapshot.server.as_deref().and_then(|server| no_refresh(server, &view.view));
        let differs = totals.is_some_and(|t| t.wrong() > allowed);
        let (remedy, then) = remedies(no_refresh.is_none(), verdict, differs, &causes);
        let job = self.job(view);
        let whom = compared.filter(|_| !freshness.allows_lag()).and_then(|c| whom(&c.matrix.lines, &c.matrix.columns));
        let shown = |text: String| visible(&text).into_owned();
        ViewReport {
            oid: view.view.oid,
            verdict,
            what: shown(what(self, view, totals.as_ref(), allowed, &freshness)),
            // The lag that was agreed on hurts nobody.
            whom: whom.map(shown),
            remedy,
            then,
            no_refresh,
            next: job.and_then(|j| j.next),
            job: job.map(|j| j.job),
            totals,
            causes,
            freshness,
        }
    }

    fn job(&self, view: &ViewState) -> Option<&JobStats> {
        let history = self.history?;
        let stats = |job: &Job| JobStats::find(self.jobs, job.id);
        history.jobs_refreshing(&view.view.name).filter_map(stats).min_by_key(|s| (s.next.is_none(), s.interval))
    }
}

/// A session in words: `postgres (psql, pid 4711)`.
pub fn who(user: &str, application: &str, pid: i32) -> String {
    let (user, application) = (visible(user), visible(application));
    match (&*user, &*application) {
        ("", _) if pid == 0 => "a prepared transaction".into(),
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

/// How many of its rows may differ.
fn allowed(view: &ViewState, totals: Option<&Totals>) -> u64 {
    let rows = totals.map_or(0, |t| t.view.max(t.live));
    view.rules.tolerance.map_or(0, |tolerance| tolerance.rows(rows))
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
