SELECT md5(concat_ws(' ', c.relkind, c.relnamespace, c.relowner, c.relacl, c.relam, c.reltablespace, c.reloptions,
  (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid), pg_get_viewdef(c.oid),
  (SELECT string_agg(a::text, ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid),
  (SELECT string_agg(concat_ws(' ', i.indexrelid, i.indisclustered, x.relname, x.reloptions, x.reltablespace), ' ' ORDER BY i.indexrelid)
   FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid),
  (SELECT string_agg(s::text, ' ' ORDER BY s.oid) FROM pg_statistic_ext s WHERE s.stxrelid = c.oid),
  (SELECT string_agg(concat_ws(' ', r.oid, r.xmin, v.reloptions), ' ' ORDER BY r.oid, d.refobjsubid)
   FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
   WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_catalog.pg_rewrite'::regclass),
  (SELECT string_agg(d::text, ' ' ORDER BY d.objoid, d.objsubid) FROM pg_description d
   WHERE d.classoid = 'pg_catalog.pg_class'::regclass
     AND (d.objoid = c.oid OR d.objoid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid)))))
FROM pg_class c WHERE c.oid = {oid}
