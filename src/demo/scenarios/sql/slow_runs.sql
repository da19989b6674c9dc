-- A job every minute whose refresh takes longer than that: each run queues behind the one before.
SELECT cron.schedule('refresh-conversaciones-dashboard', '* * * * *',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard');
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 30000, database, username, command, 'succeeded', 'REFRESH MATERIALIZED VIEW', t, t + interval '75 seconds'
FROM cron.job, generate_series(date_trunc('hour', now()) - interval '1 day', now() - interval '1 minute', interval '75 seconds') AS t
WHERE jobname = 'refresh-conversaciones-dashboard' ORDER BY t;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard;
