-- Who plants, and whose views are looked at. {owner} owns the views and is no superuser; mallory has a schema of her own, may create in public as
-- everybody may in a database made before 15, and has no right beyond that.
GRANT CREATE ON SCHEMA public TO mallory;
CREATE ROLE tablero;
-- Has nothing to lose: no right that mallory lacks.
CREATE ROLE mirona LOGIN;

SET ROLE mallory;
CREATE FUNCTION mallory.plant(kind text, volatility text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FUNCTION mallory.%I(i int) RETURNS int LANGUAGE plpgsql %s AS $f$ BEGIN PERFORM mallory.mark(%L); RETURN i; END $f$',
                   kind, volatility, kind);
END $$;
RESET ROLE;

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
ALTER SCHEMA app OWNER TO {owner};
SET ROLE {owner};
CREATE TABLE app.base (id int PRIMARY KEY, ejecutivo_id int, coordinacion_id text, n int);
INSERT INTO app.base SELECT i, i % 4, CASE WHEN i % 2 = 0 THEN 'VEN' ELSE 'BOOM' END, i FROM generate_series(1, 24) i;
GRANT SELECT ON app.base TO mallory, tablero;
CREATE MATERIALIZED VIEW app.v_clean AS SELECT id, ejecutivo_id, coordinacion_id, n FROM app.base;
CREATE UNIQUE INDEX ON app.v_clean (id);
RESET ROLE;
