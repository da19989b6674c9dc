-- As pg_cron writes it after ten seconds without a connection: both times are NULL.
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 31000, database, username, command, 'failed', 'job startup timeout', NULL, NULL
FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
