-- What must be put back when a view ($1) changes between VIEW and MATERIALIZED VIEW ($2: what it becomes), as one JSON
-- document of finished statements; what stands for "same" is fix_same.sql, for "means" fix_means.sql. search_path must be empty, so
-- that every name is qualified.
WITH v AS (
    SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS full_name, $2::text AS becomes
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::oid
),
columns AS (
    SELECT a.*, to_jsonb(a) ->> 'attcompression' AS compression, v.full_name, t.typstorage
    FROM v
    JOIN pg_catalog.pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
),
-- A new object gets what ALTER DEFAULT PRIVILEGES gives, which the old one need not have had; those of every role, whoever makes it.
given AS (
    SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS grantee
    FROM v
    JOIN pg_catalog.pg_default_acl d ON d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, v.relnamespace)
    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS e
    WHERE e.grantee <> v.relowner
),
-- INSERT, TRIGGER and their like mean nothing on a materialized view: a plain one they would let write to its tables, with its
-- owner's rights and past row security.
granted AS (
    SELECT min(e.place) AS place, e.grantee, NULL::name AS column_name, e.is_grantable, v.becomes = 'VIEW' AND e.privilege_type <> 'SELECT' AS is_kept,
           array_agg(e.privilege_type ORDER BY e.place) AS privileges
    FROM v
    CROSS JOIN LATERAL aclexplode(v.relacl) WITH ORDINALITY AS e (grantor, grantee, privilege_type, is_grantable, place)
    WHERE e.grantee <> v.relowner
    GROUP BY e.grantee, e.is_grantable, 5
    UNION ALL
    SELECT 1000 + c.attnum, e.grantee, c.attname, e.is_grantable, v.becomes = 'VIEW' AND e.privilege_type <> 'SELECT',
           array_agg(e.privilege_type ORDER BY e.privilege_type)
    FROM v
    CROSS JOIN columns c
    CROSS JOIN LATERAL aclexplode(c.attacl) AS e
    GROUP BY c.attnum, e.grantee, c.attname, e.is_grantable, 5
),
grants AS (
    SELECT g.place, format('GRANT %s ON TABLE %s TO %s%s',
               (SELECT string_agg(concat_ws(' ', p.privilege, '(' || quote_ident(g.column_name) || ')'), ', ' ORDER BY p.place)
                FROM unnest(g.privileges) WITH ORDINALITY AS p (privilege, place)),
               v.full_name, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
               CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql
    FROM v
    CROSS JOIN granted g
    WHERE NOT g.is_kept
),
comments AS (
    SELECT 0 AS place, format('COMMENT ON %s %s IS %L', v.becomes, v.full_name, obj_description(v.oid, 'pg_class')) AS sql
    FROM v WHERE obj_description(v.oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT c.attnum, format('COMMENT ON COLUMN %s.%I IS %L', c.full_name, c.attname, col_description(c.attrelid, c.attnum))
    FROM columns c WHERE col_description(c.attrelid, c.attnum) IS NOT NULL
),
indexes AS (
    SELECT i.indexrelid, v.full_name, format('%I.%I', v.nspname, c.relname) AS index_name, c.relname, i.indisclustered,
           t.spcname, obj_description(c.oid, 'pg_class') AS said
    FROM v
    JOIN pg_catalog.pg_index i ON i.indrelid = v.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
),
storage AS (
    SELECT 1 AS place, i.relname::text AS name, pg_get_indexdef(i.indexrelid) AS sql FROM indexes i
    UNION ALL
    SELECT 2, i.relname, format('ALTER INDEX %s SET TABLESPACE %I', i.index_name, i.spcname) FROM indexes i WHERE i.spcname IS NOT NULL
    UNION ALL
    SELECT 3, i.relname, format('COMMENT ON INDEX %s IS %L', i.index_name, i.said) FROM indexes i WHERE i.said IS NOT NULL
    UNION ALL
    SELECT 4, i.relname, format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I', i.full_name, i.relname) FROM indexes i WHERE i.indisclustered
    UNION ALL
    SELECT 5, s.stxname, pg_get_statisticsobjdef(s.oid) FROM v JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = v.oid
    UNION ALL
    SELECT 6, c.attname, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET STATISTICS %s', c.full_name, c.attname, c.attstattarget)
    FROM columns c WHERE c.attstattarget >= 0
    UNION ALL
    SELECT 7, c.attname, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET STORAGE %s', c.full_name, c.attname,
               CASE c.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END)
    FROM columns c WHERE c.attstorage <> c.typstorage
    UNION ALL
    SELECT 8, c.attname, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET COMPRESSION %s', c.full_name, c.attname,
               CASE c.compression WHEN 'l' THEN 'lz4' ELSE 'pglz' END)
    FROM columns c WHERE c.compression IN ('l', 'p')
    UNION ALL
    SELECT 9, c.attname, format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET (%s)', c.full_name, c.attname, array_to_string(c.attoptions, ', '))
    FROM columns c WHERE c.attoptions IS NOT NULL
),
-- Views that read it keep their grants, comments and OIDs: they are only pointed at the new one.
readers AS (
    SELECT DISTINCT d.oid, n.nspname, d.relname, d.relkind, d.relowner, d.reloptions
    FROM v
    JOIN pg_catalog.pg_depend p ON p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = v.oid
                               AND p.classid = 'pg_catalog.pg_rewrite'::regclass
    JOIN pg_catalog.pg_rewrite r ON r.oid = p.objid AND r.ev_class <> v.oid AND r.rulename = '_RETURN'
    JOIN pg_catalog.pg_class d ON d.oid = r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = d.relnamespace
),
stuck AS (
    SELECT DISTINCT pg_describe_object(p.classid, p.objid, 0) AS what
    FROM v
    JOIN pg_catalog.pg_type t ON t.oid = v.reltype
    JOIN pg_catalog.pg_depend p ON p.deptype = 'n' AND (
        (p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = v.oid)
        OR (p.refclassid = 'pg_catalog.pg_type'::regclass AND p.refobjid IN (t.oid, t.typarray)))
    LEFT JOIN pg_catalog.pg_rewrite r ON p.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = p.objid
    LEFT JOIN readers ON readers.oid = r.ev_class AND r.rulename = '_RETURN' AND readers.relkind = 'v'
                     AND p.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE readers.oid IS NULL AND r.ev_class IS DISTINCT FROM v.oid
)
SELECT json_build_object(
    'definition', pg_get_viewdef(v.oid),
    'same', ({same}),
    'storage',
        coalesce((SELECT ' USING ' || quote_ident(a.amname) FROM pg_catalog.pg_am a WHERE a.oid = v.relam AND a.amname <> 'heap'), '')
        || coalesce((SELECT ' WITH (' || string_agg(o, ', ') || ')' FROM (
               SELECT unnest(v.reloptions) AS o
               UNION ALL
               SELECT 'toast.' || unnest(t.reloptions) FROM pg_catalog.pg_class t WHERE t.oid = v.reltoastrelid) AS options), '')
        || coalesce((SELECT ' TABLESPACE ' || quote_ident(s.spcname) FROM pg_catalog.pg_tablespace s WHERE s.oid = v.reltablespace), ''),
    'keep', (
        SELECT coalesce(json_agg(k.sql ORDER BY k.part, k.place), '[]') FROM (
            SELECT 2 AS part, 0 AS place, format('REVOKE ALL ON TABLE %s FROM %s', v.full_name, string_agg(grantee, ', ' ORDER BY grantee)) AS sql
            FROM given HAVING count(*) > 0
            UNION ALL SELECT 3, place, sql FROM grants
            UNION ALL SELECT 4, place, sql FROM comments) AS k),
    'full_name', v.full_name,
    'grants', (
        SELECT coalesce(json_agg(json_build_object(
                   'grantee', CASE WHEN g.grantee <> 0 THEN pg_get_userbyid(g.grantee) END, 'column', g.column_name,
                   'privileges', g.privileges, 'grantable', g.is_grantable) ORDER BY g.place), '[]')
        FROM granted g WHERE g.is_kept),
    'rebuild', (SELECT coalesce(json_agg(s.sql ORDER BY s.place, s.name), '[]') FROM storage s),
    'follow', (
        SELECT coalesce(json_agg(json_build_object('oid', r.oid::int8, 'means', ({means}), 'sql',
                   format('CREATE OR REPLACE VIEW %I.%I%s AS%s%s', r.nspname, r.relname,
                   coalesce(' WITH (' || array_to_string(r.reloptions, ', ') || ')', ''), chr(10),
                   rtrim(pg_get_viewdef(r.oid), '; '))) ORDER BY r.oid), '[]')
        FROM readers r WHERE r.relkind = 'v'),
    'foreign_readers', (
        SELECT coalesce(json_agg(format('%I.%I', r.nspname, r.relname)), '[]')
        FROM readers r WHERE r.relkind = 'v' AND NOT pg_has_role(r.relowner, 'USAGE')),
    'stuck', (SELECT coalesce(json_agg(s.what), '[]') FROM stuck s))::text
FROM v
