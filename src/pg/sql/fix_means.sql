SELECT pg_catalog.md5(coalesce(string_agg(DISTINCT concat_ws(' ', d.refclassid, d.refobjid), ','), ''))
FROM pg_catalog.pg_rewrite w
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
WHERE w.ev_class = {relation} AND w.rulename = '_RETURN'
  AND NOT (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid IN ({relation}, {itself}))
