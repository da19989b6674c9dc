-- The same columns where pg_cron's tables cannot be read.
    SELECT NULL::text AS jobs, NULL::text AS runs, NULL::bool AS launcher WHERE $3::int8 IS NOT NULL
