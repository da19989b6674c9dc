//! `mvtop fix`: the options side by side; or one of them, shown, asked about, done, looked at again.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::timeout;

use super::ask::ask;
use super::carry::carry_out;
use super::{FAILED, begin, prose, settings, target, watch_settings};
use crate::cli::{Fix as Args, What};
use crate::domain::diagnosis::{Diagnosis, diagnose, who};
use crate::domain::fix::{Advice, Best, Choice, Facts, Fix, Former, Need, Offer, Plan, advise};
use crate::domain::job::{Job, JobId};
use crate::domain::server::Link;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::text::visible;
use crate::domain::time::{human, took};
use crate::journal::Journal;
use crate::pg::fix::{Ground, is_ours};
use crate::watch::{Request, Watch};

/// It was not done, or is not as it should be.
pub(super) const NOT_DONE: u8 = 1;

/// How long to look before saying what is known.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command: 0 done, 1 not done, 3 impossible here, or nothing could be looked at.
pub async fn run(file: Option<PathBuf>, args: Args) -> Result<ExitCode, String> {
    let (what, args) = args.settle()?;
    let config = settings::load(file, &args.connect, None)?;
    let only = args.view.iter().cloned().collect();
    let settings = watch_settings(target(&args.connect, &config)?, &config, only)?;
    let (settings, mut watch) = begin(settings).await?;
    let target = settings.target;
    let journal = Journal::own();
    for said in journal.settle(&target).await {
        say(&said);
    }
    let snapshot = look(&mut watch, &args, what.is_none()).await?;
    let diagnosis = diagnose(&snapshot, snapshot.server_time(Utc::now()));
    let view = chosen(&snapshot, &args)?;
    let Some(what) = what else {
        say_in_words(&options(&snapshot, &diagnosis, view));
        return Ok(ExitCode::SUCCESS);
    };
    let former = |job| journal.former(&target, job);
    let fix = match args.undo {
        true => undo(what, &snapshot, view, former)?,
        false => wanted(&args, what, &snapshot, &diagnosis, view)?,
    };
    let plan = plan(&fix, &snapshot, &diagnosis, view)?;
    if args.dry_run {
        return Ok(dry_run(&plan));
    }
    if config.settings.read_only {
        return Err("the configuration says read_only here: nothing is changed; --dry-run prints the SQL".into());
    }
    if plan.is_done_already() {
        say_needs(&plan);
        return Ok(ExitCode::SUCCESS);
    }
    if !plan.needs.is_empty() {
        let needs = Need::joined(&plan.needs);
        return Err(format!("{} It needs {needs}.", plan.title.replace('?', ": not possible.")));
    }
    if let Err(why) = journal.writable() {
        say(&format!("{why}."));
    }
    if !args.yes && !confirmed(&plan)? {
        say("nothing was changed");
        return Ok(ExitCode::from(NOT_DONE));
    }
    carry_out(&target, &journal, &mut watch, Arc::new(plan)).await
}

/// Looks until everything, the view's facts included, is known; and at the writes for a few seconds where they matter.
async fn look(watch: &mut Watch, args: &Args, wants_writes: bool) -> Result<Arc<Snapshot>, String> {
    let is_looked_at = |s: &Arc<Snapshot>| {
        s.settled || matches!(s.link, Link::Down { .. }) || chosen(s, args).is_ok_and(|view| shut(view).is_some())
    };
    let _ = timeout(PATIENCE, watch.snapshots.wait_for(is_looked_at)).await;
    let snapshot = watch.snapshots.borrow().clone();
    if snapshot.views.is_empty() && snapshot.catalog.last.is_none() {
        let diagnosis = diagnose(&snapshot, Utc::now());
        return Err(diagnosis.server.map_or("the server did not answer in time".into(), |c| c.text));
    }
    let view = chosen(&snapshot, args)?;
    if let Some(who) = shut(view) {
        return Err(format!("{who} refreshed it and did not commit, so nobody can read it: end that session first"));
    }
    let oid = view.view.oid;
    // The watch lives as long as this command.
    let _ = watch.requests.send(Request::Price(oid));
    let is_known = |s: &Arc<Snapshot>| {
        s.view(oid).is_none_or(|v| v.facts.is_settled() && (!wants_writes || v.writes.is_some() || v.view.is_plain()))
    };
    let _ = timeout(PATIENCE, watch.snapshots.wait_for(is_known)).await;
    let snapshot = watch.snapshots.borrow().clone();
    match snapshot.view(oid).map(|v| (v.facts.problem(), v.facts.value())) {
        Some((None, Some(_))) => Ok(snapshot),
        Some((Some(problem), _)) => Err(format!("what its fixes need could not be read: {}", problem.text)),
        _ => Err("what its fixes need was not read in time".into()),
    }
}

/// Who keeps the view locked against readers and does nothing.
fn shut(view: &ViewState) -> Option<String> {
    let forgot = view.refreshing.iter().find(|r| r.is_forgotten() && !r.concurrently)?;
    Some(who(&forgot.user, &forgot.application, forgot.pid))
}

