//! What each command does, from its options to its exit code.

mod fix;
mod verify;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use ratatui::Frame;
use tokio::time::timeout;

use crate::app::Model;
use crate::app::model::Settings;
use crate::app::update::say;
use crate::cli::{Check, Cli, Command, Connect, Console as ConsoleArgs, Demo as DemoArgs, Wanted};
use crate::demo::{Demo, Options, scenarios};
use crate::domain::diagnosis::{Verdict, diagnose};
use crate::domain::reading::ProblemKind;
use crate::domain::server::Link;
use crate::journal::Journal;
use crate::pg::conninfo::{Environment, Target};
use crate::report;
use crate::runtime::{Console, End};
use crate::term::{self, Screen, Signals};
use crate::theme::{Theme, ThemeError, detect_depth, user_folder};
use crate::ui;
use crate::watch::{self, Watch};

/// The exit code for whatever kept the program from doing what it was asked: UNKNOWN for monitoring.
const FAILED: u8 = 3;

/// Runs the command.
pub async fn run(cli: Cli) -> ExitCode {
    match cli.command {
        None => or_fail(console(&cli.connect, &cli.console).await),
        Some(Command::Demo(args)) => or_fail(demo(args).await),
        Some(Command::Check(args)) => or_fail(check(args).await),
        Some(Command::Fix(args)) => or_fail(fix::run(args).await),
        Some(Command::Verify(args)) => or_fail(verify::run(args).await),
    }
}

/// Says on stderr why the program ends, and gives the exit code for it.
pub fn fail(why: &str) -> ExitCode {
    // Nothing can be done when stderr is gone, too.
    let _ = writeln!(io::stderr(), "mvtop: {why}");
    ExitCode::from(FAILED)
}

fn or_fail(outcome: Result<ExitCode, String>) -> ExitCode {
    outcome.unwrap_or_else(|why| fail(&why))
}

/// Where the command line, the environment and libpq's files say to connect.
fn target(connect: &Connect) -> Result<Target, String> {
    let environment = Environment::from_process();
    let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    let overrides: Vec<(&str, &str)> =
        [("host", &connect.host), ("port", &connect.port), ("user", &connect.username), ("dbname", &connect.dbname)]
            .into_iter()
            .filter_map(|(word, value)| Some((word, value.as_deref()?)))
            .collect();
    Target::resolve(connect.conninfo.as_deref().or(url.as_deref()), &overrides, &environment).map_err(|e| e.to_string())
}

/// The replica that is to take the comparisons: the same database by the same role unless its string says otherwise.
fn read_target(connect: &Connect, target: &Target) -> Result<Option<Target>, String> {
    let Some(words) = connect.read_dsn.as_deref() else { return Ok(None) };
    let environment =
        Environment::from_process().variable("PGUSER", target.user()).variable("PGDATABASE", target.dbname());
    Target::resolve(Some(words), &[], &environment).map(Some).map_err(|e| format!("--read-dsn: {e}"))
}

fn watch_settings(target: Target, connect: &Connect, only: Vec<String>) -> Result<watch::Settings, String> {
    let (statement_timeout, budget) = (connect.statement_timeout, connect.budget / 100.0);
    let read_target = read_target(connect, &target)?;
    Ok(watch::Settings { target, read_target, only, statement_timeout, budget })
}

async fn console(connect: &Connect, args: &ConsoleArgs) -> Result<ExitCode, String> {
    open(watch_settings(target(connect)?, connect, Vec::new())?, args, Journal::own()).await
}

/// How long the first connection may keep the console from opening: later it says itself what it waits for.
const PROMPT_WITHIN: Duration = Duration::from_secs(2);

/// How often a password may be typed.
const PROMPTS: usize = 3;

/// Starts the watch; where its first connection fails for want of a password and there is a terminal to ask at, asks
/// and starts it again. Nothing connects but the watch itself.
async fn begin(mut settings: watch::Settings) -> Result<(watch::Settings, Watch), String> {
    let mut watch = watch::start(settings.clone());
    if settings.target.has_password() || !io::stdin().is_terminal() {
        return Ok((settings, watch));
    }
    for _ in 0..PROMPTS {
        let Some(why) = lacks_password(&mut watch).await else { return Ok((settings, watch)) };
        if settings.target.has_password() {
            let _ = writeln!(io::stderr(), "mvtop: {why}");
        }
        let prompt = format!("Password for {}: ", settings.target.describe());
        let password = rpassword::prompt_password(prompt).map_err(|e| format!("no password was read: {e}"))?;
        settings = settings.with_password(&password);
        watch = watch::start(settings.clone());
    }
    lacks_password(&mut watch).await.map_or(Ok((settings, watch)), Err)
}

