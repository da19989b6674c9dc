-- A day of runs for each job as pg_cron writes them, with what a day brings: slow runs, failures, and 40 minutes
-- about nine hours ago when the launcher was down and nothing ran.

WITH hora AS (
  -- never over 06:00, or the daily job would have no run at all
  SELECT CASE WHEN h::date + time '06:00' BETWEEN h - interval '5 minutes' AND h + interval '45 minutes'
         THEN h - interval '2 hours' ELSE h END AS caida
  FROM (SELECT date_trunc('hour', (now() AT TIME ZONE 'UTC') - interval '9 hours') + interval '12 minutes 30 seconds' AS h) AS x
), cita AS (
  SELECT j.jobid, j.jobname, j.command, t AS cita, extract(epoch FROM clock_timestamp() - t)::bigint / 60 AS hace
  FROM cron.job j
  JOIN (VALUES ('limpiar-sesiones', 15), ('sincronizar-dynamics', 5), ('recordatorios-seguimiento', 2), ('resumen-diario', 1440))
    AS cada (jobname, minutos) USING (jobname)
  CROSS JOIN generate_series(date_trunc('minute', clock_timestamp()) - interval '1439 minutes', clock_timestamp(), '1 minute') AS t
  CROSS JOIN hora
  WHERE extract(epoch FROM t)::bigint / 60 % minutos = CASE minutos WHEN 1440 THEN 360 ELSE 0 END
    AND NOT (t AT TIME ZONE 'UTC' BETWEEN caida AND caida + interval '40 minutes')
), corrida AS (
  -- which runs go wrong is told by how long ago they were, so a day always has them
  SELECT *, jobid * 10000 + hace AS n,
    CASE
      WHEN jobname = 'sincronizar-dynamics' AND hace / 5 IN (31, 32, 163, 219) THEN
        'ERROR:  Dynamics no respondió a tiempo (HTTP 504)' || E'\nCONTEXT:  PL/pgSQL function sincronizar_dynamics() line 7 at RAISE\n'
      WHEN jobname = 'recordatorios-seguimiento' AND hace / 2 = 402 THEN
        'ERROR:  canceling statement due to lock timeout' || E'\nCONTEXT:  while updating tuple (0,12) in relation "recordatorios"\n'
        || E'SQL statement "UPDATE recordatorios SET enviado_at = now() WHERE enviado_at IS NULL AND programado_at <= now()"\n'
        || E'PL/pgSQL function enviar_recordatorios() line 6 at SQL statement\n'
      WHEN jobname = 'limpiar-sesiones' AND hace / 15 = 71 THEN 'connection failed'
      WHEN jobname = 'sincronizar-dynamics' AND cita = max(cita) FILTER (WHERE jobname = 'sincronizar-dynamics'
        AND cita AT TIME ZONE 'UTC' < (SELECT caida FROM hora)) OVER () THEN 'server restarted'
    END AS falla
  FROM cita
), medida AS (
  SELECT *, cita + make_interval(secs => (6 + pg_temp.elige(n, 'espera', 26)) / 1000.0) AS inicio,
    CASE jobname
      WHEN 'limpiar-sesiones' THEN 3 + pg_temp.sesgo(n, 'tarda', 30)
      WHEN 'sincronizar-dynamics' THEN 320 + pg_temp.elige(n, 'tarda', 1200) + CASE WHEN pg_temp.elige(n, 'lenta', 25) = 0 THEN 3400 ELSE 0 END
      WHEN 'recordatorios-seguimiento' THEN 24 + pg_temp.elige(n, 'tarda', 100)
      ELSE 90 + pg_temp.elige(n, 'tarda', 80) END
    + CASE WHEN falla LIKE 'ERROR:  Dynamics%' THEN 30000 WHEN falla LIKE '%lock timeout%' THEN 5000 ELSE 0 END
    + pg_temp.elige(n, 'micro', 1000) / 1000.0 AS ms
  FROM corrida
)
INSERT INTO cron.job_run_details (runid, jobid, job_pid, database, username, command, status, return_message, start_time, end_time)
SELECT row_number() OVER (ORDER BY inicio, jobid), jobid, 20000 + row_number() OVER (ORDER BY inicio, jobid) * 7 + pg_temp.elige(n, 'pid', 7),
  current_database(), 'postgres', command, CASE WHEN falla IS NULL THEN 'succeeded' ELSE 'failed' END, COALESCE(falla, '1 row'),
  CASE WHEN falla IS DISTINCT FROM 'connection failed' THEN inicio END,
  CASE WHEN falla IS NULL OR falla LIKE 'ERROR:%' THEN least(inicio + make_interval(secs => ms / 1000.0), clock_timestamp()) END
FROM medida
ORDER BY inicio, jobid;

SELECT setval('cron.runid_seq', max(runid)) FROM cron.job_run_details;
