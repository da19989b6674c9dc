-- The CRM on the night the view was filled: who has which prospecto, and what they wrote to each other.
-- One table, the plan, says for each prospecto all that is not the same for everyone.

CREATE TEMP TABLE plan ON COMMIT DROP AS
WITH tamano AS (
  SELECT pg_temp.filas() AS filas, greatest(2, pg_temp.filas() * 14 / 3230) AS nuevos
), prospecto AS (
  SELECT i,
    CASE WHEN i <= filas THEN 'noche' WHEN i <= filas + nuevos THEN 'nuevo' ELSE 'sin chat' END AS grupo,
    -- the seed decides which prospectos are Osmara's: the first 166 of this order
    CASE WHEN i <= filas THEN row_number() OVER (PARTITION BY i <= filas ORDER BY pg_temp.dado(i, 'orden'), i) END AS turno
  FROM tamano, generate_series(1, filas + nuevos + filas * 9 / 100) AS i
), equipo_de AS (
  SELECT *, CASE WHEN turno <= 166 THEN 'VEN' ELSE
    (ARRAY['VEN', 'BOOM', 'MVP', 'APEX', 'COBACA', 'CALIDAD'])[
      width_bucket(pg_temp.elige(i, 'coordinacion', 100), ARRAY[0, 38, 58, 74, 86, 94])] END AS codigo
  FROM prospecto
), mesa AS (SELECT codigo, coordinacion_id, count(puesto) AS sillas FROM equipo GROUP BY codigo, coordinacion_id)
SELECT x.i, x.grupo, x.turno, x.codigo, m.coordinacion_id,
  pg_temp.uid('prospecto', x.i) AS id,
  CASE WHEN x.turno <= 166 THEN 'd7847ffa-0758-4eb2-a97b-f80e54886531'::uuid
       WHEN pg_temp.elige(x.i, 'nadie', 70) > 0 THEN e.id END AS ejecutivo_id,
  CASE WHEN x.grupo = 'nuevo' THEN pg_temp.noche() + make_interval(mins => 5 + pg_temp.elige(x.i, 'alta', 3300))
       ELSE pg_temp.noche() - make_interval(hours => 15, secs => pg_temp.sesgo(x.i, 'alta', 60 * 86400)) END AS alta,
  CASE WHEN x.grupo = 'nuevo' THEN now() ELSE pg_temp.noche() END AS corte,
  -- Osmara's 29 have 49 conversaciones between them: 13 × 1, 12 × 2, 4 × 3
  CASE WHEN x.turno <= 13 THEN 1 WHEN x.turno <= 25 THEN 2 WHEN x.turno <= 29 THEN 3
       WHEN x.grupo = 'sin chat' THEN 0 WHEN x.grupo = 'nuevo' THEN 1 + pg_temp.elige(x.i, 'chats', 2)
       ELSE width_bucket(pg_temp.elige(x.i, 'chats', 100), ARRAY[0, 40, 70, 85, 95]) END AS chats,
  (ARRAY['Cancún', 'Riviera Maya', 'Los Cabos', 'Puerto Vallarta', 'Mazatlán', 'Huatulco', 'Acapulco', 'Tulum'])[
    1 + pg_temp.elige(x.i, 'destino', 8)] AS destino
FROM equipo_de x
JOIN mesa m USING (codigo)
JOIN equipo e ON e.codigo = x.codigo AND e.puesto = pg_temp.sesgo(x.i, 'ejecutivo', m.sillas);
CREATE UNIQUE INDEX ON plan (i);
CREATE UNIQUE INDEX ON plan (id);
ANALYZE plan, frases, equipo;

