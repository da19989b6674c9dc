//! The small repairs: an index, old history, a session that blocks.

use mvtop::domain::fix::Fix;
use mvtop::domain::view::RefreshMode;
use mvtop::pg::operator::Ending;
use mvtop::watch;

use crate::{Night, connect, plan, target, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_missing_unique_index_is_proposed_made_and_makes_concurrently_possible() {
    let night = Night::start().await;
    night.sql("DROP INDEX mv_conversaciones_dashboard_prospecto").await;
    let before = night.dump().await;
    let snapshot = night.look("postgres").await;
    let facts = snapshot.views[0].facts.value().unwrap().clone();
    assert_eq!(facts.unique[0], ["prospecto_id"]);
    night.does(Fix::CreateUnique(facts.unique[0].clone())).await;
    let view = night.look("postgres").await.views[0].view.clone();
    assert_eq!(view.refresh_mode(true), RefreshMode::Concurrently);
    night.sql("REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard").await;
    night.does(Fix::DropUnique).await;
    assert_eq!(night.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_runs_are_purged_in_batches_and_newer_ones_stay() {
    let night = Night::start().await;
    let runs = "SELECT count(*)::text FROM cron.job_run_details";
    // One that could not connect has no times: it is as old as those around it.
    let cut_off = "INSERT INTO cron.job_run_details (runid, jobid, status, return_message)";
    night.sql(&format!("{cut_off} VALUES (nextval('cron.runid_seq'), 1, 'failed', 'connection failed')")).await;
    let new = night.text(runs).await;
    night.sql(&format!("{cut_off} VALUES (-5000, 1, 'failed', 'connection failed')")).await;
    night
        .sql("INSERT INTO cron.job_run_details (runid, jobid, status, start_time, end_time)
              SELECT -n, 1, 'succeeded', now() - interval '40 days', now() - interval '40 days' FROM generate_series(1, 12000) AS n
              WHERE n <> 5000")
        .await;
    night.does(Fix::PurgeRuns { days: 30 }).await;
    assert_eq!(night.text(runs).await, new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_blocks_a_refresh_is_ended_and_the_refresh_goes_on() {
    let night = Night::start().await;
    let idle = connect(night.demo.conninfo()).await;
    idle.batch_execute("BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard").await.unwrap();
    let waiting = connect(night.demo.conninfo()).await;
    let refresh = tokio::spawn(async move {
        waiting.batch_execute("REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard").await
    });
    until(&night.client, "the refresh to wait", "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    let mut watch = watch::start(watch::Settings::new(target(night.demo.conninfo())));
    let is_blocked = |s: &std::sync::Arc<mvtop::domain::snapshot::Snapshot>| {
        s.views.iter().any(|v| v.refreshing.iter().any(|r| !r.blocked_by.is_empty()))
    };
    let snapshot = watch.snapshots.wait_for(is_blocked).await.unwrap().clone();
    let pid = snapshot.views[0].refreshing.iter().find_map(|r| r.blocked_by.first()).unwrap().pid;
    let cancel = plan(&snapshot, &Fix::Cancel(pid));
    assert!(cancel.notes.iter().any(|n| n.contains("cancelling does nothing")), "{:?}", cancel.notes);
    let end = plan(&snapshot, &Fix::Terminate(pid));
    assert!(end.needs.is_empty(), "{:?}", end.needs);
    let Ending::Done(Some(found)) = night.run(&end).await else { panic!("{}", end.sql()) };
    assert!(found.good, "{}", found.text);
    refresh.await.unwrap().unwrap();
    until(
        &night.client,
        "the session to end",
        &format!("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})"),
    )
    .await;
}
