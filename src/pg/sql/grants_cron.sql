-- What a role must be granted to connect to this database and to read pg_cron's history in it, as one JSON document.
SELECT json_build_object(
    'database', current_database(),
    'sql', quote_ident(current_database()),
    'connect', json_build_object(
        'privilege', 'CONNECT ON DATABASE ' || quote_ident(current_database()),
        'owner', pg_catalog.pg_get_userbyid(d.datdba),
        'public', has_database_privilege('public', d.oid, 'CONNECT'),
        'may', has_database_privilege(d.oid, 'CONNECT WITH GRANT OPTION')),
    'cron', (
        SELECT coalesce(json_agg(json_build_object('privilege', p.privilege, 'owner', pg_catalog.pg_get_userbyid(p.owner),
                                                   'public', p.public, 'may', p.may) ORDER BY p.place), '[]')
        FROM (
            SELECT 1 AS place, 'USAGE ON SCHEMA cron' AS privilege, n.nspowner AS owner,
                   has_schema_privilege('public', n.oid, 'USAGE') AS public,
                   has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION') AS may
            FROM pg_catalog.pg_extension e
            JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron'
            WHERE e.extname = 'pg_cron'
            UNION ALL
            SELECT 2, 'SELECT ON TABLE ' || format('%I.%I', n.nspname, c.relname), c.relowner,
                   has_table_privilege('public', c.oid, 'SELECT'), has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION')
            FROM pg_catalog.pg_extension e
            JOIN pg_catalog.pg_namespace n ON n.nspname = 'cron'
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname IN ('job', 'job_run_details')
            WHERE e.extname = 'pg_cron') AS p),
    'elsewhere', (
        SELECT s.setting FROM pg_catalog.pg_settings s
        WHERE s.name = 'cron.database_name' AND s.setting <> current_database()
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_cron'))
)::text
FROM pg_catalog.pg_database d
WHERE d.datname = current_database()
