-- An imitation of a Supabase project, after its public migrations: roles, default privileges, schemas, policies and views as they are there. For a
-- superuser named supabase_admin in the database postgres. People work as postgres (NOSUPERUSER, BYPASSRLS). Everyone but Osmara Partida is made up.
set client_min_messages = warning;
-- ---------------------------------------------------------------- roles
do $$ declare r text; begin
  foreach r in array array['postgres','anon','authenticated','service_role','authenticator','supabase_auth_admin','supabase_read_only_user','pgbouncer','dashboard_user','oncall','lectora','pgtle_admin'] loop
    if not exists (select from pg_roles where rolname = r) then execute format('create role %I', r); end if;
  end loop; end $$;
alter role postgres nosuperuser createdb createrole login replication bypassrls password 'S3creta-clave!';
alter role anon nologin; alter role authenticated nologin; alter role service_role nologin bypassrls;
alter role authenticator login noinherit password 'authpw'; alter role supabase_auth_admin login noinherit createrole;
alter role supabase_read_only_user login bypassrls password 'ropw'; grant pg_read_all_data to supabase_read_only_user;
alter role pgbouncer login password 'pgbpw';
alter role anon noinherit; alter role authenticated noinherit; alter role service_role noinherit;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_signal_backend, pg_read_all_data to postgres with admin option;
alter role anon set statement_timeout = '3s'; alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s'; alter role authenticator set lock_timeout = '8s';
alter role supabase_admin set search_path to "$user", public, auth, extensions;
alter role postgres set search_path to "$user", public, extensions;
alter role supabase_auth_admin set search_path to auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout to 60000;
alter database postgres set "app.settings.jwt_secret" to 'x';
drop schema public cascade;
-- ---------------------------------------------------------------- schemas
create schema public authorization pg_database_owner; -- supabase: pg_database_owner (15)
grant usage on schema public to public, postgres, anon, authenticated, service_role;
grant all on schema public to postgres; -- postgres makes objects there
create schema extensions; grant all on schema extensions to postgres; grant usage on schema extensions to anon, authenticated, service_role;
create extension "uuid-ossp" schema extensions; create extension pgcrypto schema extensions;
create extension citext schema extensions; create extension unaccent schema extensions; create extension pg_trgm schema extensions;
create extension if not exists pg_stat_statements schema extensions;
grant all on database postgres to postgres;
grant all on all routines in schema extensions to postgres;
alter default privileges in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to postgres, anon, authenticated, service_role;
create publication supabase_realtime; alter publication supabase_realtime owner to postgres;
-- auth
create schema auth authorization supabase_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres; grant all on schema auth to supabase_auth_admin;
create table auth.users (instance_id uuid, id uuid primary key, aud varchar(255), role varchar(255), email varchar(255), raw_user_meta_data jsonb,
  created_at timestamptz default now(), updated_at timestamptz, banned_until timestamptz, is_anonymous bool not null default false);
alter table auth.users owner to supabase_auth_admin; alter table auth.users enable row level security;
create function auth.uid() returns uuid language sql stable as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
alter function auth.uid() owner to supabase_auth_admin; alter function auth.role() owner to supabase_auth_admin;
grant all on all tables in schema auth to postgres;
-- pgbouncer
create schema pgbouncer authorization pgbouncer;
create function pgbouncer.get_auth(u text) returns table(username text, password text) language sql security definer as $$ select usename::text, passwd::text from pg_catalog.pg_shadow where usename = u $$;
revoke all on function pgbouncer.get_auth(text) from public; grant execute on function pgbouncer.get_auth(text) to pgbouncer;
-- pg_cron: what Supabase grants to postgres (there by an event trigger): all on its tables but only SELECT on cron.job
create extension pg_cron schema pg_catalog;
grant usage on schema cron to postgres with grant option; grant all on all tables in schema cron to postgres with grant option;
revoke all on cron.job from postgres; grant select on cron.job to postgres with grant option; revoke trigger on cron.job_run_details from postgres;
grant all on all sequences in schema cron to postgres; grant execute on all functions in schema cron to postgres;
-- ---------------------------------------------------------------- people (made up, but Osmara)
insert into auth.users (id, aud, role, email, raw_user_meta_data)
select case when g = 0 then 'd7847ffa-0758-4eb2-a97b-f80e54886531'::uuid else md5('u' || g)::uuid end, 'authenticated', 'authenticated', 'persona' || g || '@ejemplo.test',
  jsonb_build_object('nombre', case when g = 0 then 'Osmara' else 'Nombre' || g end, 'apellido', case when g = 0 then 'Partida' else 'Ñúñez' || g end, 'rol', case when g > 140 then 'admin' else 'ejecutivo' end)
