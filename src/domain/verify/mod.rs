//! The proof: the incident document's three tests and its post-deploy checklist, judged from what was read.
//!
//! Pure: [`Evidence`] in, [`Verification`] out, so a table of cases can test what passes, what warns and what fails.
//!
//! - **Fail**: a statement of the document does not hold now. People see something wrong, or what is to keep the view
//!   true cannot work.
//! - **Warning**: all holds now, but something will or may break it: nothing keeps the view true, some runs failed,
//!   triggers miss a table.
//! - **Not proven**: it applies, and could not be found out: a right is missing, a lock was not had, nobody said yes.
//! - **Skipped**: it does not apply to this view, or was left out on request.

mod checklist;
mod facts;
mod reassign;
mod tests_read;

use super::freshness::Freshness;
use super::lens::Crowd;
use super::snapshot::{Snapshot, ViewState};
use super::time::Time;
use super::view::ViewName;

pub use super::tolerance::Tolerance;
pub use facts::{Facts, Feed, RefreshTrigger};
pub use reassign::{Reassignment, Refreshes, Run, Seen, Source, Stranger, Surroundings, Trial, refreshes};

/// How one statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// Only worth knowing: it proves nothing, for or against.
    Note,
    /// It does not apply, or was left out on request.
    Skipped,
    /// It holds, but not surely for long.
    Warning,
    /// It applies and could not be found out.
    NotProven,
    /// It does not hold.
    Fail,
}

impl Outcome {
    /// The stable word for it, as in the JSON.
    pub fn code(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Note => "note",
            Outcome::Skipped => "skipped",
            Outcome::Warning => "warning",
            Outcome::NotProven => "not_proven",
            Outcome::Fail => "fail",
        }
    }

    /// The word in a table: only what keeps the whole from passing is in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::NotProven => "NOT PROVEN",
            Outcome::Fail => "FAIL",
            other => other.code(),
        }
    }
}

/// One statement, how it stands, and the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable word for it.
    pub code: &'static str,
    /// What is stated, in a few words.
    pub what: String,
    /// How it stands.
    pub outcome: Outcome,
    /// The evidence, in a sentence.
    pub text: String,
    /// More of it, a line each: the worst cases first.
    pub details: Vec<String>,
}

impl Check {
    fn new(code: &'static str, what: impl Into<String>, outcome: Outcome, text: impl Into<String>) -> Check {
        Check { code, what: what.into(), outcome, text: text.into(), details: Vec::new() }
    }

    fn with_details(self, details: Vec<String>) -> Check {
        Check { details, ..self }
    }
}

/// Statements that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// A stable word for it.
    pub code: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its statements.
    pub checks: Vec<Check>,
}

/// What was read about one view.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Everything that `check` knows.
    pub snapshot: &'a Snapshot,
    /// The view; a plain one is compared like a materialized one.
    pub view: &'a ViewState,
    /// Is it a plain view?
    pub is_plain: bool,
    /// What only the proof asks.
    pub facts: &'a Facts,
    /// How Test 2 went.
    pub trial: &'a Trial,
    /// How much drift is let pass.
    pub tolerance: Tolerance,
    /// The server's time.
    pub now: Time,
}

impl Evidence<'_> {
    fn freshness(&self) -> Freshness {
        Freshness::of(self.view, self.snapshot.history.value().map(|h| &**h), &self.snapshot.jobs, self.now)
    }

    fn name(&self) -> String {
        self.view.view.name.short()
    }
}

/// The whole proof of one view.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The view.
    pub view: ViewName,
    /// The tests, in the document's order.
    pub tests: Vec<Test>,
    /// What each person sees.
    pub crowds: Vec<Crowd>,
    /// How much drift was let pass.
    pub tolerance: Tolerance,
}

impl Verification {
    /// All statements.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.tests.iter().flat_map(|t| &t.checks)
    }

    /// How many statements stand so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks().filter(|c| c.outcome == outcome).count()
    }

    /// The worst of all: with `strict` a warning is a failure.
    pub fn outcome(&self, strict: bool) -> Outcome {
        let has = |outcome| self.count(outcome) > 0;
        if has(Outcome::Fail) || strict && has(Outcome::Warning) {
            Outcome::Fail
        } else if has(Outcome::NotProven) {
            Outcome::NotProven
        } else {
            Outcome::Pass
        }
    }

    /// 0 when all hold, 1 when something does not, 3 when something could not be found out.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match self.outcome(strict) {
            Outcome::Fail => 1,
            Outcome::NotProven => 3,
            _ => 0,
        }
    }
}

/// Judges the evidence.
pub fn verify(evidence: &Evidence) -> Verification {
    let drift = evidence.view.drift.value().map(|c| &c.drift);
    let crowds = drift.map(|d| Crowd::all(&evidence.view.view.groups, d)).unwrap_or_default();
    let tests = vec![
        Test {
            code: "test_1",
            title: "Test 1: fresh, and the view is its definition",
            checks: tests_read::test_1(evidence),
        },
        Test {
            code: "test_2",
            title: "Test 2: a reassigned row leaves one and arrives at the other",
            checks: vec![reassign::check(evidence.trial)],
        },
        Test {
            code: "test_3",
            title: "Test 3: each role sees what it should",
            checks: tests_read::test_3(evidence, &crowds),
        },
        Test { code: "checklist", title: "Checklist: what keeps it true", checks: checklist::checklist(evidence) },
    ];
    Verification { view: evidence.view.view.name.clone(), tests, crowds, tolerance: evidence.tolerance }
}