/// The view that is meant: the named one, or the only one.
fn chosen<'a>(snapshot: &'a Snapshot, args: &Args) -> Result<&'a ViewState, String> {
    let is_named = |v: &&Arc<ViewState>| args.view.as_ref().is_none_or(|w| v.view.name.answers_to(w));
    let views: Vec<&Arc<ViewState>> = snapshot.views.iter().filter(is_named).collect();
    match (views.as_slice(), &args.view) {
        ([view], _) => Ok(view),
        ([], Some(name)) => Err(format!("there is no materialized view {name} that this role can see")),
        ([], None) => Err("there is no materialized view in this database".into()),
        (views, _) => {
            let names: Vec<String> = views.iter().map(|v| v.view.name.short()).collect();
            Err(format!("there are several views; say which with --view: {}", names.join(", ")))
        }
    }
}

fn plan(fix: &Fix, snapshot: &Snapshot, diagnosis: &Diagnosis, view: &ViewState) -> Result<Plan, String> {
    let report = diagnosis.view(view.view.oid);
    let now = snapshot.server_time(Utc::now());
    let plan = Ground { snapshot, view, report, now }.plan(fix);
    plan.ok_or_else(|| "the job is not there any more".into())
}

fn wanted(
    args: &Args,
    what: What,
    snapshot: &Snapshot,
    diagnosis: &Diagnosis,
    view: &ViewState,
) -> Result<Fix, String> {
    let facts = view.facts.value();
    Ok(match what {
        What::Refresh => Fix::Refresh,
        What::Cron => {
            let advised = || {
                advise(snapshot, view, diagnosis.view(view.view.oid), facts.map_or(&Facts::default(), |f| f)).schedule
            };
            Fix::CronInstall { schedule: args.schedule.clone().unwrap_or_else(advised) }
        }
        What::Pause => Fix::CronPause(the_job(snapshot, view, |job| job.active)?),
        What::Resume => Fix::CronResume(the_job(snapshot, view, |job| !job.active)?),
        What::Run => Fix::CronRunNow(the_job(snapshot, view, |_| true)?),
        What::Triggers => Fix::TriggersInstall,
        What::View => Fix::PlainView,
        What::Index if !args.columns.is_empty() => Fix::CreateUnique(args.columns.clone()),
        What::Index => Fix::CreateUnique(facts.and_then(|f| f.unique.first().cloned()).unwrap_or_default()),
        What::Purge => Fix::PurgeRuns { days: args.keep },
    })
}

fn undo(
    what: What,
    snapshot: &Snapshot,
    view: &ViewState,
    former: impl Fn(JobId) -> Option<Former>,
) -> Result<Fix, String> {
    match what {
        What::Refresh => Err("a refresh cannot be taken back: what the view showed before is gone".into()),
        What::Purge => Err("deleted history cannot be brought back".into()),
        What::Run => Err("what a command did cannot be taken back".into()),
        What::Pause => the_job(snapshot, view, |job| !job.active).map(Fix::CronResume),
        What::Resume => the_job(snapshot, view, |job| job.active).map(Fix::CronPause),
        What::Cron => undo_cron(snapshot, view, former),
        What::Triggers => Ok(Fix::TriggersRemove),
        What::View => Ok(Fix::Materialize),
        What::Index => Ok(Fix::DropUnique),
    }
}

fn jobs<'a>(snapshot: &'a Snapshot, view: &'a ViewState) -> Vec<&'a Job> {
    snapshot.history.value().into_iter().flat_map(|h| h.jobs_refreshing(&view.view.name)).collect()
}

fn titles(jobs: &[&Job]) -> String {
    jobs.iter().map(|j| format!("{} of {}", j.title(), visible(&j.username))).collect::<Vec<_>>().join(", ")
}

/// The one job that refreshes the view; of several the one that it can be done to.
fn the_job(snapshot: &Snapshot, view: &ViewState, can: impl Fn(&Job) -> bool) -> Result<JobId, String> {
    let all = jobs(snapshot, view);
    let able: Vec<&Job> = all.iter().copied().filter(|job| can(job)).collect();
    match (all.as_slice(), able.as_slice()) {
        ([], _) => Err("no job that is visible refreshes it".into()),
        ([job], _) | (_, [job]) => Ok(job.id),
        (several, []) => Err(format!("there is nothing to do for any of several jobs ({})", titles(several))),
        (several, _) => {
            Err(format!("several jobs refresh it ({}): choose one in the console's cron pane", titles(several)))
        }
    }
}

/// A job that was set right becomes what it was; one that this program made goes; nobody else's is touched.
fn undo_cron(snapshot: &Snapshot, view: &ViewState, former: impl Fn(JobId) -> Option<Former>) -> Result<Fix, String> {
    let user = snapshot.server.as_ref().map_or("", |s| &s.user);
    let own: Vec<&Job> = jobs(snapshot, view).into_iter().filter(|j| j.username == user).collect();
    let is_changed = |job: &Job, former: &Former| (&former.schedule, former.active) != (&job.schedule, job.active);
    if let Some(former) = own.iter().find_map(|job| former(job.id).filter(|f| is_changed(job, f))) {
        return Ok(Fix::CronRestore(former));
    }
    let made: Vec<&Job> = own.iter().copied().filter(|j| is_ours(j, &view.view.name)).collect();
    let by_hand = "remove one in the console's cron pane";
    match (made.as_slice(), own.as_slice()) {
        (_, []) => Err("no job of this role refreshes it".into()),
        ([job], _) => Ok(Fix::CronRemove(job.id)),
        ([], others) => {
            Err(format!("mvtop did not make {}, and takes back only what it did; {by_hand}", titles(others)))
        }
        (several, _) => Err(format!("mvtop made several ({}): {by_hand}", titles(several))),
    }
}

