-- The team's job, so that its next run is half an hour away, and a day of its runs as pg_cron writes them.
SELECT cron.schedule('refresh-conversaciones-dashboard', extract(minute FROM now() + interval '30 minutes') || ' * * * *',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard');
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT nextval('cron.runid_seq'), jobid, 30000 + n, database, username, command, 'succeeded', 'REFRESH MATERIALIZED VIEW',
  t, t + make_interval(secs => 1.1 + (n * 7 % 9) / 10.0)
FROM cron.job, generate_series(1, 24) AS n,
  LATERAL (SELECT date_trunc('minute', now()) - make_interval(mins => 30, hours => 24 - n) + interval '12 ms' AS t) AS x
WHERE jobname = 'refresh-conversaciones-dashboard' ORDER BY n;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard;
