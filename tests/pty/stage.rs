//! Where a scene plays: a temporary folder, a private server, sessions beside the program's, and the program itself.
//! The tests of faults include it, too.
#![allow(dead_code, reason = "two test crates, and each uses its part")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use mvtop::demo::{Demo, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::CommandBuilder;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::pty::{DEADLINE, Pty};

/// The program under test.
pub const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");
/// The demo's view.
pub const VIEW: &str = "mv_conversaciones_dashboard";
/// The terminal most people have on a large screen.
pub const LARGE: (u16, u16) = (120, 40);
/// The smallest one where all that matters is visible.
pub const SMALL: (u16, u16) = (80, 24);

/// What of the caller's environment would change what the program does.
const UNWANTED: [&str; 4] = ["PG", "MVTOP_", "DATABASE_URL", "NO_COLOR"];

/// A folder that is home, configuration and temporary folder of the programs of one test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// The server's user must be able to walk through it.
    pub fn new() -> Folder {
        let folder = tempfile::Builder::new().prefix("mt-").tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        Folder(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The demos' folders in it.
    pub fn demos(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("mvtop-")).collect()
    }

    /// The processes at work in it: a PostgreSQL server and its children live in their data folder.
    pub fn processes(&self) -> Vec<i32> {
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let works_here =
            |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(self.path()));
        processes.filter(works_here).collect()
    }

    /// Nothing of a demo is left: no process, no folder. Blocks until then.
    pub fn must_be_empty(&self) {
        until("the demo is gone", || {
            let left = (self.processes(), self.demos());
            if left.0.is_empty() && left.1.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        });
    }

    /// The program with these arguments and nothing of the caller's settings.
    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(MVTOP);
        command.args(args);
        for name in unwanted() {
            command.env_remove(name);
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "TMPDIR"] {
            command.env(name, self.path());
        }
        command
    }

    /// The same for a terminal.
    pub fn in_terminal(&self, args: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(MVTOP);
        command.args(args);
        for name in unwanted() {
            command.env_remove(name);
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "TMPDIR"] {
            command.env(name, self.path());
        }
        command
    }

    /// Opens it in a terminal.
    pub fn open(&self, args: &[&str], size: (u16, u16)) -> Pty {
        Pty::open(self.in_terminal(args), size)
    }
}

fn unwanted() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| UNWANTED.iter().any(|begin| name.starts_with(begin))).collect()
}

/// A still demo in this process, with sessions of our own beside the program's.
pub struct Stage {
    /// First: it goes before its runtime.
    pub demo: Demo,
    pub folder: Folder,
    runtime: Runtime,
}

impl Stage {
    /// The incident, without traffic and with its jobs paused, so that nothing happens but what the test does.
    pub fn new() -> Stage {
        let runtime = runtime();
        let options = Options { traffic: false, ..Options::default() };
        let demo = runtime.block_on(Demo::start(&options, |_| ())).unwrap();
        let stage = Stage { demo, folder: Folder::new(), runtime };
        stage.session().run("SELECT cron.alter_job(jobid, active := false) FROM cron.job");
        stage
    }

    pub fn conninfo(&self) -> &str {
        self.demo.conninfo()
    }

    /// A session of our own, as the superuser.
    pub fn session(&self) -> Session<'_> {
        Session::open(&self.runtime, self.conninfo())
    }

    /// The console on it.
    pub fn console(&self, size: (u16, u16)) -> Pty {
        self.folder.open(&[self.conninfo()], size)
    }

    /// `mvtop check` on it.
    pub fn check(&self, args: &[&str]) -> Output {
        self.folder.command(&[&["check", self.conninfo()], args].concat()).output().unwrap()
    }
}

/// What the sessions' connections run on.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A session beside the program's, whose calls block.
pub struct Session<'a> {
    client: Client,
    runtime: &'a Runtime,
}

impl<'a> Session<'a> {
    pub fn open(runtime: &'a Runtime, conninfo: &str) -> Session<'a> {
        let conninfo = format!("{conninfo} application_name='somebody else'");
        let (client, connection) = runtime.block_on(tokio_postgres::connect(&conninfo, NoTls)).unwrap();
        runtime.spawn(connection);
        Session { client, runtime }
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    /// The rows of a statement, every value as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let messages = self.runtime.block_on(self.client.simple_query(sql)).unwrap();
        let row = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).unwrap_or_default().to_string()).collect())
            }
            _ => None,
        };
        messages.into_iter().filter_map(row).collect()
    }

    /// The only value of a statement.
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).first().and_then(|row| row.first()).cloned().unwrap_or_default()
    }

    /// The number of the process that serves it.
    pub fn pid(&self) -> String {
        self.value("SELECT pg_backend_pid()")
    }
}

/// Waits until it is so; the reason why not yet is for the message.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match look() {
            Ok(value) => return value,
            Err(why) => assert!(Instant::now() < deadline, "waited in vain until {what}: {why}"),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The server process and all its children.
pub fn family(postmaster: i32) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap();
    let children = children.split_whitespace().map(|pid| pid.parse().unwrap());
    std::iter::once(postmaster).chain(children).map(Pid::from_raw).collect()
}

/// A server that is stopped, as a machine that hangs, until this is dropped.
pub struct Stopped(Vec<Pid>);

impl Stopped {
    /// The postmaster first, so that no child is born meanwhile.
    pub fn now(postmaster: i32) -> Stopped {
        kill(Pid::from_raw(postmaster), Signal::SIGSTOP).unwrap();
        let family = family(postmaster);
        for pid in &family[1..] {
            // One may just have ended.
            let _ = kill(*pid, Signal::SIGSTOP);
        }
        Stopped(family)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

/// The `place`-th of Osmara's column groups as drawn, e.g. `["0", "29", "+29"]`.
pub fn osmara(pty: &Pty, group: &str) -> Option<Vec<String>> {
    let heads = pty.line(&format!("─ {group} ─"))?;
    let row =
        pty.text().lines().find(|line| line.contains("Osmara Partida") && line.matches('│').count() > 2)?.to_string();
    let place = heads.split('│').position(|head| head.contains(&format!(" {group} ")))?;
    Some(row.split('│').nth(place)?.split_whitespace().map(str::to_owned).collect())
}
