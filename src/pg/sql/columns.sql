-- The planner's number of values of each column of a view ($1), where this role may read its statistics.
SELECT s.attname AS name,
       CASE WHEN s.n_distinct >= 0 THEN s.n_distinct
            WHEN c.reltuples > 0 THEN round(-s.n_distinct * c.reltuples)
       END::float8 + (CASE WHEN s.null_frac > 0 THEN 1 ELSE 0 END) AS values
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
WHERE c.oid = $1::oid
