SELECT cron.alter_job(jobid, command := command || '; SELECT 1 / 0') FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
