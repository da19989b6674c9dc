//! A change that is killed half-way leaves nothing half-done, and the next start says what happened.

use std::process::{Command, Stdio};

use mvtop::domain::fix::Fix;
use mvtop::journal::Journal;
use mvtop::pg::operator::Ending;

use crate::{Night, connect, run, target, until};

const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");

/// The reader's lock is wanted only after the rename and the new view.
const READER: &str = "CREATE VIEW lectora AS SELECT prospecto_id FROM mv_conversaciones_dashboard";

#[tokio::test(flavor = "multi_thread")]
async fn mvtop_or_its_backend_killed_in_the_middle_leaves_nothing_half_done_and_the_next_start_says_so() {
    let night = Night::start().await;
    night.sql(READER).await;
    let before = night.dump().await;
    let state = tempfile::tempdir().unwrap();
    let mvtop = |args: &[&str]| {
        let mut command = Command::new(MVTOP);
        command
            .arg("fix")
            .args(args)
            .arg(night.demo.conninfo())
            .env("XDG_STATE_HOME", state.path())
            .env_remove("DATABASE_URL");
        command
    };
    let locker = connect(night.demo.conninfo()).await;
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'mvtop action' AND wait_event_type = 'Lock'
                 AND query LIKE 'CREATE OR REPLACE VIEW%')";

    locker.batch_execute("BEGIN; LOCK TABLE lectora IN ACCESS SHARE MODE").await.unwrap();
    let mut child = mvtop(&["view", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(&night.client, "the change to be half-way", waits).await;
    child.kill().unwrap();
    child.wait().unwrap();
    locker.batch_execute("COMMIT").await.unwrap();
    let gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'mvtop action')";
    until(&night.client, "the backend to end", gone).await;
    assert_eq!(night.dump().await, before);
    let log = Journal::at(state.path().join("mvtop/actions.jsonl"));
    assert!(log.entries()[0].end.is_none(), "{:?}", log.entries());
    let next = mvtop(&["view", "--dry-run"]).output().unwrap();
    let said = String::from_utf8_lossy(&next.stderr);
    assert!(said.contains("Interrupted") && said.contains("it was not done: it is a materialized view now"), "{said}");
    assert!(log.entries()[0].end.as_ref().unwrap().result.starts_with("interrupted"), "{:?}", log.entries());
    let silent = mvtop(&["view", "--dry-run"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&silent.stderr), "", "it is said once");

    locker.batch_execute("BEGIN; LOCK TABLE lectora IN ACCESS SHARE MODE").await.unwrap();
    let plan = night.plan(Fix::PlainView).await;
    let theirs = target(night.demo.conninfo());
    let running = tokio::spawn(async move { run(&theirs, &plan).await });
    until(&night.client, "the change to be half-way", waits).await;
    night.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mvtop action'").await;
    let Ending::Failed(_) = running.await.unwrap() else { panic!("it was done") };
    locker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(night.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_the_sql_asks_and_writes_down_what_it_did() {
    let night = Night::start().await;
    let before = night.dump().await;
    let state = tempfile::tempdir().unwrap();
    let mvtop = |args: &[&str]| {
        let mut command = Command::new(MVTOP);
        command
            .arg("fix")
            .args(args)
            .arg(night.demo.conninfo())
            .env("XDG_STATE_HOME", state.path())
            .env_remove("DATABASE_URL");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let (code, sql, _) = mvtop(&["cron", "--dry-run"]);
    assert_eq!(code, 0);
    for how in ["--dry-run", "--yes"] {
        let (code, _, why) = mvtop(&["view", "--undo", how]);
        assert!(code == 3 && why.contains("needs"), "impossible, asked or not: {code} {why}");
    }
    assert!(
        sql.starts_with("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;\n")
            && sql.ends_with("COMMIT;\n")
            && sql.contains("SELECT cron.schedule('refresh-"),
        "{sql}"
    );
    let (code, _, why) = mvtop(&["cron"]);
    assert!(code == 3 && why.contains("--yes"), "nobody at a terminal said yes: {why}");
    let (code, _, why) = mvtop(&["cron", "--yes", "--schedule", "0 0 30 2 *"]);
    assert!(code == 3 && why.contains("never fires"), "{why}");
    assert_eq!(night.dump().await, before);
    let (code, said, _) = mvtop(&["cron", "--yes"]);
    assert!(code == 0 && said.contains("active, in crm as postgres") && said.contains("all 400 rows match"), "{said}");
    let (code, options, _) = mvtop(&[]);
    assert!(code == 0 && options.contains("Recommended: mvtop fix "), "{options}");
    let (code, said, _) = mvtop(&["cron", "--undo", "--yes"]);
    assert!(code == 0 && said.contains("is gone"), "{said}");
    assert_eq!(night.dump().await, before);
    let entries = Journal::at(state.path().join("mvtop/actions.jsonl")).entries();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|e| e.end.as_ref().is_some_and(|end| end.good)) && !entries[0].sql.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_that_was_killed_is_said_to_have_been_done_in_part() {
    let night = Night::start().await;
    // The third batch waits for a row that somebody holds.
    night
        .sql(
            "INSERT INTO cron.job_run_details (runid, jobid, status, start_time, end_time)
             SELECT -n, 1, 'succeeded', now() - interval '40 days', now() - interval '40 days' FROM generate_series(1, 12000) AS n",
        )
        .await;
    let locker = connect(night.demo.conninfo()).await;
    locker.batch_execute("BEGIN; SELECT FROM cron.job_run_details WHERE runid = -100 FOR UPDATE").await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let mvtop = |args: &[&str]| {
        let mut command = Command::new(MVTOP);
        command.arg("fix").args(args).arg(night.demo.conninfo());
        command.env("XDG_STATE_HOME", state.path()).env_remove("DATABASE_URL");
        command
    };
    let mut child = mvtop(&["purge", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'mvtop action' AND wait_event_type = 'Lock')";
    until(&night.client, "the third batch", waits).await;
    child.kill().unwrap();
    child.wait().unwrap();
    locker.batch_execute("COMMIT").await.unwrap();
    let next = mvtop(&["purge", "--dry-run"]).output().unwrap();
    let said = String::from_utf8_lossy(&next.stderr);
    assert!(said.contains("what it had done by then stays: ") && said.contains("2000 of them older"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_the_statement_and_says_what_came_of_it() {
    let night = Night::start().await;
    let refresh = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
    night
        .sql(&format!(
            "CREATE TABLE hecho (n int); CREATE PROCEDURE larga() LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO hecho VALUES (1); COMMIT; PERFORM pg_sleep(60); {refresh}; END $$;
             SELECT cron.schedule('noche', '0 4 * * *', 'INSERT INTO hecho VALUES (2); SELECT pg_sleep(60); {refresh}')"
        ))
        .await;
    let state = tempfile::tempdir().unwrap();
    for (says, left) in [("cancelled; nothing was changed", ""), ("what it had committed by then stays", "1")] {
        let mut command = Command::new(MVTOP);
        command.args(["fix", "run", "--yes", night.demo.conninfo()]).stdin(Stdio::null()).stdout(Stdio::piped());
        command.env("XDG_STATE_HOME", state.path()).env_remove("DATABASE_URL").stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let sleeps = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'mvtop action' AND wait_event = 'PgSleep')";
        until(&night.client, "the command to sleep", sleeps).await;
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(says), "{says}: {said}");
        until(&night.client, "its statement to end", &format!("SELECT NOT ({})", &sleeps["SELECT ".len()..])).await;
        assert_eq!(night.text("SELECT string_agg(n::text, '' ORDER BY n) FROM hecho").await, left);
        night
            .sql("SELECT cron.alter_job(jobid, command := 'CALL larga()') FROM cron.job WHERE jobname = 'noche'")
            .await;
    }
}
