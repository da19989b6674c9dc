//! What a job's command refreshes.

use super::*;
use crate::domain::view::ViewName;

/// An active job of postgres, every minute.
pub(crate) fn job(command: &str) -> Job {
    Job {
        id: JobId(1),
        name: None,
        schedule: "* * * * *".into(),
        command: command.into(),
        database: "crm".into(),
        username: "postgres".into(),
        active: true,
        here: true,
        owner_exists: true,
        changed_after: None,
        search_path: None,
    }
}

fn refreshes(command: &str, schema: &str, name: &str) -> bool {
    let job = job(command);
    History { jobs: vec![job.clone()], ..History::default() }
        .job_refreshes(&job, &ViewName { schema: schema.into(), name: name.into() })
}

fn named(name: &str) -> ViewName {
    let (schema, name) = name.split_once('.').unwrap();
    ViewName { schema: schema.into(), name: name.into() }
}

/// Which of the views named so a job refreshes.
fn of_these(job: Job, routines: Vec<Routine>, views: [&str; 2]) -> [bool; 2] {
    let mut history = History { jobs: vec![job.clone()], routines, ..History::default() };
    history.settle(History::homes(views.map(named).iter()));
    views.map(|view| history.job_refreshes(&job, &named(view)))
}

fn routine(name: &str, body: &str) -> Routine {
    let ViewName { schema, name } = named(name);
    Routine { schema, name, body: body.into(), search_path: None, definer: None }
}

#[test]
fn a_bare_name_is_the_only_view_of_that_name() {
    let job = || job("REFRESH MATERIALIZED VIEW mv");
    assert_eq!(of_these(job(), vec![], ["ventas.mv", "public.otra"]), [true, false]);
}

#[test]
fn of_several_views_a_bare_name_is_the_first_in_the_search_path() {
    let both = ["ventas.mv", "public.mv"];
    for (command, setting, refreshed) in [
        ("REFRESH MATERIALIZED VIEW mv", None, [false, true]),
        ("REFRESH MATERIALIZED VIEW mv", Some("ventas, public"), [true, false]),
        ("REFRESH MATERIALIZED VIEW mv", Some("\"$user\", public"), [false, true]),
        ("REFRESH MATERIALIZED VIEW mv", Some("otro"), [false, false]),
        ("REFRESH MATERIALIZED VIEW public.mv", Some("ventas"), [false, true]),
        ("SET search_path = ventas; REFRESH MATERIALIZED VIEW mv", None, [true, false]),
        ("SET LOCAL search_path TO 'ventas', public; REFRESH MATERIALIZED VIEW mv", None, [true, false]),
        ("SELECT set_config('search_path', 'ventas', false); REFRESH MATERIALIZED VIEW mv", None, [true, false]),
        ("REFRESH MATERIALIZED VIEW mv; SET search_path = ventas", None, [false, true]),
        ("SET search_path = ventas; SET search_path TO DEFAULT; REFRESH MATERIALIZED VIEW mv", None, [false, true]),
    ] {
        let job = Job { search_path: setting.map(Into::into), ..job(command) };
        assert_eq!(of_these(job, vec![], both), refreshed, "{command} with {setting:?}");
    }
    let own = Job { username: "ventas".into(), ..job("REFRESH MATERIALIZED VIEW mv") };
    assert_eq!(of_these(own, vec![], both), [true, false], "the schema of the job's role comes first");
}

#[test]
fn what_a_command_calls_may_be_what_refreshes() {
    let body = "BEGIN PERFORM 1; REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv; END";
    for (command, is_called) in [
        ("CALL refresca()", true),
        ("SELECT ventas.refresca ()", true),
        ("SELECT crm.\"ventas\".Refresca(1)", true),
        ("DO $$ BEGIN PERFORM ventas.refresca(); END $$", true),
        ("REFRESH MATERIALIZED VIEW refresca", false),
        ("SELECT 'refresca()' -- refresca()", false),
        ("SELECT otro.refresca()", false),
        ("SELECT \"Refresca\"()", false),
        ("SELECT refresca FROM t", false),
        ("DROP FUNCTION ventas.refresca()", false),
        ("INSERT INTO ventas.refresca(id) VALUES (1)", false),
    ] {
        let refreshed =
            of_these(job(command), vec![routine("ventas.refresca", body)], ["ventas.mv", "public.refresca"]);
        assert_eq!(refreshed[0], is_called, "{command}");
    }
}

#[test]
fn names_that_are_made_as_a_job_runs_are_not_taken_for_none() {
    let made = "DECLARE r record; BEGIN FOR r IN SELECT matviewname AS n FROM pg_matviews LOOP
        EXECUTE 'REFRESH MATERIALIZED VIEW ' || quote_ident(r.n); END LOOP; END";
    for (command, body, is_hidden) in [
        ("SELECT refresca()", made, true),
        ("SELECT refresca()", "BEGIN REFRESH MATERIALIZED VIEW ventas.mv; END", false),
        ("DO $$ BEGIN EXECUTE format('REFRESH MATERIALIZED VIEW %I', 'mv'); END $$", made, true),
        ("VACUUM", made, false),
        ("SELECT refresca()", "BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW ventas.mv'; END", false),
        ("SELECT refresca()", "BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW public.' || quote_ident(n); END", true),
        ("SELECT refresca()", "BEGIN -- refresh materialized view mv\n PERFORM 1; END", false),
    ] {
        let routines = vec![routine("ventas.refresca", body)];
        let history =
            History { jobs: vec![Job { here: true, active: true, ..job(command) }], routines, ..History::default() };
        assert_eq!(history.job_of_hidden_names().is_some(), is_hidden, "{command}");
    }
}

