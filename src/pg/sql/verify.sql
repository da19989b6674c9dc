-- What only the proof asks about one view ($1), as one JSON document.
WITH RECURSIVE reads (relation) AS (
    SELECT $1::oid
    UNION
    SELECT d.refobjid
    FROM reads
    JOIN pg_catalog.pg_class c ON c.oid = reads.relation AND (c.relkind = 'v' OR c.oid = $1::oid)
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> c.oid
),
base AS (
    SELECT c.oid, n.nspname, c.relname
    FROM reads
    JOIN pg_catalog.pg_class c ON c.oid = reads.relation AND c.relkind IN ('r', 'p')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
),
-- A rule depends on each column that it reads.
feeds AS (
    SELECT DISTINCT base.oid, base.nspname, base.relname, a.attnum, a.attname
    FROM base
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = base.oid
                               AND d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refobjsubid > 0
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class IN (SELECT relation FROM reads)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = base.oid AND a.attnum = d.refobjsubid
                                  AND NOT a.attisdropped AND a.attgenerated = ''
)
SELECT json_build_object(
    'feeds', (
        SELECT coalesce(json_agg(json_build_object(
                   'schema', f.nspname, 'name', f.relname, 'column', f.attname,
                   'can_update', has_column_privilege(f.oid, f.attnum, 'UPDATE'),
                   'is_unique', EXISTS (
                       SELECT FROM pg_catalog.pg_index i
                       WHERE i.indrelid = f.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                         AND i.indexprs IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = f.attnum))
                   ORDER BY f.nspname, f.relname, f.attnum), '[]')
        FROM feeds f),
    'triggers', (
        SELECT coalesce(json_agg(json_build_object(
                   'table', t.tgrelid::int8, 'name', t.tgname, 'enabled', t.tgenabled IN ('O', 'A'), 'body', p.prosrc,
                   'search_path', (SELECT substr(c.setting, length('search_path=') + 1)
                                   FROM unnest(p.proconfig) AS c (setting)
                                   WHERE c.setting LIKE 'search\_path=%'),
                   -- Which of INSERT (4), DELETE (8), UPDATE (16) and TRUNCATE (32) it always fires after: not BEFORE (2), nor
                   -- INSTEAD (64).
                   'writes', CASE WHEN t.tgqual IS NOT NULL OR t.tgtype & 66 <> 0 THEN 0
                                  WHEN cardinality(t.tgattr::int2[]) > 0 THEN t.tgtype & 44 ELSE t.tgtype & 60 END)
                   ORDER BY t.tgrelid, t.tgname), '[]')
        FROM base
        JOIN pg_catalog.pg_trigger t ON t.tgrelid = base.oid AND NOT t.tgisinternal
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
        WHERE p.prosrc ~* 'refresh\s+materialized\s+view'),
    'tables', (
        SELECT coalesce(json_agg(json_build_object('oid', b.oid::int8, 'schema', b.nspname, 'name', b.relname)
                   ORDER BY b.nspname, b.relname), '[]')
        FROM base b),
    'refreshers', (
        SELECT coalesce(json_agg(x.rolname ORDER BY x.oid <> v.relowner, x.rolname), '[]')
        FROM pg_catalog.pg_roles x
        WHERE x.rolname NOT LIKE 'pg\_%' AND (pg_has_role(x.oid, v.relowner, 'USAGE')
        OR CASE WHEN current_setting('server_version_num')::int4 >= 170000
                THEN has_table_privilege(x.oid, v.oid, 'MAINTAIN') ELSE false END)))::text
FROM pg_catalog.pg_class v
WHERE v.oid = $1::oid
