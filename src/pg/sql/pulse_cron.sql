-- Signals of pg_cron's tables. $3: a little below the newest run known. The window is taken by runid, the only
-- index, whatever the statistics say.
    SELECT (SELECT count(*) || ':' || coalesce(sum(hashtext(j::text)), 0) FROM cron.job j
            WHERE ((SELECT mark FROM now) = $4::text) IS NOT TRUE) AS jobs,
           (SELECT coalesce(max(r.runid), 0) || ':' || coalesce(sum(hashtext(r.status || coalesce(r.end_time::text, ''))), 0)
            FROM (SELECT d.runid, d.status, d.end_time
                  FROM cron.job_run_details d
                  WHERE d.runid > $3::int8 AND ((SELECT mark FROM now) = $4::text) IS NOT TRUE
                  ORDER BY d.runid DESC LIMIT 100) r) AS runs,
           -- Only who sees every backend's type gets an answer worth anything.
           (SELECT EXISTS (SELECT FROM pg_stat_get_activity(NULL) a WHERE a.backend_type = 'pg_cron launcher')
            WHERE pg_has_role('pg_read_all_stats', 'USAGE')) AS launcher
