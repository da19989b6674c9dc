SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'refresh-conversaciones-dashboard';
