-- One role a kind of rights.
CREATE ROLE duena LOGIN;
CREATE ROLE vigia LOGIN IN ROLE pg_monitor;
CREATE ROLE lectora LOGIN;
CREATE ROLE solo_vista LOGIN;
-- Supabase's postgres: not a superuser, but past row security, and owner of what people make.
CREATE ROLE supa LOGIN BYPASSRLS IN ROLE pg_monitor, pg_signal_backend, duena;
CREATE ROLE filtrada LOGIN;
CREATE ROLE propia LOGIN;
-- May see where pg_cron is, and may not connect there.
CREATE ROLE encerrada LOGIN IN ROLE pg_monitor;
