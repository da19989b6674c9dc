CREATE ROLE practicante LOGIN;
GRANT USAGE ON SCHEMA cron TO practicante;
SET LOCAL ROLE practicante;
SELECT cron.schedule('prueba', '0 4 * * *', 'SELECT 1');
RESET ROLE;
REVOKE USAGE ON SCHEMA cron FROM practicante;
-- Nothing keeps a role with jobs from being dropped.
DROP ROLE practicante;
