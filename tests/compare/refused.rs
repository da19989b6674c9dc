//! Views that cannot be compared say why; never do they show drift that is none.

use super::{Bench, LIMITS, connect, watching};
use mvtop::demo::cluster::{DATABASE, SUPERUSER};
use mvtop::domain::drift::Scope;
use mvtop::domain::reading::{Problem, ProblemKind};
use mvtop::domain::rights::cannot_compare;
use mvtop::domain::snapshot::{DrillTarget, ViewState};
use mvtop::domain::view::View;
use mvtop::pg::catalog;
use mvtop::pg::look::ViewReader;
use mvtop::pg::probes::compare::Before;
use mvtop::pg::probes::{compare, drill};
use mvtop::pg::session::Limits;
use std::sync::Arc;
use std::time::Duration;

const BASE: &str = "CREATE TABLE t (id int, who text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');";

/// The problems of all that reads the view's rows.
async fn problems(reader: &ViewReader, view: &View, limits: Limits) -> Vec<Problem> {
    let target = DrillTarget { view: view.oid, member: None };
    let key = vec!["[\"1\"]".to_string()];
    let look = match reader.look(view).await {
        Ok(look) => look,
        Err(problem) => return vec![problem],
    };
    let mut problems = vec![
        compare::compare(&look, Scope::Groups, &Before::Nothing, limits).await.unwrap_err(),
        compare::compare(&look, Scope::Values, &Before::Nothing, limits).await.unwrap_err(),
        drill::index(&look, &target, None, limits).await.unwrap_err(),
    ];
    if !view.key.is_empty() {
        problems.push(drill::page(&look, &key, limits).await.unwrap_err());
    }
    problems
}

/// The view as another role's catalog describes it, and that role's reader.
async fn seen_by(bench: &Bench, role: &str, view: &View) -> (View, ViewReader) {
    let (session, reader) = watching(&bench.cluster.conninfo_for(role, DATABASE)).await;
    (catalog::views(&session, Some(&[view.oid])).await.unwrap().remove(0), reader)
}

#[tokio::test]
async fn row_security_on_a_base_table_is_a_missing_right_and_no_drift() {
    let sql = format!(
        "{BASE} CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id);
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON t USING (who = 'a');
         DO $$ BEGIN CREATE ROLE looker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT USAGE ON SCHEMA secured TO looker; GRANT SELECT ON ALL TABLES IN SCHEMA secured TO looker"
    );
    let bench = Bench::new("secured", &sql).await;
    let view = bench.view("v").await;
    let looker = bench.cluster.conninfo_for("looker", DATABASE);
    let client = connect(&looker).await;
    let seen: i64 = client.query_one("SELECT count(*) FROM secured.t", &[]).await.unwrap().get(0);
    assert_eq!(seen, 1, "row security hides rows from this role");
    let (seen, reader) = seen_by(&bench, "looker", &view).await;
    for problem in problems(&reader, &seen, LIMITS).await {
        assert_eq!(problem.kind, ProblemKind::RowSecurity, "{problem:?}");
    }
    // The owner's comparison is not held up.
    bench.run("UPDATE t SET who = 'z' WHERE id = 1").await;
    bench.check_and_refresh(&view, &["id"]).await;
}

#[tokio::test]
async fn a_missing_right_to_a_base_table() {
    let sql = format!(
        "{BASE} CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id);
         DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT USAGE ON SCHEMA forbidden TO stranger; GRANT SELECT ON v TO stranger"
    );
    let bench = Bench::new("forbidden", &sql).await;
    let view = bench.view("v").await;
    let (seen, reader) = seen_by(&bench, "stranger", &view).await;
    for problem in problems(&reader, &seen, LIMITS).await {
        assert_eq!(problem.kind, ProblemKind::Permission, "{problem:?}");
    }
}

