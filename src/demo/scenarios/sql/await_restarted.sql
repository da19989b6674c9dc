-- Until the launcher has looked through the runs that its predecessor left.
DO $$
BEGIN
  FOR i IN 1..1000 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM cron.job_run_details WHERE status = 'running');
    PERFORM pg_sleep(0.01);
  END LOOP;
END
$$;
