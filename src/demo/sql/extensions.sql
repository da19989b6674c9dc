CREATE EXTENSION pg_cron;
DO $$
BEGIN
  IF current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%' THEN
    CREATE EXTENSION pg_stat_statements;
  END IF;
END
$$;