/// Why the first connection failed, if it did for want of a password, or of the right one.
async fn lacks_password(watch: &mut Watch) -> Option<String> {
    let tried = watch.snapshots.wait_for(|s| !matches!(s.link, Link::Connecting { .. }));
    match &timeout(PROMPT_WITHIN, tried).await.ok()?.ok()?.link {
        Link::Down { why, kind: ProblemKind::Password, .. } => Some(why.clone()),
        _ => None,
    }
}

/// Opens the console and stays until it ends.
async fn open(settings: watch::Settings, args: &ConsoleArgs, journal: Journal) -> Result<ExitCode, String> {
    let _log = args.log.as_deref().map(log_to).transpose()?;
    let (themes, chosen) = themes(args.theme.as_deref()).map_err(|e| e.to_string())?;
    let (settings, watch) = begin(settings).await?;
    let target = settings.target;
    let model_settings = Settings {
        place: target.describe(),
        read_only: args.read_only,
        jumps: ["BOOM".into(), "VEN".into()],
        themes: themes.iter().map(|t| t.name.clone()).collect(),
    };
    let draw = forced_panic(&watch).unwrap_or(ui::draw);
    let mut screen =
        Screen::enter(term::Options::default()).map_err(|e| format!("{e} (mvtop check prints instead)"))?;
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    let mut model = Model::new(model_settings, chosen, size, Utc::now());
    if let Some(warning) = target.warnings().first() {
        say(&mut model, warning.clone());
    }
    // A title is only a nicety.
    let _ = screen.set_title(&format!("mvtop {}", target.describe()));
    let end = Console { model, themes, watch, target, journal, draw }.run(&mut screen).await;
    drop(screen);
    Ok(match end {
        End::Quit => ExitCode::SUCCESS,
        End::Signal(signal) => ExitCode::from(signal.exit_code()),
        End::NoTerminal => ExitCode::from(term::Shutdown::Hangup.exit_code()),
    })
}

/// An aid for tests of what a panic leaves behind, once the first data is there: `MVTOP_PANIC=draw` makes drawing panic,
/// `MVTOP_PANIC=task` a task beside it.
fn forced_panic(watch: &watch::Watch) -> Option<fn(&Model, &Theme, &mut Frame)> {
    match std::env::var("MVTOP_PANIC").ok()?.as_str() {
        "draw" => Some(|model, theme, frame| {
            ui::draw(model, theme, frame);
            assert!(!model.snapshot.settled, "MVTOP_PANIC=draw asked for this");
        }),
        "task" => {
            let mut snapshots = watch.snapshots.clone();
            tokio::spawn(async move {
                let settled = snapshots.wait_for(|s| s.settled).await.is_ok();
                assert!(!settled, "MVTOP_PANIC=task asked for this");
            });
            None
        }
        _ => None,
    }
}

/// The themes to cycle through, and the place of the one to begin with.
fn themes(wanted: Option<&str>) -> Result<(Vec<Theme>, usize), ThemeError> {
    let folder = user_folder();
    let mut themes = Theme::builtin();
    if let Some(folder) = &folder {
        let (own, faults) = Theme::load_dir(folder);
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        themes.extend(own);
    }
    let first = match wanted {
        None => Theme::terminal(),
        Some(file) if file.contains('/') || file.ends_with(".toml") => Theme::load(Path::new(file))?,
        Some(name) => Theme::named(name, folder.as_deref())?,
    };
    let place = themes.iter().position(|t| *t == first).unwrap_or_else(|| {
        themes.push(first);
        themes.len() - 1
    });
    let depth = detect_depth();
    Ok((themes.into_iter().map(|t| t.adapt(depth)).collect(), place))
}

