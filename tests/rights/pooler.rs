//! Behind pgbouncer in transaction mode: server connections change hands between transactions, and everything works.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mvtop::domain::fix::Fix;
use mvtop::domain::server::Link;
use mvtop::domain::snapshot::Snapshot;
use mvtop::pg::fix::Ground;
use mvtop::pg::operator::{self, Ending, Event};
use mvtop::watch::{self, Request, Settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::mpsc;
use tokio_postgres::SimpleQueryMessage;

use crate::{connect, folder, run, start, target, unprivileged, until, wait};

const PORT: u16 = 6432;

/// A pgbouncer that hands out three server connections by the transaction.
struct Pooler {
    child: Child,
    dir: tempfile::TempDir,
}

impl Pooler {
    async fn before(server: &str) -> Pooler {
        let dir = folder();
        let at = dir.path().display();
        let host = server.split_whitespace().find_map(|word| word.strip_prefix("host=")).unwrap();
        let settings = format!(
            "[databases]\n* = host={host} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
             unix_socket_dir = {at}\nauth_type = trust\nauth_file = {at}/users\npool_mode = transaction\n\
             default_pool_size = 3\nverbose = 1\n"
        );
        std::fs::write(dir.path().join("ini"), settings).unwrap();
        std::fs::write(dir.path().join("users"), "\"postgres\" \"\"\n").unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut pgbouncer = unprivileged("/usr/bin/env", dir.path());
        pgbouncer.env("PATH", path).args(["pgbouncer", "ini"]);
        let child = pgbouncer.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let pooler = Pooler { child, dir };
        let conninfo = pooler.conninfo();
        until("pgbouncer takes connections (package pgbouncer)", async || {
            tokio_postgres::connect(&conninfo, tokio_postgres::NoTls).await.is_ok()
        })
        .await;
        pooler
    }

    fn conninfo(&self) -> String {
        format!("host={} port={PORT} user=postgres dbname=crm", self.dir.path().display())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Somebody else's work through the same pooler: one transaction after the other, each looking at the settings it
/// finds. Answers with the server connections it had.
async fn other_client(conninfo: String, stop: Arc<AtomicBool>) -> BTreeSet<String> {
    let client = connect(&conninfo).await;
    let mut pids = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        let sql = "BEGIN; SELECT pg_backend_pid(); SHOW statement_timeout; SHOW lock_timeout; SHOW search_path; \
                   SHOW row_security; SHOW transaction_read_only; COMMIT";
        let answer = client.simple_query(sql).await.unwrap();
        let row = |m: &SimpleQueryMessage| match m {
            SimpleQueryMessage::Row(row) => row.get(0).map(String::from),
            _ => None,
        };
        let seen: Vec<String> = answer.iter().filter_map(row).collect();
        assert_eq!(seen[1..], ["0", "0", "\"$user\", public", "on", "off"], "a setting leaked to another client");
        pids.insert(seen[0].clone());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pids
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_transaction_pooler_all_works_nothing_leaks_and_a_cancel_reaches_the_refresh() {
    let cluster = tokio::task::spawn_blocking(|| start(false, &[])).await.unwrap();
    let direct = cluster.conninfo_for("postgres", "crm");
    run(&direct, include_str!("roles.sql")).await;
    run(&direct, include_str!("base.sql")).await;
    run(&direct, "CREATE MATERIALIZED VIEW mv_lenta AS SELECT pg_sleep(60)::text AS nada WITH NO DATA").await;
    let pooler = Pooler::before(&direct).await;

    let refused = target(&pooler.conninfo()).connect(Some("-c statement_timeout=5000"), "mvtop").await;
    assert!(refused.err().is_some_and(|e| e.refuses_options()), "the real pooler's refusal is not recognised");

    let stop = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..6).map(|_| tokio::spawn(other_client(pooler.conninfo(), stop.clone()))).collect();

    let settings = Settings { budget: f64::INFINITY, ..Settings::new(target(&pooler.conninfo())) };
    let mut watch = watch::start(settings);
    let moved = |s: &Snapshot| {
        let panel = s.views.iter().find(|v| v.view.name.name == "mv_panel")?;
        Some(panel.values.value()?.totals.moved)
    };
    wait(&mut watch, "a comparison through the pooler", |s| s.settled && moved(s) == Some(1)).await;

    let checked = check(pooler.conninfo()).await;
    assert!(checked.contains("moved 1"), "{checked}");

    // The action: the same road as the console's, then the watch sees by itself that nothing differs any more.
    let ending = act(&pooler, "mv_panel", &watch, false).await;
    assert_eq!(ending, Ending::Done(None));
    wait(&mut watch, "the refresh seen through the pooler", |s| moved(s) == Some(0)).await;

    let ending = act(&pooler, "mv_lenta", &watch, true).await;
    assert_eq!(ending, Ending::Cancelled);

    stop.store(true, Ordering::Relaxed);
    for other in others {
        assert!(other.await.unwrap().len() > 1, "the pooler did not change server connections: nothing was tested");
    }
    let snapshot = watch.snapshots.borrow().clone();
    assert_eq!(snapshot.link, Link::Up);
    let log = pooler.log();
    assert!(!log.contains("cancel"), "a protocol cancel went through the pooler:\n{log}");
    let server_log = std::fs::read_to_string(cluster.data_dir().with_file_name("server.log")).unwrap();
    assert!(!server_log.contains("prepared statement"), "{server_log}");
}

/// Runs a refresh as the console does, and cancels it, if that is wanted, when it has its lock.
async fn act(pooler: &Pooler, name: &str, watch: &watch::Watch, cancel: bool) -> Ending {
    let (report, mut events) = mpsc::unbounded_channel();
    let snapshot = watch.snapshots.borrow().clone();
    let view = snapshot.views.iter().find(|v| v.view.name.name == name).unwrap();
    let now = snapshot.server_time(chrono::Utc::now());
    let plan = Ground { snapshot: &snapshot, view, report: None, now }.plan(&Fix::Refresh).unwrap();
    let target = target(&pooler.conninfo());
    tokio::spawn(async move {
        operator::run(&target, &plan, |event| {
            let _ = report.send(event);
        })
        .await;
    });
    loop {
        match tokio::time::timeout(crate::PATIENCE, events.recv()).await.expect("the action ends").unwrap() {
            Event::Running(pid) => {
                if cancel {
                    // A refresh that has not begun cannot be cancelled: the pulse shows when it has its lock.
                    let mut snapshots = watch.snapshots.clone();
                    let runs = |s: &Arc<Snapshot>| {
                        s.views.iter().any(|v| v.refreshing.iter().any(|r| r.pid == pid && r.granted))
                    };
                    tokio::time::timeout(crate::PATIENCE, snapshots.wait_for(runs)).await.expect("seen").unwrap();
                    watch.requests.send(Request::Cancel(pid)).unwrap();
                }
            }
            Event::Ended(ending, _) => return ending,
        }
    }
}

async fn check(conninfo: String) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mvtop"));
    command.env_clear().args(["check", &conninfo, "--view", "mv_panel"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}
