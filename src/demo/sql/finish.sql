-- The planner's numbers, and a clean slate for pg_stat_statements: the loading is not part of the incident.
ANALYZE coordinaciones, profiles, prospectos, conversaciones_whatsapp, mensajes_whatsapp, llamadas_ventas,
  mv_conversaciones_dashboard, cron.job, cron.job_run_details;
DO $$
BEGIN
  IF to_regproc('pg_stat_statements_reset') IS NOT NULL THEN
    PERFORM pg_stat_statements_reset();
  END IF;
END
$$;
