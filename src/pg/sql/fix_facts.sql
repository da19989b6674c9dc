-- What the fixes of one view need to know ($1: its OID, $2: its base tables), as one JSON document.
-- pg_cron's functions and tables are found by joins: to_regproc and its like raise an error where USAGE on the schema is
-- missing. They are found by name and number of arguments, for the types changed with the releases.
WITH cron AS (
    SELECT p.proname, p.pronargs,
           has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE') AS allowed
    FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
    WHERE n.nspname = 'cron'
)
SELECT json_build_object(
    'tables', (
        SELECT coalesce(json_agg(json_build_object(
                   'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
                   'can_trigger', has_table_privilege(c.oid, 'TRIGGER'),
                   'owns', pg_catalog.pg_has_role(c.relowner, 'USAGE'),
                   'is_of_owner', pg_catalog.pg_has_role(v.relowner, c.relowner, 'USAGE'),
                   'owner', pg_catalog.pg_get_userbyid(c.relowner)) ORDER BY n.nspname, c.relname), '[]')
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY ($2::oid[])),
    'owns', pg_catalog.pg_has_role(v.relowner, 'USAGE'),
    'can_create', has_schema_privilege(v.relnamespace, 'CREATE'),
    -- What is made is given to him, which only a superuser can do where he may not create it himself.
    'owner_lacks_create', NOT has_schema_privilege(v.relowner, v.relnamespace, 'CREATE')
                          AND pg_catalog.pg_get_userbyid(v.relowner) <> current_user
                          AND NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user),
    -- Those of every role: a few revokes too many do no harm.
    'function_grantees', (
        SELECT coalesce(json_agg(DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END), '[]')
        FROM pg_catalog.pg_default_acl d
        CROSS JOIN LATERAL aclexplode(d.defaclacl) AS e
        WHERE d.defaclobjtype = 'f' AND d.defaclnamespace IN (0, v.relnamespace) AND e.grantee NOT IN (0, v.relowner)),
    'can_signal', pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'),
    -- CONCURRENTLY makes a temporary table, as the view's owner.
    'owner_lacks_temp', NOT has_database_privilege(v.relowner, current_database(), 'TEMP'),
    'cron_offered', EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_cron'),
    'cron_preloaded', (SELECT setting ~ '\mpg_cron\M' FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries'),
    'can_schedule', EXISTS (SELECT FROM cron WHERE proname = 'schedule' AND pronargs = 3 AND allowed),
    'can_schedule_elsewhere', EXISTS (SELECT FROM cron WHERE proname = 'schedule_in_database' AND allowed),
    'can_alter_job', EXISTS (SELECT FROM cron WHERE proname = 'alter_job' AND allowed),
    'can_purge', EXISTS (
        SELECT FROM pg_catalog.pg_namespace n
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
        WHERE n.nspname = 'cron' AND c.relname = 'job_run_details'
          AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'DELETE')),
    -- The indexes that CONCURRENTLY can use, as in catalog.sql.
    'unique_indexes', (
        SELECT coalesce(json_agg(c.relname ORDER BY c.relname), '[]')
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = v.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
          AND i.indpred IS NULL AND i.indexprs IS NULL),
    -- The columns that a unique index can hold: those with a default operator class of btree, by their own type, by one
    -- that it is stored like (varchar as text), or by what it is made of.
    'indexable', (
        SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN pg_catalog.pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
        JOIN pg_catalog.pg_type e ON e.oid = CASE b.typcategory WHEN 'A' THEN b.typelem ELSE b.oid END
        WHERE a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND (e.typtype IN ('e', 'r', 'm') OR EXISTS (
              SELECT FROM pg_catalog.pg_opclass o
              JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
              WHERE o.opcdefault
                AND (o.opcintype = e.oid OR EXISTS (
                    SELECT FROM pg_catalog.pg_cast s
                    WHERE s.castsource = e.oid AND s.casttarget = o.opcintype AND s.castmethod = 'b'
                      AND s.castcontext = 'i'))))),
    'way_back', (
        SELECT substr(d.description, 8)
        FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_rewrite'::regclass AND d.objoid = r.oid
        WHERE r.ev_class = v.oid AND d.description LIKE 'mvtop: {%'))::text
FROM pg_catalog.pg_class v
WHERE v.oid = $1::oid
