//! A plain view is another thing than a materialized one: who may do what with it, whose code runs, and what it means.

use mvtop::domain::fix::{Fix, Need};
use mvtop::pg::operator::Ending;

use crate::{Night, connect, needs, refused};

/// The view's place is taken by another of the same name.
async fn instead(night: &Night, sql: &str) {
    night.sql("ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra").await;
    night.sql(sql).await;
}

/// Auto-updatable where it is a plain view, over a table with row security.
const SIMPLE: &str = "
    CREATE ROLE anon LOGIN; CREATE ROLE lectora LOGIN; CREATE ROLE pasajera; CREATE ROLE fabricante; CREATE ROLE intrusa;
    ALTER TABLE prospectos ENABLE ROW LEVEL SECURITY;
    CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT id, etapa, ejecutivo_id FROM prospectos;
    CREATE UNIQUE INDEX clave ON mv_conversaciones_dashboard (id);
    GRANT ALL ON mv_conversaciones_dashboard TO anon;
    GRANT SELECT, UPDATE ON mv_conversaciones_dashboard TO lectora WITH GRANT OPTION;
    GRANT SELECT (id), INSERT (etapa) ON mv_conversaciones_dashboard TO PUBLIC;
    GRANT DELETE ON mv_conversaciones_dashboard TO pasajera;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO intrusa;
    ALTER DEFAULT PRIVILEGES FOR ROLE fabricante IN SCHEMA public GRANT ALL ON TABLES TO intrusa, anon;";

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_view_hands_on_select_alone_and_the_way_back_brings_the_rest() {
    let night = Night::start().await;
    instead(&night, SIMPLE).await;
    let before = night.dump().await;
    let plan = night.plan(Fix::PlainView).await;
    assert!(
        plan.notes.iter().any(|n| n.contains("would let PUBLIC, anon, lectora, pasajera write")),
        "{:?}",
        plan.notes
    );
    night.does(Fix::PlainView).await;
    let held = "SELECT string_agg(format('%s %s %s', e.grantee::regrole, e.privilege_type, e.is_grantable), ', ' ORDER BY e.grantee::regrole::text)
        FROM pg_class c, aclexplode(c.relacl) e WHERE c.relname = 'mv_conversaciones_dashboard' AND e.grantee <> c.relowner";
    assert_eq!(night.text(held).await, "anon SELECT f, lectora SELECT t");
    let columns =
        "SELECT string_agg(a.attname || ' ' || e.privilege_type, ', ') FROM pg_attribute a, aclexplode(a.attacl) e
        WHERE a.attrelid = 'mv_conversaciones_dashboard'::regclass";
    assert_eq!(night.text(columns).await, "id SELECT");
    let anon = connect(&night.conninfo("anon")).await;
    let error = anon.batch_execute("UPDATE mv_conversaciones_dashboard SET etapa = 'x'").await.unwrap_err();
    assert!(error.to_string().contains("permission denied") || error.as_db_error().is_some(), "{error}");
    // A role that is gone by then is told of and keeps nobody from the way back.
    night.sql("DROP ROLE pasajera").await;
    let plan = night.plan(Fix::Materialize).await;
    assert!(plan.notes.iter().any(|n| n.contains("granted to pasajera is not put back")), "{:?}", plan.notes);
    night.does(Fix::Materialize).await;
    let gone = before.lines().filter(|l| !l.contains("pasajera")).collect::<Vec<_>>();
    assert_eq!(sorted(&night.dump().await), sorted(&gone.join("\n")));
}

