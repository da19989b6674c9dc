//! The proof in text and in JSON, and the question before Test 2.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::domain::lens::Crowd;
use crate::domain::text::{pad_right, visible};
use crate::domain::verify::{Check, Outcome, Reassignment, Seen, Source, Test, Trial, Verification};
use crate::domain::view::View;
use crate::pg::reassign::Script;

/// The table: a line for the whole, then a line a statement, under the heading of its test.
pub fn text(verification: &Verification, strict: bool) -> String {
    let mut out = format!("{} - {}\n", verification.outcome(strict).word().to_uppercase(), headline(verification));
    let width = verification.checks().map(|c| c.what.chars().count()).max().unwrap_or(0);
    for Test { title, checks, .. } in &verification.tests {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n{}", visible(title));
        for Check { what, outcome, text, details, .. } in checks {
            let _ = writeln!(
                out,
                "  {}  {}  {}",
                pad_right(outcome.word(), 10),
                pad_right(&visible(what), width),
                visible(text)
            );
            for line in details {
                let _ = writeln!(out, "{}- {}", " ".repeat(width + 16), visible(line));
            }
        }
    }
    out
}

fn headline(verification: &Verification) -> String {
    let count = |outcome| verification.count(outcome);
    let told = count(Outcome::Pass) + count(Outcome::Fail) + count(Outcome::NotProven) + count(Outcome::Warning);
    let parts = [
        (Outcome::Fail, "failed"),
        (Outcome::NotProven, "not proven"),
        (Outcome::Warning, "with a warning"),
        (Outcome::Skipped, "skipped"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(o, _)| count(*o) > 0).map(|(o, word)| format!("{} {word}", count(*o))).collect();
    let said = if said.is_empty() { String::new() } else { format!(", {}", said.join(", ")) };
    format!("{}: {} of {told} passed{said}", verification.view.short(), count(Outcome::Pass))
}

/// The exact SQL of Test 2, as it is sent.
pub fn sql(script: &Script) -> String {
    script.statements().iter().map(|statement| format!("{statement};\n")).collect()
}

/// What is asked before Test 2: what it does, its exact SQL, its locks. `prose` breaks what is no SQL.
pub fn question(view: &View, plan: &Reassignment, script: &Script, prose: impl Fn(&str) -> String) -> String {
    let first = format!("Test 2 on {}: {}, and back.\n\n", visible(&view.name.short()), visible(&plan.said()));
    let mut out = prose(&first);
    for line in sql(script).lines() {
        let _ = writeln!(out, "  {}", visible(line));
    }
    let last = format!(
        "\nNothing of it stays: it is one transaction that is rolled back, waiting 3 s at most for a lock; {}. \
         Triggers of {} fire; what they do in this database is rolled back with it.\nRun it? [y/N] ",
        plan.refreshes.said(),
        plan.source.table.short()
    );
    out + &prose(&last)
}

/// The JSON.
pub fn document(verification: &Verification, trial: &Trial, script: Option<&Script>, strict: bool) -> Value {
    let tests: Vec<Value> = verification.tests.iter().map(test).collect();
    json!({
        "outcome": verification.outcome(strict).code(),
        "view": verification.view.to_string(),
        "tolerance": verification.tolerance.to_string(),
        "strict": strict,
        "tests": tests,
        "reassignment": reassignment(trial, script),
        "roles": roles(&verification.crowds),
    })
}

fn test(test: &Test) -> Value {
    let checks: Vec<Value> = test
        .checks
        .iter()
        .map(|c| json!({"code": c.code, "what": c.what, "outcome": c.outcome.code(), "text": c.text, "details": c.details}))
        .collect();
    json!({"code": test.code, "title": test.title, "checks": checks})
}

fn reassignment(trial: &Trial, script: Option<&Script>) -> Value {
    let seen = |s: &Seen| json!({"from": s.from, "to": s.to, "row_of": s.owner});
    let sql = script.map(Script::statements);
    match trial {
        Trial::NotProven(why) | Trial::Skipped(why) => json!({"ran": false, "why": why, "sql": sql}),
        Trial::Ran(run) => {
            let Source { table, from, to, .. } = &run.reassignment.source;
            json!({
                "ran": true,
                "table": table.to_string(),
                "row": run.reassignment.row,
                "from": {"key": from.key, "label": from.title()},
                "to": {"key": to.key, "label": to.title()},
                "live_before": seen(&run.before),
                "view_after": seen(&run.after),
                "rolled_back": run.undone,
                "took_ms": run.took_ms,
                "sql": sql,
            })
        }
    }
}

/// Everyone, by kind, worst first.
fn roles(crowds: &[Crowd]) -> Value {
    let people = |crowd: &Crowd| Value::Array(crowd.people.iter().map(super::json::person).collect());
    Value::Object(crowds.iter().map(|c| (c.role.words().to_string(), people(c))).collect())
}
