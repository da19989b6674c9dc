//! Planted code in corners that have a test of their own: event triggers, a false schema `cron`, the names that people give to
//! groups, a job's command, and the temporary schema of a server process that a pooler hands on.

use std::time::{Duration, Instant};

use crate::faces::{Gained, mend, prove};
use crate::harness::{House, Session, text};
use crate::imitation::Pooler;
use crate::planted::{MARK, Mark};

/// A view that nothing is wrong with, in a database that may be another than the house's.
const CLEAN: &str =
    "CREATE SCHEMA app; CREATE TABLE app.base (id int PRIMARY KEY, ejecutivo_id int, coordinacion_id text);
    INSERT INTO app.base SELECT i, i % 3, 'VEN' FROM generate_series(1, 9) i;
    CREATE MATERIALIZED VIEW app.v_clean AS SELECT * FROM app.base; CREATE UNIQUE INDEX ON app.v_clean (id);
    UPDATE app.base SET ejecutivo_id = 0 WHERE id = 1";

#[test]
fn an_event_triggers_function_gains_nothing_by_any_look_proof_or_fix() {
    let house = House::plain();
    house.run(MARK);
    house.run(CLEAN);
    house.run("ALTER SCHEMA app OWNER TO dueno; ALTER TABLE app.base OWNER TO dueno; ALTER MATERIALIZED VIEW app.v_clean OWNER TO dueno");
    house.run(
        "SET ROLE mallory; CREATE FUNCTION mallory.on_ddl() RETURNS event_trigger LANGUAGE plpgsql
         AS $$ BEGIN PERFORM mallory.mark('event_trigger'); END $$;
         RESET ROLE; CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION mallory.on_ddl()",
    );
    let mut gained = Gained::default();
    for user in [house.superuser, house.owner] {
        let conninfo = house.conninfo(user);
        gained.by(&house, "check", || house.mvtop(&["check", &conninfo]));
        prove(&house, &conninfo, &["v_clean"], &mut gained);
        mend(&house, &conninfo, "app.v_clean", false, &mut gained);
    }
    gained.must_be_nothing();
}

#[test]
fn a_schema_cron_that_is_not_pg_crons_gains_nothing() {
    let house = House::plain();
    house.run("CREATE DATABASE sin_cron");
    let here = house.cluster.conninfo_for(house.superuser, "sin_cron");
    let session = Session::open(&here);
    session.run(MARK);
    session.run(CLEAN);
    session.run(
        "CREATE SCHEMA cron AUTHORIZATION mallory; GRANT USAGE ON SCHEMA cron TO PUBLIC; SET ROLE mallory;
         CREATE VIEW cron.job AS SELECT 1::bigint AS jobid, '* * * * *' AS schedule, 'SELECT 1' AS command, '' AS nodename, 5432 AS nodeport,
           current_database()::text AS database, current_user::text AS username, mallory.mark('fake_cron') AS active, 'x' AS jobname;
         CREATE VIEW cron.job_run_details AS SELECT 1::bigint AS jobid, 1::bigint AS runid, 1 AS job_pid, '' AS database, '' AS username,
           '' AS command, 'failed' AS status, '' AS return_message, now() AS start_time, now() AS end_time WHERE mallory.mark('fake_cron');
         GRANT SELECT ON ALL TABLES IN SCHEMA cron TO PUBLIC",
    );
    let mut gained = Gained::default();
    gained.by(&house, "check", || house.mvtop(&["check", &here]));
    gained.by(&house, "fix", || house.mvtop(&["fix", "cron", &here, "--dry-run"]));
    gained.must_be_nothing();
}

#[test]
fn the_names_of_groups_are_read_with_no_more_rights_than_their_authors() {
    let house = House::plain();
    house.run(MARK);
    house.run(CLEAN);
    house.run(
        "SET ROLE mallory; CREATE FUNCTION mallory.nombre(i int) RETURNS text LANGUAGE plpgsql
         AS $$ BEGIN PERFORM mallory.mark('label'); RETURN 'x' || i; END $$;
         CREATE VIEW mallory.nombres AS SELECT i AS id, mallory.nombre(i) AS nombre FROM generate_series(0, 3) i;
         GRANT SELECT ON mallory.nombres TO PUBLIC",
    );
    let config = house.home().join("labels.toml");
    let lines = "[views.\"app.v_clean\"]\ngroups = [\"ejecutivo_id\"]\nlabels.ejecutivo_id = \"SELECT id, nombre FROM mallory.nombres\"\n";
    std::fs::write(&config, lines).unwrap();
    let mut gained = Gained::default();
    let args = ["check", &house.conninfo(house.superuser), "--config", config.to_str().unwrap()];
    let output = gained.by(&house, "check", || house.mvtop(&args));
    assert!(text(&output).contains("v_clean"), "the file is understood: {}", text(&output));
    gained.must_be_nothing();
}

