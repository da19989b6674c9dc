//! A definition that does not end: it keeps neither the program nor a server process, and the other views go on.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{House, Session, text};

/// What the program may take beyond its timeout.
const GRACE: Duration = Duration::from_secs(5);

/// Views whose definitions end while `app.slow` is empty. One swallows whatever is to end it, one only sleeps.
const VIEWS: &str = "CREATE SCHEMA app; CREATE TABLE app.slow (); CREATE TABLE app.base (id int PRIMARY KEY, ejecutivo_id int);
    INSERT INTO app.base SELECT i, i % 3 FROM generate_series(1, 9) i;
    CREATE FUNCTION app.swallows(i int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN
      WHILE EXISTS (SELECT FROM app.slow) LOOP
        BEGIN PERFORM pg_sleep(0.05); EXCEPTION WHEN query_canceled THEN NULL; END;
      END LOOP; RETURN i; END $$;
    CREATE FUNCTION app.sleeps(i int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN
      IF EXISTS (SELECT FROM app.slow) THEN PERFORM pg_sleep(3600); END IF; RETURN i; END $$;
    CREATE MATERIALIZED VIEW app.a_swallows AS SELECT id, app.swallows(ejecutivo_id) AS ejecutivo_id FROM app.base;
    CREATE MATERIALIZED VIEW app.a_sleeps AS SELECT id, app.sleeps(ejecutivo_id) AS ejecutivo_id FROM app.base;
    CREATE MATERIALIZED VIEW app.v_one AS SELECT id, ejecutivo_id FROM app.base;
    CREATE MATERIALIZED VIEW app.v_two AS SELECT id, ejecutivo_id FROM app.base;
    CREATE UNIQUE INDEX ON app.a_swallows (id); CREATE UNIQUE INDEX ON app.a_sleeps (id);
    CREATE UNIQUE INDEX ON app.v_one (id); CREATE UNIQUE INDEX ON app.v_two (id);
    ALTER TABLE app.base SET (autovacuum_enabled = off); UPDATE app.base SET ejecutivo_id = 0 WHERE id = 1; INSERT INTO app.slow DEFAULT VALUES";

/// The server processes that are still at work for the program.
const LEFT: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'the test'";

fn house() -> House {
    let house = House::plain();
    house.run(VIEWS);
    house
}

fn view<'a>(document: &'a Value, name: &str) -> &'a Value {
    let is_it = |view: &&Value| view["view"].as_str().is_some_and(|v| v.ends_with(name));
    document["views"].as_array().and_then(|views| views.iter().find(is_it)).unwrap_or(&Value::Null)
}

#[test]
fn check_ends_in_time_and_leaves_no_server_process_behind() {
    let house = house();
    let conninfo = house.conninfo(house.superuser);
    for name in ["app.a_swallows", "app.a_sleeps"] {
        let began = Instant::now();
        let output = house.mvtop(&["check", &conninfo, "--view", name, "--timeout", "3s"]);
        assert!(began.elapsed() < Duration::from_secs(3) + GRACE, "{name}: {:?}", began.elapsed());
        assert_eq!(output.status.code(), Some(3), "{name} is not known: {}", text(&output));
        let end = Instant::now() + GRACE;
        while house.value(LEFT) != "0" && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let left = house.value(LEFT);
        house.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mvtop%'");
        assert_eq!(left, "0", "server processes left behind by a check of {name}");
    }
}

#[test]
fn beside_a_definition_that_swallows_its_cancel_check_compares_the_others_and_says_why_it_is_not() {
    let house = house();
    let conninfo = house.conninfo(house.superuser);
    let document = house.checked(&conninfo, &["--statement-timeout", "1s", "--timeout", "15s"]);
    house.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mvtop%'");
    for name in ["v_one", "v_two"] {
        assert_eq!(view(&document, name)["drift"]["moved"], 1, "{name} is compared: {document:#}");
    }
    for name in ["a_swallows", "a_sleeps"] {
        assert!(view(&document, name)["drift"]["problem"].is_string(), "{name} has a reason: {document:#}");
        assert!(view(&document, name)["drift"]["moved"].is_null(), "{name} has no number: {document:#}");
    }
}

#[test]
fn in_the_console_the_other_views_go_on_being_compared() {
    let house = house();
    let conninfo = house.conninfo(house.superuser);
    let mut pty = house.console(&["--budget", "100", "--statement-timeout", "1s", &conninfo]);
    pty.see("v_two");
    // The program reads the view again and again: how often it did is what the server counts.
    let reads = || -> i64 {
        Session::open(&conninfo).rows("SELECT pg_stat_get_numscans('app.v_two'::regclass)")[0][0].parse().unwrap()
    };
    for round in 1..=3 {
        let known = reads();
        house.run(&format!("UPDATE app.base SET ejecutivo_id = {round} WHERE id > 2"));
        let end = Instant::now() + 3 * GRACE;
        while reads() == known {
            assert!(Instant::now() < end, "v_two is not compared again after write {round}");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
    pty.send("q");
    pty.exit();
    let end = Instant::now() + GRACE;
    while house.value(LEFT) != "0" && Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let left = house.value(LEFT);
    house.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mvtop%'");
    assert_eq!(left, "0", "the console leaves no server process behind");
}
