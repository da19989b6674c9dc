-- Every job that this role may see, in one JSON document. jobname exists from pg_cron 1.3.
SELECT coalesce(json_agg(json_build_object(
           'id', j.jobid, 'name', j.jobname, 'schedule', j.schedule, 'command', j.command,
           'database', j.database, 'username', j.username, 'active', j.active) ORDER BY j.jobid), '[]')::text
FROM cron.job j
