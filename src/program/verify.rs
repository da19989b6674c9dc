//! `mvtop verify`: reads what `check` reads, runs Test 2 if it may, and ends with the proof's exit code.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;

use super::ask::ask;
use super::fix::print;
use super::{begin, prose, settings, target, watch_settings};
use crate::cli::Verify;
use crate::domain::reading::Problem;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::text::visible;
use crate::domain::verify::{Evidence, Facts, Reassignment, Source, Trial, refreshes, verify};
use crate::pg::conninfo::Target;
use crate::pg::look::ViewReader;
use crate::pg::reassign::{self, Script};
use crate::pg::session::{Limits, Session};
use crate::pg::verify as probe;
use crate::report;

/// What is verified and with what.
struct Scene {
    args: Verify,
    statement_timeout: Duration,
    target: Target,
    snapshot: Arc<Snapshot>,
    view: Arc<ViewState>,
    is_plain: bool,
    facts: Facts,
    session: Session,
    reader: ViewReader,
}

pub(super) async fn run(file: Option<PathBuf>, args: Verify) -> Result<ExitCode, String> {
    let scene = look(file, args).await?;
    if scene.args.dry_run {
        return scene.dry_run().await;
    }
    let (trial, script) = scene.trial().await;
    let evidence = Evidence {
        snapshot: &scene.snapshot,
        view: &scene.view,
        is_plain: scene.is_plain,
        facts: &scene.facts,
        trial: &trial,
        tolerance: scene.args.tolerance.or(scene.view.rules.tolerance).unwrap_or_default(),
        now: scene.snapshot.server_time(Utc::now()),
    };
    let verification = verify(&evidence);
    let strict = scene.args.strict;
    let text = if scene.args.json {
        report::json::printed(&report::verify::document(&verification, &trial, script.as_ref(), strict))
    } else {
        prose(report::verify::text(&verification, strict).trim_end(), &io::stdout())
    };
    // A reader that went away (`| head`) changes nothing about the proof.
    let _ = writeln!(io::stdout(), "{text}");
    Ok(ExitCode::from(verification.exit_code(strict)))
}

/// Reads everything but Test 2.
async fn look(file: Option<PathBuf>, mut args: Verify) -> Result<Scene, String> {
    let config = settings::load(file, &args.connect, None)?;
    // Test 2 writes, though it takes back what it wrote: a place that is only to be looked at has none of it.
    args.no_write |= config.settings.read_only;
    let only = args.view.iter().cloned().collect();
    let (settings, mut watch) = begin(watch_settings(target(&args.connect, &config)?, &config, only)?).await?;
    let target = settings.target;
    let snapshot = report::check::take(&mut watch, Duration::ZERO, args.timeout).await;
    watch.close().await;
    if snapshot.server.is_none() || snapshot.catalog.last.is_none() {
        return Err(unreachable(&snapshot));
    }
    let said = |p: Problem| p.text;
    let session = Session::connect(&target, "verify").await.map_err(said)?;
    let (looking, is_described) = match settings.look_target {
        Some(look) => (look, false),
        None => (target.clone(), true),
    };
    let reader = ViewReader::new(looking, settings.trusted_owners, is_described);
    let (view, is_plain) = match chosen(&snapshot, args.view.as_deref())? {
        Some(view) => {
            let is_plain = view.view.is_plain();
            (view, is_plain)
        }
        None => {
            let word = args.view.as_deref().unwrap_or_default();
            let limits = limits(config.settings.statement_timeout);
            let plain = probe::plain_view(&reader, word, limits).await.map_err(said)?;
            let missing = || format!("there is no view {word} that this role can see");
            (Arc::new(plain.ok_or_else(missing)?), true)
        }
    };
    let facts = probe::facts(&session, &view.view).await.map_err(said)?;
    let statement_timeout = config.settings.statement_timeout;
    Ok(Scene { args, statement_timeout, target, snapshot, view, is_plain, facts, session, reader })
}

fn unreachable(snapshot: &Snapshot) -> String {
    use crate::domain::server::Link;
    match (&snapshot.link, snapshot.catalog.problem()) {
        (Link::Down { why, .. }, _) => format!("no connection: {why}"),
        (_, Some(problem)) => format!("the list of views could not be read: {}", problem.text),
        _ => "the server did not answer in time".into(),
    }
}

