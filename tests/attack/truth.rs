//! Views that are true by the refresh of whoever refreshes them. The oracle is that refresh itself, in a transaction that is
//! rolled back; what the program counts is the same, or it says that it could not compare.

use std::fmt::Write as _;

use serde_json::Value;

use crate::harness::{House, Session};
use crate::imitation;

/// Must the view be compared, or may the program say that it cannot be?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Must,
    May,
}

/// Rows of the view that the refresh takes away, and rows that it brings.
fn oracle(house: &House, refresher: &str, view: &str) -> (u64, u64) {
    let session = Session::open(&house.conninfo(refresher));
    session.run(&format!("BEGIN; CREATE TEMP TABLE was AS SELECT * FROM {view}; REFRESH MATERIALIZED VIEW {view}"));
    let rows = session.rows(&format!(
        "SELECT (SELECT count(*) FROM (TABLE was EXCEPT ALL TABLE {view}) x), (SELECT count(*) FROM (TABLE {view} EXCEPT ALL TABLE was) x)"
    ));
    session.run("ROLLBACK");
    (rows[0][0].parse().unwrap(), rows[0][1].parse().unwrap())
}

/// What the program counts, in the oracle's terms; `None`: not compared.
fn counted(drift: &Value) -> Option<(u64, u64)> {
    let [missing, gone, moved, changed] = ["missing", "gone", "moved", "changed"].map(|kind| drift[kind].as_u64());
    let both = moved? + changed?;
    Some((gone? + both, missing? + both))
}

/// Looks as each role at each view, refreshed by a role; what is not as the oracle has it.
fn look(house: &House, roles: &[&str], refresher: &str, views: &[(&str, Look)], wrong: &mut String) {
    let truths: Vec<_> = views.iter().map(|(view, _)| oracle(house, refresher, view)).collect();
    for role in roles {
        let document = house.checked(&house.conninfo(role), &["--timeout", "20s"]);
        for ((name, look), truth) in views.iter().zip(&truths) {
            let is_it = |view: &&Value| view["view"].as_str() == Some(name);
            let view = document["views"].as_array().and_then(|views| views.iter().find(is_it));
            let drift = view.map_or(&Value::Null, |view| &view["drift"]);
            match counted(drift) {
                Some(counts) if counts == *truth => {}
                None if *look == Look::May => {}
                counts => {
                    let why = drift["problem"].as_str().unwrap_or("no reason");
                    writeln!(wrong, "{role} at {name}: {counts:?} instead of {truth:?} ({why})").unwrap();
                }
            }
        }
    }
}

/// The owner lives in Tokyo and names a tenant; nobody who looks does.
const OF_TOKYO: &str =
    "CREATE ROLE duena LOGIN; ALTER ROLE duena SET timezone = 'Asia/Tokyo'; ALTER ROLE duena SET app.tenant = 'norte';
    ALTER ROLE duena SET datestyle = 'German'; CREATE SCHEMA s AUTHORIZATION duena; GRANT USAGE ON SCHEMA s TO PUBLIC";
const IN_TOKYO: &str = "CREATE TABLE s.t (id int PRIMARY KEY, ejecutivo_id int, at timestamptz, b bytea, i interval, m numeric);
    INSERT INTO s.t SELECT i, i % 5, '2026-01-01 00:00+00'::timestamptz + i * interval '1 hour', '\\xff', '1 day', 5 FROM generate_series(1, 48) i;
    CREATE MATERIALIZED VIEW s.por_dia AS SELECT id, ejecutivo_id, at::date AS dia FROM s.t; CREATE UNIQUE INDEX ON s.por_dia (id);
    CREATE MATERIALIZED VIEW s.cuenta AS SELECT at::date AS dia, count(*) AS n FROM s.t GROUP BY 1; CREATE UNIQUE INDEX ON s.cuenta (dia);
    CREATE MATERIALIZED VIEW s.quien AS SELECT id, current_user::text AS who FROM s.t; CREATE UNIQUE INDEX ON s.quien (id);
    CREATE MATERIALIZED VIEW s.txt AS SELECT id, at::text AS a, i::text AS ii, b::text AS bb, to_char(at, 'YYYY-MM-DD HH24') AS c FROM s.t;
    CREATE UNIQUE INDEX ON s.txt (id);
    CREATE MATERIALIZED VIEW s.gc AS SELECT id, current_setting('app.tenant', true) AS tenant FROM s.t; CREATE UNIQUE INDEX ON s.gc (id);
    CREATE MATERIALIZED VIEW s.be AS SELECT id, pg_backend_pid() AS pid FROM s.t; CREATE UNIQUE INDEX ON s.be (id);
    CREATE MATERIALIZED VIEW s.yo AS SELECT id FROM s.t WHERE pg_has_role(current_user, 'pg_read_all_data', 'usage') OR id < 5;
    CREATE UNIQUE INDEX ON s.yo (id)";

