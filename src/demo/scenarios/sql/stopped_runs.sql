-- The team's job every five minutes; its runs came until 42 minutes ago.
SELECT cron.schedule('refresh-conversaciones-dashboard', '*/5 * * * *',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard');
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 30000, database, username, command, 'succeeded', 'REFRESH MATERIALIZED VIEW', t, t + interval '1.2 seconds'
FROM cron.job, generate_series(date_trunc('hour', now()) - interval '1 day', now() - interval '42 minutes', interval '5 minutes') AS t
WHERE jobname = 'refresh-conversaciones-dashboard' ORDER BY t;
