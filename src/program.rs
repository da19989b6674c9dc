//! What each command does, from its options to its exit code.

mod ask;
mod carry;
mod fix;
mod grants;
mod settings;
mod themes;
mod verify;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use ratatui::Frame;
use tokio::time::timeout;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::app::Model;
use crate::app::model::Settings;
use crate::app::update::say;
use crate::cli::{Check, Cli, Command, Connect, Console as ConsoleArgs, Demo as DemoArgs, Mistake, Wanted};
use crate::config::Config;
use crate::demo::{Demo, Options, scenarios};
use crate::domain::diagnosis::{Verdict, diagnose};
use crate::domain::reading::ProblemKind;
use crate::domain::server::Link;
use crate::domain::text::visible;
use crate::journal::Journal;
use crate::pg::conninfo::{Environment, Target};
use crate::private_file;
use crate::report;
use crate::runtime::{Console, End};
use crate::term::{self, Screen, Signals};
use crate::theme::Theme;
use crate::ui;
use crate::watch::{self, Watch};

/// The exit code for whatever kept the program from doing what it was asked: UNKNOWN for monitoring.
const FAILED: u8 = 3;

/// Runs the command.
pub async fn run(cli: Cli) -> ExitCode {
    let file = cli.config;
    match cli.command {
        None => or_fail(console(file, &cli.connect, &cli.console).await),
        Some(Command::Demo(args)) => or_fail(demo(file, args).await),
        Some(Command::Check(args)) => {
            let is_json = args.json;
            check(file, args).await.unwrap_or_else(|why| {
                // Monitoring reads stdout, whatever kept the check from looking.
                let _ = writeln!(io::stdout(), "{}", report::check::unknown(&why, is_json));
                ExitCode::from(FAILED)
            })
        }
        Some(Command::Verify(args)) => or_fail(verify::run(file, args).await),
        Some(Command::Fix(args)) => or_fail(fix::run(file, args).await),
        Some(Command::Grants(args)) => or_fail(grants::run(file, args).await),
        Some(Command::Init(args)) => or_fail(settings::init(file, args).await),
        Some(Command::Config(args)) => or_fail(settings::show(file, &args)),
        Some(Command::Completions { shell }) => or_fail(settings::completions(shell)),
        Some(Command::Man) => or_fail(settings::man()),
    }
}

/// Says what is wrong with the command line, or what help was asked for.
pub fn misread(error: &clap::Error) -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let Some(mistake) = Mistake::of(error, &arguments) else {
        // Help goes to stdout; a reader that went away has read enough.
        let _ = error.print();
        return ExitCode::SUCCESS;
    };
    let _ = io::stderr().write_all(mistake.text.as_bytes());
    if mistake.is_check {
        let _ = writeln!(io::stdout(), "{}", report::check::unknown(&mistake.line, mistake.is_json));
    }
    ExitCode::from(FAILED)
}

/// Says on stderr why the program ends, and gives the exit code for it.
pub fn fail(why: &str) -> ExitCode {
    // Nothing can be done when stderr is gone, too.
    let lines: Vec<_> = why.lines().map(visible).collect();
    let _ = writeln!(io::stderr(), "mvtop: {}", lines.join("\n"));
    ExitCode::from(FAILED)
}

fn or_fail(outcome: Result<ExitCode, String>) -> ExitCode {
    outcome.unwrap_or_else(|why| fail(&why))
}

/// Text as the terminal that it is printed on has room for it. Exact SQL is no such text.
fn prose(text: &str, on: &impl IsTerminal) -> String {
    match crossterm::terminal::size() {
        Ok((columns, _)) if on.is_terminal() => report::lines::on_terminal(text, columns.into()),
        _ => text.to_string(),
    }
}

/// Where the profile or the command line, the environment and libpq's files say to connect.
fn target(connect: &Connect, config: &Config) -> Result<Target, String> {
    let environment = Environment::from_process();
    let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    let overrides: Vec<(&str, &str)> =
        [("host", &connect.host), ("port", &connect.port), ("user", &connect.username), ("dbname", &connect.dbname)]
            .into_iter()
            .filter_map(|(word, value)| Some((word, value.as_deref()?)))
            .collect();
    let words = match config.profile {
        Some(_) => config.settings.conninfo.as_ref().map(|secret| secret.reveal()),
        None => connect.conninfo.as_deref(),
    };
    Target::resolve(words.or(url.as_deref()), &overrides, &environment).map_err(|e| e.to_string())
}