/// Sends the log to a file for as long as the guard lives.
fn log_to(file: &Path) -> Result<tracing_appender::non_blocking::WorkerGuard, String> {
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    let opened = opened.map_err(|e| format!("the log {} cannot be written: {e}", file.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(opened);
    let filter = tracing_subscriber::EnvFilter::try_from_env("MVTOP_LOG_LEVEL")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("mvtop=info"));
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).init();
    Ok(guard)
}

/// The demo: its cluster lives as long as this does, however it ends.
async fn demo(args: DemoArgs) -> Result<ExitCode, String> {
    let scenario = match args.scenario {
        _ if args.list => return list(),
        Some(Wanted::List) => return list(),
        Some(Wanted::Scenario(scenario)) => Some(scenario),
        None => None,
    };
    let options = Options { rows: args.scale, seed: args.seed, keep: args.keep, traffic: !args.quiet, scenario };
    let progress = |phase: &str| {
        let _ = writeln!(io::stderr(), "mvtop demo: {phase}");
    };
    // From before the first thing is made, and until the last is gone, so that no signal falls between.
    let mut signals = Signals::listen().map_err(|e| format!("signals cannot be listened to: {e}"))?;
    let demo = tokio::select! {
        demo = Demo::start(&options, progress) => demo.map_err(|e| e.to_string())?,
        signal = signals.shutdown() => return Ok(ExitCode::from(signal.exit_code())),
    };
    if args.serve {
        return serve(&demo, &mut signals).await;
    }
    let connect = Connect { budget: 2.0, statement_timeout: Duration::from_secs(30), ..Connect::default() };
    let target =
        Target::resolve(Some(demo.conninfo()), &[], &Environment::from_process()).map_err(|e| e.to_string())?;
    // What is done in a demo belongs to it, and goes with it.
    let journal = Journal::at(demo.data_dir().with_file_name("actions.jsonl"));
    let code = open(watch_settings(target, &connect, Vec::new())?, &args.console, journal).await;
    drop(demo);
    code
}

/// Prints the scenarios, one a line.
fn list() -> Result<ExitCode, String> {
    let made = scenarios::ALL.iter().map(|s| format!("{:<29} {}\n", s.name, s.line));
    let not_here = scenarios::ELSEWHERE.iter().map(|(name, why)| format!("{name:<29} not here: {why}\n"));
    // A reader that went away (`| head`) has read enough.
    let _ = io::stdout().write_all(made.chain(not_here).collect::<String>().as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Prints the connection string and stays until a signal comes.
async fn serve(demo: &Demo, signals: &mut Signals) -> Result<ExitCode, String> {
    let mut out = io::stdout();
    let printed = writeln!(out, "{}", demo.conninfo()).and_then(|()| out.flush());
    printed.map_err(|e| format!("the connection string could not be printed: {e}"))?;
    let signal = signals.shutdown().await;
    Ok(match signal {
        term::Shutdown::Hangup => ExitCode::from(signal.exit_code()),
        // These two are how a served demo is meant to end.
        term::Shutdown::Interrupt | term::Shutdown::Terminate => ExitCode::SUCCESS,
    })
}

async fn check(args: Check) -> Result<ExitCode, String> {
    let target = target(&args.connect)?;
    // One look needs no rest between two comparisons.
    let settings =
        watch::Settings { budget: f64::INFINITY, ..watch_settings(target, &args.connect, args.views.clone())? };
    let mut watch = watch::start(settings);
    let snapshot = report::check::take(&mut watch, args.watch, args.timeout.max(args.watch)).await;
    let diagnosis = diagnose(&snapshot, snapshot.server_time(Utc::now()));
    let (views, missing) = report::check::chosen(&snapshot, &args.views);
    if let (Some(name), Some(_)) = (missing.first(), &snapshot.catalog.last) {
        return Err(format!("there is no materialized view {name} that this role can see"));
    }
    let text = if args.json {
        serde_json::to_string_pretty(&report::json::document(&snapshot, &diagnosis, &views))
            .map_err(|e| e.to_string())?
    } else {
        report::check::text(&snapshot, &diagnosis, &views).trim_end().to_string()
    };
    // A reader that went away (`| head`) changes nothing about the verdict.
    let _ = writeln!(io::stdout(), "{text}");
    let verdict: Verdict = report::check::verdict(&diagnosis, &views);
    Ok(ExitCode::from(verdict.exit_code()))
}
