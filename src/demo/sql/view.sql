-- The view of the incident: one row per prospecto with at least one conversación.
-- Every join is a LEFT JOIN on the other side's unique key, so that a query for keys and groups only
-- lets the planner drop the joins it does not need (counts over the definition: a few ms, not thirty).

CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS
SELECT
  p.id AS prospecto_id,
  COALESCE(NULLIF(p.nombre_completo, ''), p.nombre_whatsapp) AS nombre_contacto,
  p.nombre_whatsapp,
  right(p.whatsapp, 10) AS numero_telefono,
  p.whatsapp AS whatsapp_raw,
  p.etapa,
  p.etapa_id,
  p.requiere_atencion_humana,
  p.motivo_handoff,
  p.id_dynamics,
  p.id_uchat,
  p.created_at AS fecha_creacion,
  p.email,
  p.titulo,
  p.coordinacion_id,
  co.codigo AS coordinacion_codigo,
  co.nombre AS coordinacion_nombre,
  p.ejecutivo_id,
  e.full_name AS ejecutivo_nombre,
  e.email AS ejecutivo_email,
  ultimo.fecha AS fecha_ultimo_mensaje,
  COALESCE(total.mensajes, 0) AS mensajes_totales,
  COALESCE(total.no_leidos, 0) AS mensajes_no_leidos,
  left(ultimo.contenido, 80) AS ultimo_mensaje_preview,
  llamada.call_id AS llamada_activa_id,
  llamada.call_id IS NOT NULL AS tiene_llamada_activa,
  now() AS vista_actualizada_at
FROM prospectos p
LEFT JOIN coordinaciones co ON co.id = p.coordinacion_id
LEFT JOIN profiles_ejecutivos e ON e.id = p.ejecutivo_id
LEFT JOIN (
  SELECT prospecto_id,
         count(*) AS mensajes,
         count(*) FILTER (WHERE direccion = 'entrante' AND NOT leido) AS no_leidos
  FROM mensajes_whatsapp
  GROUP BY prospecto_id
) total ON total.prospecto_id = p.id
LEFT JOIN (
  SELECT DISTINCT ON (prospecto_id) prospecto_id, fecha, contenido
  FROM mensajes_whatsapp
  ORDER BY prospecto_id, fecha DESC, id DESC
) ultimo ON ultimo.prospecto_id = p.id
LEFT JOIN (
  SELECT DISTINCT ON (prospecto_id) prospecto_id, call_id
  FROM llamadas_ventas
  WHERE call_status = 'activa'
  ORDER BY prospecto_id, fecha_llamada DESC, call_id
) llamada ON llamada.prospecto_id = p.id
WHERE EXISTS (SELECT FROM conversaciones_whatsapp c WHERE c.prospecto_id = p.id);

CREATE UNIQUE INDEX mv_conversaciones_dashboard_prospecto ON mv_conversaciones_dashboard (prospecto_id);
CREATE INDEX mv_conversaciones_dashboard_ejecutivo ON mv_conversaciones_dashboard (ejecutivo_id);
CREATE INDEX mv_conversaciones_dashboard_coordinacion ON mv_conversaciones_dashboard (coordinacion_id);