#[test]
fn a_routine_s_own_search_path_and_role_count_in_it() {
    let routine = Routine {
        search_path: Some("ventas".into()),
        definer: Some("duena".into()),
        ..routine("public.refresca", "BEGIN REFRESH MATERIALIZED VIEW mv; END")
    };
    let both = ["ventas.mv", "public.mv"];
    assert_eq!(of_these(job("SELECT refresca()"), vec![routine.clone()], both), [true, false]);
    let mut history = History { jobs: vec![job("SELECT refresca()")], routines: vec![routine], ..History::default() };
    history.settle(History::homes(both.map(named).iter()));
    let view = named("ventas.mv");
    assert_eq!(history.definers(&history.jobs[0], &view).collect::<Vec<_>>(), ["duena"]);
}

#[test]
fn a_trigger_s_bare_name_is_taken_for_the_view_in_whatever_schema() {
    let view = ViewName { schema: "ventas".into(), name: "mv".into() };
    for (body, path, is_it) in [
        ("BEGIN REFRESH MATERIALIZED VIEW mv; RETURN NULL; END", None, true),
        ("BEGIN REFRESH MATERIALIZED VIEW mv; RETURN NULL; END", Some("ventas, public"), true),
        ("BEGIN REFRESH MATERIALIZED VIEW mv; RETURN NULL; END", Some("otra"), false),
        ("BEGIN REFRESH MATERIALIZED VIEW otra.mv; RETURN NULL; END", None, false),
    ] {
        assert_eq!(trigger_modes(body, path, &view).next().is_some(), is_it, "{body} {path:?}");
    }
}

#[test]
fn a_command_is_put_into_a_transaction_only_where_it_has_none_of_its_own() {
    for command in
        ["REFRESH MATERIALIZED VIEW mv;", "/* x */ SELECT 1; -- y\n DELETE FROM t", "SET x = 1; SELECT 'BEGIN'"]
    {
        assert!(is_whole(command), "{command}");
    }
    for command in [
        "/* nightly */ CALL t.p()",
        "-- nightly\nVACUUM t",
        "DO $d$ BEGIN COMMIT; END $d$",
        "BEGIN; INSERT INTO t VALUES (1); COMMIT; REFRESH MATERIALIZED VIEW mv",
        "SELECT 1; CALL p()",
    ] {
        assert!(!is_whole(command), "{command}");
    }
}

#[test]
fn whom_a_run_makes_wait_is_told_by_how_it_refreshes_the_view_itself_in_what_it_calls_too() {
    let view = named("ventas.mv");
    let body = "BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv; END";
    let told = |command: &str| {
        let routines = vec![routine("ventas.refresca", body)];
        let history = History { jobs: vec![job(command)], routines, ..History::default() };
        history.lets_read(&history.jobs[0], &view)
    };
    assert_eq!(told("REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv"), Some(true));
    assert_eq!(told("SELECT ventas.refresca()"), Some(true));
    let both = "REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.otra; REFRESH MATERIALIZED VIEW ventas.mv";
    assert_eq!(told(both), Some(false));
    assert_eq!(told("REFRESH MATERIALIZED VIEW ventas.mv -- not concurrently"), Some(false));
    assert_eq!(told("REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.otra"), Some(true), "what it refreshes");
    assert_eq!(told("SELECT limpia()"), None);
}

#[test]
fn a_job_refreshes_the_view_its_command_names_however_it_is_written() {
    for command in [
        "REFRESH MATERIALIZED VIEW CONCURRENTLY mv",
        "refresh  materialized\nview public.mv;",
        "SELECT 1; REFRESH MATERIALIZED VIEW \"public\".\"mv\" WITH DATA",
        "/* nightly */ REFRESH MATERIALIZED VIEW MV -- now",
        "REFRESH MATERIALIZED VIEW crm.public.mv",
        "SELECT $1, 'it''s', E'it\\'s'; REFRESH MATERIALIZED VIEW mv",
        "DO $$ BEGIN REFRESH MATERIALIZED VIEW mv; END $$",
        "DO LANGUAGE plpgsql $x$ BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW mv'; END $x$",
        "EXPLAIN SELECT 1; REFRESH MATERIALIZED VIEW mv",
    ] {
        assert!(refreshes(command, "public", "mv"), "{command}");
    }
}

#[test]
fn a_job_does_not_refresh_a_view_with_a_similar_name_or_one_only_mentioned() {
    for command in [
        "REFRESH MATERIALIZED VIEW mv2",
        "REFRESH MATERIALIZED VIEW otro.mv",
        "REFRESH MATERIALIZED VIEW \"MV\"",
        "SELECT 'REFRESH MATERIALIZED VIEW mv'",
        "-- REFRESH MATERIALIZED VIEW mv\nSELECT 1",
        "REFRESH MATERIALIZED VIEW",
        "REFRESH MATERIALIZED VIEW mv WITH NO DATA",
        "SELECT 1 /* old: /* x */ REFRESH MATERIALIZED VIEW mv */",
        "SELECT E'it\\'s; REFRESH MATERIALIZED VIEW mv; done'",
        "INSERT INTO log VALUES ($x$REFRESH MATERIALIZED VIEW mv$x$)",
        "EXPLAIN REFRESH MATERIALIZED VIEW mv",
        "REFRESH MATERIALIZED VIEW public.mv.otro",
    ] {
        assert!(!refreshes(command, "public", "mv"), "{command}");
    }
    assert!(refreshes("refresh materialized view \"Año \"\"x\"\"\".v", "Año \"x\"", "v"));
}
