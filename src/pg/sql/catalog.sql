-- The materialized views ($1: these OIDs; NULL: all), one JSON document each.
-- search_path must be empty, so that pg_get_viewdef qualifies every name.
-- 13 to 18: every column and function used here is in all of them and open to everybody. The only difference is the right
-- to MAINTAIN, which came with 17 and is an error before: the server, not what a pooler says of it, picks the branch.
WITH RECURSIVE mv AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ($1::oid[] IS NULL OR c.oid = ANY ($1))
      -- Of the plain views only those that mvtop made of a materialized one: the way back is a comment on their rule.
      AND (c.relkind = 'm' OR c.relkind = 'v' AND EXISTS (
          SELECT FROM pg_catalog.pg_rewrite r
          JOIN pg_catalog.pg_description s ON s.classoid = 'pg_catalog.pg_rewrite'::regclass AND s.objoid = r.oid
          WHERE r.ev_class = c.oid AND s.description LIKE 'mvtop: {%'))
),
-- From each view down to the tables it reads: through plain views, and from a parent table to its partitions.
reads (view, relation) AS (
    SELECT mv.oid, d.refobjid
    FROM mv
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = mv.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> mv.oid
    UNION
    SELECT reads.view, next.relation
    FROM reads
    CROSS JOIN LATERAL (
        SELECT d.refobjid AS relation
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                                   AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> c.oid
        WHERE c.oid = reads.relation AND c.relkind = 'v'
        UNION ALL
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = reads.relation
    ) AS next
),
-- The functions that give other values at each call; PostgreSQL's own are not among what a rule depends on.
volatile AS MATERIALIZED (
    SELECT below.view, json_agg(DISTINCT p.proname) AS names
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = p.oid
                               AND d.classid = 'pg_catalog.pg_rewrite'::regclass
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
    JOIN (SELECT mv.oid AS view, mv.oid FROM mv UNION SELECT reads.view, reads.relation FROM reads) AS below
         ON below.oid = c.oid AND (c.relkind = 'v' OR c.oid = below.view)
    WHERE p.provolatile = 'v'
    GROUP BY below.view
),
-- What is locked against readers by others than us, or is going to be: whoever comes now waits behind one that waits. Read
-- once, for each look costs as much as there are locks. A prepared transaction has no pid.
locks AS MATERIALIZED (
    SELECT l.relation
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
),
-- The definitions of the views and of the plain views below them. pg_get_viewdef waits for whoever locked a view or what it
-- reads, and all views would wait with it: those have none.
definitions AS MATERIALIZED (
    SELECT c.oid, c.relkind, CASE WHEN EXISTS (
        SELECT FROM locks l
        WHERE l.relation = c.oid
           OR l.relation IN (SELECT d.refobjid
                             FROM pg_catalog.pg_rewrite w
                             JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
                                                        AND d.refclassid = 'pg_catalog.pg_class'::regclass
                             WHERE w.ev_class = c.oid)
    ) THEN '' ELSE pg_catalog.pg_get_viewdef(c.oid) END AS definition
    FROM pg_catalog.pg_class c
    WHERE c.oid IN (SELECT mv.oid FROM mv) OR c.relkind = 'v' AND c.oid IN (SELECT reads.relation FROM reads)
),
-- The indexes REFRESH ... CONCURRENTLY can use: unique, valid, immediate, whole, on columns. Shortest first.
usable AS (
    SELECT i.indrelid, i.indexrelid, i.indnkeyatts, i.indkey, i.indclass, i.indcollation
    FROM pg_catalog.pg_index i
    JOIN mv ON mv.oid = i.indrelid
    WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
),
-- Their columns, with the equality each index goes by if a join can use it. A join compares in the column's collation,
-- so it may take for equal what an index in another one tells apart.
keys AS (
    SELECT u.indrelid, u.indexrelid, u.indnkeyatts, json_agg(json_build_object('name', a.attname, 'equals', (
               SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
               FROM pg_catalog.pg_opclass c
               JOIN pg_catalog.pg_am am ON am.oid = c.opcmethod AND am.amname = 'btree'
               JOIN pg_catalog.pg_amop m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype
                                        AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3
               JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr AND (o.oprcanmerge OR o.oprcanhash)
               JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
               WHERE c.oid = k.opclass
                 AND (k.in_collation = a.attcollation
                      OR EXISTS (SELECT FROM pg_catalog.pg_collation l
                                 WHERE l.oid = a.attcollation AND l.collisdeterministic))
           )) ORDER BY k.place) AS columns
    FROM usable u
    CROSS JOIN LATERAL unnest(u.indkey::int2[], u.indclass::oid[], u.indcollation::oid[])
                       WITH ORDINALITY AS k (attnum, opclass, in_collation, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = u.indrelid AND a.attnum = k.attnum
    WHERE k.place <= u.indnkeyatts
    GROUP BY u.indrelid, u.indexrelid, u.indnkeyatts
)
SELECT json_build_object(
    'oid', mv.oid::int8,
    'schema', mv.nspname,
    'name', mv.relname,
    'owner', pg_catalog.pg_get_userbyid(mv.relowner),
    'definition', (SELECT d.definition FROM definitions d WHERE d.oid = mv.oid),
    'columns', (
        SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, NULL),
                   'is_composite', NOT (t.typtype IN ('b', 'e') AND coalesce(e.typtype IN ('b', 'e'), true)),
                   -- The equality of a type whose equal values may be written differently (1.0 and 1.00, Ana and ana).
                   'equals', CASE WHEN b.typtype = 'e' OR b.oid IN (
                           'bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'uuid'::regtype,
                           'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'time'::regtype, 'name'::regtype,
                           'bytea'::regtype, 'char'::regtype)
                       OR b.oid IN ('text'::regtype, 'varchar'::regtype)
                          AND coalesce((SELECT l.collisdeterministic FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation), true)
                       THEN NULL
                       ELSE (SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                             FROM pg_catalog.pg_opclass oc
                             JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
                             JOIN pg_catalog.pg_amop m ON m.amopfamily = oc.opcfamily AND m.amoplefttype = oc.opcintype
                                                      AND m.amoprighttype = oc.opcintype AND m.amopstrategy = 3
                             JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
                             JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                             WHERE oc.opcdefault AND oc.opcintype = CASE
                                 WHEN b.typcategory = 'A' THEN 'anyarray'::regtype WHEN b.typtype = 'r' THEN 'anyrange'::regtype
                                 WHEN b.typtype = 'c' THEN 'record'::regtype
                                 WHEN b.oid = 'varchar'::regtype THEN 'text'::regtype ELSE b.oid END)
                   END
               ) ORDER BY a.attnum), '[]')
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN pg_catalog.pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
        LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
        WHERE a.attrelid = mv.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'unique', (
        SELECT coalesce(json_agg(keys.columns ORDER BY keys.indnkeyatts, keys.indexrelid), '[]')
        FROM keys WHERE keys.indrelid = mv.oid),
    'base_tables', (
        SELECT coalesce(json_agg(json_build_object('oid', c.oid::int8, 'name', c.relname,
                                                   'is_foreign', c.relkind = 'f')), '[]')
        FROM (SELECT DISTINCT r.view, r.relation FROM reads r) AS reads
        JOIN pg_catalog.pg_class c ON c.oid = reads.relation
        WHERE reads.view = mv.oid AND c.relkind IN ('r', 'm', 'p', 'f')),
    'plain_views', (
        SELECT coalesce(json_agg(d.definition), '[]')
        FROM definitions d
        WHERE d.relkind = 'v' AND d.oid IN (SELECT r.relation FROM reads r WHERE r.view = mv.oid)),
    -- Not those of a table with children that is not partitioned: theirs are unique only each by itself.
    'identities', (
        SELECT coalesce(json_agg(DISTINCT json_build_array(n.nspname, c.relname, a.attname)::jsonb), '[]')
        FROM reads r
        JOIN pg_catalog.pg_class c ON c.oid = r.relation AND NOT (c.relkind = 'r' AND c.relhassubclass)
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                                  AND i.indnkeyatts = 1 AND i.indpred IS NULL
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] AND a.attnotnull
        WHERE r.view = mv.oid),
    -- Another number when a plain view below it was replaced.
    'below', (
        SELECT coalesce(sum(w.xmin::text::int8), 0)
        FROM (SELECT DISTINCT r.view, r.relation FROM reads r) AS reads
        JOIN pg_catalog.pg_rewrite w ON w.ev_class = reads.relation
        WHERE reads.view = mv.oid),
    -- All that it reads, and what stands in its own text: a look makes sure that it is still that.
    'relations', (SELECT coalesce(json_agg(DISTINCT r.relation::int8), '[]') FROM reads r WHERE r.view = mv.oid),
    'names', (
        SELECT json_agg(json_build_object('oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname) ORDER BY c.oid)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = mv.oid
           OR c.oid IN (SELECT d.refobjid
                        FROM pg_catalog.pg_rewrite w
                        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
                                                   AND d.refclassid = 'pg_catalog.pg_class'::regclass
                        WHERE w.ev_class = mv.oid)),
    -- Must more be known than this before it is looked at: code that did not come with the server, or settings of any role, which may be one that refreshes it?
    'is_simple', NOT EXISTS (
        SELECT FROM pg_catalog.pg_rewrite w
        JOIN pg_catalog.pg_class c ON c.oid = w.ev_class AND (c.oid = mv.oid OR c.relkind = 'v')
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid >= 16384
                                   AND d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass,
                                                        'pg_catalog.pg_type'::regclass)
        WHERE w.ev_class = mv.oid OR w.ev_class IN (SELECT r.relation FROM reads r WHERE r.view = mv.oid))
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_db_role_setting s
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())))
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
        WHERE (c.oid = mv.oid OR c.oid IN (SELECT r.relation FROM reads r WHERE r.view = mv.oid))
          AND (NOT pg_catalog.has_schema_privilege(mv.relowner, c.relnamespace, 'USAGE')
               OR NOT o.rolsuper AND o.rolname <> current_user)),
    'may_become_owner', CASE WHEN current_setting('server_version_num')::int4 >= 160000
                             THEN pg_catalog.pg_has_role(mv.relowner, 'SET') ELSE pg_catalog.pg_has_role(mv.relowner, 'MEMBER') END,
    'volatile', coalesce((SELECT f.names FROM volatile f WHERE f.view = mv.oid), '[]'),
    'kind', mv.relkind,
    'triggers', (
        SELECT coalesce(json_agg(json_build_object(
                   'table', t.tgrelid::int8, 'name', t.tgname, 'enabled', t.tgenabled IN ('O', 'A'), 'body', p.prosrc,
                   'search_path', (SELECT substr(c.setting, length('search_path=') + 1)
                                   FROM unnest(p.proconfig) AS c (setting)
                                   WHERE c.setting LIKE 'search\_path=%'),
                   -- Which of INSERT (4), DELETE (8), UPDATE (16) and TRUNCATE (32) it always fires after: not BEFORE (2), nor
                   -- INSTEAD (64).
                   'writes', CASE WHEN t.tgqual IS NOT NULL OR t.tgtype & 66 <> 0 THEN 0
                                  WHEN cardinality(t.tgattr::int2[]) > 0 THEN t.tgtype & 44 ELSE t.tgtype & 60 END)
                   ORDER BY t.tgrelid, t.tgname), '[]')
        FROM reads
        JOIN pg_catalog.pg_trigger t ON t.tgrelid = reads.relation AND NOT t.tgisinternal
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
        WHERE reads.view = mv.oid AND p.prosrc ~* 'refresh\s+materialized\s+view'),
    -- A refresh reads tables by the rights of the view's owner, and those of a plain view below by that one's, unless it is
    -- security_invoker (15 and later). Row security that may hide rows from such a role gives it others than it gives us.
    'hides', (
        SELECT json_build_object('table', c.relname, 'role', o.rolname)
        FROM (SELECT mv.oid, mv.relowner AS role
              UNION ALL
              SELECT p.oid, CASE WHEN 'security_invoker=true' = ANY (p.reloptions) OR 'security_invoker=on' = ANY (p.reloptions)
                                 THEN mv.relowner ELSE p.relowner END
              FROM reads r
              JOIN pg_catalog.pg_class p ON p.oid = r.relation AND p.relkind = 'v'
              WHERE r.view = mv.oid) AS by
        JOIN pg_catalog.pg_rewrite w ON w.ev_class = by.oid
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
                                   AND d.refclassid = 'pg_catalog.pg_class'::regclass
        JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relrowsecurity
        JOIN pg_catalog.pg_roles o ON o.oid = by.role AND NOT o.rolsuper AND NOT o.rolbypassrls
        WHERE mv.relkind = 'm' AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(by.role, c.relowner, 'USAGE'))
        ORDER BY c.relname
        LIMIT 1),
    'can_select', pg_catalog.has_table_privilege(mv.oid, 'SELECT')
                  AND pg_catalog.has_schema_privilege(mv.nspname, 'USAGE'),
    -- The definition is run as text by this role, so it needs rights on what stands in it, not on what lies below that.
    'lacks', (
        SELECT coalesce(json_agg(json_build_object('schema', r.nspname, 'name', r.relname, 'usage', r.usage,
                   'select', r.readable) ORDER BY r.oid <> mv.oid, r.nspname, r.relname), '[]')
        FROM (SELECT c.oid, n.nspname, c.relname,
                     pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usage,
                     pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS readable
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE c.oid = mv.oid
                 OR c.oid IN (SELECT d.refobjid
                              FROM pg_catalog.pg_rewrite w
                              JOIN pg_catalog.pg_depend d
                                ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
                                   AND d.refclassid = 'pg_catalog.pg_class'::regclass
                              WHERE w.ev_class = mv.oid)) r
        WHERE NOT (r.usage AND r.readable)),
    'can_refresh', pg_catalog.pg_has_role(mv.relowner, 'USAGE')
        OR CASE WHEN current_setting('server_version_num')::int4 >= 170000
                THEN pg_catalog.has_table_privilege(mv.oid, 'MAINTAIN') ELSE false END
)::text
FROM mv
ORDER BY mv.nspname, mv.relname
