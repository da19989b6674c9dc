-- What the server is and what this role may see. Read once a connection.
-- Checked against the documented catalogs of 13 and 18: every column and function used here is in both. A setting that
-- exists only with pg_cron, or only for pg_read_all_settings, is a row of pg_settings or none. pg_cron's tables are
-- found by joins: to_regclass raises an error where USAGE on the schema is missing.
SELECT current_setting('server_version_num')::int4 AS version_num,
       current_database()::text AS database,
       current_user::text AS "user",
       pg_postmaster_start_time() AS started_at,
       pg_is_in_recovery() AS standby,
       -- Our own start-up option hides what the server has: what the role and the database have can be seen.
       coalesce((SELECT split_part(c.setting, '=', 2)::bool
                 FROM pg_catalog.pg_db_role_setting s
                 CROSS JOIN unnest(s.setconfig) AS c (setting)
                 WHERE c.setting LIKE 'default\_transaction\_read\_only=%'
                   AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user))
                   AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
                 ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1), false) AS read_only,
       settings.options_in_force,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
       pg_has_role('pg_read_all_stats', 'USAGE') AS reads_all_stats,
       pg_has_role('pg_read_all_settings', 'USAGE') AS reads_all_settings,
       (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') AS cron_version,
       -- That view reads a folder of files, so it is asked only where the answer matters.
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') THEN true
            ELSE EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_cron') END AS cron_available,
       coalesce(cron.readable, false) AS cron_readable,
       coalesce(cron.row_security, false) AS cron_row_security,
       settings.cron_database, settings.cron_timezone, settings.cron_launches, settings.cron_logs_runs, settings.cron_workers,
       settings.cron_preloaded
FROM (
    SELECT bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) AS readable,
           bool_or(row_security_active(c.oid)) AS row_security
    FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
    WHERE n.nspname = 'cron' AND c.relname IN ('job', 'job_run_details')
) AS cron,
-- The view makes all settings at each look, so there is one look.
(
    SELECT count(*) FILTER (WHERE name = 'search_path' AND replace(reset_val, ' ', '') = 'pg_catalog,pg_temp'
                            OR name = 'default_transaction_read_only' AND reset_val = 'on') = 2 AS options_in_force,
           max(setting) FILTER (WHERE name = 'cron.database_name') AS cron_database,
           max(setting) FILTER (WHERE name = 'cron.timezone') AS cron_timezone,
           max(setting) FILTER (WHERE name = 'cron.launch_active_jobs') AS cron_launches,
           max(setting) FILTER (WHERE name = 'cron.log_run') AS cron_logs_runs,
           max(setting) FILTER (WHERE name = 'cron.use_background_workers') AS cron_workers,
           bool_or(setting ~ '\mpg_cron\M') FILTER (WHERE name = 'shared_preload_libraries') AS cron_preloaded
    FROM pg_catalog.pg_settings
) AS settings
