//! What cannot be done says why, before anything is sent; what nobody could foresee changes nothing.

use mvtop::domain::fix::Fix;
use mvtop::domain::job::JobId;
use mvtop::pg::operator::Ending;

use crate::{Night, VIEW, every_five_minutes, needs, run, target};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_may_not_do_is_named_and_the_database_refuses_it_too() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE ROLE analista LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO analista;
              REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA cron TO analista",
        )
        .await;
    let before = night.dump().await;
    let theirs = target(&night.conninfo("analista"));
    for (fix, words) in [
        (Fix::Refresh, "to be its owner"),
        (Fix::TriggersInstall, "TRIGGER on"),
        (Fix::PlainView, "to own the view"),
        (Fix::CronPause(JobId(1)), "there is no such job"),
        (Fix::CreateUnique(vec!["email".into()]), "to own mv_conversaciones_dashboard"),
    ] {
        if let Fix::CronPause(_) = fix {
            // Row security hides the job; the plan of one who sees it is refused when another sends it.
            let plan = night.plan(fix).await;
            let Ending::Failed(_) = run(&theirs, &plan).await else { panic!("{}", plan.title) };
            continue;
        }
        let plan = night.plan_as("analista", fix).await;
        needs(&plan, words);
        let Ending::Failed(problem) = run(&theirs, &plan).await else { panic!("{} was done", plan.title) };
        assert!(!problem.text.is_empty());
    }
    assert_eq!(night.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_jobs_and_dependents_that_are_in_the_way_are_said() {
    let night = Night::start().await;
    for (schedule, words) in [
        ("*/5 * * *", "day of week field"),
        ("1/20 * * * *", "step on a single number"),
        ("0 0 30 2 *", "never fires"),
        ("@reboot", "only when the server starts"),
        ("30 seconds", "1.5"),
    ] {
        let plan = night.plan(Fix::CronInstall { schedule: schedule.into() }).await;
        // A later pg_cron takes seconds.
        if schedule != "30 seconds" || !plan.needs.is_empty() {
            needs(&plan, words);
        }
    }
    // Another role's job of the same name is another job, and somebody's of our name is not overwritten.
    night
        .sql("CREATE ROLE otra LOGIN; GRANT USAGE ON SCHEMA cron TO otra; SET ROLE otra;
              SELECT cron.schedule('refresh-conversaciones-dashboard', '*/7 * * * *', 'REFRESH MATERIALIZED VIEW mv_conversaciones_dashboard');
              RESET ROLE; SELECT cron.schedule('refresh-conversaciones-dashboard', '* * * * *', 'SELECT 1')")
        .await;
    let plan = night.plan(every_five_minutes()).await;
    assert!(plan.notes.iter().any(|n| n.contains("of otra refreshes it already")), "{:?}", plan.notes);
    assert!(plan.sql().contains("'refresh-conversaciones-dashboard-2'"), "{}", plan.sql());
    night.does(every_five_minutes()).await;
    let jobs =
        "SELECT string_agg(username || ' ' || schedule, ', ' ORDER BY jobid) FROM cron.job WHERE command ~ 'REFRESH'";
    assert_eq!(night.text(jobs).await, "otra */7 * * * *, postgres */5 * * * *");
    // What cannot be pointed at another view.
    night
        .sql("CREATE MATERIALIZED VIEW nieta AS SELECT * FROM mv_conversaciones_dashboard;
              CREATE FUNCTION filas() RETURNS SETOF mv_conversaciones_dashboard LANGUAGE sql AS 'SELECT * FROM mv_conversaciones_dashboard'")
        .await;
    let before = night.dump().await;
    let plan = night.plan(Fix::PlainView).await;
    needs(&plan, "materialized view");
    needs(&plan, "function public.filas()");
    let Ending::Failed(_) = night.run(&plan).await else { panic!("{VIEW} was replaced") };
    assert_eq!(night.dump().await, before, "one transaction: nothing half-done");
}
