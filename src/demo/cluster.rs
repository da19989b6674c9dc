//! A private, throw-away PostgreSQL: socket only, no network, gone when it is dropped. Holds no data of its own
//! but an empty database `crm`; the incident is put in by [`super::Demo`], other scenarios put in theirs.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::binaries::{self, Binaries, Search};
use super::error::DemoError;
use super::home::{self, Kept, Scratch};
use super::leftovers;
use super::server::{PORT, RUN, Server, ServerUser, Stop, last_lines};

/// The database every cluster is made with, and the one pg_cron works from.
pub const DATABASE: &str = "crm";
/// The superuser.
pub const SUPERUSER: &str = "postgres";

/// Our settings' file, beside the data folder and read by its `postgresql.conf`.
const SETTINGS: &str = "mvtop.conf";

/// What a cluster is made with.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions<'a> {
    /// A folder to live in and to leave behind; without one, a temporary folder.
    pub keep: Option<PathBuf>,
    /// Whether pg_cron is loaded (its extension is for the caller to create, in [`DATABASE`]).
    pub cron: bool,
    /// Settings on top of ours, as in `postgresql.conf`; the later wins.
    pub settings: &'a [(&'a str, &'a str)],
}

/// A cluster on this machine; dropping it stops its server and, unless kept, removes its folder.
#[derive(Debug)]
pub struct Cluster {
    server: Mutex<Option<Server>>,
    binaries: Binaries,
    user: Option<ServerUser>,
    is_new: bool,
    // Last, so that the folders go after the server.
    kept: Option<Kept>,
    scratch: Scratch,
}

impl Cluster {
    /// Makes a cluster and starts its server: about a second, blocking.
    ///
    /// # Errors
    /// A missing package, a folder that cannot be used, or a server that does not come up.
    pub fn start(options: &ClusterOptions<'_>) -> Result<Self, DemoError> {
        let cluster = Self::create(options)?;
        cluster.start_server()?;
        Ok(cluster)
    }

    /// Makes the cluster's files, or takes a kept folder's, without starting the server.
    pub(super) fn create(options: &ClusterOptions<'_>) -> Result<Self, DemoError> {
        let binaries = Search::system().find(options.cron)?;
        let user = ServerUser::pick()?;
        leftovers::sweep(&home::temp_dir(), user.as_ref());
        let kept = options.keep.as_deref().map(Kept::open).transpose()?;
        let scratch = Scratch::create()?;
        let mut cluster = Self { server: Mutex::default(), binaries, user, is_new: false, kept, scratch };
        ServerUser::create_dir(cluster.user.as_ref(), &cluster.socket_dir())?;
        cluster.is_new = !cluster.data_dir().exists();
        if cluster.is_new {
            cluster.init()?;
        }
        cluster.write_settings(options)?;
        Ok(cluster)
    }

    /// `initdb`, and the database: pg_cron's launcher ends for good if its database is not there when it starts,
    /// so it is made before the server first runs. The data folder gets its name when it is complete.
    fn init(&self) -> Result<(), DemoError> {
        let data = self.home().join("data.new");
        if data.exists() {
            fs::remove_dir_all(&data).map_err(DemoError::io("remove", &data))?;
        }
        ServerUser::create_dir(self.user.as_ref(), &data)?;
        let mut initdb = self.command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        run("initdb", initdb.arg("--username").arg(SUPERUSER).arg("--pgdata").arg(&data), "")?;
        let mut single = self.command("postgres");
        run(
            "postgres",
            single.args(["--single", "-F", "-D"]).arg(&data).arg("postgres"),
            &format!("CREATE DATABASE {DATABASE}\n"),
        )?;
        let conf = data.join("postgresql.conf");
        ServerUser::append(self.user.as_ref(), &conf, &format!("include_if_exists = '../{SETTINGS}'\n"))?;
        fs::rename(&data, self.data_dir()).map_err(DemoError::io("rename", &data))
    }