-- Writes the prospectos of a group; telephone numbers begin 52 000, an area that does not exist.
CREATE FUNCTION pg_temp.escribe_prospectos(grupos text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO prospectos (id, nombre_completo, nombre_whatsapp, whatsapp, email, titulo, etapa, etapa_id,
    requiere_atencion_humana, motivo_handoff, id_dynamics, id_uchat, coordinacion_id, ejecutivo_id, created_at, updated_at)
  SELECT p.id,
    CASE WHEN pg_temp.elige(i, 'anonimo', 12) > 0 THEN nombre || ' ' || apellido || ' ' || pg_temp.apellido(i, 'materno') END,
    CASE pg_temp.elige(i, 'apodo', 4) WHEN 0 THEN nombre WHEN 1 THEN nombre || ' ✨' ELSE nombre || ' ' || left(apellido, 1) || '.' END,
    '521000' || lpad(i::text, 7, '0'),
    CASE WHEN pg_temp.elige(i, 'correo', 3) > 0 THEN
      translate(lower(nombre || '.' || apellido), 'áéíóúñÁÉÍÓÚÑ', 'aeiounaeioun') || i || '@example.com' END,
    (ARRAY['Sr.', 'Sra.', 'Lic.', NULL, NULL])[1 + pg_temp.elige(i, 'titulo', 5)],
    etapas[etapa], pg_temp.uid('etapa', etapa),
    humano, CASE WHEN humano THEN (ARRAY['Pide hablar con una persona', 'Pregunta por su pago', 'Queja', 'Cambio de fecha'])[
      1 + pg_temp.elige(i, 'motivo', 4)] END,
    CASE WHEN pg_temp.elige(i, 'dynamics', 5) > 0 THEN pg_temp.uid('dynamics', i)::text END,
    'f' || (100000 + i) || 'u' || (pg_temp.dado(i, 'uchat') & 268435455),
    coordinacion_id, ejecutivo_id, alta, alta
  FROM plan p
  CROSS JOIN LATERAL (SELECT pg_temp.nombre(i) AS nombre, pg_temp.apellido(i, 'paterno') AS apellido,
    pg_temp.elige(i, 'humano', 9) = 0 AS humano, 1 + pg_temp.sesgo(i, 'etapa', 7) AS etapa,
    ARRAY['Primer contacto', 'Es miembro', 'Interesado', 'Atendió llamada', 'Con ejecutivo', 'Discovery', 'Certificado adquirido'] AS etapas) AS x
  WHERE grupo = ANY (grupos)
  ORDER BY i
$$;

-- Writes their conversaciones, spread from the day they came to the cut; each number n makes the key of one chat.
CREATE FUNCTION pg_temp.escribe_conversaciones(grupos text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO conversaciones_whatsapp (id, prospecto_id, estado, fecha_inicio, updated_at)
  SELECT pg_temp.uid('conversacion', i * 8 + j), id, CASE WHEN j = chats - 1 THEN 'abierta' ELSE 'cerrada' END, inicio, inicio
  FROM plan
  CROSS JOIN LATERAL generate_series(0, chats - 1) AS j
  CROSS JOIN LATERAL (SELECT alta + (corte - alta) * j / chats AS inicio) AS x
  WHERE grupo = ANY (grupos)
  ORDER BY i, j
$$;

-- Writes their mensajes: a dialogue from its first turn (a later chat starts further in), sometimes ending in unread ones.
CREATE FUNCTION pg_temp.escribe_mensajes(grupos text[]) RETURNS void LANGUAGE sql AS $$
  WITH chat AS MATERIALIZED (
    SELECT p.id, n, j, inicio, destino, pg_temp.uid('conversacion', n) AS conversacion_id, pg_temp.nombre(i) AS cliente,
      COALESCE(split_part(e.nombre, ' ', 1), 'el equipo') AS ejecutivo,
      2 + pg_temp.elige(n, 'dichos', 9) + (pg_temp.elige(n, 'uno mas', 4) = 0)::integer AS dichos,
      CASE WHEN j = chats - 1 THEN greatest(0, pg_temp.elige(n, 'esperan', 7) - 3) ELSE 0 END AS esperan
    FROM plan p
    LEFT JOIN equipo e ON e.id = p.ejecutivo_id
    CROSS JOIN LATERAL generate_series(0, chats - 1) AS j
    CROSS JOIN LATERAL (SELECT i * 8 + j AS n, alta + (corte - alta) * j / chats AS inicio) AS x
    WHERE grupo = ANY (grupos)
  )
  INSERT INTO mensajes_whatsapp (conversacion_id, prospecto_id, direccion, autor, contenido, leido, fecha)
  SELECT conversacion_id, id, f.direccion, f.autor,
    replace(replace(replace(f.texto, '{c}', cliente), '{e}', ejecutivo), '{d}', destino),
    f.direccion = 'saliente' OR k <= dichos - esperan,
    inicio + interval '1 second' * (k * 360 + pg_temp.elige(n * 16 + k, 'segundo', 360))
  FROM chat
  CROSS JOIN LATERAL generate_series(1, dichos) AS k
  JOIN frases f ON f.turno = CASE WHEN k > dichos - esperan THEN 0 ELSE 1 + (k - 1 + 4 * sign(j)::integer) % 12 END
    AND f.variante = pg_temp.elige(n * 16 + k, 'frase', f.variantes)
  ORDER BY inicio, n, k
$$;

SELECT pg_temp.escribe_prospectos('{noche,sin chat}');
SELECT pg_temp.escribe_conversaciones('{noche}');
SELECT pg_temp.escribe_mensajes('{noche}');

INSERT INTO llamadas_ventas (call_id, prospecto_id, ejecutivo_id, call_status, duracion_segundos, fecha_llamada)
SELECT pg_temp.uid('llamada', i), id, ejecutivo_id, estado,
  CASE estado WHEN 'finalizada' THEN 40 + pg_temp.elige(i, 'duracion', 1400) END,
  CASE estado WHEN 'activa' THEN corte - make_interval(secs => pg_temp.elige(i, 'llamada', 900)) ELSE alta + (corte - alta) / 2 END
FROM plan
CROSS JOIN LATERAL (SELECT CASE pg_temp.elige(i, 'estado', 60) WHEN 0 THEN 'activa' WHEN 1 THEN 'perdida' ELSE 'finalizada' END AS estado) AS x
WHERE grupo = 'noche' AND pg_temp.elige(i, 'llama', 4) = 0
ORDER BY i;
