-- What this role has and one of these roles ($1; 0 is PUBLIC) lacks, so that their code would gain by running as it: the
-- first such thing in words, or NULL.
WITH RECURSIVE mine (oid) AS (
    SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user
    UNION
    SELECT m.roleid FROM mine JOIN pg_auth_members m ON m.member = mine.oid
),
strangers AS (SELECT unnest($1::int8[])::oid AS oid),
theirs (stranger, oid) AS (
    SELECT s.oid, s.oid FROM strangers s
    UNION
    SELECT theirs.stranger, m.roleid FROM theirs JOIN pg_auth_members m ON m.member = theirs.oid
),
lists AS (
    SELECT 'pg_class'::regclass::oid AS classid, c.oid, c.relowner AS owner, c.relacl AS acl FROM pg_class c WHERE c.relacl IS NOT NULL
    UNION ALL SELECT 'pg_class'::regclass, c.oid, c.relowner, a.attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL
    UNION ALL SELECT 'pg_namespace'::regclass, n.oid, n.nspowner, n.nspacl FROM pg_namespace n WHERE n.nspacl IS NOT NULL
    UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.proowner, p.proacl FROM pg_proc p WHERE p.proacl IS NOT NULL
    UNION ALL SELECT 'pg_database'::regclass, d.oid, d.datdba, d.datacl FROM pg_database d WHERE d.datname = current_database()
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner, t.typacl FROM pg_type t WHERE t.typacl IS NOT NULL
    UNION ALL SELECT 'pg_language'::regclass, l.oid, l.lanowner, l.lanacl FROM pg_language l WHERE l.lanacl IS NOT NULL
    UNION ALL SELECT 'pg_foreign_server'::regclass, f.oid, f.srvowner, f.srvacl FROM pg_foreign_server f WHERE f.srvacl IS NOT NULL
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, f.oid, f.fdwowner, f.fdwacl FROM pg_foreign_data_wrapper f WHERE f.fdwacl IS NOT NULL
    UNION ALL SELECT 'pg_tablespace'::regclass, t.oid, t.spcowner, t.spcacl FROM pg_tablespace t WHERE t.spcacl IS NOT NULL
    UNION ALL SELECT 'pg_largeobject'::regclass, l.oid, l.lomowner, l.lomacl FROM pg_largeobject_metadata l WHERE l.lomacl IS NOT NULL
),
granted AS (
    SELECT l.classid, l.oid, l.owner, l.acl, e.privilege_type
    FROM lists l CROSS JOIN LATERAL aclexplode(l.acl) AS e
    WHERE e.grantee IN (SELECT oid FROM mine)
),
risks AS (
    SELECT 1 AS rank, 'an attribute of the role ' || r.rolname AS what
    FROM mine JOIN pg_roles r ON r.oid = mine.oid
    WHERE r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
    UNION ALL
    SELECT 2, 'membership in ' || r.rolname FROM mine JOIN pg_roles r ON r.oid = mine.oid WHERE r.oid < 16384 AND NOT r.rolcanlogin
    UNION ALL
    SELECT 3, 'what ' || r.rolname || ' owns'
    FROM mine JOIN pg_roles r ON r.oid = mine.oid
    WHERE EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = mine.oid AND d.deptype = 'o')
    UNION ALL
    SELECT 4, 'a user mapping' FROM pg_user_mappings u WHERE u.umuser IN (SELECT oid FROM mine)
    UNION ALL
    -- A policy that names the role shows it rows.
    SELECT 4, 'rows of ' || p.polrelid::regclass || ' by the policy ' || p.polname
    FROM pg_policy p
    WHERE p.polroles && ARRAY(SELECT oid FROM mine)
    UNION ALL
    -- From 15.
    SELECT 4, 'the right to set a parameter'
    FROM mine
    WHERE EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = mine.oid AND d.deptype = 'a'
                  AND d.classid = to_regclass('pg_catalog.pg_parameter_acl'))
    UNION ALL
    SELECT 5, g.privilege_type || ' on ' || pg_describe_object(g.classid, g.oid, 0)
    FROM granted g
    WHERE EXISTS (
        SELECT FROM strangers s
        WHERE NOT EXISTS (
            SELECT FROM aclexplode(g.acl) AS e
            WHERE e.privilege_type = g.privilege_type
              AND (e.grantee = 0 OR e.grantee IN (SELECT t.oid FROM theirs t WHERE t.stranger = s.oid)))
          AND NOT EXISTS (SELECT FROM theirs t WHERE t.stranger = s.oid AND t.oid = g.owner))
)
SELECT r.what FROM risks r ORDER BY r.rank, r.what LIMIT 1
