-- Who a backend ($1) waits for.
SELECT b.pid, b.usename::text AS "user", b.application_name AS application, b.state
FROM pg_catalog.pg_stat_activity b
WHERE b.pid = ANY (pg_blocking_pids($1::int4))