    /// Written anew at every creation: a kept cluster gets another socket each time.
    fn write_settings(&self, options: &ClusterOptions<'_>) -> Result<(), DemoError> {
        let sockets = self.socket_dir().display().to_string();
        let mut libraries = Vec::new();
        if options.cron {
            libraries.push("pg_cron");
        }
        if self.binaries.has_statements() {
            libraries.push("pg_stat_statements");
        }
        let libraries = libraries.join(",");
        let mut settings = vec![
            ("listen_addresses", ""),
            ("unix_socket_directories", &sockets),
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("jit", "off"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("shared_preload_libraries", &libraries),
        ];
        if options.cron {
            // Its default host is localhost, by TCP, where this server does not listen.
            settings.extend([("cron.database_name", DATABASE), ("cron.host", &sockets)]);
        }
        settings.extend(options.settings);
        let line =
            |(name, value): (&str, &str)| format!("{name} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''"));
        let path = self.home().join(SETTINGS);
        let text: String = settings.into_iter().map(line).collect();
        ServerUser::write_readable(self.user.as_ref(), &path, &text)
    }

    /// Starts the server if it is not running, and waits until it takes connections.
    ///
    /// # Errors
    /// [`DemoError::Server`] with the end of its log, or [`DemoError::NoCron`] if that is what the log says.
    pub fn start_server(&self) -> Result<(), DemoError> {
        let mut server = self.lock();
        if server.as_mut().and_then(Server::pid).is_some() {
            return Ok(());
        }
        let started = Server::start(self.command("postgres"), &self.data_dir(), &self.home().join("server.log"));
        *server = Some(started.map_err(|error| match error {
            DemoError::Server { log } if binaries::log_misses_cron(&log) => self.binaries.no_cron(),
            other => other,
        })?);
        Ok(())
    }

    /// Stops the server at once, as a crash would, and waits for its end.
    pub fn stop_server(&self) {
        self.stop(Stop::Immediate);
    }

    /// Starts the server again as a standby of a primary that is out of reach: readable, and nothing can be changed.
    ///
    /// # Errors
    /// As [`Cluster::start_server`], or the data folder cannot be written to.
    pub fn become_standby(&self) -> Result<(), DemoError> {
        self.stop(Stop::Fast);
        let signal = self.data_dir().join("standby.signal");
        ServerUser::append(self.user.as_ref(), &signal, "")?;
        self.start_server()
    }

    fn stop(&self, how: Stop) {
        if let Some(mut server) = self.lock().take() {
            server.stop(how);
        }
    }

    /// A connection string that psql and tokio-postgres both read.
    #[must_use]
    pub fn conninfo_for(&self, user: &str, dbname: &str) -> String {
        format!("host={} port={PORT} user={user} dbname={dbname}", self.socket_dir().display())
    }

    /// The server's data folder.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.home().join("data")
    }

    /// The server's process number (the postmaster), while it runs.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.lock().as_mut().and_then(Server::pid)
    }

    /// Full version of the server, for instance `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.binaries.version
    }

    /// Whether the data folder was made now, rather than kept from an earlier time.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Where data, settings and log are.
    fn home(&self) -> &Path {
        self.kept.as_ref().map_or(&self.scratch.dir, |kept| &kept.dir)
    }

    fn socket_dir(&self) -> PathBuf {
        self.scratch.dir.join(RUN)
    }

    fn command(&self, program: &str) -> Command {
        ServerUser::command(self.user.as_ref(), &self.binaries.program(program), self.home())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    /// What is kept is written down in order; what is thrown away need not be.
    fn drop(&mut self) {
        self.stop(if self.kept.is_some() { Stop::Fast } else { Stop::Immediate });
        // Somebody may have started it again by hand.
        leftovers::stop_server(&self.scratch.dir, self.user.as_ref());
    }
}

/// Runs a program with an input to its end.
fn run(program: &'static str, command: &mut Command, input: &str) -> Result<(), DemoError> {
    let failed = DemoError::io("start", Path::new(command.get_program()));
    let mut run = || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        child.wait_with_output()
    };
    let output = run().map_err(failed)?;
    let text = String::from_utf8_lossy(&output.stderr);
    // The single-user server ends well even when its statement failed.
    if output.status.success() && !text.contains("ERROR:") {
        return Ok(());
    }
    Err(DemoError::Prepare { program, output: last_lines(&text) })
}
