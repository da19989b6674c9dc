-- Osmara's 29 go back from BOOM to VEN: the incident the other way round.
UPDATE prospectos SET coordinacion_id = '3f41a10b-60b1-4c2b-b097-a83968353af5', updated_at = now()
WHERE ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531';