/// The replica that is to take the comparisons: the same database by the same role unless its string says otherwise.
fn read_target(config: &Config, target: &Target) -> Result<Option<Target>, String> {
    let Some(words) = config.settings.read_dsn.as_ref() else { return Ok(None) };
    let environment =
        Environment::from_process().variable("PGUSER", target.user()).variable("PGDATABASE", target.dbname());
    let origin = config.origin("read_dsn").map_or("read_dsn".into(), ToString::to_string);
    Target::resolve(Some(words.reveal()), &[], &environment).map(Some).map_err(|e| format!("{origin}: {e}"))
}

/// The role that is to look at views: at the same server and database unless its string says otherwise.
fn look_target(config: &Config, target: &Target) -> Result<Option<Target>, String> {
    let Some(words) = config.settings.look_dsn.as_ref() else { return Ok(None) };
    let host = target.candidates().first();
    let mut environment = Environment::from_process().variable("PGDATABASE", target.dbname());
    if let Some(host) = host {
        environment = environment.variable("PGHOST", &host.host()).variable("PGPORT", &host.port.to_string());
    }
    let origin = config.origin("look_dsn").map_or("look_dsn".into(), ToString::to_string);
    Target::resolve(Some(words.reveal()), &[], &environment).map(Some).map_err(|e| format!("{origin}: {e}"))
}

fn watch_settings(target: Target, config: &Config, only: Vec<String>) -> Result<watch::Settings, String> {
    Ok(watch::Settings {
        read_target: read_target(config, &target)?,
        look_target: look_target(config, &target)?,
        trusted_owners: config.settings.trusted_owners.clone(),
        target,
        only,
        statement_timeout: config.settings.statement_timeout,
        budget: config.settings.budget / 100.0,
        rules: config.settings.rulebook(),
    })
}

async fn console(file: Option<PathBuf>, connect: &Connect, args: &ConsoleArgs) -> Result<ExitCode, String> {
    let config = settings::load(file, connect, Some(args))?;
    let settings = watch_settings(target(connect, &config)?, &config, Vec::new())?;
    open(settings, &config, args.log.as_deref(), Journal::own()).await
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
async fn open(
    settings: watch::Settings,
    config: &Config,
    log: Option<&Path>,
    journal: Journal,
) -> Result<ExitCode, String> {
    let named = std::env::var_os("MVTOP_LOG").filter(|name| !name.is_empty()).map(PathBuf::from);
    let _log = log.or(named.as_deref()).map(log_to).transpose()?;
    let choice = themes::all(config)?;
    let (settings, mut watch) = begin(settings).await?;
    let target = settings.target;
    let model_settings = Settings {
        place: config.profile.iter().map(|name| format!("{name} · ")).collect::<String>() + &target.describe(),
        read_only: config.settings.read_only,
        keys: config.settings.keymap().map_err(|clash| clash.to_string())?,
        config_file: config.file.as_ref().map(|file| file.display().to_string()),
        themes: choice.themes.iter().map(|t| t.name.clone()).collect(),
        unlogged: journal.writable().err(),
    };
    let draw = forced_panic(&mut watch).unwrap_or(ui::draw);
    let mut screen =
        Screen::enter(term::Options::default()).map_err(|e| format!("{e} (mvtop check prints instead)"))?;
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    let mut model = Model::new(model_settings, choice.first, size, Utc::now());
    let warnings: Vec<&str> =
        target.warnings().iter().chain(&config.warnings).chain(&choice.faults).map(String::as_str).collect();
    if !warnings.is_empty() {
        say(&mut model, warnings.join("; "));
    }
    // A title is only a nicety.
    let _ = screen.set_title(&format!("mvtop {}", model.settings.place));
    let end = Console { model, themes: choice.themes, watch, target, journal, draw }.run(&mut screen).await;
    drop(screen);
    Ok(match end {
        End::Quit => ExitCode::SUCCESS,
        End::Signal(signal) => ExitCode::from(signal.exit_code()),
        End::NoTerminal => ExitCode::from(term::Shutdown::Hangup.exit_code()),
        End::NoWatch => {
            return Err(
                "the part of mvtop that watches the database broke off, so the console ended; a change that was \
                 under way may still run on the server. Start mvtop again, and please report the lines above"
                    .to_string(),
            );
        }
    })
}

/// An aid for tests of what a panic leaves behind, once the first data is there: `MVTOP_PANIC=draw` makes drawing panic,
/// `MVTOP_PANIC=task` a task beside it, `MVTOP_PANIC=watch` the one that the Snapshots come from.
fn forced_panic(watch: &mut watch::Watch) -> Option<fn(&Model, &Theme, &mut Frame)> {
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
        "watch" => {
            let (publish, snapshots) = tokio::sync::watch::channel(watch.snapshots.borrow().clone());
            let mut watched = std::mem::replace(&mut watch.snapshots, snapshots);
            tokio::spawn(async move {
                while watched.changed().await.is_ok() {
                    let snapshot = watched.borrow_and_update().clone();
                    assert!(!snapshot.settled, "MVTOP_PANIC=watch asked for this");
                    let _ = publish.send(snapshot);
                }
            });
            None
        }
        _ => None,
    }
}

