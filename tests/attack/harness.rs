//! Where an attack plays: a private server, plain or made into an imitation of Supabase, and the program beside it. All calls
//! block.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mvtop::demo::cluster::{Cluster, ClusterOptions};
use portable_pty::CommandBuilder;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::pty::Pty;

/// The program under test.
pub const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What our own sessions are called, so that the log tells them from the program's.
pub const OURS: &str = "the test";

/// What runs our sessions' connections.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// What every server here logs: each statement, with its session, its role and its application.
const LOGGED: [(&str, &str); 4] = [
    ("log_statement", "all"),
    ("log_line_prefix", "%c|%p|%u|%a|%v|"),
    // A mark is one line.
    ("log_error_verbosity", "terse"),
    ("log_min_error_statement", "panic"),
];

/// A server, the names that its people have, and a home for the program.
pub struct House {
    pub cluster: Cluster,
    home: tempfile::TempDir,
    /// The database with the views.
    pub database: &'static str,
    /// A superuser.
    pub superuser: &'static str,
    /// Who owns the views: no superuser.
    pub owner: &'static str,
    /// A role that may read everything and watch everything.
    pub reader: &'static str,
}

impl House {
    /// PostgreSQL as it is installed.
    pub fn plain() -> House {
        House::with(&[])
    }

    /// The same with more settings.
    pub fn with(settings: &[(&str, &str)]) -> House {
        let house = House::start(settings, ["crm", "postgres", "dueno", "lector"]);
        house.run("CREATE EXTENSION pg_cron; CREATE ROLE dueno LOGIN; CREATE ROLE lector LOGIN");
        house.run("GRANT pg_read_all_data, pg_monitor TO lector; GRANT CREATE ON DATABASE crm TO dueno");
        house.run("GRANT USAGE ON SCHEMA cron TO dueno, lector; GRANT ALL ON ALL FUNCTIONS IN SCHEMA cron TO dueno");
        house
    }

    /// A server of this project's own making, without any role of the house in it.
    pub fn start(settings: &[(&str, &str)], names: [&'static str; 4]) -> House {
        let settings: Vec<(&str, &str)> = LOGGED.iter().chain(settings).copied().collect();
        let cluster = Cluster::start(&ClusterOptions { keep: None, cron: true, settings: &settings }).unwrap();
        let home = tempfile::Builder::new().prefix("mva").tempdir().unwrap();
        let [database, superuser, owner, reader] = names;
        House { cluster, home, database, superuser, owner, reader }
    }

    /// A connection string for a role.
    pub fn conninfo(&self, user: &str) -> String {
        self.cluster.conninfo_for(user, self.database)
    }

    /// Runs statements as the superuser.
    pub fn run(&self, sql: &str) {
        self.run_as(self.superuser, sql);
    }

    /// Runs statements as a role that logs in.
    pub fn run_as(&self, user: &str, sql: &str) {
        Session::open(&self.conninfo(user)).run(sql);
    }

    /// The rows of a query of the superuser's, each value as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        Session::open(&self.conninfo(self.superuser)).rows(sql)
    }

    /// The first value of a query of the superuser's.
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).into_iter().flatten().next().unwrap_or_default()
    }

    /// Where the server logs.
    fn log_path(&self) -> PathBuf {
        self.cluster.data_dir().with_file_name("server.log")
    }

    /// How long the server's log is by now.
    pub fn log_length(&self) -> u64 {
        std::fs::metadata(self.log_path()).unwrap().len()
    }

    /// What the server logged from there on.
    pub fn log_since(&self, begin: u64) -> String {
        let (mut file, mut bytes) = (File::open(self.log_path()).unwrap(), Vec::new());
        file.seek(SeekFrom::Start(begin)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The program's home: its configuration and its log of changes are here.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// The program with these arguments and nothing of the caller's surroundings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(MVTOP);
        command.env_clear().args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMPDIR"] {
            command.env(name, self.home.path());
        }
        command
    }

    /// Runs the program to its end.
    pub fn mvtop(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What `check --json` says of a place.
    pub fn checked(&self, conninfo: &str, more: &[&str]) -> serde_json::Value {
        let output = self.mvtop(&[&["check", conninfo, "--json"], more].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}{}", text(&output)))
    }

    /// Opens the console on a large terminal.
    pub fn console(&self, args: &[&str]) -> Pty {
        let mut command = CommandBuilder::new(MVTOP);
        command.env_clear();
        command.args(args);
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMPDIR"] {
            command.env(name, self.home.path());
        }
        Pty::open(command, (160, 50))
    }
}

/// A session beside the program's, whose calls block.
pub struct Session(Client);

impl Session {
    pub fn open(conninfo: &str) -> Session {
        Session::try_open(conninfo).unwrap_or_else(|e| panic!("{e:?}: {conninfo}"))
    }

    pub fn try_open(conninfo: &str) -> Result<Session, tokio_postgres::Error> {
        let conninfo = format!("{conninfo} application_name='{OURS}'");
        let (client, connection) = RUNTIME.block_on(tokio_postgres::connect(&conninfo, NoTls))?;
        RUNTIME.spawn(connection);
        Ok(Session(client))
    }

    /// Runs statements, which must succeed.
    pub fn run(&self, sql: &str) {
        self.try_run(sql).unwrap_or_else(|e| panic!("{e}: {e:?}\n{}", sql.chars().take(300).collect::<String>()));
    }

    /// Runs statements.
    pub fn try_run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        RUNTIME.block_on(self.0.batch_execute(sql))
    }

    /// The rows of a query, each value as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let messages = RUNTIME
            .block_on(self.0.simple_query(sql))
            .unwrap_or_else(|e| panic!("{e}: {e:?}\n{}", sql.chars().take(300).collect::<String>()));
        let row = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).unwrap_or_default().to_string()).collect())
            }
            _ => None,
        };
        messages.into_iter().filter_map(row).collect()
    }
}

/// All that a program printed.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
