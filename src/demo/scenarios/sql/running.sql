-- A run under way: what the launcher finds after the restart and calls failed.
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 31000, database, username, command, 'running', NULL, now() - interval '10 seconds', NULL
FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
