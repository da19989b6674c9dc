//! One `postgres` process: started as a child, watched until it is ready, stopped by a signal.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, fchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use super::error::DemoError;
use crate::private_file;

/// The socket's folder, inside a scratch folder.
pub(super) const RUN: &str = "run";
/// The socket's name: its folder is private, so the port need not be unique.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";
/// The port that goes with [`SOCKET`].
pub(super) const PORT: u16 = 5432;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// The unprivileged user that runs the server when we are root.
#[derive(Debug, Clone)]
pub(super) struct ServerUser {
    uid: u32,
    gid: u32,
}

impl ServerUser {
    /// `postgres`, else `nobody`, when we are root; otherwise nobody else.
    pub(super) fn pick() -> Result<Option<Self>, DemoError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(DemoError::NoUser)?;
        Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }

    /// A command run as that user in a folder it can enter, without the environment's PG* and language: the server
    /// hands both on to pg_cron's own connections.
    pub(super) fn command(user: Option<&Self>, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir(dir).stdin(Stdio::null());
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Writes a file of ours that the server's user may read and nobody else.
    pub(super) fn write_readable(user: Option<&Self>, path: &Path, text: &str) -> Result<(), DemoError> {
        let write = || -> io::Result<()> {
            let mut file = private_file::write(path)?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())?;
            let Some(user) = user else { return Ok(()) };
            fchown(&file, None, Some(user.gid))?;
            file.set_permissions(Permissions::from_mode(0o640))
        };
        write().map_err(DemoError::io("write", path))
    }

    /// Adds to a file in the server's own folder as its user would: whoever owns a folder can make any name in it a link.
    pub(super) fn append(user: Option<&Self>, path: &Path, text: &str) -> Result<(), DemoError> {
        let mut shell = Self::command(user, Path::new("/bin/sh"), path.parent().unwrap_or(path));
        shell.args(["-c", "exec cat >> \"$1\"", "sh"]).arg(path).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut write = || -> io::Result<()> {
            let mut child = shell.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(text.as_bytes())?;
            }
            let status = child.wait()?;
            if status.success() { Ok(()) } else { Err(io::Error::other(format!("the shell says {status}"))) }
        };
        write().map_err(DemoError::io("write", path))
    }

    /// Makes a folder that only the server's user (and root) may enter.
    pub(super) fn create_dir(user: Option<&Self>, dir: &Path) -> Result<(), DemoError> {
        let make = || -> io::Result<()> {
            fs::create_dir(dir)?;
            fs::set_permissions(dir, Permissions::from_mode(0o700))?;
            user.map_or(Ok(()), |user| chown(dir, Some(user.uid), Some(user.gid)))
        };
        make().map_err(DemoError::io("create", dir))
    }
}

/// How a server is told to end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// At once, as if it had crashed: the next start recovers.
    Immediate,
    /// In order: transactions are rolled back, everything is written.
    Fast,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// Starts `postgres` on `data` and waits until it takes connections. Its output is added to `log`.
    pub(super) fn start(mut postgres: Command, data: &Path, log: &Path) -> Result<Self, DemoError> {
        let output = private_file::append(log).map_err(DemoError::io("write", log))?;
        let errors = output.try_clone().map_err(DemoError::io("write", log))?;
        // A process group of its own: Ctrl-C in the terminal is for the program, not for its server.
        postgres.arg("-D").arg(data).stdout(output).stderr(errors).process_group(0);
        let child = postgres.spawn().map_err(DemoError::io("start", Path::new(postgres.get_program())))?;
        let mut server = Self { child };
        let state = wait_until(READY_WITHIN, || match server.is_running() {
            false => Some(false),
            true => server.is_ready(data).then_some(true),
        });
        if state == Some(true) {
            return Ok(server);
        }
        server.stop(Stop::Immediate);
        Err(DemoError::Server { log: last_lines(&fs::read_to_string(log).unwrap_or_default()) })
    }

    /// The process number, unless it has ended by itself.
    pub(super) fn pid(&mut self) -> Option<i32> {
        self.is_running().then(|| self.raw_pid().as_raw())
    }

    /// Stops the server and waits for its end; when it does not listen, kills it.
    pub(super) fn stop(&mut self, how: Stop) {
        // The server itself kills those of its children that do not end within five seconds: it gets the time for it.
        let steps = match how {
            Stop::Immediate => [(Signal::SIGQUIT, 8), (Signal::SIGKILL, 5)].as_slice(),
            Stop::Fast => &[(Signal::SIGINT, 10), (Signal::SIGQUIT, 8), (Signal::SIGKILL, 5)],
        };
        for (signal, seconds) in steps {
            if !self.is_running() {
                return;
            }
            // A stopped process acts on the signal only when it goes on.
            let _sent = kill(self.raw_pid(), *signal).and_then(|()| kill(self.raw_pid(), Signal::SIGCONT));
            wait_until(Duration::from_secs(*seconds), || (!self.is_running()).then_some(()));
        }
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn raw_pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The server writes its state into the eighth line of its pid file; the first says whose file it is.
    fn is_ready(&self, data: &Path) -> bool {
        let file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines().map(str::trim);
        lines.next() == Some(self.child.id().to_string().as_str()) && matches!(lines.nth(6), Some("ready" | "standby"))
    }
}

/// Asks every two milliseconds until there is an answer or the time is over.
pub(super) fn wait_until<T>(patience: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        match answer() {
            None if Instant::now() < deadline => sleep(Duration::from_millis(2)),
            known => return known,
        }
    }
}

/// The end of a log or of a program's output, on one line.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join(" / ")
}
