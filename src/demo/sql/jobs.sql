-- The jobs that do exist, with something real behind each. None refreshes the view: that is the incident.

CREATE FUNCTION limpiar_sesiones() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  borradas integer;
BEGIN
  DELETE FROM sesiones WHERE expira_at < now();
  GET DIAGNOSTICS borradas = ROW_COUNT;
  RETURN borradas;
END
$$;

-- The pause stands for the answer of the other system.
CREATE FUNCTION sincronizar_dynamics() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  enviados integer;
BEGIN
  INSERT INTO dynamics_cola (prospecto_id)
    SELECT id FROM prospectos WHERE updated_at > (SELECT COALESCE(max(encolado_at), '-infinity') FROM dynamics_cola);
  PERFORM pg_sleep(0.3 + random() * 1.2);
  UPDATE dynamics_cola SET enviado_at = clock_timestamp() WHERE enviado_at IS NULL;
  GET DIAGNOSTICS enviados = ROW_COUNT;
  RETURN enviados;
END
$$;

CREATE FUNCTION enviar_recordatorios() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  enviados integer;
BEGIN
  PERFORM pg_sleep(0.02 + random() * 0.1);
  UPDATE recordatorios SET enviado_at = now() WHERE enviado_at IS NULL AND programado_at <= now();
  GET DIAGNOSTICS enviados = ROW_COUNT;
  RETURN enviados;
END
$$;

CREATE FUNCTION resumen_diario() RETURNS date LANGUAGE sql AS $$
  INSERT INTO resumenes_diarios (dia, mensajes, prospectos_nuevos)
  SELECT d.dia, (SELECT count(*) FROM mensajes_whatsapp WHERE fecha >= d.dia AND fecha < d.dia + 1),
                (SELECT count(*) FROM prospectos WHERE created_at >= d.dia AND created_at < d.dia + 1)
  FROM (SELECT current_date - 1 AS dia) AS d
  ON CONFLICT (dia) DO UPDATE SET mensajes = excluded.mensajes, prospectos_nuevos = excluded.prospectos_nuevos
  RETURNING dia
$$;

INSERT INTO sesiones (id, profile_id, creada_at, expira_at)
SELECT pg_temp.uid('sesion', n), id, t, t + interval '8 hours'
FROM (SELECT id, n, now() - make_interval(mins => pg_temp.elige(n, 'sesion', 460)) AS t
      FROM (SELECT id, row_number() OVER (ORDER BY email) AS n FROM profiles) AS p) AS s;

INSERT INTO recordatorios (profile_id, texto, programado_at)
SELECT id, 'Dar seguimiento a las conversaciones sin respuesta',
  now() + make_interval(mins => 2 + pg_temp.elige(n, 'recordatorio', 600))
FROM (SELECT id, row_number() OVER (ORDER BY email) AS n FROM profiles_ejecutivos) AS e ORDER BY n;

INSERT INTO dynamics_cola (prospecto_id, encolado_at, enviado_at)
SELECT id, now() - interval '5 minutes', now() - interval '4 minutes 59 seconds' FROM plan WHERE grupo = 'nuevo' ORDER BY i;

SELECT cron.schedule('limpiar-sesiones', '*/15 * * * *', 'SELECT limpiar_sesiones()');
SELECT cron.schedule('sincronizar-dynamics', '*/5 * * * *', 'SELECT sincronizar_dynamics()');
SELECT cron.schedule('recordatorios-seguimiento', '*/2 * * * *', 'SELECT enviar_recordatorios()');
SELECT cron.schedule('resumen-diario', '0 6 * * *', 'SELECT resumen_diario()');
