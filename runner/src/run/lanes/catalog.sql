-- What this database holds beyond a new one, and beyond what extensions other than :name brought: a line for each property of each object, as
-- class, identity, property, value. No OID and no count of the server's own shows, so that two databases with the same objects give the same
-- lines. Objects that have no existence of their own (arrays, row types, internal triggers, defaults) are properties of those that have.
--
-- It only reads: what it created could set off event triggers.
SET search_path = pg_catalog;
SET DateStyle = 'ISO';
COPY (
WITH RECURSIVE other (class, oid) AS (
    SELECT classid, objid FROM pg_depend JOIN pg_extension e ON refclassid = 'pg_extension'::regclass AND refobjid = e.oid
    WHERE deptype = 'e' AND extname <> :'name'
    UNION
    -- What is a part of these, such as the functions of an operator class, and the constraints of a table.
    SELECT d.classid, d.objid FROM other o JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.oid
    WHERE d.deptype IN ('a', 'i')
), object (class, oid, part, it) AS (
    SELECT 'pg_proc'::regclass, p.oid, 0, jsonb_build_object(
        'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid), 'kind', prokind,
        'language', lanname, 'library', probin, 'body', CASE
            WHEN lanname = 'sql' AND prosrc = '' THEN pg_get_functiondef(p.oid)
            -- How a body is laid out does not matter; in other languages it may.
            WHEN lanname IN ('sql', 'plpgsql') THEN btrim(regexp_replace(prosrc, '\s+', ' ', 'g'))
            ELSE prosrc END,
        'volatility', provolatile, 'strict', proisstrict, 'parallel safety', proparallel, 'security definer', prosecdef,
        'leakproof', proleakproof, 'cost', procost, 'rows', prorows, 'support function', prosupport,
        'settings', proconfig, 'owner', proowner::regrole,
        'privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(proacl, acldefault('f', proowner))) a))
        || coalesce(to_jsonb(a) - '{aggfnoid,aggtranstype,aggmtranstype,aggsortop}'::text[] || jsonb_build_object(
            'aggtranstype', aggtranstype::regtype, 'aggmtranstype', aggmtranstype::regtype, 'aggsortop', aggsortop::regoperator), '{}')
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang LEFT JOIN pg_aggregate a ON aggfnoid = p.oid
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, to_jsonb(t)
        - '{oid,typname,typnamespace,typowner,typrelid,typelem,typarray,typbasetype,typtypmod,typcollation,typdefaultbin,typacl}'::text[]
        || jsonb_build_object('element', typelem::regtype, 'base type', format_type(nullif(typbasetype, 0), typtypmod),
        'collation', typcollation::regcollation, 'owner', typowner::regrole,
        'labels', (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
        'attributes', (SELECT array_agg(concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod)) ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = typrelid AND attnum > 0 AND NOT attisdropped),
        'privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(typacl, acldefault('T', typowner))) a))
        || coalesce((SELECT jsonb_build_object('subtype', rngsubtype::regtype, 'subtype collation', rngcollation::regcollation,
            'subtype operator class', (SELECT identity FROM pg_identify_object('pg_opclass'::regclass, rngsubopc, 0)),
            'canonical function', rngcanonical, 'difference function', rngsubdiff) FROM pg_range WHERE rngtypid = t.oid), '{}')
    FROM pg_type t LEFT JOIN pg_class r ON r.oid = typrelid
    WHERE coalesce(relkind = 'c', true) AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 0, jsonb_build_object(
        'persistence', relpersistence, 'options', reloptions, 'replica identity', relreplident, 'row security', relrowsecurity,
        'forced row security', relforcerowsecurity, 'access method', amname, 'type', nullif(reloftype, 0)::regtype,
        'tablespace', nullif(reltablespace, 0), 'partition key', pg_get_partkeydef(c.oid), 'partition', pg_get_expr(relpartbound, c.oid),
        'owner', relowner::regrole)
        || CASE WHEN relkind IN ('v', 'm') THEN jsonb_build_object('definition', pg_get_viewdef(c.oid)) ELSE '{}' END
        || CASE WHEN relkind IN ('i', 'I') THEN jsonb_build_object('definition', pg_get_indexdef(c.oid)) ELSE jsonb_build_object(
            'privileges', (SELECT array_agg(a::text ORDER BY a::text)
                FROM unnest(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))) a)) END
        || CASE WHEN relkind IN ('r', 'p', 'f') THEN jsonb_build_object(
            'columns', (SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
            'parents', (SELECT array_agg(inhparent::regclass ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid)) ELSE '{}' END
        || coalesce((SELECT to_jsonb(s) - '{seqrelid,seqtypid}'::text[] || jsonb_build_object('seqtypid', seqtypid::regtype)
            FROM pg_sequence s WHERE seqrelid = c.oid), '{}')
        || coalesce((SELECT jsonb_build_object('server', srvname, 'foreign options', ftoptions)
            FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver WHERE ftrelid = c.oid), '{}')
    FROM pg_class c LEFT JOIN pg_am ON pg_am.oid = relam
    WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I') AND relnamespace <> 'pg_toast'::regnamespace
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum, jsonb_build_object(
        'type', format_type(atttypid, atttypmod), 'not null', attnotnull, 'default', pg_get_expr(adbin, adrelid),
        'identity', nullif(attidentity, ''), 'generated', nullif(attgenerated, ''), 'storage', attstorage,
        'compression', nullif(to_jsonb(a) ->> 'attcompression', ''), 'collation', attcollation::regcollation,
        -- Newer minor versions keep a state of their own among the options, `pg_attver`.
        'options', (SELECT array_agg(x ORDER BY x) FROM unnest(attoptions) x WHERE x !~ '^pg_'),
        'foreign options', attfdwoptions, 'is local', attislocal, 'inherited from', attinhcount,
        'privileges', (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(attacl) x))
    FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
    WHERE relkind IN ('r', 'p', 'f') AND attnum > 0 AND NOT attisdropped
    UNION ALL
    -- NOT NULL is a property of the column; its constraint of PostgreSQL 18 says no more.
    SELECT 'pg_constraint'::regclass, oid, 0, jsonb_build_object('definition', pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype NOT IN ('t', 'n')
    UNION ALL
    SELECT 'pg_trigger'::regclass, oid, 0, jsonb_build_object('definition', pg_get_triggerdef(oid), 'enabled', tgenabled)
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'pg_rewrite'::regclass, oid, 0, jsonb_build_object('definition', pg_get_ruledef(oid), 'enabled', ev_enabled)
    FROM pg_rewrite WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT 'pg_policy'::regclass, oid, 0, jsonb_build_object('command', polcmd, 'permissive', polpermissive,
        'roles', (SELECT array_agg(r::regrole::text ORDER BY r::regrole::text) FROM unnest(polroles) r),
        'using', pg_get_expr(polqual, polrelid), 'with check', pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy
    UNION ALL
    SELECT 'pg_operator'::regclass, oid, 0, jsonb_build_object('function', oprcode::regprocedure, 'result', oprresult::regtype,
        'commutator', oprcom::regoperator, 'negator', oprnegate::regoperator, 'merges', oprcanmerge, 'hashes', oprcanhash,
        'restriction estimator', oprrest, 'join estimator', oprjoin, 'owner', oprowner::regrole)
    FROM pg_operator
    UNION ALL
    SELECT 'pg_opfamily'::regclass, oid, 0, jsonb_build_object('owner', opfowner::regrole) FROM pg_opfamily
    UNION ALL
    SELECT 'pg_opclass'::regclass, oid, 0, jsonb_build_object('type', opcintype::regtype, 'default', opcdefault,
        'stored type', nullif(opckeytype, 0)::regtype, 'owner', opcowner::regrole,
        'family', (SELECT identity FROM pg_identify_object('pg_opfamily'::regclass, opcfamily, 0)))
    FROM pg_opclass
    UNION ALL
    SELECT 'pg_amop'::regclass, oid, 0, jsonb_build_object('operator', amopopr::regoperator, 'purpose', amoppurpose,
        'sort family', (SELECT identity FROM pg_identify_object('pg_opfamily'::regclass, nullif(amopsortfamily, 0), 0)))
    FROM pg_amop
    UNION ALL
    SELECT 'pg_amproc'::regclass, oid, 0, jsonb_build_object('function', amproc::regprocedure) FROM pg_amproc
    UNION ALL
    SELECT 'pg_cast'::regclass, oid, 0, jsonb_build_object('function', castfunc::regprocedure, 'context', castcontext, 'method', castmethod)
    FROM pg_cast
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, 0, jsonb_build_object('owner', nspowner::regrole,
        'privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) a))
    FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT 'pg_language'::regclass, oid, 0, jsonb_build_object('handler', lanplcallfoid::regprocedure, 'inline handler', laninline::regprocedure,
        'validator', lanvalidator::regprocedure, 'trusted', lanpltrusted, 'owner', lanowner::regrole,
        'privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(lanacl, acldefault('l', lanowner))) a))
    FROM pg_language
    UNION ALL
    SELECT 'pg_transform'::regclass, oid, 0, jsonb_build_object('from', trffromsql::regprocedure, 'to', trftosql::regprocedure)
    FROM pg_transform
    UNION ALL
    SELECT 'pg_am'::regclass, oid, 0, jsonb_build_object('handler', amhandler, 'type', amtype) FROM pg_am
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, jsonb_build_object('handler', fdwhandler::regprocedure,
        'validator', fdwvalidator::regprocedure, 'options', fdwoptions, 'owner', fdwowner::regrole,
        'privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(fdwacl, acldefault('F', fdwowner))) a))
    FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, jsonb_build_object('wrapper', fdwname, 'type', srvtype, 'version', srvversion,
        'options', srvoptions, 'owner', srvowner::regrole,
        'privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(srvacl, acldefault('S', srvowner))) a))
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw
    UNION ALL
    SELECT 'pg_user_mapping'::regclass, oid, 0, jsonb_build_object('options', umoptions) FROM pg_user_mapping
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, oid, 0, jsonb_build_object('event', evtevent, 'function', evtfoid::regprocedure,
        'enabled', evtenabled, 'tags', evttags, 'owner', evtowner::regrole)
    FROM pg_event_trigger
    UNION ALL
    SELECT 'pg_ts_parser'::regclass, oid, 0, to_jsonb(p) - '{oid,prsname,prsnamespace}'::text[] FROM pg_ts_parser p
    UNION ALL
    SELECT 'pg_ts_template'::regclass, oid, 0, to_jsonb(t) - '{oid,tmplname,tmplnamespace}'::text[] FROM pg_ts_template t
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, 0, jsonb_build_object('template', tmplname, 'options', dictinitoption, 'owner', dictowner::regrole)
    FROM pg_ts_dict d JOIN pg_ts_template t ON t.oid = dicttemplate
    UNION ALL
    SELECT 'pg_ts_config'::regclass, c.oid, 0, jsonb_build_object('parser', prsname, 'owner', cfgowner::regrole, 'mappings',
        (SELECT array_agg(concat_ws(' ', maptokentype, mapdict::regdictionary) ORDER BY maptokentype, mapseqno)
            FROM pg_ts_config_map WHERE mapcfg = c.oid))
    FROM pg_ts_config c JOIN pg_ts_parser p ON p.oid = cfgparser
    UNION ALL
    SELECT 'pg_collation'::regclass, oid, 0, to_jsonb(c) - '{oid,collname,collnamespace,collowner,collversion}'::text[] FROM pg_collation c
    UNION ALL
    SELECT 'pg_conversion'::regclass, oid, 0, to_jsonb(c) - '{oid,conname,connamespace,conowner}'::text[] FROM pg_conversion c
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, oid, 0, jsonb_build_object('definition', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext
    UNION ALL
    SELECT 'pg_publication'::regclass, oid, 0, to_jsonb(p) - '{oid,pubname,pubowner}'::text[] FROM pg_publication p
    UNION ALL
    SELECT 'pg_default_acl'::regclass, oid, 0,
        jsonb_build_object('privileges', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(defaclacl) a))
    FROM pg_default_acl
    UNION ALL
    SELECT 'pg_extension'::regclass, oid, 0, jsonb_build_object('version', extversion, 'schema', extnamespace::regnamespace,
        'relocatable', extrelocatable, 'configuration tables', (SELECT array_agg(concat_ws(' ', coalesce(relname, 'a table that is gone'), condition) ORDER BY relname)
            FROM unnest(extconfig, extcondition) c (id, condition) LEFT JOIN pg_class r ON r.oid = id))
    FROM pg_extension WHERE extname = :'name'
)
SELECT i.type, i.identity, property, CASE
    WHEN length(value) > 8000 THEN left(value, 4000) || '... and more, with the MD5 ' || md5(value) ELSE value END
FROM object o
    LEFT JOIN pg_depend d ON d.classid = o.class AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'
    LEFT JOIN pg_extension e ON e.oid = d.refobjid
    LEFT JOIN pg_description s ON s.classoid = o.class AND s.objoid = o.oid AND s.objsubid = o.part AND o.class <> 'pg_extension'::regclass,
    pg_identify_object(o.class, o.oid, o.part) i,
    jsonb_each_text(jsonb_strip_nulls(it || jsonb_build_object('there', true, 'extension', CASE o.part WHEN 0 THEN e.extname END, 'comment', s.description))) p (property, value)
-- The first OID that is not the server's own.
WHERE o.oid >= 16384 AND (e.extname = :'name' OR (o.class, o.oid) NOT IN (SELECT class, oid FROM other))
LIMIT 100000
) TO STDOUT;
SELECT format('COPY (SELECT %L, %L, %L, count(*) FROM (SELECT FROM ONLY %s LIMIT 100000) it) TO STDOUT', i.type, i.identity, 'rows', i.identity)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_class c ON c.oid = d.objid,
    pg_identify_object(d.classid, d.objid, 0) i
WHERE d.deptype = 'e' AND e.extname = :'name' AND d.classid = 'pg_class'::regclass AND relkind = 'r' AND relpersistence <> 't'
LIMIT 1000
\gexec
