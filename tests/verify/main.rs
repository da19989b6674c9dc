//! `mvtop verify` as a program on a real incident: it fails there, passes after each fix, and leaves no trace.
#![allow(clippy::unwrap_used, reason = "a test's panic is its answer")]

#[path = "../support/pty.rs"]
mod pty;

mod fixes;
mod people;
mod strangers;
mod traceless;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mvtop::demo::{Demo, Options};
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");
const VIEW: &str = "mv_conversaciones_dashboard";
const REFRESH: &str = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
const OSMARA: &str = "d7847ffa-0758-4eb2-a97b-f80e54886531";

/// A small, still incident in which no job runs meanwhile.
async fn incident() -> (Demo, Client) {
    let demo = Demo::start(&Options { rows: 400, traffic: false, ..Options::default() }, |_| ()).await.unwrap();
    let client = connect(demo.conninfo()).await;
    client.batch_execute("SELECT cron.alter_job(jobid, active := false) FROM cron.job").await.unwrap();
    let running =
        "SELECT count(*) FROM cron.job_run_details WHERE status IN ('starting', 'connecting', 'sending', 'running')";
    until(&client, &format!("SELECT ({running}) = 0")).await;
    (demo, client)
}

async fn connect(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Waits until a query says true.
async fn until(client: &Client, sql: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "still not: {sql}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn verify(conninfo: &str, more: &[&str]) -> Command {
    let mut command = Command::new(MVTOP);
    command.args(["verify", conninfo]).args(more).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(conninfo: &str, more: &[&str]) -> Child {
    verify(conninfo, more).spawn().unwrap()
}

/// The text and the exit code.
fn said(conninfo: &str, more: &[&str]) -> (String, i32) {
    let output = verify(conninfo, more).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code().unwrap())
}

/// The JSON and the exit code.
fn proof(conninfo: &str, more: &[&str]) -> (Value, i32) {
    let (text, code) = said(conninfo, &[&["--json"], more].concat());
    (serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")), code)
}

/// Every statement that does not simply hold, as `code outcome`.
fn loud(proof: &Value) -> Vec<String> {
    let tests = proof["tests"].as_array().unwrap();
    let checks = tests.iter().flat_map(|t| t["checks"].as_array().unwrap());
    let said = checks.map(|c| (c["code"].as_str().unwrap(), c["outcome"].as_str().unwrap()));
    said.filter(|(_, o)| !matches!(*o, "pass" | "note")).map(|(code, o)| format!("{code} {o}")).collect()
}
