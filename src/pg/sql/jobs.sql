-- $2: the database that is looked at, if that is not this one.
-- Every job that this role may see, and the jobs that are gone but left runs among the newest ($1), one JSON document
-- each. jobname exists from pg_cron 1.3. The window is taken by runid, the only index, whatever the statistics say.
-- pg_cron keeps no time of a change, but transactions are in order: 'changed_after' is the newest run that was last
-- written before the job was.
WITH newest AS MATERIALIZED (
    SELECT d.xmin, d.jobid, d.runid, d.command, d.database, d.start_time
    FROM cron.job_run_details d ORDER BY d.runid DESC LIMIT $1::int8
),
-- What refreshes something when a command calls it; those of the database in which this runs.
refreshing AS MATERIALIZED (
    SELECT p.prosrc, '\m' || regexp_replace(p.proname, '([^a-zA-Z0-9_])', '\\\1', 'g') || '\M' AS name
    FROM pg_catalog.pg_proc p WHERE p.prosrc ~* 'refresh\s+materialized\s+view'
),
written AS (
    SELECT w.jobid, max(w.runid) OVER (ORDER BY w.age DESC, w.jobid IS NULL ROWS UNBOUNDED PRECEDING) AS changed_after
    FROM (SELECT j.jobid, age(j.xmin) AS age, NULL::int8 AS runid FROM cron.job j
          UNION ALL
          SELECT NULL, age(n.xmin), n.runid FROM newest n) w
)
SELECT (SELECT coalesce(json_agg(json_build_object(
                   'id', j.jobid, 'name', j.jobname, 'schedule', j.schedule, 'command', j.command,
                   'database', j.database, 'username', j.username, 'active', j.active,
                   'here', j.database = coalesce($2::text, current_database()),
                   'changed_after', w.changed_after,
                   'calls', (SELECT coalesce(json_agg(r.prosrc), '[]') FROM refreshing r
                             WHERE j.database = current_database() AND j.command ~* r.name),
                   'owner_exists', EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = j.username))
               ORDER BY j.jobid), '[]')::text
        FROM cron.job j
        LEFT JOIN written w ON w.jobid = j.jobid) AS jobs,
       (SELECT coalesce(json_agg(json_build_object(
                   'id', gone.jobid, 'command', gone.command, 'here', gone.database = coalesce($2::text, current_database()),
                   'last', gone.start_time) ORDER BY gone.jobid), '[]')::text
        FROM (SELECT DISTINCT ON (d.jobid) d.jobid, d.command, d.database, d.start_time
              FROM newest d
              WHERE NOT EXISTS (SELECT FROM cron.job j WHERE j.jobid = d.jobid)
              ORDER BY d.jobid, d.runid DESC) gone) AS removed
