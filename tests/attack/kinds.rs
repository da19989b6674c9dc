//! The kinds of planted code, each with a view that it hides in.

/// One kind. Its mark has its name.
pub struct Kind {
    /// The kind, and the view `app.v_<name>` that runs it.
    pub name: &'static str,
    /// What is planted before the view is made.
    pub plant: &'static str,
    /// The view's definition; it has `id`, unique.
    pub definition: &'static str,
    /// What is planted after the view was made.
    pub then: &'static str,
}

const fn kind(name: &'static str, plant: &'static str, definition: &'static str, then: &'static str) -> Kind {
    Kind { name, plant, definition, then }
}

/// All of them. `{owner}` owns what has no other owner.
pub const KINDS: &[Kind] = &[
    kind(
        "own_plpgsql",
        "SET ROLE mallory; SELECT mallory.plant('own_plpgsql', 'STABLE')",
        "SELECT id, ejecutivo_id, coordinacion_id, mallory.own_plpgsql(n) AS n FROM app.base",
        "",
    ),
    kind(
        "own_sql",
        "SET ROLE mallory; CREATE FUNCTION mallory.own_sql(i int) RETURNS int LANGUAGE sql
         AS $$ SELECT CASE WHEN mallory.mark('own_sql') THEN i END $$",
        "SELECT id, ejecutivo_id, coordinacion_id, mallory.own_sql(n) AS n FROM app.base",
        "",
    ),
    // Parsed with a constant: whoever parses the text runs it.
    kind(
        "literal_array",
        "SET ROLE mallory; CREATE FUNCTION mallory.literal_array(i int) RETURNS bool LANGUAGE plpgsql
         AS $$ BEGIN PERFORM mallory.mark('literal_array'); RETURN true; END $$;
         CREATE DOMAIN mallory.lit AS int CHECK (mallory.literal_array(VALUE))",
        "SELECT id, ejecutivo_id, coordinacion_id, '{1}'::mallory.lit[] AS n FROM app.base",
        "",
    ),
    kind(
        "literal_row",
        "SET ROLE mallory; CREATE FUNCTION mallory.literal_row(i int) RETURNS bool LANGUAGE plpgsql
         AS $$ BEGIN PERFORM mallory.mark('literal_row'); RETURN true; END $$;
         CREATE DOMAIN mallory.part AS int CHECK (mallory.literal_row(VALUE)); CREATE TYPE mallory.parts AS (a mallory.part)",
        "SELECT id, ejecutivo_id, coordinacion_id, ('(1)'::mallory.parts) AS n FROM app.base",
        "",
    ),
    // Folded while the statement is planned: EXPLAIN suffices.
    kind(
        "folded",
        "SET ROLE mallory; SELECT mallory.plant('folded', 'IMMUTABLE')",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.base WHERE id > mallory.folded(0)",
        "",
    ),
    kind(
        "aggregate",
        "SET ROLE mallory; CREATE FUNCTION mallory.agg_step(s int, i int) RETURNS int LANGUAGE plpgsql
         AS $$ BEGIN PERFORM mallory.mark('aggregate'); RETURN i; END $$;
         CREATE AGGREGATE mallory.agg(int) (SFUNC = mallory.agg_step, STYPE = int)",
        "SELECT id, ejecutivo_id, mallory.agg(n) AS n FROM app.base GROUP BY id, ejecutivo_id",
        "",
    ),
    kind(
        "operator_below",
        "SET ROLE mallory; CREATE FUNCTION mallory.plus(i int, j int) RETURNS int LANGUAGE plpgsql IMMUTABLE
         AS $$ BEGIN PERFORM mallory.mark('operator_below'); RETURN i OPERATOR(pg_catalog.+) j; END $$;
         CREATE OPERATOR mallory.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = mallory.plus)",
        "SELECT id, ejecutivo_id, coordinacion_id, n OPERATOR(mallory.+) 1 AS n FROM app.base",
        "",
    ),
    // A refresh never casts a group to text; whoever shows it does.
    kind(
        "cast_implicit",
        "SET ROLE mallory; CREATE TYPE mallory.grupo AS ENUM ('a', 'b');
         CREATE FUNCTION mallory.as_text(g mallory.grupo) RETURNS text LANGUAGE plpgsql IMMUTABLE
         AS $$ BEGIN PERFORM mallory.mark('cast_implicit'); RETURN 'x'; END $$;
         CREATE CAST (mallory.grupo AS text) WITH FUNCTION mallory.as_text AS IMPLICIT;
         SET ROLE {owner}; CREATE TABLE app.t_cast (id int PRIMARY KEY, ejecutivo_id mallory.grupo);
         INSERT INTO app.t_cast SELECT i, 'a' FROM generate_series(1, 9) i",
        "SELECT id, ejecutivo_id FROM app.t_cast",
        "",
    ),
    kind(
        "cast_of_key",
        "SET ROLE mallory; CREATE TYPE mallory.clave AS ENUM ('a', 'b');
         CREATE FUNCTION mallory.key_text(g mallory.clave) RETURNS text LANGUAGE plpgsql STABLE
         AS $$ BEGIN PERFORM mallory.mark('cast_of_key'); RETURN 'x'; END $$;
         CREATE CAST (mallory.clave AS text) WITH FUNCTION mallory.key_text AS ASSIGNMENT;
         SET ROLE {owner}; CREATE TABLE app.t_clave (id mallory.clave PRIMARY KEY, ejecutivo_id int, coordinacion_id text);
         INSERT INTO app.t_clave VALUES ('a', 1, 'VEN'), ('b', 2, 'BOOM')",
        "SELECT id, ejecutivo_id, coordinacion_id FROM app.t_clave",
        "",
    ),
    kind(
        "domain_check",
        "SET ROLE mallory; SELECT mallory.plant('domain_check', 'IMMUTABLE');
         CREATE DOMAIN mallory.dom AS int CHECK (mallory.domain_check(VALUE) IS NOT NULL)",
        "SELECT id, ejecutivo_id, coordinacion_id, n::mallory.dom AS n FROM app.base",
        "",
    ),
    // The comparison's own ROW(…) and GROUP BY find a type's operators by its class.
    kind(
        "operator_class",
        "SET ROLE mallory; CREATE TYPE mallory.par AS (a int);
         CREATE FUNCTION mallory.par_cmp(x mallory.par, y mallory.par) RETURNS int LANGUAGE plpgsql IMMUTABLE
         AS $$ BEGIN PERFORM mallory.mark('operator_class'); RETURN pg_catalog.btint4cmp(x.a, y.a); END $$;
         DO $do$ DECLARE o text[]; BEGIN
           FOREACH o SLICE 1 IN ARRAY ARRAY[['lt','<'],['le','<='],['eq','='],['ge','>='],['gt','>']] LOOP
             EXECUTE format('CREATE FUNCTION mallory.par_%s(x mallory.par, y mallory.par) RETURNS bool LANGUAGE plpgsql IMMUTABLE
               AS $$ BEGIN PERFORM mallory.mark(''operator_class''); RETURN x.a OPERATOR(pg_catalog.%s) y.a; END $$', o[1], o[2]);
             EXECUTE format('CREATE OPERATOR mallory.%s (LEFTARG = mallory.par, RIGHTARG = mallory.par, FUNCTION = mallory.par_%s%s)',
               o[2], o[1], CASE o[2] WHEN '=' THEN ', MERGES' ELSE '' END);
           END LOOP; END $do$;
         RESET ROLE; CREATE OPERATOR CLASS mallory.par_ops DEFAULT FOR TYPE mallory.par USING btree AS
           OPERATOR 1 mallory.<, OPERATOR 2 mallory.<=, OPERATOR 3 mallory.=, OPERATOR 4 mallory.>=, OPERATOR 5 mallory.>,
           FUNCTION 1 mallory.par_cmp(mallory.par, mallory.par);
         SET ROLE {owner}; CREATE TABLE app.t_par (id int PRIMARY KEY, ejecutivo_id mallory.par);
         INSERT INTO app.t_par SELECT i, ROW(i % 3)::mallory.par FROM generate_series(1, 9) i",
        "SELECT max(id) AS id, ejecutivo_id FROM app.t_par GROUP BY ejecutivo_id",
        "",
    ),
    // Row security binds the owner here, so a refresh runs it, too.
    kind(
        "policy",
        "SET ROLE mallory; SELECT mallory.plant('policy', 'STABLE');
         RESET ROLE; CREATE TABLE app.t_policy AS SELECT * FROM app.base; ALTER TABLE app.t_policy OWNER TO tablero;
         ALTER TABLE app.t_policy ENABLE ROW LEVEL SECURITY; GRANT SELECT ON app.t_policy TO {owner};
         CREATE POLICY p ON app.t_policy USING (mallory.policy(id) > 0)",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_policy",
        "",
    ),
    // Planning a mere SELECT folds what stands in an index.
    kind(
        "index_below",
        "SET ROLE mallory; SELECT mallory.plant('index_below', 'IMMUTABLE');
         SET ROLE {owner}; CREATE TABLE app.t_index AS SELECT * FROM app.base;
         RESET ROLE; CREATE INDEX ON app.t_index ((mallory.index_below(0) + id))",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_index",
        "",
    ),
    kind(
        "predicate_below",
        "SET ROLE mallory; SELECT mallory.plant('predicate_below', 'IMMUTABLE');
         SET ROLE {owner}; CREATE TABLE app.t_predicate AS SELECT * FROM app.base;
         RESET ROLE; CREATE INDEX ON app.t_predicate (id) WHERE mallory.predicate_below(0) = 0",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_predicate",
        "",
    ),
    kind(
        "statistics_below",
        "SET ROLE mallory; SELECT mallory.plant('statistics_below', 'IMMUTABLE');
         SET ROLE {owner}; CREATE TABLE app.t_statistics AS SELECT * FROM app.base;
         RESET ROLE; CREATE STATISTICS app.s ON (mallory.statistics_below(0) + id) FROM app.t_statistics; ANALYZE app.t_statistics",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_statistics WHERE id > 0",
        "",
    ),
    kind(
        "index_of_view",
        "SET ROLE mallory; SELECT mallory.plant('index_of_view', 'IMMUTABLE')",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.base",
        "CREATE INDEX ON app.v_index_of_view ((mallory.index_of_view(0) + id))",
    ),
    kind(
        "predicate_of_view",
        "SET ROLE mallory; SELECT mallory.plant('predicate_of_view', 'IMMUTABLE')",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.base",
        "CREATE INDEX ON app.v_predicate_of_view (id) WHERE mallory.predicate_of_view(0) = 0",
    ),
    // The view below is hers: what it calls she may change at any time.
    kind(
        "view_below",
        "SET ROLE mallory; SELECT mallory.plant('view_below', 'VOLATILE');
         CREATE VIEW mallory.below AS SELECT id, ejecutivo_id, coordinacion_id, n FROM app.base; GRANT SELECT ON mallory.below TO PUBLIC",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM mallory.below",
        "SET ROLE mallory; CREATE OR REPLACE VIEW mallory.below AS
         SELECT id, ejecutivo_id, coordinacion_id, mallory.view_below(n) AS n FROM app.base",
    ),
    // What only a write runs: Test 2 of the proof makes one.
    kind(
        "trigger",
        "SET ROLE mallory; CREATE FUNCTION mallory.on_write() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN PERFORM mallory.mark('trigger'); RETURN new; END $$;
         SET ROLE {owner}; CREATE TABLE app.t_trigger AS SELECT * FROM app.base; ALTER TABLE app.t_trigger ADD PRIMARY KEY (id);
         CREATE TRIGGER t BEFORE UPDATE ON app.t_trigger FOR EACH ROW EXECUTE FUNCTION mallory.on_write()",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_trigger",
        "",
    ),
    kind(
        "generated",
        "SET ROLE mallory; SELECT mallory.plant('generated', 'IMMUTABLE');
         SET ROLE {owner}; CREATE TABLE app.t_generated (id int PRIMARY KEY, ejecutivo_id int, coordinacion_id text, n int,
           g int GENERATED ALWAYS AS (mallory.generated(ejecutivo_id)) STORED);
         INSERT INTO app.t_generated SELECT * FROM app.base",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_generated",
        "",
    ),
    kind(
        "check",
        "SET ROLE mallory; SELECT mallory.plant('check', 'VOLATILE');
         SET ROLE {owner}; CREATE TABLE app.t_check (id int PRIMARY KEY, ejecutivo_id int CHECK (mallory.check(ejecutivo_id) >= 0), coordinacion_id text, n int);
         INSERT INTO app.t_check SELECT * FROM app.base",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_check",
        "",
    ),
    kind(
        "partition",
        "SET ROLE mallory; SELECT mallory.plant('partition', 'IMMUTABLE');
         SET ROLE {owner}; CREATE TABLE app.t_partition (id int, ejecutivo_id int, coordinacion_id text, n int) PARTITION BY RANGE (mallory.partition(id));
         CREATE TABLE app.t_partition_1 PARTITION OF app.t_partition FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
         INSERT INTO app.t_partition SELECT * FROM app.base; CREATE UNIQUE INDEX ON app.t_partition_1 (id)",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_partition_1",
        "",
    ),
    kind(
        "rule",
        "SET ROLE mallory; SELECT mallory.plant('rule', 'VOLATILE');
         SET ROLE {owner}; CREATE TABLE app.t_rule AS SELECT * FROM app.base; ALTER TABLE app.t_rule ADD PRIMARY KEY (id);
         CREATE RULE r AS ON UPDATE TO app.t_rule DO ALSO SELECT mallory.rule(1)",
        "SELECT id, ejecutivo_id, coordinacion_id, n FROM app.t_rule",
        "",
    ),
    // Where a superuser owns the view nobody may run what she can replace.
    kind(
        "superusers_view",
        "SET ROLE mallory; SELECT mallory.plant('superusers_view', 'STABLE')",
        "SELECT id, ejecutivo_id, coordinacion_id, mallory.superusers_view(n) AS n FROM app.base",
        "RESET ROLE; ALTER MATERIALIZED VIEW app.v_superusers_view OWNER TO CURRENT_USER",
    ),
    // Several at once, for what is tried on one view only.
    kind(
        "all",
        "SET ROLE mallory; SELECT mallory.plant('all', 'VOLATILE')",
        "SELECT b.id, b.ejecutivo_id, c.ejecutivo_id AS grupo, mallory.all(b.n)::mallory.dom AS n, mallory.own_sql(i.n) AS m
         FROM mallory.below b JOIN app.t_index i USING (id) LEFT JOIN app.t_cast c USING (id)
         WHERE b.id > mallory.folded(0)",
        "",
    ),
];
