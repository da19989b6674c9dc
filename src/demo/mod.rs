//! The demo: the night of the incident on a private PostgreSQL with pg_cron, real from end to end.
//!
//! `mv_conversaciones_dashboard` was filled three days ago and nothing refreshes it; since then prospectos were
//! reassigned. For Osmara Partida the view says BOOM 0 and VEN 166, the tables say BOOM 29 and VEN 0, and the total
//! is the same on both sides.

pub mod binaries;
pub mod cluster;
mod error;
mod home;
mod leftovers;
mod load;
pub mod scenarios;
mod server;
mod traffic;

use std::path::{Path, PathBuf};

use tokio::task::{AbortHandle, spawn_blocking};

use self::cluster::{Cluster, ClusterOptions, DATABASE, SUPERUSER};
pub use self::error::DemoError;
use self::scenarios::{Going, Scenario};

/// View rows that were there that night.
pub const ROWS: u32 = 3_230;
/// Fewer rows would leave nobody but Osmara; more would not fit the made-up telephone numbers.
const ROWS_RANGE: std::ops::RangeInclusive<u32> = 400..=5_000_000;

/// What the demo is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rows of the view, before and after a refresh: 400 to 5,000,000. Osmara's numbers are the same with any.
    pub rows: u32,
    /// Decides everything that is made up; the same seed makes the same data.
    pub seed: u64,
    /// A folder to leave the demo in, and to find it in the next time as it was left (rows and seed are then the old ones).
    pub keep: Option<PathBuf>,
    /// Whether somebody works in the CRM meanwhile.
    pub traffic: bool,
    /// What goes wrong; without one it is the incident.
    pub scenario: Option<&'static Scenario>,
}

impl Default for Options {
    /// The incident as it was, thrown away afterwards; the seed is its hour.
    fn default() -> Self {
        Self { rows: ROWS, seed: 202_602_040_215, keep: None, traffic: true, scenario: None }
    }
}

/// A running demo. Dropping it stops the server and, unless kept, removes every file.
#[derive(Debug)]
pub struct Demo {
    conninfo: String,
    data_dir: PathBuf,
    traffic: Option<AbortHandle>,
    going: Going,
    cluster: Cluster,
}

impl Demo {
    /// Makes the demo, or opens a kept one, telling `progress` each phase in a few words.
    ///
    /// # Errors
    /// [`DemoError`], of which [`DemoError::missing_package`] means: install something first. Nothing is left behind.
    pub async fn start(options: &Options, mut progress: impl FnMut(&str)) -> Result<Self, DemoError> {
        if !ROWS_RANGE.contains(&options.rows) {
            let (min, max) = ROWS_RANGE.into_inner();
            return Err(DemoError::RowsOutOfRange { rows: options.rows, min, max });
        }
        progress("making a private PostgreSQL cluster");
        let keep = options.keep.clone();
        let cluster =
            spawn_blocking(move || Cluster::create(&ClusterOptions { keep, cron: true, settings: &[] })).await??;
        progress(&format!("starting PostgreSQL {} with pg_cron", cluster.version()));
        let cluster = spawn_blocking(move || cluster.start_server().map(|()| cluster)).await??;
        let conninfo = cluster.conninfo_for(SUPERUSER, DATABASE);
        let is_new = load::load(&conninfo, options.rows, options.seed, &mut progress).await?;
        let (going, role) = match options.scenario {
            Some(scenario) => {
                progress(&format!("setting the scene: {}", scenario.line));
                (scenario.play(&cluster, is_new).await?, scenario.role)
            }
            None => (Going::default(), SUPERUSER),
        };
        let has_traffic = options.traffic && !options.scenario.is_some_and(|s| s.still);
        let traffic = has_traffic.then(|| tokio::spawn(traffic::run(conninfo, options.seed)).abort_handle());
        progress("ready");
        let conninfo = cluster.conninfo_for(role, DATABASE);
        Ok(Self { data_dir: cluster.data_dir(), conninfo, traffic, going, cluster })
    }

    /// Connection string of the superuser, or of the role that looks in the scenario, for psql and tokio-postgres alike.
    #[must_use]
    pub fn conninfo(&self) -> &str {
        &self.conninfo
    }

    /// The server's data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The server's process number (the postmaster), while it runs.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.cluster.server_pid()
    }

    /// Stops the server at once, as a crash would; blocks until it has ended.
    ///
    /// # Errors
    /// None today; a result so that callers treat both directions alike.
    pub fn stop_server(&self) -> Result<(), DemoError> {
        self.cluster.stop_server();
        Ok(())
    }

    /// Starts the server again; blocks until it takes connections.
    ///
    /// # Errors
    /// [`DemoError::Server`] with the end of its log.
    pub fn start_server(&self) -> Result<(), DemoError> {
        self.cluster.start_server()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(traffic) = &self.traffic {
            traffic.abort();
        }
        // Before the server: a launcher that stands still must go on, or the server could not end.
        drop(std::mem::take(&mut self.going));
    }
}
