-- Somebody "repaired" the ejecutivos with a UNION: each of BOOM comes twice, and so do their prospectos.
CREATE OR REPLACE VIEW profiles_ejecutivos AS
  SELECT id, full_name, email, coordinacion_id, is_active FROM profiles WHERE rol = 'ejecutivo'
  UNION ALL
  SELECT id, full_name, email, coordinacion_id, is_active FROM profiles
  WHERE rol = 'ejecutivo' AND coordinacion_id = 'e590fed1-6d65-43e0-80ab-ff819ce63eee';
