-- What the fixes of one view need to know ($1: its OID, $2: its base tables), as one JSON document.
SELECT json_build_object(
    'tables', (
        SELECT coalesce(json_agg(json_build_object(
                   'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
                   'can_trigger', has_table_privilege(c.oid, 'TRIGGER')) ORDER BY n.nspname, c.relname), '[]')
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY ($2::oid[])),
    'owns', pg_catalog.pg_has_role(v.relowner, 'USAGE'),
    'can_create', has_schema_privilege(v.relnamespace, 'CREATE'),
    'can_signal', pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'),
    'cron_offered', EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_cron'),
    'cron_preloaded', (SELECT setting ~ '\mpg_cron\M' FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries'),
    'can_schedule', coalesce(has_function_privilege(to_regprocedure('cron.schedule(text,text,text)'), 'EXECUTE'), false),
    'can_schedule_elsewhere', coalesce(has_function_privilege(
        (SELECT p.oid FROM pg_catalog.pg_proc p
         WHERE p.proname = 'schedule_in_database' AND p.pronamespace = to_regnamespace('cron') LIMIT 1), 'EXECUTE'), false),
    'can_alter_job', coalesce(has_function_privilege(
        (SELECT p.oid FROM pg_catalog.pg_proc p
         WHERE p.proname = 'alter_job' AND p.pronamespace = to_regnamespace('cron') LIMIT 1), 'EXECUTE'), false),
    'can_purge', coalesce(has_table_privilege(to_regclass('cron.job_run_details'), 'DELETE'), false),
    'way_back', (
        SELECT substr(d.description, 8)
        FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_rewrite'::regclass AND d.objoid = r.oid
        WHERE r.ev_class = v.oid AND d.description LIKE 'mvtop: {%'))::text
FROM pg_catalog.pg_class v
WHERE v.oid = $1::oid