#[tokio::test]
async fn a_view_that_was_never_populated() {
    let sql =
        format!("{BASE} CREATE MATERIALIZED VIEW v AS SELECT * FROM t WITH NO DATA; CREATE UNIQUE INDEX ON v (id)");
    let bench = Bench::new("unpopulated", &sql).await;
    let view = bench.view("v").await;
    for problem in problems(&bench.reader, &view, LIMITS).await {
        assert!(problem.text.contains("has not been populated"), "{problem:?}");
    }
    bench.refresh(&view).await;
    assert_eq!(bench.check(&view, &["id"]).await.totals().wrong(), 0);
}

#[tokio::test]
async fn a_definition_that_fails_on_the_data_of_now() {
    let sql = format!(
        "{BASE} CREATE MATERIALIZED VIEW v AS SELECT id, who, 6 / id AS share FROM t; CREATE UNIQUE INDEX ON v (id)"
    );
    let bench = Bench::new("failing", &sql).await;
    let view = bench.view("v").await;
    bench.run("INSERT INTO t VALUES (0, 'zero')").await;
    let found = bench.try_compare(&view, Scope::Values, &Before::Nothing, LIMITS).await.unwrap_err();
    assert_eq!(found.kind, ProblemKind::Other);
    assert!(found.text.contains("division by zero"), "{found:?}");
    // The session lives on, and what needs no failing column is still compared.
    bench.run("DELETE FROM t WHERE id = 0").await;
    assert_eq!(bench.check(&view, &["id"]).await.totals().wrong(), 0);
}

#[tokio::test]
async fn a_definition_that_takes_longer_than_it_may() {
    let sql = format!("{BASE} CREATE MATERIALIZED VIEW v AS SELECT id, who, pg_sleep(0.01 * id) IS NULL AS slept FROM t; CREATE UNIQUE INDEX ON v (id);
        INSERT INTO t SELECT n, 'slow' FROM generate_series(1000, 2000) n");
    let bench = Bench::new("slow", &sql).await;
    let mut view = bench.view("v").await;
    view.groups.clear();
    let limits = Limits { statement: Duration::from_millis(100), ..LIMITS };
    let problem = bench.try_compare(&view, Scope::Values, &Before::Nothing, limits).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Timeout, "{problem:?}");
    assert!(!bench.session.is_closed());
}

/// A view that is dropped, or whose columns changed, after it was looked up.
#[tokio::test]
async fn a_view_that_is_gone() {
    let sql = format!("{BASE} CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id)");
    let bench = Bench::new("dropped", &sql).await;
    let view = bench.view("v").await;
    bench.run("DROP MATERIALIZED VIEW v").await;
    for problem in problems(&bench.reader, &view, LIMITS).await {
        assert!(problem.text.contains("does not exist"), "{problem:?}");
    }
}

/// A refresh reads by the rights of the view's owner, whatever the role that compares may see.
#[tokio::test]
async fn row_security_that_binds_the_owner_of_a_view_is_no_drift() {
    let sql = format!(
        "{BASE} DO $$ BEGIN CREATE ROLE bound LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON t TO bound USING (who = 'a');
         GRANT SELECT ON t TO bound; GRANT USAGE, CREATE ON SCHEMA bound_owner TO bound;
         CREATE MATERIALIZED VIEW mine AS SELECT * FROM t;
         SET ROLE bound; CREATE MATERIALIZED VIEW v AS SELECT * FROM t; RESET ROLE"
    );
    let bench = Bench::new("bound_owner", &sql).await;
    assert_eq!(bench.view("mine").await.hides, None, "row security does not bind a superuser");
    let view = bench.view("v").await;
    for scope in [Scope::Groups, Scope::Values] {
        let compared = bench.try_compare(&view, scope, &Before::Nothing, LIMITS).await.unwrap();
        assert_eq!((compared.totals.view, compared.totals.wrong()), (1, 0), "it is looked at as its owner");
    }
    bench
        .run(
            "DO $$ BEGIN CREATE ROLE past LOGIN BYPASSRLS; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA bound_owner TO past; GRANT SELECT ON t, v TO past",
        )
        .await;
    let (seen, reader) = seen_by(&bench, "past", &view).await;
    let problem = problems(&reader, &seen, LIMITS).await.remove(0);
    assert_eq!(problem.kind, ProblemKind::RowSecurity, "{problem:?}");
    let said = cannot_compare(None, &ViewState::new(Arc::new(seen)), &problem);
    assert!(said.contains("hide rows of t from bound"), "{said}");
    bench.run("CREATE VIEW below AS SELECT * FROM t; CREATE MATERIALIZED VIEW through AS SELECT * FROM below").await;
    assert_eq!(bench.view("through").await.hides, None, "the plain view's owner is no other than ours");
    bench.run("ALTER VIEW below OWNER TO bound").await;
    assert!(bench.view("through").await.hides.is_some_and(|hidden| hidden.role == "bound"));
    bench.run("ALTER ROLE bound BYPASSRLS").await;
    assert_eq!(bench.view("v").await.hides, None);
}