/// The materialized view to verify; `None`: the word names none.
fn chosen(snapshot: &Snapshot, word: Option<&str>) -> Result<Option<Arc<ViewState>>, String> {
    let is_named = |v: &&Arc<ViewState>| word.is_none_or(|word| v.view.name.answers_to(word));
    let views: Vec<&Arc<ViewState>> = snapshot.views.iter().filter(is_named).collect();
    match (views.as_slice(), word) {
        ([], None) => Err("there is no materialized view; a plain view is verified with --view NAME".into()),
        ([], Some(_)) => Ok(None),
        ([view], _) => Ok(Some((*view).clone())),
        (views, _) => {
            // Views that share a bare name are told apart by their schemas.
            let full = |v: &Arc<ViewState>| visible(&v.view.name.to_string()).into_owned();
            let name = |v: &&Arc<ViewState>| if word.is_some() { full(v) } else { v.view.name.short() };
            let names: Vec<String> = views.iter().map(name).collect();
            Err(format!("there are {} materialized views; name one with --view: {}", views.len(), names.join(", ")))
        }
    }
}

fn limits(statement: Duration) -> Limits {
    Limits::new(statement, Duration::from_secs(2), true)
}

impl Scene {
    /// Test 2, as far as it may go, and what was or would be run.
    async fn trial(&self) -> (Trial, Option<Script>) {
        let plan = match self.plan().await {
            Ok(plan) => plan,
            Err(trial) => return (trial, None),
        };
        let script = Script::of(&self.view.view, &plan, self.statement_timeout);
        if !self.args.yes && !self.confirmed(&plan, &script) {
            let why = "not run: nobody said yes; --yes runs it without asking, --no-write leaves it out";
            return (Trial::NotProven(why.into()), Some(script));
        }
        let trial = match Session::connect(&self.target, "action").await {
            Ok(session) => {
                reassign::run(&session, &self.session, &self.view.view, &script, plan, self.reader.trusted_owners())
                    .await
            }
            Err(problem) => Trial::NotProven(problem.text),
        };
        (trial, Some(script))
    }

    /// Prints what Test 2 would run, and nothing else: what is copied from here is exact.
    async fn dry_run(&self) -> Result<ExitCode, String> {
        match self.plan().await {
            Ok(plan) => {
                let script = Script::of(&self.view.view, &plan, self.statement_timeout);
                print(&report::verify::sql(&script));
                Ok(ExitCode::SUCCESS)
            }
            Err(Trial::NotProven(why) | Trial::Skipped(why)) => Err(format!("Test 2 cannot be run: {why}")),
            Err(Trial::Ran(_)) => Ok(ExitCode::SUCCESS),
        }
    }

    async fn plan(&self) -> Result<Reassignment, Trial> {
        if self.args.no_write && !self.args.dry_run {
            return Err(Trial::Skipped("left out by --no-write".into()));
        }
        let server = self.snapshot.server.as_deref();
        let Some(comparison) = self.view.drift.value() else {
            let why = self.view.drift.problem().map_or(String::new(), |problem| format!(" ({})", problem.text));
            return Err(Trial::NotProven(format!("the view could not be compared{why}, so no row could be picked")));
        };
        let source = Source::find(&self.view, &self.facts, &comparison.drift)?;
        let refreshes = refreshes(&self.view, self.is_plain, &self.facts, server, &source)?;
        let surroundings =
            reassign::surroundings(&self.session, &self.view.view, &source, self.reader.trusted_owners()).await;
        let surroundings = surroundings.map_err(|problem| Trial::NotProven(problem.text))?;
        if let Some(why) = surroundings.refused() {
            return Err(Trial::NotProven(why));
        }
        let row = reassign::pick(&self.reader, &self.view.view, &source, limits(self.statement_timeout)).await;
        match row {
            Ok(Some(row)) => Ok(Reassignment { source, row, refreshes, surroundings }),
            Ok(None) => Err(Trial::NotProven(format!("{} has no rows any more; run it again", source.from.title()))),
            Err(problem) => Err(Trial::NotProven(format!("no row could be picked: {}", problem.text))),
        }
    }

    /// Shows the exact SQL and asks; without a terminal to ask at, nobody said yes.
    fn confirmed(&self, plan: &Reassignment, script: &Script) -> bool {
        if !io::stdin().is_terminal() {
            return false;
        }
        let question = report::verify::question(&self.view.view, plan, script, |text| prose(text, &io::stderr()));
        ask(&mut io::stderr(), &question).unwrap_or(false)
    }
}
