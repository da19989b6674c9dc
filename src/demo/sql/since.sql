-- What happened between the night and now, none of which the view has seen.

CREATE TEMP TABLE cuantos ON COMMIT DROP AS
SELECT greatest(2, f * 14 / 3230) AS idos, greatest(4, f * 44 / 3230) AS a_boom, greatest(3, f * 14 / 3230) AS a_colega,
       greatest(1, f * 6 / 3230) AS a_nadie, greatest(12, f * 190 / 3230) AS cambian
FROM (SELECT pg_temp.filas() AS f) AS x;

-- Everyone's but Osmara's in one queue: the first are gone, the last changed, between them (n_grupo) some moved.
CREATE TEMP TABLE otros ON COMMIT DROP AS
SELECT *, n <= idos AS se_fue, row_number() OVER (PARTITION BY n <= idos, codigo = 'VEN' ORDER BY n) AS n_grupo
FROM (SELECT i, id, codigo, ejecutivo_id, row_number() OVER (ORDER BY pg_temp.dado(i, 'suerte'), i) AS n
      FROM plan WHERE grupo = 'noche' AND turno > 166) AS x, cuantos;

-- Gone: their conversaciones were deleted, the prospecto stays.
DELETE FROM conversaciones_whatsapp WHERE prospecto_id IN (SELECT id FROM otros WHERE se_fue);

-- The reassignment: 29 of Osmara's go with her from VEN to BOOM, 137 stay in VEN with seven others.
CREATE TEMP TABLE mudanza ON COMMIT DROP AS
SELECT p.id, 'BOOM' AS codigo, p.ejecutivo_id FROM plan p WHERE turno <= 29
UNION ALL
SELECT p.id, 'VEN', e.id
FROM plan p JOIN equipo e ON e.codigo = 'VEN' AND e.puesto = width_bucket(p.turno - 30, ARRAY[0, 41, 70, 92, 109, 122, 131]::bigint[]) - 1
WHERE turno BETWEEN 30 AND 166
UNION ALL
SELECT o.id, 'BOOM', e.id
FROM otros o JOIN equipo e ON e.codigo = 'BOOM' AND e.puesto = pg_temp.sesgo(o.i, 'nuevo ejecutivo', 10)
WHERE o.codigo = 'VEN' AND NOT se_fue AND n_grupo <= a_boom
UNION ALL
SELECT o.id, o.codigo, CASE WHEN n_grupo > a_nadie THEN e.id END
FROM otros o
CROSS JOIN LATERAL (
  SELECT e.id FROM equipo e WHERE e.codigo = o.codigo AND e.puesto IS NOT NULL AND e.id IS DISTINCT FROM o.ejecutivo_id
  ORDER BY pg_temp.dado(o.i * 64 + e.puesto, 'colega') LIMIT 1
) AS e
WHERE o.codigo <> 'VEN' AND NOT se_fue AND n_grupo <= a_nadie + a_colega AND o.ejecutivo_id IS NOT NULL;

UPDATE prospectos p
SET coordinacion_id = c.id, ejecutivo_id = m.ejecutivo_id, updated_at = now() - interval '2 days 11 hours'
FROM mudanza m JOIN coordinaciones c USING (codigo)
WHERE p.id = m.id;

-- Missing: prospectos that came since.
SELECT pg_temp.escribe_prospectos('{nuevo}');
SELECT pg_temp.escribe_conversaciones('{nuevo}');
SELECT pg_temp.escribe_mensajes('{nuevo}');

-- Changed: new mensajes, mostly unread; some of Osmara's too.
INSERT INTO mensajes_whatsapp (conversacion_id, prospecto_id, direccion, autor, contenido, leido, fecha)
SELECT pg_temp.uid('conversacion', x.i * 8 + x.chats - 1), x.id, f.direccion, f.autor,
  replace(replace(replace(f.texto, '{c}', pg_temp.nombre(x.i)), '{e}', 'el equipo'), '{d}', x.destino),
  f.direccion = 'saliente' OR pg_temp.elige(x.i, 'leido', 3) = 0,
  pg_temp.noche() + make_interval(mins => 10 + pg_temp.elige(x.i, 'vuelve', 4200) + 4 * k)
FROM (
  SELECT p.i, p.id, p.destino, p.chats FROM plan p LEFT JOIN otros o USING (i)
  WHERE p.turno <= 11 OR o.n > (SELECT count(*) FROM otros) - o.cambian
) AS x
CROSS JOIN LATERAL generate_series(1, 1 + pg_temp.elige(x.i, 'cuantos', 3)) AS k
JOIN frases f ON f.turno = (ARRAY[0, 5, 6])[1 + pg_temp.elige(x.i * 4 + k, 'turno', 3)]
  AND f.variante = pg_temp.elige(x.i * 4 + k, 'frase', f.variantes)
ORDER BY x.i, k;

-- The calls of that night are over by now.
UPDATE llamadas_ventas SET call_status = 'finalizada', duracion_segundos = 60 + pg_temp.elige(p.i, 'duracion', 1400)
FROM plan p WHERE p.id = prospecto_id AND call_status = 'activa';
