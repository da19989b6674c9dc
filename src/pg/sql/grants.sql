-- What a role must be granted to look at the materialized views, as one JSON document. $1 and $2: the names of the roles that
-- watch and look. Each privilege stands as it is granted, with who owns the thing, whether everybody has it, and whether this
-- role may grant it. 13 to 18: every column and function used here is in all of them.
WITH RECURSIVE mv AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm'
),
rules AS (
    SELECT c.oid, c.relkind, c.relowner, w.oid AS rule,
           coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1',
                                          'security_invoker=yes'], false) AS invoker
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
    WHERE c.relkind IN ('m', 'v')
),
uses AS (
    SELECT r.oid AS relation, d.refclassid, d.refobjid
    FROM rules r
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.rule
    WHERE NOT (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = r.oid)
),
-- What is read by the rights of whoever runs the definition: the view, what stands in it, and what stands in plain views that
-- are security_invoker (15 and later). Only what stands in the definition itself is named, so that its schema must be open.
named (view, relation, in_text) AS (
    SELECT mv.oid, mv.oid, true FROM mv
    UNION
    SELECT n.view, u.refobjid, n.relation = n.view
    FROM named n
    JOIN rules r ON r.oid = n.relation AND (r.oid = n.view OR r.relkind = 'v' AND r.invoker)
    JOIN uses u ON u.relation = r.oid AND u.refclassid = 'pg_catalog.pg_class'::regclass
),
-- The view and all plain views below it: their functions run by the rights of whoever looks, whosever the view is.
below (view, relation) AS (
    SELECT mv.oid, mv.oid FROM mv
    UNION
    SELECT b.view, r.oid
    FROM below b
    JOIN uses u ON u.relation = b.relation AND u.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN rules r ON r.oid = u.refobjid AND r.relkind = 'v'
),
-- The equalities of unique indexes, by which rows are paired; each is named in the comparison.
key_operators AS (
    SELECT DISTINCT i.indrelid AS view, o.oid
    FROM mv
    JOIN pg_catalog.pg_index i ON i.indrelid = mv.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                              AND i.indpred IS NULL AND i.indexprs IS NULL
    CROSS JOIN LATERAL unnest(i.indclass::oid[]) AS k (opclass)
    JOIN pg_catalog.pg_opclass c ON c.oid = k.opclass
    JOIN pg_catalog.pg_amop m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype
                             AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3
    JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
),
operators AS (
    SELECT b.view, o.oid, b.relation = b.view AS in_text
    FROM below b
    JOIN uses u ON u.relation = b.relation AND u.refclassid = 'pg_catalog.pg_operator'::regclass
    JOIN pg_catalog.pg_operator o ON o.oid = u.refobjid
    UNION
    SELECT k.view, k.oid, true FROM key_operators k
),
functions AS (
    SELECT b.view, u.refobjid AS oid, b.relation = b.view AS in_text
    FROM below b
    JOIN uses u ON u.relation = b.relation AND u.refclassid = 'pg_catalog.pg_proc'::regclass
    UNION
    SELECT o.view, p.oprcode::oid, false
    FROM operators o
    JOIN pg_catalog.pg_operator p ON p.oid = o.oid
),
schemas AS (
    SELECT n.view, c.relnamespace AS oid
    FROM named n JOIN pg_catalog.pg_class c ON c.oid = n.relation WHERE n.in_text
    UNION
    SELECT f.view, p.pronamespace FROM functions f JOIN pg_catalog.pg_proc p ON p.oid = f.oid WHERE f.in_text
    UNION
    SELECT o.view, p.oprnamespace FROM operators o JOIN pg_catalog.pg_operator p ON p.oid = o.oid WHERE o.in_text
    UNION
    SELECT u.relation, t.typnamespace
    FROM uses u JOIN pg_catalog.pg_type t ON u.refclassid = 'pg_catalog.pg_type'::regclass AND t.oid = u.refobjid
    UNION
    SELECT u.relation, l.collnamespace
    FROM uses u JOIN pg_catalog.pg_collation l ON u.refclassid = 'pg_catalog.pg_collation'::regclass AND l.oid = u.refobjid
),
privileges AS (
    SELECT s.view, format('USAGE ON SCHEMA %I', n.nspname) AS privilege, n.nspowner AS owner,
           has_schema_privilege('public', n.oid, 'USAGE') AS public,
           has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION') AS may
    FROM schemas s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
    UNION ALL
    SELECT DISTINCT s.view, format('SELECT ON TABLE %I.%I', n.nspname, c.relname), c.relowner,
           has_table_privilege('public', c.oid, 'SELECT'), has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION')
    FROM named s
    JOIN pg_catalog.pg_class c ON c.oid = s.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT DISTINCT s.view, format('EXECUTE ON FUNCTION %I.%I(%s)', n.nspname, p.proname,
               (SELECT string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.place)
                FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place))), p.proowner,
           has_function_privilege('public', p.oid, 'EXECUTE'),
           has_function_privilege(p.oid, 'EXECUTE WITH GRANT OPTION')
    FROM functions s
    JOIN pg_catalog.pg_proc p ON p.oid = s.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
),
-- Tables whose row security would bind the looking role, or the owner of a plain view that reads them for it.
hidden AS (
    SELECT s.view, c.oid
    FROM named s JOIN pg_catalog.pg_class c ON c.oid = s.relation AND c.relrowsecurity
    UNION
    SELECT b.view, c.oid
    FROM below b
    JOIN rules r ON r.oid = b.relation AND r.relkind = 'v' AND NOT r.invoker
    JOIN pg_catalog.pg_roles o ON o.oid = r.relowner AND NOT o.rolsuper AND NOT o.rolbypassrls
    JOIN uses u ON u.relation = r.oid AND u.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class c ON c.oid = u.refobjid AND c.relrowsecurity
    WHERE c.relforcerowsecurity OR NOT pg_has_role(r.relowner, c.relowner, 'USAGE')
)
SELECT json_build_object(
    'version', split_part(current_setting('server_version'), ' ', 1),
    'user', current_user,
    'makes_roles', (SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user),
    'grants_monitor', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
                      OR pg_has_role('pg_monitor', 'MEMBER WITH ADMIN OPTION'),
    'public_creates', EXISTS (SELECT FROM pg_catalog.pg_namespace n
                              WHERE n.nspname = 'public' AND has_schema_privilege('public', n.oid, 'CREATE')),
    'roles', (
        SELECT json_agg(json_build_object(
                   'sql', quote_ident(w.name),
                   'exists', r.oid IS NOT NULL,
                   'too_much', array_remove(ARRAY[
                       CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                       CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
                       CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
                       (SELECT 'membership in ' || string_agg(g.rolname, ', ' ORDER BY g.rolname)
                        FROM pg_catalog.pg_auth_members m
                        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                        WHERE m.member = r.oid AND NOT (w.place = 1 AND g.rolname = 'pg_monitor')),
                       (SELECT 'ownership of ' || count(*) || ' objects'
                        FROM pg_catalog.pg_shdepend d
                        WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o'
                        HAVING count(*) > 0)
                   ], NULL)) ORDER BY w.place)
        FROM unnest(ARRAY[$1::text, $2::text]) WITH ORDINALITY AS w (name, place)
        LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.name),
    'views', (
        SELECT coalesce(json_agg(json_build_object(
            'name', json_build_object('schema', mv.nspname, 'name', mv.relname),
            'privileges', (
                SELECT json_agg(json_build_object(
                    'privilege', p.privilege, 'owner', pg_catalog.pg_get_userbyid(p.owner), 'public', p.public, 'may', p.may))
                FROM privileges p WHERE p.view = mv.oid),
            'hidden', (
                SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname)
                                         ORDER BY n.nspname, c.relname), '[]')
                FROM hidden h
                JOIN pg_catalog.pg_class c ON c.oid = h.oid
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE h.view = mv.oid),
            'foreign', (
                SELECT coalesce(json_agg(DISTINCT quote_ident(s.srvname)), '[]')
                FROM named f
                JOIN pg_catalog.pg_foreign_table t ON t.ftrelid = f.relation
                JOIN pg_catalog.pg_foreign_server s ON s.oid = t.ftserver
                WHERE f.view = mv.oid)
        ) ORDER BY mv.nspname, mv.relname), '[]')
        FROM mv)
)::text
