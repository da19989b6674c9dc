-- Whose code a fix of a view ($1) runs or hands on, as one JSON document. Trusted are superusers and the session's own role: what
-- belongs to others would run with the rights of whoever carries out the fix.
WITH RECURSIVE below (relation) AS (
    SELECT $1::oid
    UNION
    SELECT c.oid
    FROM below
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = below.relation
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind = 'v'
),
rules AS (
    SELECT r.oid, r.ev_action::text AS tree
    FROM below
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = below.relation AND r.rulename = '_RETURN'
),
trees AS (
    SELECT rules.tree FROM rules
    UNION ALL
    -- A domain's checks run with the expression that makes its value.
    SELECT k.conbin::text
    FROM rules
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = rules.oid
                               AND d.refclassid = 'pg_catalog.pg_type'::regclass
    JOIN pg_catalog.pg_constraint k ON k.contypid = d.refobjid AND k.conbin IS NOT NULL
),
-- By the rule's own tree, for what is PostgreSQL's own stands in no pg_depend, and its EXECUTE can be revoked, too.
called AS (
    SELECT (m.found)[1]::oid AS oid
    FROM trees
    CROSS JOIN LATERAL regexp_matches(trees.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS m (found)
    UNION
    SELECT o.oprcode::oid
    FROM trees
    CROSS JOIN LATERAL regexp_matches(trees.tree, ':opno (\d+)', 'g') AS m (found)
    JOIN pg_catalog.pg_operator o ON o.oid = (m.found)[1]::oid
),
functions AS (
    SELECT p.oid, p.proname, p.pronargs, p.prosrc, p.prosecdef, n.nspname, l.lanname,
           p.oid::regprocedure::text AS named
    FROM called
    JOIN pg_catalog.pg_proc p ON p.oid = called.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
),
readers AS (
    SELECT e.grantee
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS e
    WHERE c.oid = $1::oid AND e.privilege_type = 'SELECT' AND e.grantee <> c.relowner
    UNION
    SELECT e.grantee
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    CROSS JOIN LATERAL aclexplode(a.attacl) AS e
    WHERE c.oid = $1::oid AND e.privilege_type = 'SELECT' AND e.grantee <> c.relowner
),
-- What differs from one reader to the next.
asks AS (
    SELECT DISTINCT CASE (m.found)[1] WHEN '9' THEN 'current_role' WHEN '12' THEN 'session_user' WHEN '14' THEN 'current_schema'
                                      ELSE 'current_user' END AS what
    FROM trees
    CROSS JOIN LATERAL regexp_matches(trees.tree, 'SQLVALUEFUNCTION :op (9|10|11|12|14) ', 'g') AS m (found)
    UNION
    SELECT f.proname || '()'
    FROM functions f
    WHERE f.nspname = 'pg_catalog' AND (
        f.proname IN ('current_setting', 'current_user', 'session_user', 'getpgusername', 'current_schema', 'current_schemas',
                      'inet_client_addr', 'inet_client_port', 'pg_backend_pid', 'row_security_active')
        OR (f.proname = 'pg_has_role' OR f.proname LIKE 'has\_%\_privilege') AND f.proname <> 'has_column_privilege' AND f.pronargs = 2
        OR f.proname = 'has_column_privilege' AND f.pronargs = 3)
    UNION
    SELECT f.named
    FROM functions f
    WHERE f.nspname <> 'pg_catalog' AND f.lanname NOT IN ('c', 'internal') AND (
        f.prosrc ~* '\m(session_user|current_setting)\M'
        OR NOT f.prosecdef AND f.prosrc ~* '\m(current_user|current_role|pg_has_role|has_\w+_privilege)\M')
),
-- The types of which constants are parsed where the definition, an index of the view or a view above is written anew.
parsed AS (
    SELECT DISTINCT t.oid, t.typowner, t.typtype, t.typelem
    FROM (SELECT 'pg_catalog.pg_rewrite'::regclass AS classid, w.oid FROM pg_catalog.pg_rewrite w WHERE w.ev_class = $1::oid
          UNION ALL
          SELECT 'pg_catalog.pg_rewrite'::regclass, d.objid FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $1::oid
          UNION ALL
          SELECT 'pg_catalog.pg_class'::regclass, i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid) AS o
    JOIN pg_catalog.pg_depend d ON d.classid = o.classid AND d.objid = o.oid AND d.refclassid = 'pg_catalog.pg_type'::regclass
    JOIN pg_catalog.pg_type t ON t.oid = d.refobjid AND t.oid >= 16384
),
strangers AS (
    SELECT p.oid, p.oid::regprocedure::text AS function, o.rolname AS owner
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_roles o ON o.oid = p.proowner AND NOT o.rolsuper AND o.rolname <> session_user
                                AND o.rolname <> ALL ($2::text[])
)
SELECT json_build_object(
    'event_triggers', (
        SELECT coalesce(json_agg(json_build_object('name', e.evtname, 'function', s.function, 'owner', s.owner, 'tags', e.evttags)
                                 ORDER BY e.evtname), '[]')
        FROM pg_catalog.pg_event_trigger e
        JOIN strangers s ON s.oid = e.evtfoid
        WHERE e.evtenabled <> 'D' AND e.evtevent <> 'login'),
    -- pg_cron's functions write its tables as the extension's owner, a DELETE of ours as we are.
    'cron_triggers', (
        SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', t.tgname, 'function', s.function, 'owner', s.owner)
                                 ORDER BY c.relname, t.tgname), '[]')
        FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'cron'
        JOIN strangers s ON s.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'),
    -- A plain view's functions run as its reader, those of the views below it, too.
    'not_executable', (
        SELECT coalesce(json_agg(json_build_object(
                   'function', f.named,
                   'reader', CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r.grantee) END)
                   ORDER BY r.grantee, f.named), '[]')
        FROM readers r
        CROSS JOIN functions f
        WHERE NOT CASE r.grantee WHEN 0 THEN has_function_privilege('public', f.oid, 'EXECUTE')
                                 ELSE has_function_privilege(r.grantee, f.oid, 'EXECUTE') END),
    'as_reader', (
        SELECT coalesce(json_agg(f.named ORDER BY f.named), '[]')
        FROM functions f
        WHERE f.nspname <> 'pg_catalog' AND NOT f.prosecdef AND f.lanname NOT IN ('c', 'internal')),
    -- Their code is whoever's who owns them: a check of a domain, a part of a row or an array.
    'types', (
        SELECT coalesce(json_agg(DISTINCT format('%s of %s', pg_catalog.format_type(t.oid, NULL), o.rolname)), '[]')
        FROM parsed t
        LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
        JOIN pg_catalog.pg_roles o ON o.oid = t.typowner AND NOT o.rolsuper AND o.rolname <> session_user AND o.rolname <> ALL ($2::text[])
        WHERE t.typtype <> 'e' AND coalesce(e.typtype, 'd') <> 'e'),
    -- What others can replace, and a reader of a plain view would run.
    'replaceable', (
        SELECT coalesce(json_agg(DISTINCT x.what), '[]')
        FROM (SELECT f.named || ' of ' || o.rolname AS what, p.proowner AS owner
              FROM functions f JOIN pg_catalog.pg_proc p ON p.oid = f.oid JOIN pg_catalog.pg_roles o ON o.oid = p.proowner AND NOT o.rolsuper
              UNION ALL
              SELECT c.oid::regclass || ' of ' || o.rolname, c.relowner
              FROM below JOIN pg_catalog.pg_class c ON c.oid = below.relation AND c.oid <> $1::oid
              JOIN pg_catalog.pg_roles o ON o.oid = c.relowner AND NOT o.rolsuper) AS x
        WHERE x.owner <> (SELECT v.relowner FROM pg_catalog.pg_class v WHERE v.oid = $1::oid)),
    'asks', (SELECT coalesce(json_agg(a.what ORDER BY a.what), '[]') FROM asks a))::text
