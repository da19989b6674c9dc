-- Where there is no such view: each of its runs will fail.
SELECT cron.schedule_in_database('refresh-conversaciones-dashboard', '*/5 * * * *',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard', 'postgres');
