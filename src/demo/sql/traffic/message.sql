-- $1: a non-negative number that decides which of the latest chats gets a mensaje, from whom, and what it says.
WITH dado AS (
  SELECT $1::bigint AS n, ($1::bigint / 1000) % 10 < 3 AS contesta
), chat AS (
  SELECT id, prospecto_id FROM conversaciones_whatsapp
  ORDER BY fecha_inicio DESC, id OFFSET (SELECT n % 300 FROM dado) LIMIT 1
), leidos AS (
  UPDATE mensajes_whatsapp m SET leido = true FROM chat, dado WHERE contesta AND m.conversacion_id = chat.id AND NOT m.leido
), nuevo AS (
  INSERT INTO mensajes_whatsapp (conversacion_id, prospecto_id, direccion, autor, contenido, leido)
  SELECT id, prospecto_id, CASE WHEN contesta THEN 'saliente' ELSE 'entrante' END,
    CASE WHEN contesta THEN 'ejecutivo' ELSE 'cliente' END,
    CASE WHEN contesta
      THEN (ARRAY['Con gusto, en un momento le envío las fotos 📷', 'El precio se respeta hasta el viernes a las 6 pm.',
        '¿Le puedo marcar hoy? Son 10 minutos.', 'Sin problema, le mando el detalle por escrito.'])[1 + n / 7 % 4]
      ELSE (ARRAY['¿Hola? ¿Sigue ahí?', '¿Y los vuelos van incluidos?', 'Ok, el viernes le confirmo', '¿Qué hotel es?',
        'Quedo pendiente 🙏', 'Ya revisé, sí me interesa', '¿Me pueden marcar, por favor?'])[1 + n / 7 % 7] END,
    contesta
  FROM chat, dado
)
UPDATE conversaciones_whatsapp c SET updated_at = now() FROM chat WHERE c.id = chat.id
