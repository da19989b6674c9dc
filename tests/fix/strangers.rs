//! What a fix hands to others, and whose code it would run with the rights of whoever carries it out.

use mvtop::domain::fix::{Fix, code};
use mvtop::domain::job::JobId;
use mvtop::pg::operator::Ending;

use crate::{Night, every_five_minutes, look, needs, plan, refused, run, target};

/// The application's role owns the view and its tables but for one, as on a hosted service; strangers get whatever is new.
const HOSTED: &str = "
    CREATE ROLE app LOGIN; CREATE ROLE ajena; CREATE ROLE anon; GRANT ALL ON SCHEMA public TO app;
    CREATE TABLE usuarios (id int PRIMARY KEY); ALTER TABLE usuarios OWNER TO ajena; GRANT ALL ON usuarios TO app;
    CREATE TABLE propia (id int PRIMARY KEY); ALTER TABLE propia OWNER TO app;
    ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra;
    CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT p.id FROM propia p JOIN usuarios u USING (id);
    CREATE UNIQUE INDEX clave ON mv_conversaciones_dashboard (id);
    ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO app;
    ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon;
    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT ALL ON FUNCTIONS TO ajena;
    ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon;";

#[tokio::test(flavor = "multi_thread")]
async fn triggers_stand_only_on_tables_of_the_views_owner_and_nobody_else_may_use_their_function() {
    let night = Night::start().await;
    night.sql(HOSTED).await;
    for role in ["app", "postgres"] {
        let before = night.dump().await;
        let install = night.plan_as(role, Fix::TriggersInstall).await;
        assert!(install.needs.is_empty(), "{role}: {:?}", install.needs);
        assert!(
            install.notes.iter().any(|n| n.contains("Writes to usuarios do not refresh it: app, ")),
            "{:?}",
            install.notes
        );
        let theirs = target(&night.conninfo(role));
        match run(&theirs, &install).await {
            Ending::Done(Some(found)) => {
                assert_eq!((found.good, &*found.text), (true, "writes to 1 of 2 base tables refresh it"))
            }
            other => panic!("{role}: {other:?}\n{}", install.sql()),
        }
        let on = "SELECT string_agg(tgrelid::regclass::text, ' ') FROM pg_trigger WHERE tgname LIKE 'mvtop%'";
        assert_eq!(night.text(on).await, "propia");
        let function =
            "SELECT string_agg(concat_ws(' ', p.proowner::regrole, e.grantee::regrole), ', ') FROM pg_proc p,
            aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e WHERE p.proname LIKE 'mvtop%'";
        assert_eq!(night.text(function).await, "app app", "{role}: only its owner");
        let again = night.plan_as(role, Fix::TriggersInstall).await;
        needs(&again, "the triggers that mvtop made before dropped first");
        let remove = night.plan_as(role, Fix::TriggersRemove).await;
        assert!(remove.needs.is_empty(), "{role}: {:?}", remove.needs);
        match run(&theirs, &remove).await {
            Ending::Done(Some(found)) => assert!(found.good, "{role}: {}", found.text),
            other => panic!("{role}: {other:?}"),
        }
        assert_eq!(night.dump().await, before, "{role}");
    }
    // Those of an older mvtop can be taken away by whoever may.
    night
        .sql(
            "CREATE FUNCTION mvtop_refresh_mv_conversaciones_dashboard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
             $$ BEGIN REFRESH MATERIALIZED VIEW public.mv_conversaciones_dashboard; RETURN NULL; END $$;
             ALTER FUNCTION mvtop_refresh_mv_conversaciones_dashboard() OWNER TO app;
             CREATE TRIGGER mvtop_refresh_mv_conversaciones_dashboard AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON usuarios
               FOR EACH STATEMENT EXECUTE FUNCTION mvtop_refresh_mv_conversaciones_dashboard();",
        )
        .await;
    needs(&night.plan_as("app", Fix::TriggersRemove).await, "to own usuarios");
    night.does(Fix::TriggersRemove).await;
    // None of its tables is the owner's; and what could not be taken back is not made.
    night.sql("ALTER TABLE propia OWNER TO ajena; GRANT ALL ON propia TO app").await;
    needs(&night.plan_as("app", Fix::TriggersInstall).await, "propia, usuarios belong to others");
    night.sql("CREATE ROLE guardia LOGIN; GRANT ajena TO app; GRANT USAGE, CREATE ON SCHEMA public TO guardia; GRANT ALL ON propia, usuarios TO guardia").await;
    needs(
        &night.plan_as("guardia", Fix::TriggersInstall).await,
        "to own propia, usuarios: what is made there could not be taken back",
    );
    assert!(night.plan_as("app", Fix::TriggersInstall).await.needs.is_empty());
}