/// Whoever comes now waits behind one that waits.
#[tokio::test]
async fn a_lock_that_is_only_waited_for_leaves_the_other_views_known() {
    let bench = Bench::new(
        "waited_for",
        "CREATE TABLE t (id int); CREATE MATERIALIZED VIEW v AS TABLE t; CREATE MATERIALIZED VIEW w AS TABLE t",
    )
    .await;
    let oids = [bench.view("v").await.oid, bench.view("w").await.oid];
    let conninfo = bench.cluster.conninfo_for(SUPERUSER, DATABASE);
    let (reader, refresher) = (connect(&conninfo).await, connect(&conninfo).await);
    reader.batch_execute("BEGIN; SELECT FROM waited_for.v").await.unwrap();
    let refresh = tokio::spawn(async move { refresher.batch_execute("REFRESH MATERIALIZED VIEW waited_for.v").await });
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'waited_for.v'::regclass)";
    while !bench.client.query_one(waits, &[]).await.unwrap().get::<_, bool>(0) {
        tokio::task::yield_now().await;
    }
    let views = catalog::views(&bench.session, Some(&oids)).await.unwrap();
    let known: Vec<bool> = views.iter().map(|v| v.has_definition()).collect();
    assert_eq!(known, [false, true], "its own definition would be waited for");
    reader.batch_execute("COMMIT").await.unwrap();
    refresh.await.unwrap().unwrap();
    assert!(bench.view("v").await.has_definition());
}

/// pg_get_viewdef locks what the definition reads, and would wait for whoever has it.
#[tokio::test]
async fn a_lock_on_what_one_view_reads_leaves_the_others_known() {
    let bench = Bench::new(
        "locked_below",
        "CREATE TABLE t (id int); CREATE TABLE u (id int); CREATE VIEW p AS TABLE t;
         CREATE MATERIALIZED VIEW v AS TABLE p; CREATE MATERIALIZED VIEW w AS TABLE t; CREATE MATERIALIZED VIEW x AS TABLE u",
    )
    .await;
    let mut oids = Vec::new();
    for name in ["v", "w", "x"] {
        oids.push(bench.view(name).await.oid);
    }
    let holder = connect(&bench.cluster.conninfo_for(SUPERUSER, DATABASE)).await;
    for (locked, known) in [("t", [true, false, true]), ("p", [false, false, true]), ("u", [true, true, false])] {
        holder.batch_execute(&format!("BEGIN; LOCK TABLE locked_below.{locked}")).await.unwrap();
        let views = catalog::views(&bench.session, Some(&oids)).await.unwrap();
        let has = |name: &str| views.iter().find(|v| v.name.name == name).unwrap().has_definition();
        assert_eq!(["v", "w", "x"].map(has), known, "{locked}");
        holder.batch_execute("ROLLBACK").await.unwrap();
    }
}