#[test]
fn a_jobs_command_is_not_run_with_more_rights_than_its_roles() {
    let house = House::plain();
    house.run(MARK);
    house.run(CLEAN);
    house.run(
        "GRANT USAGE ON SCHEMA cron TO mallory; SET ROLE mallory;
         CREATE FUNCTION mallory.prepare() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM mallory.mark('job'); END $$;
         SELECT cron.schedule('nightly', '0 0 29 2 *', 'SELECT mallory.prepare(); REFRESH MATERIALIZED VIEW app.v_clean')",
    );
    let mut gained = Gained::default();
    gained.by(&house, "fix run", || house.mvtop(&["fix", "run", &house.conninfo(house.superuser), "--yes"]));
    gained.must_be_nothing();
}

/// Who shares server processes through the pooler: `app` logs in for everybody, may see every row, and becomes the role of
/// the one it serves, as PostgREST does.
#[test]
fn what_stands_in_the_temporary_schema_of_a_shared_server_process_gains_nothing() {
    let house = House::plain();
    house.run(MARK);
    house.run(CLEAN);
    house.run("CREATE ROLE app LOGIN NOINHERIT; GRANT mallory, pg_read_all_data TO app; ALTER ROLE app INHERIT");
    let pooler = Pooler::before(&house, 1, &["app"]);
    let through = pooler.conninfo("app", house.database);
    // One server process serves all. Types and tables are looked for in pg_temp first, unless the path says otherwise.
    let mut planted = String::from("BEGIN; SET LOCAL ROLE mallory; CREATE TEMP TABLE first (); ");
    for (name, base) in
        [("text", "text"), ("oid", "oid"), ("name", "name"), ("regclass", "regclass"), ("aclitem", "aclitem")]
    {
        planted += &format!(
            "CREATE FUNCTION mallory.temp_{name}(pg_catalog.{base}) RETURNS bool LANGUAGE plpgsql IMMUTABLE
               AS $$ BEGIN PERFORM mallory.mark('pg_temp'); RETURN true; END $$;
             CREATE DOMAIN pg_temp.{name} AS pg_catalog.{base} CHECK (mallory.temp_{name}(VALUE)); "
        );
    }
    planted += "CREATE TEMP VIEW pg_class AS SELECT c.tableoid, c.xmin, c.* FROM pg_catalog.pg_class c WHERE mallory.mark('pg_temp'); \
                GRANT SELECT ON pg_temp.pg_class TO PUBLIC; COMMIT";
    Session::open(&through).run(&planted);
    let begin = house.log_length();
    let output = house.mvtop(&["check", &through, "--view", "app.v_clean"]);
    let marks = Mark::all(&house.log_since(begin));
    assert!(marks.iter().all(|mark| mark.is_harmless("nobody")), "{marks:#?}");
    assert!(text(&output).contains("live 9"), "it still compares: {}", text(&output));
}

#[test]
fn nothing_takes_the_place_of_a_look_dsn_and_what_it_lacks_is_said_of_its_role() {
    let house = House::plain();
    house.run(
        "CREATE ROLE looker LOGIN; CREATE TABLE t AS SELECT 1 AS id; CREATE MATERIALIZED VIEW v AS SELECT id FROM t;
        GRANT SELECT ON v TO looker",
    );
    let check = |look: &str| {
        let begun = Instant::now();
        let document = house.checked(&house.conninfo(house.superuser), &["--look-dsn", look, "--timeout", "20s"]);
        assert!(begun.elapsed() < Duration::from_secs(15), "it does not wait for its deadline");
        document["views"][0]["drift"].clone()
    };
    let closed = check(&house.conninfo("nobody_of_that_name"));
    assert_eq!(closed["view_rows"], serde_json::Value::Null, "{closed}");
    assert!(closed["problem"].as_str().unwrap_or_default().starts_with("look_dsn: "), "{closed}");
    let lacking = check(&house.conninfo("looker"));
    assert!(lacking["problem"].as_str().unwrap_or_default().contains("looker needs SELECT on t"), "{lacking}");
    let said = house.mvtop(&["check", &house.conninfo(house.superuser), "--look-dsn", &house.conninfo("looker")]);
    assert!(text(&said).contains("looker needs SELECT on t"), "{}", text(&said));
}