from generate_series(0, 144) g;
-- ---------------------------------------------------------------- the application, by postgres
set session authorization postgres;
set search_path = "$user", public, extensions;
create table coordinaciones (id uuid primary key, codigo text, nombre text, activo bool default true);
insert into coordinaciones values ('3f41a10b-60b1-4c2b-b097-a83968353af5','VEN','Ventas'),('e590fed1-6d65-43e0-80ab-ff819ce63eee','BOOM','Boom'),
 ('4c1ece41-bb6b-49a1-b52b-f5236f54d60a','MVP','MVP'),('eea1c2ff-b50c-48ba-a694-0dc4c96706ca','CALIDAD','Calidad'),
 ('f33742b9-46cf-4716-bf7a-ce129a82bad2','APEX','Apex'),('0008460b-a730-4f0b-ac1b-5aaa5c40f5b0','COBACA','Cobaca');
create table prospectos (id uuid primary key default extensions.uuid_generate_v4(), nombre text, nombre_whatsapp text, whatsapp text, etapa text, etapa_id uuid,
  requiere_atencion_humana bool default false, motivo_handoff text, id_dynamics text, id_uchat text, email extensions.citext, titulo text,
  coordinacion_id uuid references coordinaciones, ejecutivo_id uuid, created_at timestamptz default now(), updated_at timestamptz default now());
create table conversaciones_whatsapp (id uuid primary key default extensions.uuid_generate_v4(), prospecto_id uuid references prospectos, estado text, created_at timestamptz default now());
create table mensajes_whatsapp (id bigint generated always as identity primary key, prospecto_id uuid references prospectos, conversacion_id uuid references conversaciones_whatsapp,
  mensaje text, rol text, leido bool default false, fecha_hora timestamptz default now());
create table llamadas_ventas (call_id uuid primary key default extensions.uuid_generate_v4(), prospecto uuid references prospectos, call_status text, fecha_llamada timestamptz default now());
create view user_profiles as select u.id, u.email, (u.raw_user_meta_data ->> 'nombre') || ' ' || (u.raw_user_meta_data ->> 'apellido') as full_name, u.raw_user_meta_data ->> 'rol' as role_name from auth.users u;
create function public.es_admin(u uuid) returns bool language sql stable security definer set search_path = public as $$ select exists (select from user_profiles p where p.id = u and p.role_name = 'admin') $$;
create function public.formatea_telefono(t text) returns text language plpgsql immutable as $$ begin return regexp_replace(t, '^(\d{3})(\d{3})(\d{4})$', '\1 \2 \3'); end $$;
create function public.sin_acentos(t text) returns text language sql immutable as $$ select extensions.unaccent(t) $$;
insert into prospectos (id, nombre, nombre_whatsapp, whatsapp, etapa, etapa_id, id_dynamics, email, titulo, coordinacion_id, ejecutivo_id, created_at)
select md5('p' || g)::uuid, 'Próspecto ' || g, 'wa ' || g, lpad((5550000000 + g)::text, 10, '0'), (array['Primer contacto','Interesado','En seguimiento'])[1 + g % 3], md5('e' || g % 3)::uuid,
  'D' || g, case when g % 5 = 0 then null else 'Cliente' || g || '@Correo.test' end, 'Lic.',
  case when g <= 166 then '3f41a10b-60b1-4c2b-b097-a83968353af5' else (array['3f41a10b-60b1-4c2b-b097-a83968353af5','e590fed1-6d65-43e0-80ab-ff819ce63eee','4c1ece41-bb6b-49a1-b52b-f5236f54d60a','eea1c2ff-b50c-48ba-a694-0dc4c96706ca','f33742b9-46cf-4716-bf7a-ce129a82bad2'])[1 + g % 5] end::uuid,
  case when g <= 166 then 'd7847ffa-0758-4eb2-a97b-f80e54886531'::uuid when g % 40 = 0 then null else md5('u' || 1 + g % 46)::uuid end, now() - g * interval '1 hour'
