//! Ways in which a view goes wrong, each made for real: what `mvtop demo --scenario NAME` starts with.
//!
//! A scenario is called as the cause it makes. It begins where the incident does, with the view filled three days ago
//! and no job, and goes on in `Step`s. What must be kept going, such as a session that holds a lock, lives in
//! `Going` for as long as the demo does.

mod going;
mod list;
mod run;

use std::future::Future;
use std::pin::Pin;

use tokio_postgres::Client;

use super::cluster::{Cluster, DATABASE, SUPERUSER};
use super::error::DemoError;
use super::load::{connect, failed};
pub(super) use going::Going;
pub use list::{ALL, ELSEWHERE};

/// A way in which a view goes wrong.
#[derive(Debug)]
pub struct Scenario {
    /// The stable word of the cause it makes.
    pub name: &'static str,
    /// What happened, in one line.
    pub line: &'static str,
    /// The role that looks.
    pub(super) role: &'static str,
    /// Must nothing change by itself?
    pub(super) still: bool,
    /// What is done, in order.
    steps: &'static [Step],
}

/// What a scenario does.
#[derive(Clone, Copy)]
enum Step {
    /// Statements of the superuser, in one transaction.
    Sql(&'static str),
    /// A job's command once, as pg_cron would run it, with the row that pg_cron would write.
    Run(&'static str),
    /// A session that has done this and stays, as this application.
    Open(&'static str, &'static str),
    /// A session that is still at this when the demo begins, as this application.
    Busy(&'static str, &'static str),
    /// Ends the sessions again.
    Close,
    /// Something done again and again while the demo lives.
    Keep(fn(String) -> Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Stops the server and starts it again.
    Restart,
    /// Starts the server again as a standby, its primary out of reach.
    Standby,
    /// Stops pg_cron's launcher in its tracks: it is there and does nothing.
    FreezeLauncher,
    /// Stops the server.
    StopServer,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Step")
    }
}

impl Scenario {
    /// The scenario of this name; dashes may stand for underscores.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Scenario> {
        let name = name.replace('-', "_");
        ALL.iter().find(|s| s.name == name)
    }

    /// Does its steps. In a kept demo that is opened again (`is_new` false), what was written is there already.
    pub(super) async fn play(&self, cluster: &Cluster, is_new: bool) -> Result<Going, DemoError> {
        let conninfo = cluster.conninfo_for(SUPERUSER, DATABASE);
        let mut going = Going::default();
        let mut client: Option<Client> = None;
        for step in self.steps {
            match step {
                Step::Sql(_) | Step::Run(_) if client.is_none() => client = Some(connect(&conninfo).await?),
                Step::Restart | Step::Standby | Step::StopServer => client = None,
                _ => {}
            }
            match (step, &client) {
                (Step::Sql(sql), Some(client)) if is_new => client.batch_execute(sql).await.map_err(failed(PHASE))?,
                (Step::Run(job), Some(client)) if is_new => run::as_pg_cron_does(client, cluster, job).await?,
                (Step::Sql(_) | Step::Run(_), _) => {}
                (Step::Open(application, sql), _) => going.open(&conninfo, application, sql).await?,
                (Step::Busy(application, sql), _) => going.busy(&conninfo, application, sql).await?,
                (Step::Close, _) => going.close(),
                (Step::Keep(work), _) => going.keep(work(conninfo.clone())),
                (Step::Restart, _) => restart(cluster)?,
                (Step::Standby, _) => cluster.become_standby()?,
                (Step::FreezeLauncher, _) => going.freeze_launcher(&conninfo).await?,
                (Step::StopServer, _) => cluster.stop_server(),
            }
        }
        Ok(going)
    }
}

/// Why the demo does not make the scenario of this name, if it is one of those that need another server.
#[must_use]
pub fn elsewhere(name: &str) -> Option<&'static str> {
    let name = name.replace('-', "_");
    ELSEWHERE.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

const PHASE: &str = "setting the scene";

fn restart(cluster: &Cluster) -> Result<(), DemoError> {
    cluster.stop_server();
    cluster.start_server()
}
