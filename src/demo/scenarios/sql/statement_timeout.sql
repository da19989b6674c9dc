CREATE ROLE cron_crm LOGIN SUPERUSER;
ALTER ROLE cron_crm SET statement_timeout = '2ms';
UPDATE cron.job SET username = 'cron_crm' WHERE jobname = 'refresh-conversaciones-dashboard';
