-- $1: a non-negative number that decides who starts a chat: one in three a new prospecto. Never one of Osmara's.
WITH dado AS (
  SELECT $1::bigint AS n, $1::bigint % 3 = 0 AS es_nuevo
), ejecutivo AS (
  SELECT id, coordinacion_id FROM profiles_ejecutivos WHERE id <> 'd7847ffa-0758-4eb2-a97b-f80e54886531'
  ORDER BY id OFFSET (SELECT n / 11 % 46 FROM dado) LIMIT 1
), nuevo AS (
  INSERT INTO prospectos (id, nombre_completo, nombre_whatsapp, whatsapp, etapa, etapa_id, id_uchat, coordinacion_id, ejecutivo_id)
  SELECT gen_random_uuid(), nombre || ' ' || apellido, nombre, (SELECT max(whatsapp::bigint) + 1 FROM prospectos)::text,
    muestra.etapa, muestra.etapa_id, 'f' || n % 1000000007, e.coordinacion_id, e.id
  FROM dado, ejecutivo e,
    LATERAL (SELECT (ARRAY['Lucía', 'Emilio', 'Regina', 'Tadeo', 'Camila', 'Bruno'])[1 + n / 5 % 6] AS nombre,
      (ARRAY['Hernández', 'Salgado', 'Rosas', 'Mejía', 'Cárdenas'])[1 + n / 31 % 5] AS apellido) AS x,
    LATERAL (SELECT etapa, etapa_id FROM prospectos WHERE etapa = 'Primer contacto' LIMIT 1) AS muestra
  WHERE es_nuevo
  RETURNING id
), conocido AS (
  SELECT id FROM prospectos, dado
  WHERE NOT es_nuevo AND ejecutivo_id IS DISTINCT FROM 'd7847ffa-0758-4eb2-a97b-f80e54886531'
  ORDER BY created_at DESC, id OFFSET (SELECT n % 200 FROM dado) LIMIT 1
), chat AS (
  INSERT INTO conversaciones_whatsapp (id, prospecto_id)
  SELECT gen_random_uuid(), id FROM (SELECT id FROM nuevo UNION ALL SELECT id FROM conocido) AS quien
  RETURNING id, prospecto_id
)
INSERT INTO mensajes_whatsapp (conversacion_id, prospecto_id, direccion, autor, contenido)
SELECT id, prospecto_id, 'entrante', 'cliente',
  (ARRAY['Hola, vi su anuncio y quiero información', '¿Todavía está la promoción de Cancún?',
    'Buen día, ¿qué precio tiene Los Cabos para 4 personas?', 'Info por favor 🙏'])[1 + n / 13 % 4]
FROM chat, dado