from generate_series(1, 400) g;
insert into conversaciones_whatsapp (prospecto_id, estado) select md5('p' || 1 + g % 400)::uuid, 'activa' from generate_series(0, 838) g;
insert into mensajes_whatsapp (prospecto_id, mensaje, rol, leido, fecha_hora) select md5('p' || 1 + g % 400)::uuid, 'mensaje número ' || g, case when g % 2 = 0 then 'Prospecto' else 'AI' end, g % 3 = 0, now() - (50000 - g) * interval '1 minute' from generate_series(0, 2675) g;
insert into llamadas_ventas (prospecto, call_status) select md5('p' || g)::uuid, case when g % 10 = 0 then 'activa' else 'finalizada' end from generate_series(1, 40) g;
create index on mensajes_whatsapp (prospecto_id, fecha_hora desc); create index on conversaciones_whatsapp (prospecto_id);
create index on prospectos using gin (nombre extensions.gin_trgm_ops);
-- row security
alter table prospectos enable row level security; alter table conversaciones_whatsapp enable row level security;
alter table mensajes_whatsapp enable row level security; alter table llamadas_ventas enable row level security; alter table coordinaciones enable row level security;
create policy ver on prospectos for select to authenticated using (ejecutivo_id = auth.uid() or public.es_admin(auth.uid()));
create policy editar on prospectos for update to authenticated using (public.es_admin(auth.uid()));
create policy ver on conversaciones_whatsapp for select to authenticated using (exists (select from prospectos p where p.id = prospecto_id));
create policy ver on mensajes_whatsapp for select to authenticated using (exists (select from prospectos p where p.id = prospecto_id));
create policy ver on llamadas_ventas for select to authenticated using (true);
create policy ver on coordinaciones for select to authenticated using (true);
alter publication supabase_realtime add table mensajes_whatsapp;
create materialized view mv_conversaciones_dashboard as
with m as (select prospecto_id, max(fecha_hora) as ultimo, count(*) as totales, count(*) filter (where not leido and rol = 'Prospecto') as no_leidos from mensajes_whatsapp group by 1),
     u as (select distinct on (prospecto_id) prospecto_id, left(mensaje, 100) as preview from mensajes_whatsapp order by prospecto_id, fecha_hora desc, id desc),
     l as (select distinct on (prospecto) prospecto, call_id from llamadas_ventas where call_status = 'activa' order by prospecto, fecha_llamada desc, call_id)
select p.id as prospecto_id, sin_acentos(coalesce(p.nombre, p.nombre_whatsapp, 'Sin nombre')) as nombre_contacto, p.nombre_whatsapp, formatea_telefono(p.whatsapp) as numero_telefono, p.whatsapp as whatsapp_raw,
  p.etapa, p.etapa_id, p.requiere_atencion_humana, p.motivo_handoff, p.id_dynamics, p.id_uchat, p.created_at as fecha_creacion, p.email, p.titulo,
  p.coordinacion_id, c.codigo as coordinacion_codigo, c.nombre as coordinacion_nombre, p.ejecutivo_id, e.full_name as ejecutivo_nombre, e.email as ejecutivo_email,
  m.ultimo as fecha_ultimo_mensaje, coalesce(m.totales, 0) as mensajes_totales, coalesce(m.no_leidos, 0) as mensajes_no_leidos, u.preview as ultimo_mensaje_preview,
  l.call_id as llamada_activa_id, l.call_id is not null as tiene_llamada_activa, now() as vista_actualizada_at
from prospectos p left join coordinaciones c on c.id = p.coordinacion_id left join user_profiles e on e.id = p.ejecutivo_id
  left join m on m.prospecto_id = p.id left join u on u.prospecto_id = p.id left join l on l.prospecto = p.id
where exists (select from conversaciones_whatsapp w where w.prospecto_id = p.id);
create unique index on mv_conversaciones_dashboard (prospecto_id);
create index on mv_conversaciones_dashboard (coordinacion_id); create index on mv_conversaciones_dashboard (ejecutivo_id);
revoke all on mv_conversaciones_dashboard from anon; grant select on mv_conversaciones_dashboard to authenticated;
-- the reassignment: 29 of Osmara's go to BOOM with her, 137 to others
update prospectos set coordinacion_id = 'e590fed1-6d65-43e0-80ab-ff819ce63eee', ejecutivo_id = case when substr(nombre, 11)::int <= 29 then ejecutivo_id else md5('u' || 1 + substr(nombre, 11)::int % 46)::uuid end
where ejecutivo_id = 'd7847ffa-0758-4eb2-a97b-f80e54886531';
reset session authorization;
-- ---------------------------------------------------------------- on-call roles
alter role oncall login password 'oncallpw'; grant pg_read_all_data, pg_monitor to oncall;
alter role lectora login password 'lectorapw'; grant authenticated to lectora; alter role lectora inherit; alter role lectora set statement_timeout = '8s';
analyze;

-- three true views over a citext that lives in another schema; one that is auto-updatable where it becomes a plain view; one behind WITH
set session authorization postgres; set search_path = "$user", public, extensions; create schema t;
create materialized view t.mv_nullif as select p.id, nullif(p.email,'x@y.z') as email, p.ejecutivo_id, p.coordinacion_id from prospectos p; create unique index on t.mv_nullif(id);
create materialized view t.mv_distinct as select p.id, p.email is distinct from 'CLIENTE1@correo.test' as es, p.ejecutivo_id, p.coordinacion_id from prospectos p; create unique index on t.mv_distinct(id);
create materialized view mv_simple as select id as prospecto_id, nombre, ejecutivo_id, coordinacion_id from prospectos; create unique index on mv_simple (prospecto_id);
reset session authorization;