const EVENT: &str = "
    CREATE ROLE intrusa; CREATE FUNCTION espia() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'mine now: %', current_user; END $$;";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_trigger_of_a_stranger_is_named_and_does_not_run() {
    let night = Night::start().await;
    let before = night.plan(Fix::Refresh).await;
    // The watch knows nothing of a view before its facts are read.
    let mut unread = (*night.look("postgres").await).clone();
    for view in &mut unread.views {
        std::sync::Arc::make_mut(view).facts = Default::default();
    }
    night.sql(EVENT).await;
    night.sql("CREATE EVENT TRIGGER vigila ON ddl_command_start EXECUTE FUNCTION espia()").await;
    night.sql("ALTER EVENT TRIGGER vigila DISABLE; ALTER FUNCTION espia() OWNER TO intrusa; ALTER EVENT TRIGGER vigila ENABLE ALWAYS").await;
    let all = [
        Fix::Refresh,
        every_five_minutes(),
        Fix::TriggersInstall,
        Fix::PlainView,
        Fix::DropUnique,
        Fix::CreateUnique(vec!["prospecto_id".into()]),
    ];
    for fix in &all {
        needs(
            &night.plan(fix.clone()).await,
            "the event trigger vigila disabled, or its function public.espia() given to a superuser: it is intrusa's",
        );
    }
    refused(&night, &plan(&unread, &Fix::Refresh), "an event trigger would run a stranger's function").await;
    // It is for other commands only, or trusted.
    night.sql("ALTER EVENT TRIGGER vigila DISABLE; DROP EVENT TRIGGER vigila").await;
    night
        .sql("CREATE EVENT TRIGGER vigila ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION espia()")
        .await;
    needs(&night.plan(Fix::TriggersInstall).await, "vigila");
    for fix in [Fix::Refresh, every_five_minutes(), Fix::PlainView] {
        let plan = night.plan(fix).await;
        assert!(plan.needs.is_empty(), "{:?}", plan.needs);
    }
    let Ending::Done(_) = night.run(&before).await else { panic!("{}", before.sql()) };
}

