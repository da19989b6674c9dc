-- A database's stranger: a schema of her own and nothing else.
DO $$ BEGIN IF to_regrole('mallory') IS NULL THEN CREATE ROLE mallory LOGIN; END IF; END $$;
CREATE SCHEMA mallory AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
SET ROLE mallory;
-- What planted code does when it runs: it tells the log as whom, and who it can become by RESET ROLE ('-': that is refused).
CREATE FUNCTION mallory.mark(kind text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    becomes pg_catalog.text := '-';
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
RESET ROLE;
