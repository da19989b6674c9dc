-- $2: the database that is looked at, if that is not this one.
-- Every job that this role may see, and the jobs that are gone but left runs among the newest ($1), one JSON document
-- each. jobname exists from pg_cron 1.3. The window is taken by runid, the only index, whatever the statistics say.
SELECT (SELECT coalesce(json_agg(json_build_object(
                   'id', j.jobid, 'name', j.jobname, 'schedule', j.schedule, 'command', j.command,
                   'database', j.database, 'username', j.username, 'active', j.active,
                   'here', j.database = coalesce($2::text, current_database()),
                   'owner_exists', EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = j.username))
               ORDER BY j.jobid), '[]')::text
        FROM cron.job j) AS jobs,
       (SELECT coalesce(json_agg(json_build_object(
                   'id', gone.jobid, 'command', gone.command, 'here', gone.database = coalesce($2::text, current_database()),
                   'last', gone.start_time) ORDER BY gone.jobid), '[]')::text
        FROM (SELECT DISTINCT ON (d.jobid) d.jobid, d.command, d.database, d.start_time
              FROM (SELECT * FROM cron.job_run_details ORDER BY runid DESC LIMIT $1::int8) d
              WHERE NOT EXISTS (SELECT FROM cron.job j WHERE j.jobid = d.jobid)
              ORDER BY d.jobid, d.runid DESC) gone) AS removed
