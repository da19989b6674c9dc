-- The job is another role's, which may call cron.schedule but does not own the view.
CREATE ROLE cron_crm LOGIN;
UPDATE cron.job SET username = 'cron_crm' WHERE jobname = 'refresh-conversaciones-dashboard';
