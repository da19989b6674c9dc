//! The commands about settings: what is in force, a proposal for a database; and what the command line itself gives to
//! shells and man.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::CommandFactory;
use tokio::time::timeout;

use super::{begin, target, watch_settings};
use crate::cli::{self, Cli, Connect, Console, Init, ShowConfig};
use crate::config::{self, Config, Given, init::proposal};
use crate::domain::diagnosis::diagnose;
use crate::domain::server::Link;
use crate::domain::snapshot::Snapshot;
use crate::domain::text::visible;
use crate::private_file;
use crate::watch::{NO_VIEW, Request, Watch};

/// How long an init looks at the database: what is not known by then is left out.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the configuration under the options of the command line.
pub(super) fn load(file: Option<PathBuf>, connect: &Connect, console: Option<&Console>) -> Result<Config, String> {
    read(file, connect, console, false)
}

/// The same; a file that `is_new` need not be there yet.
fn read(file: Option<PathBuf>, connect: &Connect, console: Option<&Console>, is_new: bool) -> Result<Config, String> {
    let read_only = console.filter(|c| c.read_only).map(|_| "true".to_string());
    let theme = console.and_then(|c| c.theme.clone());
    let flags = [
        ("read_only", "--read-only", read_only),
        ("theme", "--theme", theme),
        ("budget", "--budget", connect.budget.clone()),
        ("statement_timeout", "--statement-timeout", connect.statement_timeout.clone()),
        ("read_dsn", "--read-dsn", connect.read_dsn.clone()),
        ("look_dsn", "--look-dsn", connect.look_dsn.clone()),
    ];
    let flags = flags.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value?))).collect();
    let given = Given { file, is_new, word: connect.conninfo.as_deref(), flags };
    let config = config::load(&given, |name| std::env::var(name).ok()).map_err(|e| e.to_string())?;
    let command = Cli::command();
    match config.profiles().iter().find(|name| command.find_subcommand(name).is_some()) {
        Some(name) => {
            Err(format!("the profile {name} cannot be reached: mvtop {name} is a command; call it otherwise"))
        }
        None => Ok(config),
    }
}

fn print(text: &str) -> Result<ExitCode, String> {
    // A reader that went away (`| head`) has had enough.
    match io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(format!("nothing could be printed: {e}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// `mvtop config`.
pub(super) fn show(file: Option<PathBuf>, args: &ShowConfig) -> Result<ExitCode, String> {
    if args.default {
        return print(config::DEFAULT);
    }
    let config = load(file, &args.connect, Some(&args.console))?;
    // What the console would refuse is not in force.
    super::themes::wanted(&config)?;
    for warning in &config.warnings {
        let _ = writeln!(io::stderr(), "mvtop: {}", visible(warning));
    }
    print(&config.show())
}

/// `mvtop completions`.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, String> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut cli::completed(), "mvtop", &mut out);
    print(&String::from_utf8_lossy(&out))
}

/// `mvtop man`.
pub(super) fn man() -> Result<ExitCode, String> {
    print(&cli::manual().map_err(|e| format!("the man page could not be made: {e}"))?)
}

/// `mvtop init`.
pub(super) async fn init(file: Option<PathBuf>, args: Init) -> Result<ExitCode, String> {
    let config = read(file, &args.connect, None, true)?;
    let path = config.file.clone().ok_or("there is no home folder to write to; use --config or --print")?;
    if !args.print && !args.force && path.exists() {
        return Err(refusal(&path));
    }
    let settings = watch_settings(target(&args.connect, &config)?, &config, vec![NO_VIEW.into()])?;
    let (settings, mut watch) = begin(settings).await?;
    let (target, snapshot) = (settings.target, look(&mut watch).await);
    if let Link::Down { why, .. } = &snapshot.link {
        return Err(why.clone());
    }
    if snapshot.catalog.last.is_none() {
        let why = snapshot.catalog.problem().map_or("the server did not answer in time", |p| &p.text);
        return Err(format!("the list of views could not be read: {why}"));
    }
    let text = proposal(&snapshot, &diagnose(&snapshot, snapshot.server_time(Utc::now())), &target);
    if args.print {
        return print(&text);
    }
    write(&path, &text, args.force)?;
    let _ = writeln!(
        io::stderr(),
        "mvtop: wrote {}; every line of it is a comment, take the # away from what you want",
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn refusal(path: &Path) -> String {
    format!("{} exists and is left as it is; --force writes over it, --print only prints", path.display())
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), String> {
    let opened = if force { private_file::write(path) } else { private_file::create_new(path) };
    // Emptied only when it is known to be ours.
    let written = opened.and_then(|mut file| {
        file.set_len(0)?;
        file.write_all(text.as_bytes())
    });
    written.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => refusal(path),
        _ => format!("{} cannot be written: {e}", path.display()),
    })
}

/// The catalog, the jobs and the columns' values, without a comparison: as much as is known in time.
async fn look(watch: &mut Watch) -> Arc<Snapshot> {
    let is_listed = |s: &Snapshot| {
        let has_cron = s.server.as_ref().is_some_and(|s| s.cron.present().is_some());
        s.catalog.is_settled() && s.pulse.is_some() && (!has_cron || s.history.is_settled())
    };
    let is_down = |s: &Snapshot| matches!(s.link, Link::Down { .. });
    // On a timeout the newest Snapshot says what is known.
    let _ = timeout(PATIENCE, watch.snapshots.wait_for(|s| is_listed(s) || is_down(s))).await;
    let readable = |s: &Snapshot| -> Vec<_> {
        s.views.iter().filter(|v| v.view.can_select && v.signal.populated).map(|v| v.view.oid).collect()
    };
    let wanted = readable(&watch.snapshots.borrow());
    for oid in &wanted {
        // The watch ends only with its receiver, which is here.
        let _ = watch.requests.send(Request::Columns(*oid));
    }
    let is_read = |s: &Snapshot| wanted.iter().all(|oid| s.view(*oid).is_none_or(|v| v.columns.is_settled()));
    let _ = timeout(PATIENCE, watch.snapshots.wait_for(|s| is_read(s) || is_down(s))).await;
    watch.snapshots.borrow().clone()
}
