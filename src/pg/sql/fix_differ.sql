DECLARE what text;
BEGIN
SELECT string_agg(pg_describe_object(class, object, 0), ', ') INTO what FROM (
  SELECT d.refclassid, d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  WHERE r.ev_class IN ({old}, {new}) AND r.rulename = '_RETURN' AND d.refobjid <> r.ev_class
  GROUP BY d.refclassid, d.refobjid HAVING count(DISTINCT r.ev_class) = 1) AS only_one (class, object);
IF what IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = {other_meaning} || what; END IF;
SELECT string_agg(DISTINCT attname::text, ', ') INTO what FROM (
  SELECT attname FROM pg_attribute WHERE attrelid IN ({old}, {new}) AND attnum > 0 AND NOT attisdropped
  GROUP BY attnum, attname, atttypid, atttypmod, attcollation HAVING count(*) = 1) AS only_one;
IF what IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = {other_types} || what; END IF;
END
