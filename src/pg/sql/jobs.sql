-- $2: the database that is looked at, if that is not this one.
-- Every job that this role may see, and the jobs that are gone but left runs among the newest ($1), one JSON document
-- each. jobname exists from pg_cron 1.3. The window is taken by runid, the only index, whatever the statistics say.
-- pg_cron keeps no time of a change, but transactions are in order: 'changed_after' is the newest run that was last
-- written before the job was.
WITH newest AS MATERIALIZED (
    SELECT d.xmin, d.jobid, d.runid, d.command, d.database, d.username
    FROM cron.job_run_details d ORDER BY d.runid DESC LIMIT $1::int8
),
gone AS MATERIALIZED (
    SELECT DISTINCT ON (d.jobid) d.jobid, d.command, d.database, d.username
    FROM newest d
    WHERE NOT EXISTS (SELECT FROM cron.job j WHERE j.jobid = d.jobid)
    ORDER BY d.jobid, d.runid DESC
),
written AS (
    SELECT w.jobid, max(w.runid) OVER (ORDER BY w.age DESC, w.jobid IS NULL ROWS UNBOUNDED PRECEDING) AS changed_after
    FROM (SELECT j.jobid, age(j.xmin) AS age, NULL::int8 AS runid FROM cron.job j
          UNION ALL
          SELECT NULL, age(n.xmin), n.runid FROM newest n) w
),
-- The search_path with which a session of a role in a database begins: what both have set comes before what the role
-- has, then the database, then all roles; NULL: none of them has one, and the server's own holds.
paths AS (
    SELECT who.username, who.database, (
               SELECT substr(c.setting, length('search_path=') + 1)
               FROM pg_catalog.pg_db_role_setting s
               CROSS JOIN unnest(s.setconfig) AS c (setting)
               WHERE c.setting LIKE 'search\_path=%'
                 AND (s.setrole = 0 OR s.setrole = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = who.username))
                 AND (s.setdatabase = 0
                      OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = who.database))
               ORDER BY s.setrole = 0, s.setdatabase = 0
               LIMIT 1) AS search_path
    FROM (SELECT j.username, j.database FROM cron.job j UNION SELECT g.username, g.database FROM gone g) who
)
SELECT (SELECT coalesce(json_agg(json_build_object(
                   'id', j.jobid, 'name', j.jobname, 'schedule', j.schedule, 'command', j.command,
                   'database', j.database, 'username', j.username, 'active', j.active,
                   'here', j.database = coalesce($2::text, current_database()),
                   'changed_after', w.changed_after, 'search_path', p.search_path,
                   'owner_exists', EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = j.username))
               ORDER BY j.jobid), '[]')::text
        FROM cron.job j
        LEFT JOIN paths p ON p.username = j.username AND p.database = j.database
        LEFT JOIN written w ON w.jobid = j.jobid) AS jobs,
       (SELECT coalesce(json_agg(json_build_object(
                   'id', gone.jobid, 'command', gone.command, 'here', gone.database = coalesce($2::text, current_database()),
                   'username', gone.username, 'search_path', p.search_path) ORDER BY gone.jobid), '[]')::text
        FROM gone
        LEFT JOIN paths p ON p.username = gone.username AND p.database = gone.database) AS removed,
       (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS is_superuser,
       -- What refreshes something when a command calls it; those of the database in which this runs, if that is looked at.
       (SELECT coalesce(json_agg(json_build_object(
                   'schema', n.nspname, 'name', p.proname, 'body', p.prosrc,
                   'definer', CASE WHEN p.prosecdef THEN pg_catalog.pg_get_userbyid(p.proowner) END,
                   'search_path', (SELECT substr(c.setting, length('search_path=') + 1)
                                   FROM unnest(p.proconfig) AS c (setting)
                                   WHERE c.setting LIKE 'search\_path=%'))
               ORDER BY p.proname, n.nspname, p.oid), '[]')::text
        FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE $2::text IS NULL AND p.prosrc ~* 'refresh\s+materialized\s+view') AS routines
