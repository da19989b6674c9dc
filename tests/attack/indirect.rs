//! Code that comes to a look by another thing: a role that is set for a database, a policy's subquery, an operator left behind, a
//! function's own path, a helper that runs what it is given; and what the watcher may lose, when that changes.

use std::time::Duration;

use crate::faces::Gained;
use crate::harness::{House, text, until};
use crate::planted::MARK;

/// A table of the owner's; a schema in which mallory may create for the moment.
const GROUND: &str = "CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC; ALTER SCHEMA app OWNER TO dueno;
    SET ROLE dueno; CREATE TABLE app.base (id int PRIMARY KEY, ejecutivo_id int, e text, v varchar);
    INSERT INTO app.base SELECT i, i % 3, 'e' || i, 'v' || i FROM generate_series(1, 9) i; GRANT SELECT ON app.base TO PUBLIC; RESET ROLE;
    CREATE SCHEMA pr; GRANT USAGE ON SCHEMA pr TO PUBLIC; CREATE TABLE pr.base AS TABLE app.base; GRANT SELECT ON pr.base TO PUBLIC";

fn house(more: &str) -> House {
    let house = House::plain();
    house.run(MARK);
    house.run(GROUND);
    house.run(more);
    house.run("GRANT SELECT ON ALL TABLES IN SCHEMA app, pr TO PUBLIC");
    house
}

/// Looks and proves as each role; nobody gains anything.
fn gains_nothing(house: &House, roles: &[&str]) {
    let mut gained = Gained::default();
    for role in roles {
        let conninfo = house.conninfo(role);
        gained.by(house, &format!("check as {role}"), || house.mvtop(&["check", &conninfo]));
    }
    gained.must_be_nothing();
}

#[test]
fn a_role_that_is_set_for_a_database_or_a_role_lends_no_rights() {
    let house = house(
        "SET ROLE dueno; CREATE FUNCTION app.f(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM mallory.mark('role'); RETURN i; END $$;
         CREATE MATERIALIZED VIEW app.v AS SELECT id, ejecutivo_id, app.f(id) AS n FROM app.base; RESET ROLE;
         ALTER DATABASE crm SET role = 'dueno'",
    );
    gains_nothing(&house, &["postgres"]);
}

