//! Any rights, any server: every role on every state of a server, with the real program and real servers. Here is what
//! the parts share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic, and tells a table"
)]

mod case;
mod grants;
mod pooler;
mod replica;
mod standby;
mod table;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvtop::demo::cluster::{Cluster, ClusterOptions};
use mvtop::domain::snapshot::Snapshot;
use mvtop::pg::conninfo::{Environment, Target};
use mvtop::watch::Watch;
use nix::unistd::{User, geteuid};
use tokio_postgres::{Client, NoTls};

/// How long anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn start(cron: bool, settings: &[(&str, &str)]) -> Cluster {
    Cluster::start(&ClusterOptions { keep: None, cron, settings }).unwrap()
}

async fn connect(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn run(conninfo: &str, sql: &str) {
    connect(conninfo).await.batch_execute(sql).await.unwrap_or_else(|e| panic!("{e:?}\n{sql}"));
}

fn target(conninfo: &str) -> Target {
    Target::resolve(Some(conninfo), &[], &Environment::empty()).unwrap()
}

/// Waits for a Snapshot.
async fn wait(watch: &mut Watch, what: &str, is_it: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
    if let Ok(Ok(snapshot)) = tokio::time::timeout(PATIENCE, watch.snapshots.wait_for(is_it)).await {
        return snapshot.clone();
    }
    panic!("waited in vain for {what}: {:#?}", watch.snapshots.borrow());
}

/// Asks again and again until the answer is yes.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A program run by the account that runs the servers: neither they nor pgbouncer run as root.
fn unprivileged(program: impl AsRef<Path>, dir: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program.as_ref());
    command.current_dir(dir).env("LC_ALL", "C");
    if geteuid().is_root() {
        let account = User::from_name("postgres").unwrap().expect("an account that runs servers");
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// A folder that that account may use.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("mvr").tempdir_in("/tmp").unwrap();
    if geteuid().is_root() {
        let account = User::from_name("postgres").unwrap().expect("an account that runs servers");
        std::os::unix::fs::chown(folder.path(), Some(account.uid.as_raw()), Some(account.gid.as_raw())).unwrap();
    }
    folder
}
