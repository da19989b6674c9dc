//! A streaming standby of a cluster, made with pg_basebackup as people make theirs.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use mvtop::demo::binaries::Search;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{connect, folder, run, unprivileged, until};

/// A running standby; dropping it stops it.
pub struct Standby {
    child: Option<Child>,
    bin: PathBuf,
    dir: tempfile::TempDir,
}

impl Standby {
    /// Copies the cluster behind a superuser's connection string and follows it.
    pub async fn of(primary: &str) -> Standby {
        let bin = Search::system().find(false).unwrap().bin;
        let dir = folder();
        let mut backup = unprivileged(bin.join("pg_basebackup"), dir.path());
        backup.args([
            "--dbname",
            primary,
            "--pgdata",
            "data",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ]);
        let output = tokio::task::spawn_blocking(move || backup.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut standby = Standby { child: None, bin, dir };
        standby.start().await;
        standby
    }

    pub async fn start(&mut self) {
        let mut postgres = unprivileged(self.bin.join("postgres"), self.dir.path());
        postgres.args(["-D", "data", "-k"]).arg(self.dir.path());
        for setting in ["listen_addresses=", "fsync=off", "shared_preload_libraries="] {
            postgres.args(["-c", setting]);
        }
        postgres.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(postgres.spawn().unwrap());
        let conninfo = self.conninfo("postgres", "postgres");
        until("the standby takes connections", async || {
            tokio_postgres::connect(&conninfo, tokio_postgres::NoTls).await.is_ok()
        })
        .await;
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGQUIT);
            let _ = child.wait();
        }
    }

    pub fn conninfo(&self, user: &str, dbname: &str) -> String {
        format!("host={} port=5432 user={user} dbname={dbname}", self.dir.path().display())
    }

    /// Waits until it has replayed what the primary has written by now.
    pub async fn catch_up(&self, primary: &str) {
        let written: String =
            connect(primary).await.query_one("SELECT pg_current_wal_lsn()::text", &[]).await.unwrap().get(0);
        let standby = connect(&self.conninfo("postgres", "postgres")).await;
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        until("the standby caught up", async || standby.query_one(&sql, &[]).await.unwrap().get(0)).await;
    }

    pub async fn pause(&self) {
        run(&self.conninfo("postgres", "postgres"), "SELECT pg_wal_replay_pause()").await;
    }

    pub async fn resume(&self) {
        run(&self.conninfo("postgres", "postgres"), "SELECT pg_wal_replay_resume()").await;
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.stop();
    }
}
