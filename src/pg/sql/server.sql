-- What the server is and what this role may see. Read once a connection.
SELECT current_setting('server_version_num')::int4 AS version_num,
       current_database()::text AS database,
       current_user::text AS "user",
       pg_postmaster_start_time() AS started_at,
       pg_is_in_recovery() AS standby,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
       pg_has_role('pg_read_all_stats', 'USAGE') AS reads_all_stats,
       (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') AS cron_version,
       coalesce(has_schema_privilege(to_regnamespace('cron'), 'USAGE')
                AND has_table_privilege(to_regclass('cron.job'), 'SELECT')
                AND has_table_privilege(to_regclass('cron.job_run_details'), 'SELECT'), false) AS cron_readable,
       coalesce(row_security_active(to_regclass('cron.job')), false) AS cron_row_security,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.database_name') AS cron_database,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.timezone') AS cron_timezone,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.launch_active_jobs') AS cron_launches,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.log_run') AS cron_logs_runs