fn dry_run(plan: &Plan) -> ExitCode {
    say_needs(plan);
    if let Some(database) = &plan.database {
        say(&format!("this is for the database {database}"));
    }
    print(&plan.sql());
    ExitCode::from(if plan.needs.is_empty() || plan.is_done_already() { 0 } else { FAILED })
}

fn say_needs(plan: &Plan) {
    for need in &plan.needs {
        say(&need.sentence());
    }
}

/// Shows the plan and asks at the terminal; without one nobody could have said yes.
fn confirmed(plan: &Plan) -> Result<bool, String> {
    print(&plan.sql());
    say_in_words(&format!("\n{}", described(plan)));
    if !io::stdin().is_terminal() {
        return Err("there is no terminal to ask at: look at it with --dry-run, then do it with --yes".into());
    }
    let mut out = io::stdout();
    let question = prose(&format!("{} [y/N] ", plan.title), &out);
    ask(&mut out, &question).map_err(|e| format!("the question could not be asked or answered: {e}"))
}

/// What it means, and the way back.
fn described(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", plan.impact);
    for note in &plan.notes {
        let _ = writeln!(text, "{note}");
    }
    let _ = match &plan.undo {
        Some(undo) => writeln!(text, "Way back: {undo}."),
        None => writeln!(text, "There is no way back."),
    };
    text
}

/// The options side by side, the recommended one first.
fn options(snapshot: &Snapshot, diagnosis: &Diagnosis, view: &ViewState) -> String {
    let report = diagnosis.view(view.view.oid);
    let mut text = String::new();
    if let Some(report) = report {
        let _ = writeln!(text, "{}", report.what);
    }
    if view.view.is_plain() {
        let _ = writeln!(text, "It is a plain view. mvtop fix view --undo makes it materialized again.");
        return text;
    }
    let Some(facts) = view.facts.value() else { return text };
    let advice = advise(snapshot, view, report, facts);
    let _ = writeln!(
        text,
        "\n{:<12}{:<14}{:<15}{:<15}{:<11}readers",
        "option", "data at most", "a write waits", "load", "WAL a day"
    );
    for offer in &advice.offers {
        let _ = writeln!(text, "{}", option_line(offer));
    }
    text + &footnotes(&advice, view)
}

fn option_line(offer: &Offer) -> String {
    let [staleness, waits, load, wal, readers] = offer.figures().map(|(_, value)| value);
    let mut line = format!("{:<12}{staleness:<14}{waits:<15}{load:<15}{wal:<11}{readers}", offer.choice.word());
    for said in offer.needs.iter().map(Need::sentence).chain(offer.warning.clone()) {
        let _ = write!(line, "\n            - {said}");
    }
    line
}

fn footnotes(advice: &Advice, view: &ViewState) -> String {
    let best = match &advice.best {
        Best::Offer(choice) => format!("mvtop fix {}", choice.word()),
        Best::Repair(Fix::CreateUnique(_), _) => "mvtop fix index".into(),
        Best::Repair(Fix::CronResume(_), _) => "mvtop fix resume".into(),
        Best::Repair(_, title) => format!("{title}, in the console's list of fixes"),
        Best::Nothing => advice.best.title().into(),
    };
    let mut text = format!("\nRecommended: {best}; {}.\n", advice.reason);
    if advice.best == Best::Offer(Choice::Cron) {
        let _ = writeln!(text, "Schedule: {}", advice.schedule);
    }
    if let Some(time) = advice.refresh.filter(|t| !t.is_measured) {
        let _ = writeln!(text, "Refresh time: about {}, as long as comparing all values took.", took(time.length));
    }
    if let Some(writes) = view.writes {
        let _ = writeln!(
            text,
            "Rows written to its tables: {:.0} a minute, seen over {}.",
            writes.per_minute(),
            human(writes.over)
        );
    }
    text
}

pub(super) fn print(text: &str) {
    // A reader that went away changes nothing. A terminal would obey what a name may hold; a pipe gets the exact SQL.
    let is_terminal = io::stdout().is_terminal();
    let shown = |line: &str| if is_terminal { visible(line).into_owned() } else { line.to_string() };
    let lines: Vec<String> = text.trim_end().lines().map(shown).collect();
    let _ = writeln!(io::stdout(), "{}", lines.join("\n"));
}

/// Prints what is no SQL, so that it may be broken where the terminal ends.
pub(super) fn say_in_words(text: &str) {
    print(&prose(text, &io::stdout()));
}

pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "mvtop: {}", visible(text));
}
