-- The view says when it was filled through now(), and now() cannot be set. So, in this one transaction that
-- nobody else sees into, now() is the night's hour while the view is filled. It works because the planner
-- inlines an SQL function from its pg_proc row; the executor alone would call the built-in by its OID.
DO $$
BEGIN
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS %L',
    format('SELECT %L::timestamptz', pg_temp.noche()));
END
$$;
