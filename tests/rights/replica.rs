//! `read_dsn`: the comparisons run on a replica, its lag is said, and without it the server itself is compared.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::domain::snapshot::{Snapshot, ViewState};
use mvtop::watch::{self, Settings};

use crate::standby::Standby;
use crate::{run, start, target, wait};

fn panel(snapshot: &Snapshot) -> Option<&ViewState> {
    snapshot.views.iter().map(|v| &**v).find(|v| v.view.name.name == "mv_panel")
}

fn moved(snapshot: &Snapshot) -> Option<u64> {
    Some(panel(snapshot)?.values.value()?.totals.moved)
}

/// Moves one more row on the primary.
async fn another(primary: &str, id: i32) {
    run(primary, &format!("UPDATE prospectos SET coordinacion_id = 'BOOM' WHERE id = {id}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comparisons_run_on_the_replica_its_lag_is_said_and_without_it_the_server_is_compared() {
    let cluster = tokio::task::spawn_blocking(|| start(false, &[])).await.unwrap();
    let primary = cluster.conninfo_for("postgres", "crm");
    run(&primary, include_str!("roles.sql")).await;
    run(&primary, include_str!("base.sql")).await;
    let mut standby = Standby::of(&primary).await;
    let read_target = Some(target(&standby.conninfo("postgres", "crm")));
    let settings = Settings { read_target, budget: f64::INFINITY, ..Settings::new(target(&primary)) };
    let mut watch = watch::start(settings);
    let is_up_to_date = |s: &Arc<Snapshot>| {
        s.replica.as_ref().is_some_and(|r| (r.problem.as_deref(), r.lag) == (None, Some(TimeDelta::zero())))
    };
    wait(&mut watch, "a comparison", |s| s.settled && moved(s) == Some(1) && is_up_to_date(s)).await;

    // What was not replayed is not seen, and that is said.
    standby.pause().await;
    another(&primary, 4).await;
    let behind =
        |s: &Arc<Snapshot>| s.replica.as_ref().is_some_and(|r| r.lag.is_some_and(|lag| lag > TimeDelta::zero()));
    let lagging =
        wait(&mut watch, "the lag", |s| behind(s) && panel(s).is_some_and(ViewState::is_drift_outdated)).await;
    assert_eq!(moved(&lagging), Some(1), "the comparison did not run on the replica");
    assert!(lagging.replica.as_ref().unwrap().describe().contains("behind"));
    standby.resume().await;
    wait(&mut watch, "the row that was replayed late", |s| moved(s) == Some(2)).await;

    // Away: compared here, with a word; back: compared there.
    standby.stop();
    another(&primary, 6).await;
    let alone = wait(&mut watch, "a comparison without the replica", |s| {
        moved(s) == Some(3) && s.replica.as_ref().is_some_and(|r| r.problem.is_some())
    })
    .await;
    assert!(alone.replica.as_ref().unwrap().describe().starts_with("comparing here, not on the replica"));
    standby.start().await;
    wait(&mut watch, "the replica again", |s| s.replica.as_ref().is_some_and(|r| r.problem.is_none())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_dsn_that_is_another_server_is_not_believed() {
    let two = tokio::task::spawn_blocking(|| [start(false, &[]), start(false, &[])]).await.unwrap();
    let [here, other] = two.each_ref().map(|c| c.conninfo_for("postgres", "crm"));
    run(&here, include_str!("roles.sql")).await;
    run(&here, include_str!("base.sql")).await;
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_mvtop"));
    check.env_clear().args(["check", &here, "--read-dsn", &other, "--json", "--view", "mv_panel"]);
    let output = tokio::task::spawn_blocking(move || check.output().unwrap()).await.unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let problem = document["replica"]["problem"].as_str().unwrap();
    assert!(problem.contains("not a replica of this one"), "{document}");
    assert_eq!(document["views"][0]["drift"]["moved"], 1, "compared here instead: {document}");
}
