SELECT cron.alter_job(jobid, schedule := '0 0 30 2 *') FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
