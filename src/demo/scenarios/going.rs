//! What a scenario keeps going: sessions, work that repeats, a launcher that stands still.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::super::error::DemoError;
use super::super::load::{connect, failed};
use super::PHASE;

const LAUNCHER: &str = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher'";
/// Is the session of this application at work?
const IS_BUSY: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1 AND state = 'active')";
const PATIENCE: Duration = Duration::from_secs(20);

/// What goes on while the demo lives; dropping it ends all of it.
#[derive(Debug, Default)]
pub(crate) struct Going {
    sessions: Vec<Client>,
    tasks: Vec<AbortHandle>,
    frozen: Option<Pid>,
}

impl Going {
    /// A session that has done something and stays, in whatever transaction it left open.
    pub(super) async fn open(&mut self, conninfo: &str, application: &str, sql: &str) -> Result<(), DemoError> {
        let client = connect(&format!("{conninfo} application_name='{application}'")).await?;
        client.batch_execute(sql).await.map_err(failed(PHASE))?;
        self.sessions.push(client);
        Ok(())
    }

    /// A session that is at something; returns once it is.
    pub(super) async fn busy(
        &mut self,
        conninfo: &str,
        application: &'static str,
        sql: &'static str,
    ) -> Result<(), DemoError> {
        let client = connect(&format!("{conninfo} application_name='{application}'")).await?;
        let watcher = connect(conninfo).await?;
        self.keep(async move {
            // It ends when the demo does, or when a person has made it end.
            let _ended = client.batch_execute(sql).await;
        });
        until(&watcher, IS_BUSY, application).await
    }

    /// Work of its own.
    pub(super) fn keep(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(work).abort_handle());
    }

    /// Ends the sessions.
    pub(super) fn close(&mut self) {
        self.sessions.clear();
    }

    /// Stops the launcher's process; it goes on when this is dropped, or the server could not end in order.
    pub(super) async fn freeze_launcher(&mut self, conninfo: &str) -> Result<(), DemoError> {
        let client = connect(conninfo).await?;
        let found = async {
            loop {
                match client.query_opt(LAUNCHER, &[]).await {
                    Ok(None) => sleep(Duration::from_millis(20)).await,
                    found => return found,
                }
            }
        };
        let row = timeout(PATIENCE, found).await.ok().transpose().map_err(failed(PHASE))?.flatten();
        if let Some(row) = row {
            let pid = Pid::from_raw(row.get(0));
            self.frozen = kill(pid, Signal::SIGSTOP).is_ok().then_some(pid);
        }
        Ok(())
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        if let Some(pid) = self.frozen {
            // Gone already if the server was stopped meanwhile.
            let _gone = kill(pid, Signal::SIGCONT);
        }
    }
}

/// Asks until it is so.
async fn until(client: &Client, sql: &str, parameter: &str) -> Result<(), DemoError> {
    let asking = async {
        loop {
            if client.query_one(sql, &[&parameter]).await?.get(0) {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    // A scene that is not set in time shows itself in the console.
    timeout(PATIENCE, asking).await.unwrap_or(Ok(())).map_err(failed(PHASE))
}
