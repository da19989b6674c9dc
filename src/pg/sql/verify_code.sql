-- Whose code Test 2 would run with the rights of whoever runs it ({view}: the view's OID, {table}: that of the table it writes to), as
-- one JSON document; and on which path. Trusted are superusers and the session's own role. What a trusted function calls is its
-- owner's to answer for: bodies are not followed.
WITH RECURSIVE
-- An UPDATE may write to partitions, to children, and by foreign keys to other tables.
written (relation) AS (
    SELECT {table}::oid
    UNION
    SELECT next.relation
    FROM written
    CROSS JOIN LATERAL (
        SELECT i.inhrelid AS relation FROM pg_catalog.pg_inherits i WHERE i.inhparent = written.relation
        UNION ALL
        SELECT f.conrelid FROM pg_catalog.pg_constraint f
        WHERE f.confrelid = written.relation AND f.contype = 'f' AND f.confupdtype IN ('c', 'n', 'd')
    ) AS next
),
-- Row security that binds us, or the owner of a plain view through which a table is read.
bound AS (
    SELECT c.oid
    FROM pg_catalog.pg_class c
    WHERE c.relrowsecurity AND (row_security_active(c.oid) OR EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
        JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
        JOIN pg_catalog.pg_roles o ON o.oid = v.relowner AND NOT o.rolsuper AND NOT o.rolbypassrls
        WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
          AND (c.relforcerowsecurity OR NOT pg_has_role(v.relowner, c.relowner, 'USAGE'))))
),
code (class, object) AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid, {view}::oid
    UNION
    SELECT seed.class, seed.object
    FROM written
    CROSS JOIN LATERAL (
        SELECT 'pg_catalog.pg_class'::regclass::oid AS class, written.relation AS object
        UNION ALL
        SELECT 'pg_catalog.pg_trigger'::regclass, t.oid FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid = written.relation AND t.tgenabled <> 'D'
        UNION ALL
        SELECT 'pg_catalog.pg_attrdef'::regclass, a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = written.relation
        UNION ALL
        SELECT 'pg_catalog.pg_constraint'::regclass, k.oid FROM pg_catalog.pg_constraint k
        WHERE written.relation IN (k.conrelid, k.confrelid)
        UNION ALL
        SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid FROM pg_catalog.pg_rewrite r WHERE r.ev_class = written.relation
    ) AS seed
    UNION
    SELECT next.class, next.object
    FROM code
    CROSS JOIN LATERAL (
        -- What it names: the operators, functions and types of an expression, a type's own functions, those of an aggregate.
        SELECT d.refclassid AS class, d.refobjid AS object
        FROM pg_catalog.pg_depend d
        WHERE d.classid = code.class AND d.objid = code.object AND (
            code.class IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_attrdef'::regclass,
                           'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass,
                           'pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_opclass'::regclass, 'pg_catalog.pg_opfamily'::regclass,
                           'pg_catalog.pg_type'::regclass)
            OR code.class = 'pg_catalog.pg_proc'::regclass
               AND EXISTS (SELECT FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = code.object))
        UNION ALL
        SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid
        FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND (c.relkind = 'v' OR c.oid = {view}::oid)
        WHERE code.class = 'pg_catalog.pg_class'::regclass AND r.ev_class = code.object
        UNION ALL
        -- Expressions and predicates of indexes are computed by whoever writes, and while a mere SELECT is planned.
        SELECT 'pg_catalog.pg_class'::regclass, i.indexrelid
        FROM pg_catalog.pg_index i WHERE code.class = 'pg_catalog.pg_class'::regclass AND i.indrelid = code.object
        UNION ALL
        SELECT 'pg_catalog.pg_policy'::regclass, p.oid
        FROM pg_catalog.pg_policy p
        WHERE code.class = 'pg_catalog.pg_class'::regclass AND p.polrelid = code.object AND p.polrelid IN (SELECT bound.oid FROM bound)
        UNION ALL
        SELECT 'pg_catalog.pg_constraint'::regclass, k.oid
        FROM pg_catalog.pg_constraint k WHERE code.class = 'pg_catalog.pg_type'::regclass AND k.contypid = code.object
        UNION ALL
        SELECT 'pg_catalog.pg_opclass'::regclass, o.oid
        FROM pg_catalog.pg_opclass o WHERE code.class = 'pg_catalog.pg_type'::regclass AND o.opcintype = code.object
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::regclass, a.amproc
        FROM pg_catalog.pg_amproc a WHERE code.class = 'pg_catalog.pg_opfamily'::regclass AND a.amprocfamily = code.object
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::regclass, a.amopopr
        FROM pg_catalog.pg_amop a WHERE code.class = 'pg_catalog.pg_opfamily'::regclass AND a.amopfamily = code.object
        UNION ALL
        -- Group and key are read as text.
        SELECT 'pg_catalog.pg_proc'::regclass, c.castfunc
        FROM pg_catalog.pg_cast c
        WHERE code.class = 'pg_catalog.pg_type'::regclass AND c.castsource = code.object AND c.castfunc <> 0
          AND c.casttarget IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
    ) AS next
),
me AS (
    SELECT r.oid, r.rolname, d.oid AS database, d.datdba
    FROM pg_catalog.pg_roles r
    JOIN pg_catalog.pg_database d ON d.datname = current_database()
    WHERE r.rolname = session_user
),
trusted AS (
    SELECT r.oid FROM pg_catalog.pg_roles r JOIN me ON r.rolsuper OR r.oid = me.oid OR r.rolname = ANY ({trusted}::text[])
    UNION
    SELECT r.oid
    FROM pg_catalog.pg_roles r
    JOIN me ON r.rolname = 'pg_database_owner'
    JOIN pg_catalog.pg_roles o ON o.oid = me.datdba AND (o.rolsuper OR o.oid = me.oid)
),
-- The path with which a session of this role begins, were it not for ours.
configured AS (
    SELECT coalesce(
        (SELECT substr(c.setting, length('search_path=') + 1)
         FROM me
         JOIN pg_catalog.pg_db_role_setting s ON s.setrole IN (0, me.oid) AND s.setdatabase IN (0, me.database)
         CROSS JOIN unnest(s.setconfig) AS c (setting)
         WHERE c.setting LIKE 'search\_path=%'
         ORDER BY s.setrole = 0, s.setdatabase = 0
         LIMIT 1),
        (SELECT s.reset_val FROM pg_catalog.pg_settings s
         WHERE s.name = 'search_path' AND s.reset_val NOT IN ('', '""') AND s.reset_val NOT LIKE 'pg\_catalog%'),
        '"$user", public') AS path
),
schemas AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl, min(p.place) AS place
    FROM configured
    CROSS JOIN LATERAL regexp_matches(configured.path, '"((?:[^"]|"")*)"|([^",\s]+)', 'g') WITH ORDINALITY AS p (found, place)
    JOIN pg_catalog.pg_namespace n
      ON n.nspname = CASE WHEN (p.found)[1] = '$user' THEN session_user::text
                          ELSE coalesce(replace((p.found)[1], '""', '"'), lower((p.found)[2])) END
    WHERE has_schema_privilege(n.oid, 'USAGE') AND n.nspname NOT LIKE 'pg\_%'
    GROUP BY n.oid, n.nspname, n.nspowner, n.nspacl
),
-- A stranger who may create there may hide what a trusted function means behind a better fit.
makers AS (
    SELECT s.oid, string_agg(DISTINCT CASE m.role WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(m.role)::text END, ', ') AS names
    FROM schemas s
    CROSS JOIN LATERAL (
        SELECT s.nspowner AS role
        UNION
        SELECT e.grantee FROM aclexplode(s.nspacl) AS e WHERE e.privilege_type = 'CREATE') AS m
    WHERE m.role NOT IN (SELECT t.oid FROM trusted t)
    GROUP BY s.oid
)
SELECT json_build_object(
    'strangers', (
        SELECT coalesce(json_agg(json_build_object('function', f.function, 'owner', f.owner) ORDER BY f.function), '[]')
        FROM (SELECT DISTINCT p.oid::regprocedure::text AS function, pg_get_userbyid(p.proowner) AS owner
              FROM (SELECT code.object FROM code WHERE code.class = 'pg_catalog.pg_proc'::regclass
                    UNION ALL
                    -- Where the test refreshes.
                    SELECT e.evtfoid FROM pg_catalog.pg_event_trigger e
                    WHERE e.evtenabled <> 'D' AND e.evtevent <> 'login'
                      AND (e.evttags IS NULL OR 'REFRESH MATERIALIZED VIEW' = ANY (e.evttags))) AS run
              JOIN pg_catalog.pg_proc p ON p.oid = run.object
              WHERE p.proowner NOT IN (SELECT t.oid FROM trusted t)
              UNION
              -- The server's own that run a text, become another role or reach out, where a stranger wrote the call.
              SELECT p.oid::regprocedure::text, pg_get_userbyid(c.relowner)
              FROM code
              JOIN pg_catalog.pg_rewrite r ON code.class = 'pg_catalog.pg_rewrite'::regclass AND r.oid = code.object
              JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relowner NOT IN (SELECT t.oid FROM trusted t)
              CROSS JOIN LATERAL regexp_matches(r.ev_action::text, ':(?:opfuncid|funcid) ([0-9]+)', 'g') AS m
              JOIN pg_catalog.pg_proc p ON p.oid = m[1]::oid
              WHERE p.oid < 16384
      AND (p.proname ~ '_to_xml' OR p.provolatile = 'v' AND p.proname NOT IN
           ('random', 'random_normal', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7'))) AS f),
    'search_path', (
        SELECT coalesce(string_agg(quote_ident(s.nspname), ', ' ORDER BY s.place), '')
        FROM schemas s WHERE s.oid NOT IN (SELECT m.oid FROM makers m)),
    'left_off', (
        SELECT coalesce(json_agg(format('%s, where %s may create', s.nspname, m.names) ORDER BY s.place), '[]')
        FROM schemas s JOIN makers m ON m.oid = s.oid))::text
