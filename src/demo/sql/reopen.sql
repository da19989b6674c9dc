-- A kept cluster comes up under another socket directory: its jobs must connect to the new one.
UPDATE cron.job SET nodename = current_setting('cron.host') WHERE nodename <> current_setting('cron.host');
