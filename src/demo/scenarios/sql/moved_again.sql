-- Osmara's 29 go from one coordinación to the other, whichever they are in.
UPDATE prospectos SET updated_at = now(), coordinacion_id = CASE coordinacion_id
  WHEN '3f41a10b-60b1-4c2b-b097-a83968353af5' THEN 'e590fed1-6d65-43e0-80ab-ff819ce63eee'::uuid
  ELSE '3f41a10b-60b1-4c2b-b097-a83968353af5' END
WHERE ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531';
