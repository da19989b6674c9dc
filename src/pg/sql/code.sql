-- Whose code a look at one view ($1) can run, as one JSON document. $2: roles that the configuration trusts; $3: the roles
-- that refresh the view; $4: is its definition run, or are only its rows read? {marks} is code_marks.sql.
-- What has an OID below 16384 came with the server. Read under a search_path of pg_catalog and pg_temp alone.
WITH RECURSIVE me AS (
    SELECT r.oid, r.rolname, r.rolsuper FROM pg_roles r WHERE r.rolname = current_user
),
view AS (
    SELECT c.oid, c.relowner, c.relkind, c.relnamespace FROM pg_class c WHERE c.oid = $1::oid
),
-- What it reads: through plain views, and from a parent table to its partitions. Of a materialized view below only the rows
-- are read, so its own rule runs nothing.
relations (oid) AS (
    SELECT view.oid FROM view
    UNION
    SELECT below.oid
    FROM relations
    CROSS JOIN LATERAL (
        SELECT d.refobjid
        FROM pg_class c
        JOIN pg_rewrite r ON r.ev_class = c.oid
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
        WHERE c.oid = relations.oid AND (c.relkind = 'v' OR c.oid = $1::oid AND $4::bool)
        UNION ALL
        SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = relations.oid
    ) AS below (oid)
    WHERE below.oid >= 16384
),
rules AS (
    SELECT w.oid, w.ev_class, w.ev_action::text AS tree
    FROM relations
    JOIN pg_class c ON c.oid = relations.oid AND (c.relkind = 'v' OR c.oid = $1::oid AND $4::bool)
    JOIN pg_rewrite w ON w.ev_class = c.oid
),
-- By whose rights which rule reads: the view's owner; below a plain view that one's owner, unless it is security_invoker (15).
readers AS (
    SELECT c.oid AS rule_of, CASE WHEN c.oid <> $1::oid
                                       AND (SELECT o.option_value::bool FROM pg_options_to_table(c.reloptions) o
                                            WHERE o.option_name = 'security_invoker')
                                  THEN (SELECT relowner FROM view) ELSE c.relowner END AS role
    FROM pg_class c
    WHERE c.oid IN (SELECT ev_class FROM rules)
),
-- The tables whose row security binds such a role.
bound AS (
    SELECT DISTINCT c.oid, c.relname, o.rolname
    FROM readers
    JOIN pg_rewrite w ON w.ev_class = readers.rule_of
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = d.refobjid AND c.relrowsecurity
    JOIN pg_roles o ON o.oid = readers.role AND NOT o.rolsuper AND NOT o.rolbypassrls
    WHERE c.relforcerowsecurity OR NOT pg_has_role(readers.role, c.relowner, 'USAGE')
),
-- From the rules, and from what planning looks at beside them, to the functions.
code (classid, objid) AS (
    SELECT 'pg_rewrite'::regclass::oid, rules.oid FROM rules
    UNION ALL SELECT 'pg_class'::regclass::oid, i.indexrelid FROM relations JOIN pg_index i ON i.indrelid = relations.oid
    UNION ALL SELECT 'pg_class'::regclass::oid, p.partrelid FROM relations JOIN pg_partitioned_table p ON p.partrelid = relations.oid
    UNION ALL SELECT 'pg_statistic_ext'::regclass::oid, s.oid FROM relations JOIN pg_statistic_ext s ON s.stxrelid = relations.oid
    UNION ALL SELECT 'pg_constraint'::regclass::oid, k.oid FROM relations JOIN pg_constraint k ON k.conrelid = relations.oid AND k.contype = 'c'
    UNION ALL SELECT 'pg_policy'::regclass::oid, p.oid FROM bound JOIN pg_policy p ON p.polrelid = bound.oid
    UNION ALL
    SELECT 'pg_attrdef'::regclass::oid, f.oid
    FROM relations
    JOIN pg_attribute a ON a.attrelid = relations.oid AND a.attgenerated = 'v'
    JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    UNION ALL
    SELECT DISTINCT 'pg_type'::regclass::oid, a.atttypid
    FROM relations JOIN pg_attribute a ON a.attrelid = relations.oid AND a.atttypid >= 16384 AND a.attnum > 0
    UNION
    SELECT next.classid, next.objid
    FROM code
    CROSS JOIN LATERAL (
        SELECT d.refclassid, d.refobjid
        FROM pg_depend d
        WHERE d.classid = code.classid AND d.objid = code.objid AND d.deptype IN ('n', 'a', 'i')
          AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass)
        UNION ALL
        -- What a type brings: checks of a domain, columns of a row, its casts, how its values are ordered and hashed.
        SELECT more.classid, more.objid
        FROM pg_type t
        CROSS JOIN LATERAL (
            SELECT 'pg_constraint'::regclass::oid, k.oid FROM pg_constraint k WHERE k.contypid = t.oid
            UNION ALL SELECT 'pg_type'::regclass::oid, a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0
            UNION ALL SELECT 'pg_type'::regclass::oid, t.typelem WHERE t.typelem <> 0
            UNION ALL SELECT 'pg_proc'::regclass::oid, s.castfunc FROM pg_cast s WHERE t.oid IN (s.castsource, s.casttarget) AND s.castfunc <> 0
            UNION ALL SELECT 'pg_opclass'::regclass::oid, o.oid FROM pg_opclass o WHERE o.opcintype = t.oid
        ) AS more (classid, objid)
        WHERE code.classid = 'pg_type'::regclass AND t.oid = code.objid
        UNION ALL
        SELECT more.classid, more.objid
        FROM pg_opclass o
        CROSS JOIN LATERAL (
            SELECT 'pg_proc'::regclass::oid, p.amproc::oid FROM pg_amproc p WHERE p.amprocfamily = o.opcfamily
            UNION ALL SELECT 'pg_operator'::regclass::oid, m.amopopr FROM pg_amop m WHERE m.amopfamily = o.opcfamily
        ) AS more (classid, objid)
        WHERE code.classid = 'pg_opclass'::regclass AND o.oid = code.objid
    ) AS next (classid, objid)
    WHERE next.objid >= 16384
),
-- Expressions, and who wrote them.
written (tree, role) AS (
    SELECT rules.tree, c.relowner FROM rules JOIN pg_class c ON c.oid = rules.ev_class
    UNION ALL
    SELECT k.conbin::text, t.typowner
    FROM code JOIN pg_constraint k ON code.classid = 'pg_constraint'::regclass AND k.oid = code.objid JOIN pg_type t ON t.oid = k.contypid
    UNION ALL
    SELECT p.polqual::text, c.relowner FROM bound JOIN pg_policy p ON p.polrelid = bound.oid JOIN pg_class c ON c.oid = bound.oid
),
functions AS (
    SELECT p.oid, p.proname, p.proowner, p.pronamespace, p.prosrc, p.prosecdef, p.proconfig, l.lanname,
           -- A body of text finds what it names on the session's path, unless it has one of its own.
           l.lanname NOT IN ('c', 'internal') AND to_jsonb(p) ->> 'prosqlbody' IS NULL
           AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s (setting) WHERE s.setting LIKE 'search\_path=%') AS is_on_path
    FROM (SELECT DISTINCT objid FROM code WHERE classid = 'pg_proc'::regclass) AS used
    JOIN pg_proc p ON p.oid = used.objid
    JOIN pg_language l ON l.oid = p.prolang
),
trusted AS (
    SELECT r.oid FROM pg_roles r WHERE r.rolsuper OR r.rolname = current_user OR r.rolname = ANY ($2::text[])
    UNION
    -- The owner of the database stands behind pg_database_owner (14).
    SELECT o.oid FROM pg_roles o, pg_database d JOIN pg_roles r ON r.oid = d.datdba
    WHERE o.rolname = 'pg_database_owner' AND d.datname = current_database()
      AND (r.rolsuper OR r.rolname = current_user OR r.rolname = ANY ($2::text[]))
),
-- What the rule names itself; its text finds that by name.
named AS (
    SELECT d.refclassid, d.refobjid
    FROM pg_rewrite w
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid >= 16384
    WHERE w.ev_class = $1::oid AND $4::bool
),
-- The operators that the text cannot name with their schema (NULLIF, IS DISTINCT FROM, CASE x WHEN, JOIN USING): where one
-- of another schema may stand there, that schema must be on the path.
operators AS (
    SELECT DISTINCT o.oid, n.oid AS namespace, n.nspname
    FROM (SELECT refobjid FROM named WHERE refclassid = 'pg_operator'::regclass) AS used
    JOIN pg_operator o ON o.oid = used.refobjid
    JOIN pg_namespace n ON n.oid = o.oprnamespace AND n.oid >= 16384 OR n.oid = o.oprnamespace AND n.nspname = 'public'
    WHERE EXISTS (SELECT FROM rules WHERE rules.ev_class = $1::oid
                  AND rules.tree ~ '\{(NULLIFEXPR|DISTINCTEXPR|CASETESTEXPR)|:usingClause \(')
),
-- The schemas in which the text finds functions, operators and types by name.
schemas AS (
    SELECT DISTINCT n.oid, n.nspname, n.nspowner, n.nspacl
    FROM (SELECT p.pronamespace FROM named JOIN pg_proc p ON named.refclassid = 'pg_proc'::regclass AND p.oid = named.refobjid
          UNION SELECT o.oprnamespace FROM named JOIN pg_operator o ON named.refclassid = 'pg_operator'::regclass AND o.oid = named.refobjid
          UNION SELECT t.typnamespace FROM named JOIN pg_type t ON named.refclassid = 'pg_type'::regclass AND t.oid = named.refobjid) AS used (oid)
    JOIN pg_namespace n ON n.oid = used.oid AND n.nspname NOT IN ('pg_catalog', 'information_schema')
),
-- Who is not trusted and may create in which schema; 0 is PUBLIC.
creators AS (
    SELECT c.oid, c.nspname, c.role
    FROM (SELECT n.oid, n.nspname, n.nspowner AS role FROM pg_namespace n
          UNION
          SELECT n.oid, n.nspname, e.grantee FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) AS e WHERE e.privilege_type = 'CREATE') AS c
    WHERE c.role NOT IN (SELECT oid FROM trusted)
),
strangers AS (
    SELECT 1 AS rank, 'function' AS kind, f.oid::regprocedure::text AS name, f.proowner AS role
    FROM functions f
    WHERE f.proowner NOT IN (SELECT oid FROM trusted)
    UNION
    -- One of the same name, which the text might find instead.
    SELECT 2, 'function', o.oid::regprocedure::text, o.proowner
    FROM named
    JOIN pg_proc p ON named.refclassid = 'pg_proc'::regclass AND p.oid = named.refobjid
    JOIN pg_proc o ON o.pronamespace = p.pronamespace AND o.proname = p.proname
    WHERE o.proowner NOT IN (SELECT oid FROM trusted)
    UNION
    -- Functions that run a text, become another role or reach out: with the session's rights, whoever calls them. Of the
    -- server's own those are known; any other that is given a text (crosstab, dblink, somebody's exec) may be one.
    SELECT 1, 'call', p.oid::regprocedure::text, w.role
    FROM written w
    CROSS JOIN LATERAL regexp_matches(w.tree, ':(?:opfuncid|funcid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS m
    JOIN pg_proc p ON p.oid = m[1]::oid
    WHERE w.role NOT IN (SELECT oid FROM trusted)
      AND CASE WHEN p.oid < 16384
               THEN p.proname ~ '_to_xml' OR p.proname LIKE 'pg\_input\_%' OR p.provolatile = 'v' AND p.proname NOT IN
                    ('random', 'random_normal', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7')
               ELSE p.provolatile <> 'i' AND p.proargtypes::oid[] && ARRAY['text'::regtype, 'varchar'::regtype, 'cstring'::regtype]::oid[] END
    UNION
    -- A foreign table reaches out by whatever its server and its owner have set.
    SELECT 1, 'relation', format('%s.%s', n.nspname, c.relname), o.role
    FROM relations
    JOIN pg_class c ON c.oid = relations.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_foreign_table f ON f.ftrelid = c.oid
    JOIN pg_foreign_server s ON s.oid = f.ftserver
    CROSS JOIN LATERAL (VALUES (c.relowner), (s.srvowner)) AS o (role)
    WHERE o.role NOT IN (SELECT oid FROM trusted)
    UNION
    -- What a policy that binds reads besides.
    SELECT 1, 'relation', format('%s.%s', n.nspname, c.relname), c.relowner
    FROM bound
    JOIN pg_policy p ON p.polrelid = bound.oid
    JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
                    AND d.refobjid <> p.polrelid
    JOIN pg_class c ON c.oid = d.refobjid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relowner NOT IN (SELECT oid FROM trusted)
    UNION
    -- An operator that a stranger left where the text looks for one that it cannot qualify.
    SELECT 3, 'schema', s.nspname, o.oprowner
    FROM (SELECT DISTINCT namespace, nspname FROM operators) s
    JOIN pg_operator o ON o.oprnamespace = s.namespace
    WHERE o.oprowner NOT IN (SELECT oid FROM trusted)
    UNION
    -- A function's own path leads through a schema where strangers may create.
    SELECT 3, 'schema', c.nspname, c.role
    FROM functions f
    CROSS JOIN unnest(f.proconfig) AS s (setting)
    JOIN creators c ON s.setting LIKE 'search\_path=%'
                   AND c.nspname = ANY (string_to_array(translate(substr(s.setting, length('search_path=') + 1), '" ', ''), ','))
    WHERE f.lanname NOT IN ('c', 'internal')
    UNION
    SELECT 3, 'schema', c.nspname, c.role FROM creators c WHERE c.oid IN (SELECT oid FROM schemas)
),
-- What strangers may attach code to at any moment, even while it is looked at: an index or a partition to a relation, which
-- ACCESS SHARE does not keep out, a cast to a type.
attachable AS (
    SELECT 1 AS rank, 'relation' AS kind, format('%s.%s', n.nspname, c.relname) AS name, c.relowner AS role
    FROM relations JOIN pg_class c ON c.oid = relations.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION
    SELECT 2, 'type', format('%s.%s', n.nspname, t.typname), t.typowner
    FROM code JOIN pg_type t ON code.classid = 'pg_type'::regclass AND t.oid = code.objid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    ORDER BY 1, 3
),
-- Each statement that makes something runs them with the session's rights.
event_triggers AS (
    SELECT p.oid::regprocedure::text AS name, p.proowner AS role
    FROM pg_event_trigger e
    JOIN pg_proc p ON p.oid = e.evtfoid
    WHERE e.evtenabled <> 'D' AND e.evtevent IN ('ddl_command_start', 'ddl_command_end') AND p.proowner NOT IN (SELECT oid FROM trusted)
      AND (e.evttags IS NULL OR e.evttags && ARRAY['CREATE FUNCTION', 'ALTER FUNCTION'])
    ORDER BY 1 LIMIT 1
),
-- The settings with which a session of each of these roles begins: what both the role and the database have set comes before
-- what the role has, then the database, then all.
settings AS (
    SELECT DISTINCT ON (r.rolname, s.name) r.rolname, s.name, s.value
    FROM pg_roles r
    JOIN LATERAL (
        SELECT d.setrole = 0 AS is_everybodys, d.setdatabase = 0 AS is_everywhere, split_part(c.setting, '=', 1) AS name,
               substr(c.setting, strpos(c.setting, '=') + 1) AS value
        FROM pg_db_role_setting d
        CROSS JOIN unnest(d.setconfig) AS c (setting)
        WHERE d.setrole IN (0, r.oid)
          AND d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
    ) AS s ON true
    WHERE r.rolname = ANY ($3::text[]) OR r.oid = (SELECT relowner FROM view) OR r.oid = (SELECT oid FROM me)
    ORDER BY r.rolname, s.name, s.is_everybodys, s.is_everywhere
)
SELECT json_build_object(
    'owner', pg_get_userbyid(view.relowner),
    'session', (SELECT rolname FROM me),
    'owner_is_superuser', (SELECT rolsuper FROM pg_roles WHERE oid = view.relowner),
    'may_become_owner', CASE WHEN current_setting('server_version_num')::int4 >= 160000
                             THEN pg_has_role(view.relowner, 'SET') ELSE pg_has_role(view.relowner, 'MEMBER') END,
    'session_has_temp', has_database_privilege(current_database(), 'TEMP'),
    'owner_has_temp', (SELECT rolsuper FROM me) OR has_database_privilege(view.relowner, current_database(), 'TEMP'),
    'is_standby', pg_is_in_recovery(),
    'strangers', (SELECT coalesce(json_agg(json_build_object('kind', s.kind, 'name', s.name, 'role', s.role::int8,
                             'owner', CASE s.role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(s.role) END)
                             ORDER BY s.rank, s.name), '[]') FROM strangers s),
    'attachable', (SELECT json_build_object('kind', a.kind, 'name', a.name, 'role', a.role::int8, 'owner', pg_get_userbyid(a.role))
                   FROM attachable a WHERE a.role NOT IN (SELECT oid FROM trusted) LIMIT 1),
    -- Does whoever parses a constant of its types run something: a domain's checks, a range's functions, in a row or an array, too?
    'parses_code', EXISTS (
        SELECT FROM code JOIN pg_type t ON code.classid = 'pg_type'::regclass AND t.oid = code.objid
        WHERE t.typtype IN ('d', 'c', 'r', 'm')),
    'has_types_of_strangers', EXISTS (SELECT FROM attachable a WHERE a.kind = 'type' AND a.role NOT IN (SELECT oid FROM trusted)),
    'event_trigger', (SELECT json_build_object('kind', 'event_trigger', 'name', e.name, 'role', e.role::int8,
                             'owner', pg_get_userbyid(e.role)) FROM event_triggers e),
    'binds', (SELECT json_build_object('table', b.relname, 'role', b.rolname) FROM bound b ORDER BY b.relname LIMIT 1),
    'runs_on_path', EXISTS (SELECT FROM functions f WHERE f.is_on_path),
    -- Where on a path a stranger may have put something, or did.
    'open_schemas', (SELECT coalesce(json_agg(DISTINCT n.nspname), '[]')
                     FROM pg_namespace n
                     WHERE EXISTS (SELECT FROM functions f WHERE f.is_on_path)
                       AND n.oid IN (SELECT c.oid FROM creators c
                                     UNION SELECT p.pronamespace FROM pg_proc p WHERE p.oid >= 16384 AND p.proowner NOT IN (SELECT oid FROM trusted)
                                     UNION SELECT o.oprnamespace FROM pg_operator o WHERE o.oid >= 16384 AND o.oprowner NOT IN (SELECT oid FROM trusted)
                                     UNION SELECT t.typnamespace FROM pg_type t WHERE t.oid >= 16384 AND t.typowner NOT IN (SELECT oid FROM trusted))),
    'bodies', (SELECT coalesce(json_agg(f.prosrc), '[]') FROM functions f WHERE f.lanname NOT IN ('c', 'internal') AND NOT f.prosecdef),
    'operator_schemas', (SELECT coalesce(json_agg(DISTINCT o.nspname), '[]') FROM operators o),
    -- The stable functions of the server that it calls, whose values may depend on settings.
    'stable', (SELECT coalesce(json_agg(DISTINCT p.proname), '[]')
               FROM rules
               CROSS JOIN LATERAL (
                   SELECT m[1]::oid FROM regexp_matches(rules.tree, ':(?:opfuncid|funcid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS m
                   UNION ALL
                   SELECT o.oprcode::oid
                   FROM regexp_matches(rules.tree, ':opnos \(o ([0-9 ]+)\)', 'g') AS m
                   CROSS JOIN unnest(string_to_array(m[1], ' ')) AS n (operator)
                   JOIN pg_operator o ON o.oid = n.operator::oid
               ) AS used (oid)
               JOIN pg_proc p ON p.oid = used.oid AND p.provolatile = 's'),
    -- Do the server's own functions in it look at the search_path?
    'reads_path', EXISTS (
        SELECT FROM rules
        WHERE rules.tree ~ 'SQLVALUEFUNCTION :op 14 '
           OR rules.tree ~ '\{COERCEVIAIO' AND pg_get_viewdef(rules.ev_class) ~ '\mreg(class|proc|procedure|oper|operator|type|config|dictionary|collation)\M'
           OR EXISTS (
               SELECT FROM regexp_matches(rules.tree, ':(?:opfuncid|funcid) ([0-9]+)', 'g') AS m
               JOIN pg_proc p ON p.oid = m[1]::oid AND p.oid < 16384
               WHERE p.proname IN ('current_schema', 'current_schemas', 'format_type', 'pg_describe_object')
                  OR p.proname ~ '^(to_reg|pg_get_.*def$)|_is_visible$')),
    'session_user', EXISTS (SELECT FROM rules WHERE rules.tree ~ 'SQLVALUEFUNCTION :op 12 ')
                    OR EXISTS (SELECT FROM functions f WHERE f.prosrc ~* '\msession_user\M' AND f.lanname NOT IN ('c', 'internal')),
    'writes_text', EXISTS (SELECT FROM rules WHERE rules.tree ~ '\{COERCEVIAIO'),
    'lacks', (
        SELECT coalesce(json_agg(json_build_object('schema', r.nspname, 'name', r.relname, 'usage', r.usage,
                   'select', r.readable) ORDER BY r.oid <> view.oid, r.nspname, r.relname), '[]')
        FROM (SELECT c.oid, n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE') AS usage,
                     has_any_column_privilege(c.oid, 'SELECT') AS readable
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.oid = view.oid OR c.oid IN (SELECT refobjid FROM named WHERE refclassid = 'pg_class'::regclass)) r
        WHERE NOT (r.usage AND r.readable)),
    'closed_to_owner', (
        SELECT coalesce(json_agg(DISTINCT n.nspname), '[]')
        FROM pg_namespace n
        WHERE (n.oid = view.relnamespace OR n.oid IN (SELECT s.oid FROM schemas s)
               OR n.oid IN (SELECT c.relnamespace FROM pg_class c JOIN named ON named.refclassid = 'pg_class'::regclass AND named.refobjid = c.oid))
          AND NOT has_schema_privilege(view.relowner, n.oid, 'USAGE')),
    'settings', (SELECT coalesce(json_agg(json_build_object('role', s.rolname, 'name', s.name, 'value', s.value) ORDER BY s.rolname, s.name), '[]')
                 FROM settings s
                 -- Only a placeholder of nobody's is free; a loaded library's setting has rules of its own.
                 WHERE CASE WHEN EXISTS (SELECT FROM pg_settings g WHERE lower(g.name) = lower(s.name))
                            THEN EXISTS (SELECT FROM pg_settings g WHERE lower(g.name) = lower(s.name)
                                         AND (g.context = 'user' OR g.context = 'superuser' AND (SELECT rolsuper FROM me)))
                            ELSE s.name LIKE '%.%' END),
    -- The jobs' roles that may refresh it; a job of another can only fail.
    'refreshers', (SELECT coalesce(json_agg(r.rolname), '[]')
                   FROM pg_roles r
                   WHERE r.rolname = ANY ($3::text[])
                     AND (r.rolsuper OR pg_has_role(r.oid, view.relowner, 'USAGE')
                          OR CASE WHEN current_setting('server_version_num')::int4 >= 170000 THEN has_table_privilege(r.oid, view.oid, 'MAINTAIN') END)),
    -- What any role has set, for whoever cannot see whose jobs there are.
    'all_settings', (SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'name', split_part(c.setting, '=', 1),
                                'value', substr(c.setting, strpos(c.setting, '=') + 1))), '[]')
                     FROM pg_db_role_setting d
                     JOIN pg_roles r ON r.oid = d.setrole AND r.rolcanlogin
                     CROSS JOIN unnest(d.setconfig) AS c (setting)
                     WHERE d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))),
    'definition', CASE WHEN $4::bool THEN pg_get_viewdef(view.oid) ELSE '' END,
    'version', current_setting('server_version_num')::int4,
    'marks', {marks},
    'relations', (SELECT json_agg(r.oid::int8 ORDER BY r.oid) FROM relations r),
    'names', (SELECT coalesce(json_agg(json_build_object('oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname) ORDER BY c.oid), '[]')
              FROM (SELECT view.oid UNION SELECT refobjid FROM named WHERE refclassid = 'pg_class'::regclass) AS r
              JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace),
    -- Planning locks these without anybody having named them. Named by the guard, they are waited for before it compares.
    'children', (SELECT coalesce(json_agg(json_build_object('oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname) ORDER BY c.oid), '[]')
                 FROM relations r
                 JOIN pg_inherits i ON i.inhrelid = r.oid
                 JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(view.relowner, n.oid, 'USAGE')),
    'functions', (SELECT coalesce(json_agg(f.oid::int8 ORDER BY f.oid), '[]') FROM functions f),
    'types', (SELECT coalesce(json_agg(DISTINCT c.objid::int8), '[]') FROM code c WHERE c.classid = 'pg_type'::regclass),
    'schemas', (SELECT coalesce(json_agg(DISTINCT s.oid::int8), '[]') FROM schemas s),
    -- What a text that means the same may depend on: what the rule names, and what belongs to the types in it.
    'allowed', (SELECT json_agg(DISTINCT x.oid::int8)
                FROM (SELECT view.oid UNION SELECT n.refobjid FROM named n
                      UNION SELECT c.objid FROM code c WHERE c.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass)) AS x (oid))
)::text
FROM view
