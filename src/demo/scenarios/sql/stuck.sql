-- What a restart leaves of a run that was just connecting; another job has run since.
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 31000, database, username, command, 'connecting', NULL, NULL, NULL
FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 31000, database, username, command, 'succeeded', '1 row', now() - interval '1 minute', now() - interval '59 seconds'
FROM cron.job WHERE jobname = 'recordatorios-seguimiento';
