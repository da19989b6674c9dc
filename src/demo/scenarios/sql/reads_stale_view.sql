-- Somebody "cached" the ejecutivos; then Osmara got another e-mail address, which the cache has not seen.
CREATE MATERIALIZED VIEW mv_ejecutivos AS
  SELECT id, full_name, email, coordinacion_id, is_active FROM profiles WHERE rol = 'ejecutivo';
CREATE UNIQUE INDEX ON mv_ejecutivos (id);
CREATE OR REPLACE VIEW profiles_ejecutivos AS
  SELECT id, full_name, email, coordinacion_id, is_active FROM mv_ejecutivos;
UPDATE profiles SET email = 'osmara.' || email WHERE id = 'd7847ffa-0758-4eb2-a97b-f80e54886531';