#[test]
fn the_owners_settings_and_name_are_those_of_the_look() {
    let house = House::plain();
    house.run(OF_TOKYO);
    house.run_as("duena", IN_TOKYO);
    let mut wrong = String::new();
    let views = ["s.por_dia", "s.cuenta", "s.quien", "s.txt", "s.gc", "s.yo"].map(|view| (view, Look::Must));
    look(&house, &["postgres", "duena"], "duena", &views, &mut wrong);
    let views = views.map(|(view, _)| (view, Look::May));
    look(&house, &["lector"], "duena", &[&views[..], &[("s.be", Look::May)]].concat(), &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_settings_of_a_jobs_role_in_its_database_are_those_of_the_look() {
    let house = House::plain();
    house.run(
        "CREATE ROLE etl LOGIN; GRANT dueno TO etl; ALTER ROLE etl IN DATABASE crm SET timezone = 'America/Mexico_City';
         GRANT USAGE ON SCHEMA cron TO etl; CREATE SCHEMA s AUTHORIZATION dueno; GRANT USAGE ON SCHEMA s TO PUBLIC;
         SET ROLE etl; SELECT cron.schedule('noche', '0 0 29 2 *', 'REFRESH MATERIALIZED VIEW s.por_dia')",
    );
    house.run_as(
        "dueno",
        "CREATE TABLE s.t (id int PRIMARY KEY, ejecutivo_id int, at timestamptz);
         INSERT INTO s.t SELECT i, i % 5, '2026-01-01 00:00+00'::timestamptz + i * interval '1 hour' FROM generate_series(1, 48) i;
         CREATE MATERIALIZED VIEW s.por_dia AS SELECT id, ejecutivo_id, at::date AS dia FROM s.t; CREATE UNIQUE INDEX ON s.por_dia (id)",
    );
    house.run_as("etl", "REFRESH MATERIALIZED VIEW s.por_dia");
    let mut wrong = String::new();
    look(&house, &["postgres"], "etl", &[("s.por_dia", Look::Must)], &mut wrong);
    look(&house, &["dueno", "lector"], "etl", &[("s.por_dia", Look::May)], &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

/// The role that looks lives in Tokyo; the owner has nothing of its own, so a refresh goes by the server.
#[test]
fn a_setting_that_only_the_looking_role_has_is_not_taken_for_the_refreshers() {
    let house = House::plain();
    house.run("CREATE SCHEMA s AUTHORIZATION dueno; GRANT USAGE ON SCHEMA s TO PUBLIC");
    house.run_as("dueno", IN_TOKYO);
    house.run("ALTER ROLE postgres SET timezone = 'Asia/Tokyo'; ALTER ROLE lector SET datestyle = 'German'");
    house.run("CREATE ROLE dba SUPERUSER LOGIN; ALTER ROLE dba SET statement_timeout = '1min'");
    let mut wrong = String::new();
    let views = ["s.por_dia", "s.cuenta", "s.txt"];
    look(&house, &["postgres", "lector"], "dueno", &views.map(|view| (view, Look::May)), &mut wrong);
    look(&house, &["dba"], "dueno", &views.map(|view| (view, Look::Must)), &mut wrong);
    house.run("SET ROLE dueno; SELECT cron.schedule('noche', '0 0 29 2 *', 'REFRESH MATERIALIZED VIEW s.por_dia')");
    let chosen = format!("{} options='-c timezone=Asia/Tokyo'", house.conninfo("dba"));
    let document = house.checked(&chosen, &["--view", "s.por_dia"]);
    assert!(counted(&document["views"][0]["drift"]).is_none_or(|counts| counts == (0, 0)), "{document}");
    let said = crate::harness::text(&house.mvtop(&["check", &house.conninfo("postgres"), "--view", "s.txt"]));
    assert!(said.contains("ALTER ROLE postgres RESET"), "{said}");
    assert!(wrong.is_empty(), "{wrong}");
}

/// What the server's own functions, aggregates and row comparisons take from the session; constants written under our own style.
#[test]
fn what_depends_on_the_refreshing_session_is_compared_under_it_or_not_at_all() {
    let house = House::plain();
    house.run("CREATE SCHEMA s AUTHORIZATION dueno; GRANT USAGE ON SCHEMA s TO PUBLIC");
    house.run(
        "ALTER ROLE dueno IN DATABASE crm SET search_path = s, public; ALTER ROLE dueno SET datestyle = 'ISO, MDY';
         ALTER ROLE dueno SET intervalstyle = 'postgres'; ALTER ROLE dueno SET timezone = 'UTC';
         ALTER ROLE postgres SET datestyle = 'SQL, DMY'; ALTER ROLE postgres SET intervalstyle = 'sql_standard'; ALTER ROLE postgres SET timezone = 'Asia/Tokyo'",
    );
    house.run_as(
        "dueno",
        "CREATE TABLE s.t (id int PRIMARY KEY, ejecutivo_id int, at timestamptz, d date);
         INSERT INTO s.t SELECT i, i % 3, '2026-01-01 20:00+00'::timestamptz + i * interval '1 hour', date '2024-03-01' + i FROM generate_series(1, 9) i;
         CREATE MATERIALIZED VIEW s.v_constant AS SELECT id, ejecutivo_id FROM t WHERE d < date '2024-03-08';
         CREATE MATERIALIZED VIEW s.v_interval AS SELECT id, ejecutivo_id, d + interval '-1 day -02:00:00' AS e FROM t;
         CREATE MATERIALIZED VIEW s.v_session AS SELECT id, ejecutivo_id, session_user::text AS who FROM t;
         CREATE MATERIALIZED VIEW s.v_schema AS SELECT id, ejecutivo_id, current_schema()::text AS who FROM t;
         CREATE MATERIALIZED VIEW s.v_regclass AS SELECT id, ejecutivo_id, 't'::regclass::oid::regclass::text AS who FROM t;
         CREATE MATERIALIZED VIEW s.v_json AS SELECT ejecutivo_id AS id, json_agg(at ORDER BY id)::jsonb AS j FROM t GROUP BY 1;
         CREATE MATERIALIZED VIEW s.v_row AS SELECT id, ejecutivo_id FROM t WHERE ROW(at, 1) < ROW('2026-01-02'::date, 1)",
    );
    let mut wrong = String::new();
    let views = ["s.v_constant", "s.v_interval"].map(|view| (view, Look::Must));
    look(&house, &["postgres", "dueno"], "dueno", &views, &mut wrong);
    let views = ["s.v_session", "s.v_schema", "s.v_regclass", "s.v_json", "s.v_row"].map(|view| (view, Look::May));
    look(&house, &["postgres", "dueno", "lector"], "dueno", &views, &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

/// PGTZ is what a person chose for themselves; the job's session has none of it.
#[test]
fn what_is_chosen_for_the_connection_is_not_taken_for_a_jobs() {
    let house = House::plain();
    house.run("CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, ejecutivo_id int, at timestamptz);
         INSERT INTO s.t SELECT i, i % 3, '2026-01-01 00:30+00'::timestamptz + i * interval '1 hour' FROM generate_series(1, 9) i;
         CREATE MATERIALIZED VIEW s.v AS SELECT id, ejecutivo_id, at::date AS d FROM s.t;
         SELECT cron.schedule('noche', '0 0 29 2 *', 'REFRESH MATERIALIZED VIEW s.v')");
    let chosen = format!("{} options='-c timezone=America/Bogota'", house.conninfo("postgres"));
    let document = house.checked(&chosen, &["--view", "s.v"]);
    assert!(counted(&document["views"][0]["drift"]).is_none_or(|counts| counts == (0, 0)), "{document}");
}

#[test]
fn operators_that_no_text_can_qualify_are_those_of_the_rule() {
    let house = House::plain();
    house.run(
        "CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO PUBLIC; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext;
         CREATE SCHEMA s AUTHORIZATION dueno; GRANT USAGE ON SCHEMA s TO PUBLIC",
    );
    // Two texts for one value, as each type writes it.
    let types = [("citext", "ext.citext", ["Ana", "ANA"]), ("hstore", "ext.hstore", ["a=>1,b=>2", "b=>2, a=>1"])];
    let (mut made, mut views) = (String::from("SET search_path = s, ext; "), Vec::new());
    for (word, kind, [one, other]) in types {
        made += &format!("CREATE DOMAIN s.of_{word} AS {kind}; ");
        for (word, kind) in [(word.to_string(), kind.to_string()), (format!("of_{word}"), format!("s.of_{word}"))] {
            made += &format!(
                "CREATE TABLE s.t_{word} (id int PRIMARY KEY, e {kind}, f {kind}); CREATE TABLE s.u_{word} (e {kind});
                 INSERT INTO s.t_{word} SELECT i, CASE WHEN i % 2 = 0 THEN '{one}' ELSE '{other}' END::{kind}, '{other}' FROM generate_series(1, 20) i;
                 INSERT INTO s.u_{word} VALUES ('{other}'); "
            );
            let constructs = [
                ("nullif", format!("SELECT id, nullif(e, '{other}') IS NULL AS x FROM s.t_{word}")),
                ("distinct", format!("SELECT id, e IS DISTINCT FROM f AS x FROM s.t_{word}")),
                ("simple_case", format!("SELECT id, CASE e WHEN '{other}' THEN 1 ELSE 2 END AS x FROM s.t_{word}")),
                ("using", format!("SELECT t.id, count(*) AS x FROM s.t_{word} t JOIN s.u_{word} USING (e) GROUP BY 1")),
            ];
            for (construct, definition) in constructs {
                let view = format!("s.{construct}_{word}");
                made +=
                    &format!("CREATE MATERIALIZED VIEW {view} AS {definition}; CREATE UNIQUE INDEX ON {view} (id); ");
                views.push(view);
            }
        }
    }
    house.run_as("dueno", &made);
    let views: Vec<_> = views.iter().map(|view| (view.as_str(), Look::Must)).collect();
    let mut wrong = String::new();
    look(&house, &["postgres", "dueno", "lector"], "dueno", &views, &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

/// Nobody is in the wrong group because a name is written otherwise. That it *is* written otherwise may be told as an old value.
#[test]
fn groups_and_keys_are_told_apart_by_the_types_own_equality() {
    let house = House::plain();
    house.run(
        "CREATE EXTENSION citext; CREATE TABLE t (id int PRIMARY KEY, quien citext, tarifa numeric, f float8, a int[]);
         INSERT INTO t SELECT i, 'Ana@x.mx', 1.5, 'NaN', array[1, 2] FROM generate_series(1, 50) i;
         CREATE MATERIALIZED VIEW porcorreo AS SELECT id, quien AS ejecutivo_id FROM t; CREATE UNIQUE INDEX ON porcorreo (id);
         CREATE MATERIALIZED VIEW portarifa AS SELECT id, tarifa AS ejecutivo_id FROM t; CREATE UNIQUE INDEX ON portarifa (id);
         CREATE MATERIALIZED VIEW porclave AS SELECT quien, count(*) AS n FROM t GROUP BY 1; CREATE UNIQUE INDEX ON porclave (quien);
         CREATE MATERIALIZED VIEW nan AS SELECT id, f, a FROM t; CREATE UNIQUE INDEX ON nan (id);
         UPDATE t SET quien = 'ana@x.mx', tarifa = 1.50 WHERE id <= 20; UPDATE t SET f = -f WHERE id <= 5;
         UPDATE t SET a = (array[1, 2, null])[1:2] WHERE id BETWEEN 11 AND 13",
    );
    let document = house.checked(&house.conninfo("postgres"), &[]);
    for view in document["views"].as_array().unwrap() {
        let name = view["view"].as_str().unwrap();
        assert_eq!(oracle(&house, "postgres", name), (0, 0), "{name} is true");
        let misplaced: Vec<_> = ["missing", "gone", "moved"].map(|kind| view["drift"][kind].as_u64()).into();
        assert_eq!(misplaced, [Some(0); 3], "{name}: {:#}", view["drift"]);
    }
}

/// The stored rule needs no right on a schema; a text does.
#[test]
fn what_a_refresh_may_do_without_a_right_on_a_schema_the_look_may_or_the_right_is_named() {
    let house = House::plain();
    house.run(
        "CREATE SCHEMA oculto; CREATE TABLE oculto.t (id int PRIMARY KEY, ejecutivo_id int); INSERT INTO oculto.t SELECT i, i % 3 FROM generate_series(1, 9) i;
         GRANT USAGE ON SCHEMA oculto TO dueno; GRANT SELECT ON oculto.t TO dueno; CREATE SCHEMA s AUTHORIZATION dueno; GRANT USAGE ON SCHEMA s TO PUBLIC;
         SET ROLE dueno; CREATE MATERIALIZED VIEW s.v AS SELECT id, ejecutivo_id FROM oculto.t; CREATE UNIQUE INDEX ON s.v (id); RESET ROLE;
         REVOKE USAGE ON SCHEMA oculto FROM dueno; UPDATE oculto.t SET ejecutivo_id = 0 WHERE id = 1",
    );
    let mut wrong = String::new();
    look(&house, &["postgres"], "dueno", &[("s.v", Look::Must)], &mut wrong);
    look(&house, &["dueno", "lector"], "dueno", &[("s.v", Look::May)], &mut wrong);
    let said = house.checked(&house.conninfo("dueno"), &[]);
    let view = &said["views"][0];
    if counted(&view["drift"]).is_none() && !view.to_string().contains("oculto") {
        writeln!(wrong, "dueno is not told which right is missing: {view:#}").unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Until PostgreSQL 16 a refresh runs on the path of whoever asks for it, and functions find types there.
#[test]
fn a_type_that_a_functions_body_names_without_its_schema_is_found_as_a_refresh_finds_it() {
    let house = House::plain();
    if house.value("SHOW server_version_num").parse::<u32>().unwrap() >= 170_000 {
        return;
    }
    house.run("ALTER ROLE dueno SET search_path = s, public; CREATE SCHEMA s AUTHORIZATION dueno; GRANT USAGE ON SCHEMA s TO PUBLIC");
    house.run_as(
        "dueno",
        "CREATE DOMAIN s.tipo AS int; CREATE TABLE s.t (id int PRIMARY KEY, ejecutivo_id int); INSERT INTO s.t SELECT i, i % 3 FROM generate_series(1, 9) i;
         CREATE FUNCTION s.f(i int) RETURNS int LANGUAGE plpgsql STABLE AS $$ DECLARE x tipo := i; BEGIN RETURN x; END $$;
         CREATE MATERIALIZED VIEW s.v AS SELECT id, s.f(ejecutivo_id) AS ejecutivo_id FROM s.t; CREATE UNIQUE INDEX ON s.v (id);
         UPDATE s.t SET ejecutivo_id = 0 WHERE id = 1",
    );
    let mut wrong = String::new();
    look(&house, &["postgres", "dueno"], "dueno", &[("s.v", Look::Must)], &mut wrong);
    look(&house, &["lector"], "dueno", &[("s.v", Look::May)], &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn on_the_imitation_true_views_over_a_type_of_another_schema_are_true() {
    let house = imitation::house();
    let views = ["t.mv_nullif", "t.mv_distinct", "public.mv_simple"];
    let mut wrong = String::new();
    look(&house, &["supabase_admin", "postgres"], "postgres", &views.map(|view| (view, Look::Must)), &mut wrong);
    look(&house, &["oncall", "lectora"], "postgres", &views.map(|view| (view, Look::May)), &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}