#[test]
fn a_helper_of_a_trusted_role_that_runs_a_text_counts_as_code_of_whoever_wrote_the_text() {
    let house = house(
        "CREATE SCHEMA helper; GRANT USAGE ON SCHEMA helper TO PUBLIC;
         CREATE FUNCTION helper.run(sql text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE sql INTO r; RETURN r; END $$;
         SET ROLE mallory; CREATE MATERIALIZED VIEW mallory.own AS
           SELECT i AS id, i % 3 AS ejecutivo_id, helper.run('SELECT mallory.mark(''helper'')::text') AS n FROM generate_series(1, 3) i;
         GRANT SELECT ON mallory.own TO PUBLIC; CREATE VIEW mallory.below AS SELECT 1 AS one; GRANT SELECT ON mallory.below TO PUBLIC; RESET ROLE;
         CREATE MATERIALIZED VIEW pr.v AS SELECT b.id, b.ejecutivo_id FROM pr.base b, mallory.below;
         SET ROLE mallory; CREATE OR REPLACE VIEW mallory.below AS SELECT 1 AS one
           WHERE helper.run('SELECT mallory.mark(''helper_below'')::text') IS NOT NULL",
    );
    gains_nothing(&house, &["postgres", "dueno", "lector"]);
}

#[test]
fn what_a_policy_reads_and_a_functions_own_path_finds_is_judged_too() {
    let house = house(
        "SET ROLE mallory; CREATE VIEW mallory.allowed AS SELECT i AS id FROM generate_series(1, 99) i; GRANT SELECT ON mallory.allowed TO PUBLIC; RESET ROLE;
         ALTER TABLE pr.base ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON pr.base USING (EXISTS (SELECT FROM mallory.allowed a WHERE a.id = base.id));
         SET ROLE dueno; CREATE VIEW app.below AS SELECT id, ejecutivo_id FROM pr.base; RESET ROLE;
         CREATE MATERIALIZED VIEW pr.policied AS SELECT id, ejecutivo_id FROM app.below;
         CREATE FUNCTION pr.f(i int) RETURNS int LANGUAGE plpgsql SET search_path = public AS $$ BEGIN RETURN helper(i); END $$;
         CREATE FUNCTION public.helper(i bigint) RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT CREATE ON SCHEMA public TO PUBLIC;
         CREATE MATERIALIZED VIEW pr.pathed AS SELECT id, ejecutivo_id, pr.f(id) AS n FROM app.base;
         SET ROLE mallory; CREATE OR REPLACE VIEW mallory.allowed AS SELECT i AS id FROM generate_series(1, 99) i WHERE mallory.mark('policy_reads');
         CREATE FUNCTION public.helper(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM mallory.mark('own_path'); RETURN i; END $$",
    );
    gains_nothing(&house, &["postgres", "lector"]);
}

#[test]
fn an_operator_that_a_stranger_left_where_the_text_looks_for_one_is_not_run() {
    let house = house(
        "CREATE SCHEMA ext; GRANT USAGE, CREATE ON SCHEMA ext TO PUBLIC; CREATE EXTENSION citext SCHEMA ext; SET search_path = pg_catalog, ext;
         CREATE TABLE pr.b2 (v varchar, e ext.citext); INSERT INTO pr.b2 SELECT 'v' || i, 'e' || i FROM generate_series(1, 9) i;
         CREATE MATERIALIZED VIEW pr.v AS SELECT b.id, b.ejecutivo_id, nullif(b2.e, 'x'::ext.citext) AS e,
           CASE b.v WHEN b2.v THEN 1 ELSE 0 END AS c FROM pr.base b JOIN pr.b2 USING (v);
         SET ROLE mallory; CREATE FUNCTION mallory.eq(a varchar, b varchar) RETURNS bool LANGUAGE plpgsql
           AS $$ BEGIN PERFORM mallory.mark('left_behind'); RETURN true; END $$;
         CREATE OPERATOR ext.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = mallory.eq); RESET ROLE;
         REVOKE CREATE ON SCHEMA ext FROM PUBLIC",
    );
    gains_nothing(&house, &["postgres", "lector"]);
}

#[test]
fn what_a_policy_shows_a_role_is_something_to_lose_and_so_is_what_is_granted_while_it_watches() {
    let house = house(
        "CREATE ROLE looker LOGIN; CREATE TABLE pr.secret AS SELECT 'the secret'::text AS s;
         SET ROLE mallory; CREATE FUNCTION mallory.peek(i int) RETURNS int LANGUAGE plpgsql AS $$
         BEGIN PERFORM set_config('row_security', 'on', true); PERFORM mallory.mark('peek ' || s) FROM pr.secret; RETURN i;
         EXCEPTION WHEN insufficient_privilege THEN RETURN i; END $$;
         CREATE MATERIALIZED VIEW mallory.v AS SELECT i AS id, i % 3 AS ejecutivo_id, mallory.peek(i) AS n FROM generate_series(1, 3) i;
         GRANT SELECT ON mallory.v TO PUBLIC",
    );
    house.run("REVOKE SELECT ON pr.secret FROM PUBLIC");
    let looks = |face: &str| {
        let begin = house.log_length();
        let output = house.mvtop(&["check", &house.conninfo("looker"), "--view", "mallory.v"]);
        assert!(!house.log_since(begin).contains("peek the secret"), "{face}: {}", text(&output));
    };
    looks("nothing to lose");
    let watching =
        house.command(&["check", &house.conninfo("looker"), "--view", "mallory.v", "--watch", "8s"]).spawn().unwrap();
    let begin = house.log_length();
    until("it looked", || house.log_since(begin).contains("|mvtop"));
    std::thread::park_timeout(Duration::from_secs(2));
    let begin = house.log_length();
    house.run("GRANT SELECT ON pr.secret TO looker");
    watching.wait_with_output().unwrap();
    assert!(!house.log_since(begin).contains("peek the secret"), "granted meanwhile");
    house.run("REVOKE SELECT ON pr.secret FROM looker; GRANT SELECT ON pr.secret TO PUBLIC; ALTER TABLE pr.secret ENABLE ROW LEVEL SECURITY;
               CREATE POLICY p ON pr.secret TO looker USING (true)");
    looks("a policy");
}
