pg_catalog.md5(concat_ws(' ',
        (SELECT string_agg(concat_ws(',', c.oid, c.relname, c.relnamespace, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
                                     CASE c.relkind WHEN 'v' THEN c.reloptions::text END), ' ' ORDER BY c.oid)
         FROM pg_class c WHERE c.oid IN ({relations})),
        (SELECT string_agg(concat_ws(',', w.oid, w.xmin), ' ' ORDER BY w.oid) FROM pg_rewrite w WHERE w.ev_class IN ({relations})),
        (SELECT string_agg(concat_ws(',', p.oid, p.xmin), ' ' ORDER BY p.oid) FROM pg_policy p WHERE p.polrelid IN ({relations})),
        (SELECT string_agg(concat_ws(',', i.indexrelid, i.indclass, pg_catalog.md5(concat(i.indexprs, i.indpred))), ' ' ORDER BY i.indexrelid)
         FROM pg_index i WHERE i.indrelid IN ({relations})),
        (SELECT string_agg(concat_ws(',', k.oid, k.xmin), ' ' ORDER BY k.oid) FROM pg_constraint k
         WHERE k.contype = 'c' AND (k.conrelid IN ({relations}) OR k.contypid IN ({types}))),
        (SELECT string_agg(i.inhrelid::text, ' ' ORDER BY i.inhrelid) FROM pg_inherits i WHERE i.inhparent IN ({relations})),
        (SELECT string_agg(s.oid::text, ' ' ORDER BY s.oid) FROM pg_statistic_ext s WHERE s.stxrelid IN ({relations})),
        (SELECT string_agg(concat_ws(',', p.oid, p.xmin, r.rolsuper), ' ' ORDER BY p.oid)
         FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.oid IN ({functions})),
        (SELECT string_agg(concat_ws(',', s.oid, s.castfunc), ' ' ORDER BY s.oid) FROM pg_cast s WHERE s.castsource IN ({types}) OR s.casttarget IN ({types})),
        (SELECT string_agg(concat_ws(',', t.oid, t.xmin), ' ' ORDER BY t.oid) FROM pg_type t WHERE t.oid IN ({types})),
        (SELECT string_agg(concat_ws(',', n.oid, n.nspname, n.nspowner, n.nspacl), ' ' ORDER BY n.oid) FROM pg_namespace n WHERE n.oid IN ({schemas})),
        (SELECT string_agg(concat_ws(',', s.setdatabase, s.setrole, s.xmin), ' ' ORDER BY s.setdatabase, s.setrole) FROM pg_db_role_setting s)))
