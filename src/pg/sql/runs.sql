-- The newest runs above a runid ($1), newest first, at most $2. By runid, the only index: start_time reads all.
-- $3: the database that is looked at, if that is not this one.
SELECT d.runid, d.jobid, d.status, left(d.return_message, CASE WHEN d.status = 'failed' THEN 2000 ELSE 500 END) AS message,
       d.start_time, d.end_time, d.command, d.database = coalesce($3::text, current_database()) AS here
FROM cron.job_run_details d
WHERE d.runid > $1::int8
ORDER BY d.runid DESC
LIMIT $2::int8
