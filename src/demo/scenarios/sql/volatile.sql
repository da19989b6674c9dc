-- The e-mail addresses are masked, in another way each time.
CREATE FUNCTION enmascara(correo text) RETURNS text LANGUAGE sql VOLATILE AS
  $$ SELECT left(md5(random()::text), 8) || '@' || split_part(correo, '@', 2) $$;
CREATE OR REPLACE VIEW profiles_ejecutivos AS
  SELECT id, full_name, enmascara(email) AS email, coordinacion_id, is_active FROM profiles WHERE rol = 'ejecutivo';
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard;
