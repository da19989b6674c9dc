-- For each function, aggregate and operator of pg_catalog that the program's SQL may name, one with better fitting argument types wherever a call by
-- those types finds pg_catalog's only through a coercion or a polymorphic argument. Each does what the right one does, after it left its mark. They go
-- to {schema}; the kind of mark is {kind}. Run as mallory.
DO $plant$
DECLARE
    kinds text[] := '{bool,"\"char\"",name,text,int2,int4,int8,oid,xid,float8,numeric,timestamptz,interval,regclass,json,jsonb,_oid,_text,_int2,int2vector,aclitem,_aclitem,pg_lsn,date}';
    names text[] := '{{names}}';
    operators text[] := '{{operators}}';
    f record; a text; b text; result text;
BEGIN
    FOR f IN SELECT DISTINCT p.proname, p.pronargs, p.prokind FROM pg_proc p
             WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (names) AND NOT p.proretset
               AND (p.prokind = 'f' AND (p.pronargs IN (1, 2) OR p.provariadic <> 0) OR p.prokind = 'a' AND p.pronargs = 1) LOOP
        FOREACH a IN ARRAY kinds LOOP
            FOREACH b IN ARRAY CASE WHEN f.pronargs = 2 THEN kinds ELSE '{-}' END LOOP
                CONTINUE WHEN EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = f.proname
                                        AND array_to_string(p.proargtypes::oid[], ',') = concat_ws(',', a::regtype::oid, CASE WHEN b <> '-' THEN b::regtype::oid END));
                CONTINUE WHEN to_regprocedure(format('{schema}.%I(%s)', f.proname, concat_ws(',', a, nullif(b, '-')))) IS NOT NULL;
                BEGIN
                    EXECUTE format('SELECT pg_typeof(pg_catalog.%I(%s))', f.proname, concat_ws(',', 'NULL::' || a, 'NULL::' || nullif(b, '-'))) INTO result;
                EXCEPTION WHEN OTHERS THEN
                    CONTINUE;
                END;
                CONTINUE WHEN result IS NULL OR result IN ('void', 'record', 'anyarray') OR f.prokind = 'a' AND a ~ '^_';
                IF f.prokind = 'a' THEN
                    EXECUTE format('CREATE FUNCTION {schema}.%I(%s[]) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM mallory.mark(''{kind}''); RETURN (SELECT pg_catalog.%I(x) FROM pg_catalog.unnest($1) x); END $f$',
                                   'end_of_' || f.proname, a, result, f.proname);
                    EXECUTE format('CREATE AGGREGATE {schema}.%I(%s) (SFUNC = pg_catalog.array_append, STYPE = %s[], INITCOND = ''{}'', FINALFUNC = {schema}.%I)',
                                   f.proname, a, a, 'end_of_' || f.proname);
                ELSE
                    EXECUTE format('CREATE FUNCTION {schema}.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM mallory.mark(''{kind}''); RETURN pg_catalog.%I(%s); END $f$',
                                   f.proname, concat_ws(',', a, nullif(b, '-')), result, f.proname, CASE b WHEN '-' THEN '$1' ELSE '$1, $2' END);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
    -- What gives rows is asked for by hand.
    FOREACH a IN ARRAY '{oid,text,int2,name}'::text[] LOOP
        EXECUTE format('CREATE FUNCTION {schema}.unnest(%s[]) RETURNS SETOF %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM mallory.mark(''{kind}''); RETURN QUERY SELECT pg_catalog.unnest($1); END $f$', a, a);
    END LOOP;
    CREATE FUNCTION {schema}.concat(timestamptz, text, pg_snapshot) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN PERFORM mallory.mark('{kind}'); RETURN pg_catalog.concat($1, $2, $3); END $f$;
    FOREACH result IN ARRAY operators LOOP
        FOREACH a IN ARRAY kinds LOOP
            FOREACH b IN ARRAY kinds LOOP
                CONTINUE WHEN EXISTS (SELECT FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprname = result
                                        AND o.oprleft = a::regtype AND o.oprright = b::regtype);
                DECLARE gives text;
                BEGIN
                    BEGIN
                        EXECUTE format('SELECT pg_typeof(NULL::%s OPERATOR(pg_catalog.%s) NULL::%s)', a, result, b) INTO gives;
                    EXCEPTION WHEN OTHERS THEN
                        CONTINUE;
                    END;
                    EXECUTE format('CREATE FUNCTION {schema}.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM mallory.mark(''{kind} operator''); RETURN $1 OPERATOR(pg_catalog.%s) $2; END $f$',
                                   md5(result), a, b, gives, result);
                    EXECUTE format('CREATE OPERATOR {schema}.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = {schema}.operator_%s)', result, a, b, md5(result));
                    END;
            END LOOP;
        END LOOP;
    END LOOP;
END $plant$;
