-- Waits for the launcher, ends it and waits for its end.
DO $$
BEGIN
  FOR i IN 1..500 LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher');
    PERFORM pg_sleep(0.01);
  END LOOP;
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher';
  FOR i IN 1..500 LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher');
    PERFORM pg_sleep(0.01);
  END LOOP;
END
$$;
