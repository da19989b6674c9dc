CREATE SCHEMA ventas;
CREATE MATERIALIZED VIEW ventas.mv_conversaciones_dashboard AS SELECT id AS prospecto_id, etapa FROM public.prospectos;
CREATE UNIQUE INDEX ON ventas.mv_conversaciones_dashboard (prospecto_id);
SELECT cron.schedule('refresh-conversaciones-dashboard', '*/5 * * * *',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY ventas.mv_conversaciones_dashboard');
