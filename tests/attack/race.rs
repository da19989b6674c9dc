//! What is looked at is what was checked: code that comes between the two is not run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::faces::Gained;
use crate::harness::{House, Session};
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
