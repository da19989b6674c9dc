-- What the server is and what this role may see. Read once a connection.
SELECT current_setting('server_version_num')::int4 AS version_num,
       current_database()::text AS database,
       current_user::text AS "user",
       pg_postmaster_start_time() AS started_at,
       pg_is_in_recovery() AS standby,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
       pg_has_role('pg_read_all_stats', 'USAGE') AS reads_all_stats,
       (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') AS cron_version,
       coalesce(has_schema_privilege(cron.schema, 'USAGE') AND has_table_privilege(cron.job, 'SELECT')
                AND has_table_privilege(cron.runs, 'SELECT'), false) AS cron_readable,
       coalesce(row_security_active(cron.job), false) AS cron_row_security,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.database_name') AS cron_database,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.timezone') AS cron_timezone,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.launch_active_jobs') AS cron_launches,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.log_run') AS cron_logs_runs,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.use_background_workers') AS cron_workers,
       (SELECT setting ~ '\mpg_cron\M' FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries') AS cron_preloaded
-- By name, for to_regclass is an error where the schema may not be used.
FROM (SELECT max(n.oid) AS schema, max(c.oid) FILTER (WHERE c.relname = 'job') AS job,
             max(c.oid) FILTER (WHERE c.relname = 'job_run_details') AS runs
      FROM pg_catalog.pg_namespace n
      LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
      WHERE n.nspname = 'cron') AS cron
