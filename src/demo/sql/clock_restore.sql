-- now() as initdb made it: the same row (OID 1299), word for word.
CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz
  LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'now';
