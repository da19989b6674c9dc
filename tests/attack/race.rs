//! What is looked at is what was checked: code that comes between the two is not run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::faces::Gained;
use crate::harness::{House, Session, until};
use crate::planted::MARK;

/// How long it is raced.
const RACE: Duration = Duration::from_secs(4);

/// What mallory owns below the owner's views, harmless at first.
const BELOW: &str = "SET ROLE mallory;
    CREATE FUNCTION mallory.race(kind text, i int) RETURNS int LANGUAGE plpgsql IMMUTABLE
      AS $$ BEGIN PERFORM mallory.mark(kind); RETURN i; END $$;
    CREATE TABLE mallory.base (id int PRIMARY KEY, ejecutivo_id int, n int);
    INSERT INTO mallory.base SELECT i, i % 3, i FROM generate_series(1, 12) i;
    CREATE VIEW mallory.below AS SELECT id, ejecutivo_id, n FROM mallory.base;
    CREATE TYPE mallory.grupo AS ENUM ('a', 'b');
    CREATE FUNCTION mallory.as_text(g mallory.grupo) RETURNS text LANGUAGE plpgsql IMMUTABLE
      AS $$ BEGIN PERFORM mallory.mark('race_cast'); RETURN 'x'; END $$;
    GRANT SELECT ON ALL TABLES IN SCHEMA mallory TO PUBLIC; RESET ROLE;
    CREATE SCHEMA app; ALTER SCHEMA app OWNER TO dueno; SET ROLE dueno;
    CREATE TABLE app.t_cast (id int PRIMARY KEY, ejecutivo_id mallory.grupo);
    INSERT INTO app.t_cast SELECT i, 'a' FROM generate_series(1, 9) i;
    CREATE MATERIALIZED VIEW app.v_view AS SELECT id, ejecutivo_id, n FROM mallory.below; CREATE UNIQUE INDEX ON app.v_view (id);
    CREATE MATERIALIZED VIEW app.v_cast AS SELECT id, ejecutivo_id FROM app.t_cast; CREATE UNIQUE INDEX ON app.v_cast (id);
    CREATE MATERIALIZED VIEW app.v_index AS SELECT id, ejecutivo_id, n FROM mallory.base; CREATE UNIQUE INDEX ON app.v_index (id)";

/// What she does again and again: evil, and harmless once more.
const TURNS: [[&str; 2]; 3] = [
    [
        "CREATE OR REPLACE VIEW mallory.below AS SELECT id, ejecutivo_id, mallory.race('race_view', n) AS n FROM mallory.base",
        "CREATE OR REPLACE VIEW mallory.below AS SELECT id, ejecutivo_id, n FROM mallory.base",
    ],
    [
        "CREATE CAST (mallory.grupo AS text) WITH FUNCTION mallory.as_text AS IMPLICIT",
        "DROP CAST (mallory.grupo AS text)",
    ],
    ["CREATE INDEX evil ON mallory.base ((mallory.race('race_index', 0) + id))", "DROP INDEX mallory.evil"],
];

#[test]
fn what_is_replaced_while_somebody_looks_is_not_run_with_their_rights() {
    let house = House::plain();
    house.run(MARK);
    house.run(BELOW);
    let conninfo = house.conninfo(house.superuser);
    let mut gained = Gained::default();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for turn in TURNS {
            let (house, is_over) = (&house, &is_over);
            scope.spawn(move || {
                let mallory = Session::open(&house.conninfo("mallory"));
                while !is_over.load(Ordering::Relaxed) {
                    for sql in turn {
                        mallory.run(sql);
                    }
                }
            });
        }
        gained.by(&house, "check in a loop, the console open", || {
            let mut pty = house.console(&["--budget", "100", &conninfo]);
            pty.see("v_view");
            let end = Instant::now() + RACE;
            while Instant::now() < end {
                house.mvtop(&["check", &conninfo]);
                pty.send("R");
            }
            pty.send("q");
            pty.exit();
        });
        is_over.store(true, Ordering::Relaxed);
    });
    gained.must_be_nothing();
}

/// A parent with two children of mallory's, and a view of the owner's over it.
const FAMILY: &str = "SET ROLE mallory;
    CREATE FUNCTION mallory.late(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE
      AS $$ BEGIN PERFORM mallory.mark('late_index'); RETURN i; END $$;
    CREATE TABLE mallory.parent (id int, ejecutivo_id int);
    CREATE TABLE mallory.elder () INHERITS (mallory.parent); CREATE TABLE mallory.younger () INHERITS (mallory.parent);
    CREATE INDEX elders ON mallory.elder (id);
    INSERT INTO mallory.elder SELECT i, i % 3 FROM generate_series(1, 9) i;
    GRANT SELECT ON ALL TABLES IN SCHEMA mallory TO PUBLIC; RESET ROLE;
    CREATE SCHEMA app; ALTER SCHEMA app OWNER TO dueno; GRANT USAGE ON SCHEMA app TO PUBLIC; SET ROLE dueno;
    CREATE MATERIALIZED VIEW app.v_family AS SELECT id, ejecutivo_id FROM mallory.parent; CREATE UNIQUE INDEX ON app.v_family (id);
    GRANT SELECT ON app.v_family TO PUBLIC; RESET ROLE";

/// What holds a look up where planning comes by, with an index made in the same transaction: an elder child that is locked, an
/// index of it that is rebuilt.
const HELD: [&str; 2] = ["LOCK TABLE mallory.elder IN ACCESS EXCLUSIVE MODE", "REINDEX INDEX mallory.elders"];

#[test]
fn an_index_that_comes_while_a_look_is_held_up_is_not_run_with_a_readers_rights() {
    let house = House::plain();
    house.run(MARK);
    house.run(FAMILY);
    let conninfo = house.conninfo(house.reader);
    let mut gained = Gained::default();
    for hold in HELD {
        let mallory = Session::open(&house.conninfo("mallory"));
        mallory.run(&format!("BEGIN; CREATE INDEX late ON mallory.younger ((mallory.late(0) + id)); {hold}"));
        let document = gained.by(&house, hold, || {
            std::thread::scope(|scope| {
                let check = scope.spawn(|| house.checked(&conninfo, &["--view", "app.v_family"]));
                let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mvtop%' AND wait_event_type = 'Lock'";
                until("the look is held up, or refused", || house.value(waits) != "0" || check.is_finished());
                mallory.run("COMMIT");
                check.join().unwrap()
            })
        });
        let drift = &document["views"][0]["drift"];
        assert!(drift["view_rows"] == 9 || drift["problem"].is_string(), "{drift}");
        house.run("DROP INDEX mallory.late");
    }
    gained.must_be_nothing();
}