/// The lines of a dump: the order of grants is the order in which they were made.
fn sorted(dump: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = dump.lines().filter(|l| !l.trim().is_empty()).collect();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_definition_cannot_be_written_as_is_not_made_of_it() {
    let night = Night::start().await;
    instead(
        &night,
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; SET search_path = public, ext;
         CREATE TABLE g (id int PRIMARY KEY, e citext); INSERT INTO g VALUES (1, 'ANA'), (2, 'ana'), (3, 'eva');",
    )
    .await;
    for select in [
        "SELECT id, nullif(e, 'ana') AS e FROM g",
        "SELECT id, e IS DISTINCT FROM 'ana' AS es FROM g",
        "SELECT id, CASE e WHEN 'ana' THEN 1 ELSE 2 END AS n FROM g",
        "SELECT a.id, count(*) AS n FROM g a JOIN g b USING (e) GROUP BY 1",
    ] {
        night
            .sql(&format!(
                "SET search_path = public, ext; CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS {select};
                 CREATE UNIQUE INDEX clave ON mv_conversaciones_dashboard (id); SET search_path = public"
            ))
            .await;
        let rows = "SELECT string_agg(v::text, ' ' ORDER BY id) FROM mv_conversaciones_dashboard v";
        let before = (night.dump().await, night.text(rows).await);
        let plan = night.plan(Fix::PlainView).await;
        refused(&night, &plan, "would become another view").await;
        assert_eq!((night.dump().await, night.text(rows).await), before, "{select}");
        night.sql("DROP MATERIALIZED VIEW mv_conversaciones_dashboard").await;
    }
    // Neither is it made of a view that reads it.
    night
        .sql(
            "SET search_path = public, ext; CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT id, e FROM g;
             CREATE VIEW de_ella AS SELECT id, e IS DISTINCT FROM 'ana' AS es FROM mv_conversaciones_dashboard; SET search_path = public",
        )
        .await;
    let before = night.dump().await;
    let plan = night.plan(Fix::PlainView).await;
    refused(&night, &plan, "public.de_ella reads it and would become another view").await;
    assert_eq!(night.dump().await, before);
}

/// A view of somebody who would like to know with whose rights her function runs. A sequence keeps what a rollback takes back.
const SPY: &str = "
    CREATE ROLE duena LOGIN; GRANT ALL ON SCHEMA public TO duena; CREATE SEQUENCE marca; GRANT ALL ON marca TO duena;
    CREATE TABLE g (id int PRIMARY KEY); INSERT INTO g SELECT generate_series(1, 5); ALTER TABLE g OWNER TO duena;
    SET SESSION AUTHORIZATION duena;
    CREATE FUNCTION espia(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN
        BEGIN IF current_user <> 'duena' THEN PERFORM nextval('public.marca'); END IF; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN RESET ROLE; IF current_user <> 'duena' THEN PERFORM nextval('public.marca'); END IF; EXCEPTION WHEN OTHERS THEN NULL; END;
        RETURN n; END $$;
    CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT espia(id) AS id FROM g;
    RESET SESSION AUTHORIZATION;";

const MARKED: &str = "SELECT is_called::text FROM marca";

async fn without_a_mark(night: &Night, fix: Fix) {
    let plan = night.plan(fix).await;
    assert!(plan.needs.is_empty(), "{:?}", plan.needs);
    // What looked was the watch.
    night.sql("SELECT setval('marca', 1, false)").await;
    match night.run(&plan).await {
        Ending::Done(found) => assert!(found.is_none_or(|f| f.good), "{}", plan.title),
        other => panic!("{}: {other:?}\n{}", plan.title, plan.sql()),
    }
    assert_eq!(night.text(MARKED).await, "false", "{} ran her function with our rights:\n{}", plan.title, plan.sql());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_definition_runs_with_the_rights_of_whoever_changes_its_kind() {
    let night = Night::start().await;
    let spy = SPY.replace("current_user", "getpgusername()");
    instead(&night, &spy).await;
    without_a_mark(&night, Fix::Refresh).await;
    without_a_mark(&night, Fix::PlainView).await;
    without_a_mark(&night, Fix::Materialize).await;
    assert_eq!(night.text("SELECT count(*)::text FROM mv_conversaciones_dashboard").await, "5");
}

/// As an older mvtop left it: without what was granted, and with whatever its definition is.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_fills_the_view_as_its_owner_would() {
    let night = Night::start().await;
    instead(
        &night,
        "CREATE ROLE duena LOGIN; GRANT ALL ON SCHEMA public TO duena;
         CREATE TABLE g (id int PRIMARY KEY, de text); INSERT INTO g SELECT n, 'duena' FROM generate_series(1, 5) n; GRANT SELECT ON g TO duena;
         CREATE VIEW mv_conversaciones_dashboard AS SELECT id FROM g WHERE de = current_user;
         ALTER VIEW mv_conversaciones_dashboard OWNER TO duena;
         COMMENT ON RULE \"_RETURN\" ON mv_conversaciones_dashboard IS
           'mvtop: {\"storage\":\" WITH (fillfactor=90)\",\"rebuild\":[\"CREATE UNIQUE INDEX clave ON public.mv_conversaciones_dashboard USING btree (id)\"],\"jobs\":[]}'",
    )
    .await;
    night.does(Fix::Materialize).await;
    assert_eq!(night.text("SELECT count(*)::text FROM mv_conversaciones_dashboard").await, "5", "as the owner sees it");
    let stored = "SELECT concat_ws(' ', reloptions, relowner::regrole) FROM pg_class WHERE relname = 'mv_conversaciones_dashboard'";
    assert_eq!(night.text(stored).await, "{fillfactor=90} duena");
    assert_eq!(night.text("SELECT count(*)::text FROM pg_indexes WHERE indexname = 'clave'").await, "1");
    // A plain view would show each reader other rows.
    needs(&night.plan(Fix::PlainView).await, "gives every reader the same rows: this one asks current_user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_somebody_else_wrote_is_not_carried_out() {
    let night = Night::start().await;
    instead(
        &night,
        "CREATE VIEW mv_conversaciones_dashboard AS SELECT id FROM prospectos;
         COMMENT ON RULE \"_RETURN\" ON mv_conversaciones_dashboard IS
           'mvtop: {\"storage\":\"\",\"rebuild\":[\"ALTER ROLE intrusa SUPERUSER\"],\"jobs\":[1, 2]}'",
    )
    .await;
    night.sql("SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobid = 1").await;
    let plan = night.plan(Fix::Materialize).await;
    needs(&plan, "this is not its own: ALTER ROLE intrusa SUPERUSER");
    assert!(!plan.sql().contains("cron.alter_job"), "other jobs stay as they are: {}", plan.sql());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_plain_view_need_what_only_the_owner_needed() {
    let night = Night::start().await;
    instead(
        &night,
        "CREATE ROLE anon; CREATE ROLE lectora; CREATE ROLE duena; GRANT ALL ON SCHEMA public TO duena; GRANT SELECT ON prospectos TO duena;
         CREATE FUNCTION f(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'; REVOKE ALL ON FUNCTION f(text) FROM PUBLIC;
         GRANT EXECUTE ON FUNCTION f(text) TO lectora;
         CREATE VIEW abajo AS SELECT id, f(etapa) AS etapa FROM prospectos;
         CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT id, etapa FROM abajo;
         GRANT SELECT ON mv_conversaciones_dashboard TO lectora; GRANT SELECT (id) ON mv_conversaciones_dashboard TO anon",
    )
    .await;
    let plan = night.plan(Fix::PlainView).await;
    assert_eq!(plan.needs, [Need::from("EXECUTE on public.f(text) for anon, who reads the view")]);
    assert!(
        plan.notes.iter().any(|n| n.contains("public.f(text) then runs with the rights of whoever reads")),
        "{:?}",
        plan.notes
    );
    night.sql("GRANT SELECT ON mv_conversaciones_dashboard TO PUBLIC").await;
    needs(&night.plan(Fix::PlainView).await, "EXECUTE on public.f(text) for PUBLIC, who reads the view");
    night.sql("GRANT EXECUTE ON FUNCTION f(text) TO PUBLIC").await;
    night.does(Fix::PlainView).await;
    night.does(Fix::Materialize).await;
    night
        .sql(
            "ALTER TABLE prospectos ENABLE ROW LEVEL SECURITY; CREATE POLICY ver ON prospectos USING (true); ALTER VIEW abajo OWNER TO duena;
             ALTER MATERIALIZED VIEW mv_conversaciones_dashboard OWNER TO duena",
        )
        .await;
    needs(&night.plan(Fix::PlainView).await, "no row security between duena and prospectos");
}
