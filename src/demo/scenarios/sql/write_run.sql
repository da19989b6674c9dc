-- The row of a run ($1 job, $2 database, $3 role, $4 command, $5 status, $6 message) that began ($7) or did not.
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
VALUES (nextval('cron.runid_seq'), $1, 31000, $2, $3, $4, $5, $6,
  CASE WHEN $7 THEN clock_timestamp() - interval '1 second' END, CASE WHEN $7 THEN clock_timestamp() END)
