//! The log of changes is data: nothing in it is executed, and no name in it leads anywhere.

use std::fs;

use mvtop::journal::Journal;
use mvtop::pg::conninfo::{Environment, Target};
use serde_json::json;

use crate::demo;

#[tokio::test(flavor = "multi_thread")]
async fn sql_in_the_log_is_never_run_and_a_name_in_it_is_no_path() {
    let (demo, state) = (demo().await, tempfile::tempdir().unwrap());
    let target = Target::resolve(Some(demo.conninfo()), &[], &Environment::from_process()).unwrap();
    let log = state.path().join("mvtop/actions.jsonl");
    let journal = Journal::at(log.clone());
    journal.writable().unwrap();
    let victim = state.path().join("victim.running");
    fs::write(&victim, "").unwrap();
    let entry = |id: &str, proof: serde_json::Value| {
        json!({"event": "started", "id": id, "at": "2026-01-02T03:04:05Z", "who": "ana", "place": target.describe(),
               "title": format!("{id}?"), "sql": ["BEGIN", "COMMIT"], "proof": proof})
    };
    let lines = [
        entry("old", json!("SELECT true, 'PLANTED'")),
        entry("../victim", json!("SELECT true, 'PLANTED'")),
        entry("later", json!({"something_new": {"sql": "SELECT true, 'PLANTED'"}})),
        entry("typed", json!({"job": {"id": 4711, "schedule": "'; SELECT true, 'PLANTED"}})),
    ];
    // Blanks as an interrupted trial leaves them, and a line that was cut off.
    let text = lines.map(|line| format!("    {line}\n")).concat() + "{\"event\": \"sta";
    fs::write(&log, text).unwrap();
    let said = journal.settle(&target).await;
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(!said.concat().contains("PLANTED") && said[3].contains("there is no such job"), "{said:?}");
    assert!(said[..3].iter().all(|said| said.contains("look at the view")), "{said:?}");
    assert!(victim.exists());
    let entries = journal.entries();
    assert!(entries.iter().all(|e| e.end.as_ref().is_some_and(|end| !end.good)), "{entries:?}");
    assert_eq!(journal.settle(&target).await, Vec::<String>::new(), "it is said once");
}
