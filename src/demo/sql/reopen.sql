-- A kept cluster comes up under another socket directory: its jobs must connect to the new one. A kept standby cannot
-- be written to, and one without pg_cron has no jobs.
DO $$
BEGIN
  IF NOT pg_is_in_recovery() AND to_regclass('cron.job') IS NOT NULL THEN
    UPDATE cron.job SET nodename = current_setting('cron.host') WHERE nodename <> current_setting('cron.host');
  END IF;
END
$$;
