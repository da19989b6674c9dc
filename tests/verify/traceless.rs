//! Test 2 changes a row and refreshes the view, and nobody can tell afterwards: whether it ran, waited or was killed.

use std::process::Command;

use mvtop::demo::Demo;
use tokio_postgres::Client;

use crate::{REFRESH, VIEW, connect, incident, loud, proof, said, start, until};

/// Everything: the dump (definitions, rows, sequences, jobs), the rows of the view with their places, and its catalog row.
async fn everything(demo: &Demo, client: &Client) -> (String, String, String) {
    let dump = Command::new("pg_dump").arg(demo.conninfo()).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    // A new dump may carry a new key for its restrict command.
    let dump = String::from_utf8(dump.stdout).unwrap();
    let dump = dump.lines().filter(|l| !l.contains("restrict ")).collect::<Vec<_>>().join("\n");
    let rows = format!("SELECT sum(hashtextextended((v.ctid, v.xmin, v)::text, 0))::text FROM {VIEW} v");
    let catalog = format!("SELECT (xmin, c)::text FROM pg_class c WHERE relname = '{VIEW}'");
    let one = async |sql: &str| client.query_one(sql, &[]).await.unwrap().get::<_, String>(0);
    (dump, one(&rows).await, one(&catalog).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn test_2_leaves_no_trace_when_it_runs_waits_in_vain_or_is_killed() {
    let (demo, client) = incident().await;
    let at = demo.conninfo();
    client.batch_execute(REFRESH).await.unwrap();
    let before = everything(&demo, &client).await;

    let (sql, code) = said(at, &["--dry-run"]);
    assert!(code == 0 && sql.starts_with("BEGIN ISOLATION LEVEL") && sql.contains("\nROLLBACK;\n"), "{sql}");
    assert!(sql.contains("UPDATE ") && sql.contains("public.prospectos p") && !sql.contains("/*"), "all of it: {sql}");
    assert_eq!(everything(&demo, &client).await, before, "it was only printed");

    let (ran, code) = proof(at, &["--yes"]);
    assert_eq!((code, &ran["reassignment"]["rolled_back"]), (0, &true.into()), "{ran}");
    assert_eq!(everything(&demo, &client).await, before, "after it ran");

    // Somebody refreshed and went to lunch before the commit.
    let other = connect(&format!("{at} application_name=almuerzo")).await;
    other.batch_execute(&format!("BEGIN; {REFRESH}")).await.unwrap();
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let (waited, code) = proof(at, &["--yes"]);
    assert_eq!((loud(&waited), code), (vec!["reassign not_proven".into(), "kept warning".into()], 3));
    let why = waited["reassignment"]["why"].as_str().unwrap();
    assert!(why.contains(&format!("postgres (almuerzo, pid {pid}) holds it, idle in transaction")), "{why}");

    let mut killed = start(at, &["--yes"]);
    let ours = "FROM pg_stat_activity WHERE application_name = 'mvtop action'";
    until(&client, &format!("SELECT count(*) = 1 {ours} AND wait_event_type = 'Lock' AND query LIKE 'REFRESH%'")).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    other.batch_execute("ROLLBACK").await.unwrap();
    until(&client, &format!("SELECT count(*) = 0 {ours}")).await;
    assert_eq!(everything(&demo, &client).await, before, "after it was killed");

    // The row itself: somebody works on the whole table.
    other.batch_execute("BEGIN; LOCK TABLE prospectos IN SHARE MODE").await.unwrap();
    let (text, code) = said(at, &["--yes"]);
    assert!(code == 3 && text.contains("a lock was not free within 3s: postgres (almuerzo"), "{text}");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(everything(&demo, &client).await, before, "after it waited in vain");
}
