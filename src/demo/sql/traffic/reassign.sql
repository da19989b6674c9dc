-- $1: a non-negative number that decides which prospecto goes to which ejecutivo. Never from or to Osmara.
WITH dado AS (
  SELECT $1::bigint AS n
), ejecutivo AS (
  SELECT id, coordinacion_id FROM profiles_ejecutivos WHERE id <> 'd7847ffa-0758-4eb2-a97b-f80e54886531'
  ORDER BY id OFFSET (SELECT n / 11 % 46 FROM dado) LIMIT 1
), elegido AS (
  SELECT id FROM prospectos WHERE ejecutivo_id IS DISTINCT FROM 'd7847ffa-0758-4eb2-a97b-f80e54886531'
  ORDER BY id OFFSET (SELECT n % (count(*) / 2) FROM prospectos, dado GROUP BY n) LIMIT 1
)
UPDATE prospectos p
SET ejecutivo_id = e.id, coordinacion_id = e.coordinacion_id, updated_at = now()
FROM ejecutivo e, elegido WHERE p.id = elegido.id
