-- Every change signal in one statement. $1: the base tables, $2: the plain views that mvtop made, both as last known.
-- $4: the mark of an earlier pulse that asked the same. Rows are read only if it is another one now: a server that
-- has seen no transaction end has no other rows. A standby's snapshots do not tell them apart.
-- Checked against the documented catalogs and functions of 13 and 18: all that is used here is in both.
WITH now AS MATERIALIZED (
    SELECT CASE WHEN NOT pg_is_in_recovery()
                THEN concat(pg_postmaster_start_time(), ' ', pg_current_snapshot()) END AS mark
)
SELECT clock_timestamp() AS at,
       (SELECT mark FROM now) AS mark,
       mv.oids, mv.xmins, mv.shapes, mv.populated, below.schema,
       base.counters, base.files,
       locks.held,
       cron.jobs, cron.runs, cron.launcher
FROM (
    SELECT coalesce(array_agg(c.oid), '{}') AS oids,
           coalesce(array_agg(c.xmin), '{}') AS xmins,
           -- GRANT, OWNER TO, RENAME and SET move xmin, too. What they change stands here, hashed as it is: as a text it would
           -- cost four times as much.
           coalesce(array_agg(hashnameextended(c.relname, 1) # hashoidextended(c.relnamespace, 2) # hashoidextended(c.relowner, 3)
                              # hashoidextended(c.reltablespace, 4) # hashoidextended(c.relam, 7) # coalesce(hash_array_extended(c.relacl, 5), 0)
                              # coalesce(hash_array_extended(c.reloptions, 6), 0)), '{}') AS shapes,
           coalesce(array_agg(c.relispopulated), '{}') AS populated
    FROM pg_catalog.pg_class c
    WHERE (c.relkind = 'm' OR c.relkind = 'v' AND c.oid = ANY ($2::oid[]))
      AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE
) AS mv
CROSS JOIN (
    -- Another number when what views read, or the views' own indexes, is another set: a view was replaced, a partition, an
    -- index or a trigger came or went, a table or a column got another name. Ages are taken against that of one number, so that they stand still.
    SELECT (SELECT count(*) + coalesce(sum(pg_catalog.age(w.xmin)::int8 - pg_catalog.age('3'::xid)), 0)
            FROM pg_catalog.pg_rewrite w WHERE w.oid >= 16384 AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE)::int8
           # (SELECT coalesce(sum(i.inhrelid::int8), 0) FROM pg_catalog.pg_inherits i
              WHERE i.inhparent = ANY ($1::oid[]) AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE)::int8
           # (SELECT coalesce(sum(pg_catalog.hashname(b.relname)::int8 * 31 + b.relnamespace::int8), 0) FROM pg_catalog.pg_class b
              WHERE b.oid = ANY ($1::oid[]) AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE)::int8
           # (SELECT coalesce(sum(pg_catalog.hashname(a.attname)::int8 * a.attnum), 0) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
                AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE)::int8
           # (SELECT coalesce(sum(t.oid::int8 * ascii(t.tgenabled::text)), 0) FROM pg_catalog.pg_trigger t
              WHERE t.tgrelid = ANY ($1::oid[]) AND NOT t.tgisinternal
                AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE)::int8
           # (SELECT coalesce(sum(i.indexrelid::int8 * (1 + i.indisvalid::int4)), 0) FROM pg_catalog.pg_index i
              JOIN pg_catalog.pg_class m ON m.oid = i.indrelid AND m.relkind = 'm'
              WHERE ((SELECT mark FROM now) = $4::text) IS NOT TRUE)::int8 AS schema
) AS below
CROSS JOIN (
    -- ins+upd+del says that rows changed, the file number that the table was truncated or rewritten.
    -- A standby counts nothing: there, whatever was replayed may have been written to them, and the position in the WAL
    -- says that something was.
    SELECT coalesce(array_agg(
               pg_stat_get_tuples_inserted(t.oid) + pg_stat_get_tuples_updated(t.oid) + pg_stat_get_tuples_deleted(t.oid)
               ORDER BY t.place), '{}') AS counters,
           coalesce(array_agg(
               coalesce(c.relfilenode::int8, -1)
               + CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::int8 ELSE 0 END
               ORDER BY t.place), '{}') AS files
    FROM unnest($1::oid[]) WITH ORDINALITY AS t (oid, place)
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.oid
) AS base
CROSS JOIN (
    -- CONCURRENTLY holds ExclusiveLock, a plain refresh AccessExclusiveLock; no privilege is needed to see them. One
    -- that has its lock can still wait for a base table's.
    SELECT json_agg(json_build_object(
               'view', l.relation::int8, 'pid', coalesce(l.pid, 0), 'granted', l.granted,
               'concurrently', l.mode = 'ExclusiveLock',
               'user', a.usename, 'application', a.application_name, 'since', a.query_start,
               'state', CASE WHEN l.pid IS NULL THEN 'idle in transaction, prepared' ELSE a.state END,
               'blocked_by', (
                   SELECT json_agg(json_build_object(
                              'pid', b.pid, 'user', b.usename, 'application', b.application_name,
                              'state', b.state, 'since', b.xact_start, 'query', left(b.query, 200)))
                   FROM pg_catalog.pg_stat_activity b
                   WHERE b.pid = ANY (pg_blocking_pids(l.pid)))))::text AS held
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_class c ON c.oid = l.relation AND (c.relkind = 'm' OR c.oid = ANY ($2::oid[]))
    LEFT JOIN LATERAL (
        SELECT s.usename, s.application_name, s.query_start, s.state FROM pg_catalog.pg_stat_activity s WHERE s.pid = l.pid
    ) AS a ON true
    WHERE l.locktype = 'relation'
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
      AND l.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
) AS locks
CROSS JOIN (/* cron */) AS cron