/// Sends the log to a file for as long as the guard lives.
fn log_to(file: &Path) -> Result<tracing_appender::non_blocking::WorkerGuard, String> {
    let opened = private_file::append(file);
    let opened = opened.map_err(|e| format!("the log {} cannot be written: {e}", file.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(opened);
    let wanted = std::env::var("MVTOP_LOG_LEVEL").ok().filter(|w| !w.is_empty()).and_then(|wanted| wanted.parse().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_target("mvtop", LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok(guard)
}

/// The demo: its cluster lives as long as this does, however it ends.
async fn demo(file: Option<PathBuf>, args: DemoArgs) -> Result<ExitCode, String> {
    let scenario = match args.scenario {
        _ if args.list => return list(),
        Some(Wanted::List) => return list(),
        Some(Wanted::Scenario(scenario)) => Some(scenario),
        None => None,
    };
    // What was made in vain would only be thrown away again.
    if !args.serve && !io::stdout().is_terminal() {
        let why = "the demo's console needs a terminal, and standard output is not one";
        return Err(format!("{why}; --serve makes a demo without a console"));
    }
    let mut config = settings::load(file, &Connect::default(), Some(&args.console))?;
    // What is configured for a database of somebody's does not hold for this one.
    (config.settings.read_dsn, config.settings.look_dsn) = (None, None);
    config.settings.read_only = args.console.read_only;
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
    let target =
        Target::resolve(Some(demo.conninfo()), &[], &Environment::from_process()).map_err(|e| e.to_string())?;
    // What is done in a demo belongs to it, and goes with it.
    let journal = Journal::at(demo.data_dir().with_file_name("actions.jsonl"));
    let settings = watch_settings(target, &config, Vec::new())?;
    let code = open(settings, &config, args.console.log.as_deref(), journal).await;
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

async fn check(file: Option<PathBuf>, args: Check) -> Result<ExitCode, String> {
    let config = settings::load(file.clone(), &args.connect, None)?;
    let target = target(&args.connect, &config)?;
    // One look needs no rest between two comparisons.
    let settings = watch_settings(target, &config, args.views.clone())?;
    // Nor does a statement go on much longer than somebody waits for it.
    let statement_timeout = settings.statement_timeout.min(args.timeout.max(args.watch));
    let settings = watch::Settings { budget: f64::INFINITY, statement_timeout, ..settings };
    let mut watch = watch::start(settings);
    let snapshot = report::check::take(&mut watch, args.watch, args.timeout.max(args.watch)).await;
    watch.close().await;
    let diagnosis = diagnose(&snapshot, snapshot.server_time(Utc::now()));
    let (views, missing) = report::check::chosen(&snapshot, &args.views);
    if let (Some(name), Some(_)) = (missing.first(), &snapshot.catalog.last) {
        return Err(format!("there is no materialized view {name} that this role can see"));
    }
    let text = if args.json {
        report::json::printed(&report::json::document(&snapshot, &diagnosis, &views))
    } else {
        let config = file.iter().flat_map(|file| ["--config".into(), file.display().to_string()]);
        let to: Vec<String> = args.connect.words().into_iter().chain(config).collect();
        report::check::text(&snapshot, &diagnosis, &views, &to).trim_end().to_string()
    };
    // A reader that went away (`| head`) changes nothing about the verdict.
    let _ = writeln!(io::stdout(), "{text}");
    let verdict: Verdict = report::check::verdict(&diagnosis, &views);
    Ok(ExitCode::from(verdict.exit_code()))
}