/// Every command that fires an event trigger is known to be one.
#[tokio::test(flavor = "multi_thread")]
async fn the_tags_that_are_asked_about_are_those_that_fire() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE TABLE etiquetas (tag text); CREATE VIEW de_ella AS SELECT prospecto_id FROM mv_conversaciones_dashboard;
             CREATE ROLE lectora; GRANT SELECT ON mv_conversaciones_dashboard TO lectora; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO lectora;
             COMMENT ON MATERIALIZED VIEW mv_conversaciones_dashboard IS 'x';
             CREATE STATISTICS etapas ON etapa, ejecutivo_id FROM mv_conversaciones_dashboard;
             CREATE FUNCTION anota() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.etiquetas VALUES (tg_tag); END $$;
             CREATE EVENT TRIGGER anota ON ddl_command_start EXECUTE FUNCTION anota()",
        )
        .await;
    for fix in [
        Fix::Refresh,
        every_five_minutes(),
        Fix::TriggersInstall,
        Fix::PlainView,
        Fix::Materialize,
        Fix::TriggersInstall,
        Fix::TriggersRemove,
        Fix::DropUnique,
        Fix::CreateUnique(vec!["prospecto_id".into()]),
        Fix::DropUnique,
    ] {
        night.sql("TRUNCATE etiquetas; DROP INDEX IF EXISTS mv_conversaciones_dashboard_prospecto").await;
        if fix == Fix::DropUnique
            && night.text("SELECT count(*)::text FROM pg_indexes WHERE indexname LIKE 'mvtop%'").await == "0"
        {
            continue;
        }
        night.sql("TRUNCATE etiquetas").await;
        let plan = night.plan(fix.clone()).await;
        let ending = night.run(&plan).await;
        assert!(matches!(ending, Ending::Done(_)), "{fix:?}: {ending:?}");
        // Those of CONCURRENTLY's own temporary table run as the view's owner.
        let fired = night.text("SELECT string_agg(DISTINCT tag, ',' ORDER BY tag) FROM etiquetas").await;
        let known = code::tags(&plan.statements);
        let unknown: Vec<&str> = fired.split(',').filter(|t| !t.is_empty() && !known.contains(t)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{fix:?}: {fired}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_trigger_on_pg_crons_tables_is_named() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE ROLE intrusa; CREATE FUNCTION espia() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'mine now: %', current_user; END $$;
             ALTER FUNCTION espia() OWNER TO intrusa; CREATE TRIGGER espia BEFORE INSERT OR UPDATE OR DELETE ON cron.job EXECUTE FUNCTION espia()",
        )
        .await;
    let words = "the trigger espia on cron.job disabled: its function public.espia() is intrusa's";
    for fix in [every_five_minutes(), Fix::CronPause(JobId(1)), Fix::CronRemove(JobId(1))] {
        needs(&night.plan(fix).await, words);
    }
    let purge = night.plan(Fix::PurgeRuns { days: 30 }).await;
    assert!(purge.needs.is_empty(), "{:?}", purge.needs);
    night.sql("DROP TRIGGER espia ON cron.job; CREATE TRIGGER espia BEFORE DELETE ON cron.job_run_details EXECUTE FUNCTION espia()").await;
    needs(&night.plan(Fix::PurgeRuns { days: 30 }).await, "the trigger espia on cron.job_run_details disabled");
    assert!(night.plan(every_five_minutes()).await.needs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_roles_command_is_not_run_with_our_rights() {
    let night = Night::start().await;
    night
        .sql(
            "CREATE ROLE otra LOGIN; GRANT USAGE ON SCHEMA cron TO otra; SET ROLE otra;
             SELECT cron.schedule('suya', '*/7 * * * *', 'ALTER ROLE otra SUPERUSER'); RESET ROLE",
        )
        .await;
    let id = JobId(night.text("SELECT jobid::text FROM cron.job WHERE jobname = 'suya'").await.parse().unwrap());
    needs(&night.plan(Fix::CronRunNow(id)).await, "to be otra, as whom the job runs");
}

/// pg_cron 1.4 keeps 63 bytes of a name, and takes another job of the same 63 for the same job.
#[tokio::test(flavor = "multi_thread")]
async fn two_views_with_long_names_get_a_job_each() {
    let night = Night::start().await;
    let long = String::from("mv_conversaciones_del_tablero_de_los_ejecutivos_de_ventas_x");
    let names = ["a", "b"].map(|end| format!("{long}_{end}"));
    for name in &names {
        assert!(name.len() <= 63);
        night.sql(&format!("CREATE MATERIALIZED VIEW \"{name}\" AS SELECT id FROM prospectos")).await;
    }
    let snapshot = look(night.demo.conninfo()).await;
    for name in &names {
        let now = snapshot.server_time(chrono::Utc::now());
        let view = snapshot.views.iter().find(|v| v.view.name.name == *name).unwrap();
        let ground = mvtop::pg::fix::Ground { snapshot: &snapshot, view, report: None, now };
        let plan = ground.plan(&every_five_minutes()).unwrap();
        let ending = night.run(&plan).await;
        let Ending::Done(Some(found)) = &ending else { panic!("{ending:?}\n{}", plan.sql()) };
        assert!(found.good, "{}", found.text);
    }
    let commands = "SELECT count(DISTINCT command)::text FROM cron.job WHERE command ~ 'conversaciones_del_tablero'";
    assert_eq!(night.text(commands).await, "2");
}
