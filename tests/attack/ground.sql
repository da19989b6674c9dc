-- Who plants, and whose views are looked at. {owner} owns the views and is no superuser; mallory has a schema of her own, may create in public as
-- everybody may in a database made before 15, and has no right beyond that.
CREATE ROLE mallory LOGIN;
CREATE ROLE tablero;
CREATE SCHEMA mallory AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
GRANT CREATE ON SCHEMA public TO mallory;

SET ROLE mallory;
-- What planted code does when it runs: it tells the log as whom, and who it can become by RESET ROLE ('-': that is refused).
CREATE FUNCTION mallory.mark(kind text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    becomes text := '-';
BEGIN
    BEGIN
        RESET ROLE;
        becomes := current_user;
        RAISE EXCEPTION 'back to the role that was';
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    RAISE LOG 'MARK|%|%|%|%|', kind, current_user, becomes, pg_catalog.translate(pg_catalog.left(pg_catalog.current_query(), 160), E'\n|', '  ');
    RETURN true;
END $$;
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
