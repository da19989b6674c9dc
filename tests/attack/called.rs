//! Code that no rule depends on: functions of the server's own that run a text, constants that a setting makes into code, casts that only
//! the program's own SQL calls.

use crate::faces::{Gained, prove};
use crate::harness::House;
use crate::planted::MARK;

/// Views of mallory's, a superuser's and the owner's.
const VIEWS: &str = r"
    SET ROLE mallory; SET standard_conforming_strings = on;
    CREATE VIEW mallory.below AS SELECT 1 AS one;
    CREATE VIEW mallory.names AS SELECT 1 AS id, query_to_xml('SELECT mallory.mark(''labels'')', true, true, '')::text AS nombre;
    CREATE MATERIALIZED VIEW mallory.v_text AS
        SELECT i AS id, i % 3 AS ejecutivo_id, query_to_xml('SELECT mallory.mark(''text'')', true, true, '')::text AS said FROM generate_series(1, 3) i;
    CREATE MATERIALIZED VIEW mallory.v_role AS SELECT 1 AS id,
        CASE WHEN current_query() NOT LIKE '%MATERIALIZED%' THEN set_config('role', 'none', true) END AS said,
        query_to_xml('SELECT mallory.mark(''role'')', true, true, '')::text AS more;
    CREATE MATERIALIZED VIEW mallory.v_constant AS
        SELECT 1 AS id, '\'::text AS a, ' || mallory.mark($a$constant$a$)::text AS a, $b$z$b$::text AS b -- '::text AS b;
    CREATE TYPE mallory.span AS RANGE (subtype = int4);
    CREATE FUNCTION mallory.to_span(text) RETURNS mallory.span LANGUAGE plpgsql AS
        $$ BEGIN PERFORM mallory.mark('cast'); RETURN NULL; END $$;
    CREATE CAST (text AS mallory.span) WITH FUNCTION mallory.to_span(text);
    RESET ROLE; ALTER ROLE mallory SET standard_conforming_strings = off;
    GRANT SELECT ON ALL TABLES IN SCHEMA mallory TO PUBLIC; GRANT USAGE ON SCHEMA mallory TO PUBLIC;
    CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC; ALTER SCHEMA app OWNER TO dueno;
    SET ROLE dueno;
    CREATE TABLE app.base AS SELECT i AS id, i % 3 AS ejecutivo_id FROM generate_series(1, 9) i; ALTER TABLE app.base ADD PRIMARY KEY (id);
    CREATE MATERIALIZED VIEW app.v_below AS SELECT base.id, base.ejecutivo_id FROM app.base, mallory.below;
    RESET ROLE; CREATE UNIQUE INDEX ON app.v_below (id);
    SET ROLE mallory;
    CREATE OR REPLACE VIEW mallory.below AS SELECT 1 AS one WHERE query_to_xml('SELECT mallory.mark(''below'')', true, true, '') IS NOT NULL;
    RESET ROLE;
    CREATE TABLE public.spans AS SELECT 1 AS id, 1 AS ejecutivo_id, NULL::mallory.span AS g, 'one'::text AS n;
    CREATE MATERIALIZED VIEW public.v_span AS SELECT id, ejecutivo_id, g, n FROM public.spans;
    INSERT INTO public.spans SELECT i, 1, mallory.span(i, i + 1), 'n' FROM generate_series(2, 5) i;
    GRANT SELECT ON ALL TABLES IN SCHEMA app, public TO PUBLIC";

const RULES: &str = "[views.\"public.v_span\"]\ngroups = [\"g\"]\nlabels.g = \"n\"\n\
    [views.\"app.v_below\"]\nlabels.ejecutivo_id = \"SELECT id, nombre FROM mallory.names\"\n";

#[test]
fn what_no_rule_depends_on_gains_nothing_either() {
    let house = House::plain();
    house.run(MARK);
    house.run(VIEWS);
    let rules = house.home().join("rules.toml");
    std::fs::write(&rules, RULES).unwrap();
    let rules = rules.to_str().unwrap();
    let mut gained = Gained::default();
    for user in [house.superuser, house.owner, house.reader] {
        let conninfo = house.conninfo(user);
        gained.by(&house, "check", || house.mvtop(&["check", &conninfo, "--config", rules]));
        gained.by(&house, "verify --no-write", || {
            house.mvtop(&["verify", &conninfo, "--view", "app.v_below", "--no-write"])
        });
        prove(&house, &conninfo, &["v_below"], &mut gained);
        for fix in [&["fix"][..], &["fix", "refresh"], &["fix", "view", "--dry-run"]] {
            let args = [fix, &[&conninfo, "--view", "mallory.v_text"]].concat();
            gained.by(&house, "fix", || house.mvtop(&args));
        }
    }
    gained.must_be_nothing();
}
